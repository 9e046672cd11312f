//! Tools to put texts together byte by byte. Keys, salts and signatures follow from names, so that the corpus comes out
//! the same every time.

use enishi_credential::crypto::{Signer as _, SoftwareSigner};
use enishi_credential::did::Did;
use enishi_credential::encoding::b64;
use enishi_credential::entropy::{self, SeededEntropy};
use enishi_credential::jose::jwk::PrivateJwk;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::policy::{CredentialPolicy, Keys, PresenterPolicy};

/// The issuer.
pub(super) const ISSUER: &str = "https://issuer.example";
/// The type of the sample credential.
pub(super) const VCT: &str = "urn:example:card:1";
/// The verifier.
pub(super) const AUD: &str = "x509_san_dns:verifier.example";
/// The nonce of the transaction.
pub(super) const NONCE: &str = "nonce-of-this-transaction";
/// 2026-11-21T22:26:40Z.
pub(super) const NOW: i64 = 1_795_300_000;
/// How many seconds clocks may differ.
pub(super) const LEEWAY: i64 = 60;
/// How old a Key Binding JWT may be.
pub(super) const MAX_AGE: i64 = 300;

/// The P-256 key of this name.
pub(super) fn p256(name: &str) -> SoftwareSigner {
    let key = PrivateJwk::generate_p256(&SeededEntropy::new(&format!("corpus/p256/{name}")));
    SoftwareSigner::new(key).expect("P-256 keys sign")
}

/// The Ed25519 key of this name.
pub(super) fn ed25519(name: &str) -> SoftwareSigner {
    let key = PrivateJwk::generate_ed25519(&SeededEntropy::new(&format!("corpus/ed25519/{name}")));
    SoftwareSigner::new(key).expect("Ed25519 keys sign")
}

/// The P-384 key of this name. The library has no private ones: it makes no such signatures.
fn p384(name: &str) -> p384::ecdsa::SigningKey {
    let secret = entropy::bytes::<48>(&SeededEntropy::new(&format!("corpus/p384/{name}")));
    p384::ecdsa::SigningKey::from_slice(&secret).expect("a number below the order of the group")
}

/// Its public key as JSON.
pub(super) fn p384_public(name: &str) -> Value {
    let point = p384(name).verifying_key().to_sec1_point(false);
    let coordinates = point.as_bytes().get(1..).expect("an uncompressed point");
    let (x, y) = coordinates.split_at(48);
    json!({"kty": "EC", "crv": "P-384", "x": b64::encode(x), "y": b64::encode(y)})
}

/// The compact JWS of these texts by the P-384 key of this name.
pub(super) fn sign_es384(header: &str, payload: impl AsRef<[u8]>, name: &str) -> String {
    use p384::ecdsa::signature::Signer as _;
    let input = format!("{}.{}", b64::encode(header), b64::encode(payload));
    let signature: p384::ecdsa::Signature = p384(name).sign(input.as_bytes());
    format!("{input}.{}", b64::encode(signature.to_bytes()))
}

/// The algorithms of a reader who takes `ES384` too.
pub(super) fn with_es384() -> Vec<String> {
    ["ES256", "EdDSA", "ES384"].map(str::to_owned).to_vec()
}

/// The did:peer of the P-256 keys of these names: the first one for assertions, all others for authentication.
pub(super) fn did_peer(names: &[&str]) -> String {
    let keys = names.iter().zip(["A"].into_iter().chain(std::iter::repeat("V"))).map(|(name, purpose)| {
        let did = Did::key(p256(name).public_jwk());
        format!(".{purpose}{}", did.as_str().trim_start_matches("did:key:"))
    });
    format!("did:peer:2{}", keys.collect::<String>())
}

/// A did:webvh on the issuer's host. Its SCID is the hash of a name: no log stands behind it.
pub(super) fn did_webvh(name: &str) -> String {
    let hash = [&[0x12, 0x20], Sha256::digest(name).as_slice()].concat();
    format!("did:webvh:{}:issuer.example", multibase::Base::Base58Btc.encode(hash))
}

/// The issuer's key.
pub(super) fn issuer() -> SoftwareSigner {
    p256("issuer")
}

/// The holder's key, in `cnf`.
pub(super) fn holder() -> SoftwareSigner {
    p256("holder")
}

/// A signer's public key as JSON.
pub(super) fn public(key: &SoftwareSigner) -> Value {
    key.public_jwk().to_value()
}

/// A JSON text whose members are sorted, whatever map `serde_json` was built with.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}:{}", json!(name), text_of(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(array) => format!("[{}]", array.iter().map(text_of).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

/// The compact JWS of these texts.
pub(super) fn sign(header: &str, payload: impl AsRef<[u8]>, key: &SoftwareSigner) -> String {
    sign_encoded(&b64::encode(header), &b64::encode(payload), key)
}

