//! Presentations with one fault each, to see which of them a library refuses by itself.

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::encoding::b64;
use enishi_credential::sdjwt::HashAlgorithm;
use enishi_peers::{AUD, NONCE, NOW, signer};
use serde_json::{Value, json};

/// What a presentation is made of.
#[derive(Clone)]
struct Parts {
    typ: &'static str,
    payload: Value,
    disclosures: Vec<String>,
    binding: Value,
    binding_typ: &'static str,
    holder: &'static str,
}

/// Every fault with its presentation. The first has none.
pub(crate) fn all(issued: &str) -> Vec<(&'static str, String)> {
    let mut parts = issued.split('~').filter(|part| !part.is_empty()).map(str::to_owned);
    let jwt = parts.next().expect("a JWT");
    let payload = jwt.split('.').nth(1).and_then(|part| b64::decode(part).ok()).expect("a payload");
    let sound = Parts {
        typ: "dc+sd-jwt",
        payload: serde_json::from_slice(&payload).expect("JSON"),
        disclosures: parts.collect(),
        binding: json!({"aud": AUD, "nonce": NONCE, "iat": NOW.secs()}),
        binding_typ: "kb+jwt",
        holder: "holder",
    };
    let with = |change: &dyn Fn(&mut Parts)| {
        let mut parts = sound.clone();
        change(&mut parts);
        parts.write()
    };
    let text = sound.write();
    let disclose = |parts: &mut Parts, disclosure: String| {
        let digest = HashAlgorithm::Sha256.digest(&disclosure);
        parts.payload["_sd"].as_array_mut().expect("digests").push(digest.into());
        parts.disclosures.push(disclosure);
    };
    vec![
        ("nothing wrong", text.clone()),
        ("the issuer's signature", {
            let (jwt, rest) = text.split_once('~').expect("disclosures");
            let (input, _) = jwt.rsplit_once('.').expect("a signature");
            format!("{input}.{}~{rest}", b64::encode([7; 64]))
        }),
        ("expired", with(&|it| it.payload["exp"] = (NOW.secs() - 3600).into())),
        ("another `typ`", with(&|it| it.typ = "JWT")),
        ("another `vct`", with(&|it| it.payload["vct"] = "urn:example:other:1".into())),
        ("another `iss`", with(&|it| it.payload["iss"] = "https://other.example".into())),
        ("a disclosure twice", with(&|it| it.disclosures.push(it.disclosures[0].clone()))),
        ("a disclosure without digest", {
            with(&|it| it.disclosures.push(b64::encode(r#"["salt","extra",1]"#)))
        }),
        ("a digest twice", {
            with(&|it| {
                let digests = it.payload["_sd"].as_array_mut().expect("digests");
                digests.push(digests[0].clone());
            })
        }),
        ("a claim named `...`", with(&|it| disclose(it, b64::encode(r#"["salt","...","x"]"#)))),
        ("a claim that hides another", with(&|it| disclose(it, b64::encode(r#"["salt","vct","x"]"#)))),
        ("no key binding", with(&|it| it.binding = Value::Null)),
        ("key binding by another key", with(&|it| it.holder = "thief")),
        ("its `typ`", with(&|it| it.binding_typ = "JWT")),
        ("its `aud`", with(&|it| it.binding["aud"] = "https://other.example".into())),
        ("its `nonce`", with(&|it| it.binding["nonce"] = "nonce-0987654321".into())),
        ("its `sd_hash`", with(&|it| it.binding["sd_hash"] = HashAlgorithm::Sha256.digest("other").into())),
        ("a month old", with(&|it| it.binding["iat"] = (NOW.secs() - 2_592_000).into())),
    ]
}

impl Parts {
    fn write(&self) -> String {
        let issued = jwt(&signer("issuer"), self.typ, &self.payload);
        let mut text = [&[issued], self.disclosures.as_slice(), &[String::new()]].concat().join("~");
        if let Value::Object(mut claims) = self.binding.clone() {
            let hash = || HashAlgorithm::Sha256.digest(&text).into();
            claims.entry("sd_hash").or_insert_with(hash);
            text += &jwt(&signer(self.holder), self.binding_typ, &Value::Object(claims));
        }
        text
    }
}

fn jwt(signer: &SoftwareSigner, typ: &str, payload: &Value) -> String {
    let header = json!({"alg": "ES256", "typ": typ}).to_string();
    let input = format!("{}.{}", b64::encode(header), b64::encode(payload.to_string()));
    let signature = signer.sign_now(input.as_bytes()).expect("signed");
    format!("{input}.{}", b64::encode(signature))
}