/// The compact JWS of parts that are encoded already, in whatever way.
pub(super) fn sign_encoded(header64: &str, payload64: &str, key: &SoftwareSigner) -> String {
    let input = format!("{header64}.{payload64}");
    let signature = key.sign_now(input.as_bytes()).expect("software signs");
    format!("{input}.{}", b64::encode(signature))
}

/// A signature in DER: SEQUENCE of two INTEGERs, each with a leading zero where its first bit is set and none otherwise.
pub(super) fn der(signature: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).expect("short");
    let integer = |half: &[u8]| {
        let start = half.iter().position(|byte| *byte != 0).expect("not zero");
        let bytes = &half[start..];
        let bytes = if bytes[0] > 127 { [&[0], bytes].concat() } else { bytes.to_vec() };
        [&[2, length(&bytes)], bytes.as_slice()].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let content = [integer(r), integer(s)].concat();
    [&[0x30, length(&content)], content.as_slice()].concat()
}

/// The digest of a disclosure, or an `sd_hash`.
pub(super) fn digest(text: &str) -> String {
    b64::encode(Sha256::digest(text))
}

/// The salt of this name.
pub(super) fn salt(name: &str) -> String {
    b64::encode(entropy::bytes::<16>(&SeededEntropy::new(&format!("corpus/salt/{name}"))))
}

/// A digest to which no disclosure belongs.
pub(super) fn decoy(name: &str) -> String {
    digest(&salt(name))
}

/// The disclosure of an object member.
pub(super) fn member(name: &str, value: &Value) -> String {
    disclosure(&json!([salt(name), name, value]))
}

/// The disclosure of an array element. `name` is the salt's.
pub(super) fn element(name: &str, value: &Value) -> String {
    disclosure(&json!([salt(name), value]))
}

/// Any JSON as a disclosure.
pub(super) fn disclosure(value: &Value) -> String {
    b64::encode(text_of(value))
}

/// `{"...": digest}`, which stands for an array element.
pub(super) fn placeholder(disclosure: &str) -> Value {
    json!({"...": digest(disclosure)})
}

/// The disclosure of `colour`, a claim at the top.
pub(super) fn colour() -> String {
    member("colour", &json!("blue"))
}

/// The disclosure of `seat.row`.
pub(super) fn row() -> String {
    member("row", &json!(12))
}

/// The disclosure of the second of `stops`.
pub(super) fn south() -> String {
    element("south", &json!("south"))
}

/// The disclosure of `engine.power`, which lies in another disclosure.
pub(super) fn power() -> String {
    member("power", &json!(90))
}

/// The disclosure of `engine`, in which `power` is concealed.
pub(super) fn engine() -> String {
    member("engine", &json!({"fuel": "steam", "_sd": [digest(&power())]}))
}

/// The sample credential: a card with claims that are concealed at the top, in an object, in an array and in one another.
#[derive(Clone)]
pub(super) struct Card {
    pub(super) header: Value,
    pub(super) claims: Value,
    pub(super) disclosures: Vec<String>,
    pub(super) key: SoftwareSigner,
}

impl Card {
    /// The sound card with all its disclosures.
    pub(super) fn new() -> Self {
        let mut at_top = [digest(&colour()), digest(&engine()), decoy("card")];
        at_top.sort_unstable();
        let claims = json!({
            "iss": ISSUER,
            "vct": VCT,
            "iat": NOW - 3600,
            "exp": NOW + 86_400,
            "cnf": {"jwk": public(&holder())},
            "member": true,
            "seat": {"deck": 1, "_sd": [digest(&row())]},
            "stops": ["north", placeholder(&south())],
            "_sd": at_top,
            "_sd_alg": "sha-256",
        });
        Self {
            header: json!({"alg": "ES256", "kid": "issuer-1", "typ": "dc+sd-jwt"}),
            claims,
            disclosures: vec![colour(), row(), south(), engine(), power()],
            key: issuer(),
        }
    }

    /// A card without concealed claims.
    pub(super) fn plain() -> Self {
        let mut card = Self::new();
        for name in ["_sd", "_sd_alg", "seat", "stops"] {
            card.claims.as_object_mut().expect("an object").remove(name);
        }
        card.disclosures.clear();
        card
    }

    /// Changes something.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Sets a claim at the top.
    pub(super) fn claim(self, name: &str, value: Value) -> Self {
        self.with(|card| card.claims[name] = value)
    }

    /// Takes a claim at the top away.
    pub(super) fn without(self, name: &str) -> Self {
        self.with(|card| {
            card.claims.as_object_mut().expect("an object").remove(name).expect("the claim is there");
        })
    }

    /// Sets a member of the header.
    pub(super) fn head(self, name: &str, value: Value) -> Self {
        self.with(|card| card.header[name] = value)
    }

    /// Conceals a claim at the top that was visible, or was not there.
    pub(super) fn conceal(mut self, name: &str, value: &Value) -> Self {
        self.claims.as_object_mut().expect("an object").remove(name);
        self.disclose(member(name, value))
    }

    /// Adds a disclosure whose digest stands in `_sd` at the top.
    pub(super) fn disclose(mut self, disclosure: String) -> Self {
        let digests = &mut self.claims["_sd"];
        if digests.is_null() {
            *digests = json!([]);
        }
        digests.as_array_mut().expect("an array").push(json!(digest(&disclosure)));
        self.disclosures.push(disclosure);
        self
    }

    /// Puts another disclosure in the place of one, and its digest in the place of the other's.
    pub(super) fn exchange(mut self, old: &str, new: &str) -> Self {
        let claims = text_of(&self.claims);
        assert!(claims.contains(&digest(old)), "the digest stands in the payload");
        self.claims = serde_json::from_str(&claims.replace(&digest(old), &digest(new))).expect("JSON");
        self.send_instead(old, new)
    }

    /// Sends another disclosure in the place of one; the digests stay.
    pub(super) fn send_instead(mut self, old: &str, new: &str) -> Self {
        let place = self.disclosures.iter_mut().find(|it| *it == old).expect("the disclosure is sent");
        new.clone_into(place);
        self
    }

    /// Sends this disclosure not.
    pub(super) fn hide(mut self, disclosure: &str) -> Self {
        let before = self.disclosures.len();
        self.disclosures.retain(|it| it != disclosure);
        assert_ne!(self.disclosures.len(), before, "the disclosure was sent");
        self
    }

    /// The issuer-signed JWT.
    pub(super) fn jwt(&self) -> String {
        sign(&text_of(&self.header), text_of(&self.claims), &self.key)
    }

    /// `<JWT>~<D1>~…~<Dn>~`.
    pub(super) fn issued(&self) -> String {
        self.with_jwt(&self.jwt())
    }

    /// The same with another text in the place of the JWT.
    pub(super) fn with_jwt(&self, jwt: &str) -> String {
        let parts = std::iter::once(jwt).chain(self.disclosures.iter().map(String::as_str));
        parts.fold(String::new(), |text, part| text + part + "~")
    }

    /// The same with another header text.
    pub(super) fn with_header(&self, header: &str) -> String {
        self.with_jwt(&sign(header, text_of(&self.claims), &self.key))
    }

    /// The same with another payload text.
    pub(super) fn with_payload(&self, payload: impl AsRef<[u8]>) -> String {
        self.with_jwt(&sign(&text_of(&self.header), payload, &self.key))
    }

    /// A presentation of it.
    pub(super) fn presented(&self) -> Bound {
        Bound::to(self.issued())
    }
}

/// A presentation with a Key Binding JWT.
#[derive(Clone)]
pub(super) struct Bound {
    pub(super) presentation: String,
    pub(super) header: Value,
    pub(super) claims: Value,
    pub(super) key: SoftwareSigner,
}

impl Bound {
    fn to(presentation: String) -> Self {
        let claims = json!({"aud": AUD, "nonce": NONCE, "iat": NOW - 10, "sd_hash": digest(&presentation)});
        Self { presentation, header: json!({"alg": "ES256", "typ": "kb+jwt"}), claims, key: holder() }
    }

    /// Changes something.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Sets a claim.
    pub(super) fn claim(self, name: &str, value: Value) -> Self {
        self.with(|bound| bound.claims[name] = value)
    }

    /// Takes a claim away.
    pub(super) fn without(self, name: &str) -> Self {
        self.with(|bound| {
            bound.claims.as_object_mut().expect("an object").remove(name).expect("the claim is there");
        })
    }

    /// Sets a member of the header.
    pub(super) fn head(self, name: &str, value: Value) -> Self {
        self.with(|bound| bound.header[name] = value)
    }

    /// The Key Binding JWT.
    pub(super) fn jwt(&self) -> String {
        sign(&text_of(&self.header), text_of(&self.claims), &self.key)
    }

    /// `<JWT>~<D1>~…~<Dn>~<KB-JWT>`.
    pub(super) fn text(&self) -> String {
        self.with_jwt(&self.jwt())
    }

    /// The same with another text in the place of the Key Binding JWT.
    pub(super) fn with_jwt(&self, jwt: &str) -> String {
        format!("{}{jwt}", self.presentation)
    }
}

/// The demand that the sample card satisfies, without key binding.
pub(super) fn card_policy() -> CredentialPolicy {
    CredentialPolicy {
        now: NOW,
        leeway: LEEWAY,
        typ: "dc+sd-jwt".to_owned(),
        legacy_typ: false,
        algorithms: vec!["ES256".to_owned(), "EdDSA".to_owned()],
        vct: Some(VCT.to_owned()),
        issuer: Some(ISSUER.to_owned()),
        require_exp: false,
        keys: Keys::Jwk(public(&issuer())),
        type_metadata: Vec::new(),
        key_binding: None,
    }
}

/// The same with key binding.
pub(super) fn bound_policy() -> CredentialPolicy {
    let (aud, nonce) = (AUD.to_owned(), NONCE.to_owned());
    CredentialPolicy { key_binding: Some(PresenterPolicy { aud, nonce, max_age: MAX_AGE }), ..card_policy() }
}
