//! `sd-jwt-payload` and ours, both ways. It neither makes nor verifies signatures: whoever uses it brings them along.

use enishi_credential::crypto::{Signer as _, SignerError};
use enishi_credential::encoding::b64;
use enishi_credential::sdjwt::{KeyBindingPolicy, UnverifiedSdJwt};
use enishi_peers::{
    AUD, NONCE, NOW, POINTERS, bound, claims, issue, none, path, plain, present, signer, some, verify,
};
use sd_jwt_payload::{
    Hasher as _, JsonObject, JwsSigner, KeyBindingJwtBuilder, SdJwt, SdJwtBuilder, Sha256Hasher,
};
use serde_json::Value;

/// Our key of this name signs for it.
struct Ours(&'static str);

#[async_trait::async_trait]
impl JwsSigner for Ours {
    type Error = SignerError;

    async fn sign(&self, header: &JsonObject, payload: &JsonObject) -> Result<Vec<u8>, SignerError> {
        let part = |object: &JsonObject| b64::encode(serde_json::to_vec(object).unwrap());
        let input = format!("{}.{}", part(header), part(payload));
        let signature = signer(self.0).sign(input.as_bytes()).await?;
        Ok(format!("{input}.{}", b64::encode(signature)).into_bytes())
    }
}

fn read(text: &str) -> Value {
    plain(SdJwt::parse(text).unwrap().into_disclosed_object(&Sha256Hasher::new()).unwrap())
}

/// It issues the claims that we issue too, with decoys.
async fn issued() -> SdJwt {
    let builder = POINTERS.iter().fold(SdJwtBuilder::new(Value::Object(claims())).unwrap(), |it, pointer| {
        it.make_concealable(pointer).unwrap()
    });
    let builder = builder.add_decoys("", 2).unwrap().add_decoys("/seat", 1).unwrap();
    let builder = builder.add_decoys("/stops", 1).unwrap().header("typ", "dc+sd-jwt");
    builder.finish(&Ours("issuer"), "ES256").await.unwrap()
}

#[tokio::test]
async fn it_reads_what_ours_issues() {
    let issued = issue().await;
    assert_eq!(read(&issued), plain(claims()));
    assert_eq!(read(&format!("{}~", issued.split('~').next().unwrap())), none());
}

#[tokio::test]
async fn it_reads_what_ours_presents() {
    let (paths, seen) = some();
    let text = present(&issue().await, &paths).await;
    assert_eq!(read(&text), seen);
    let theirs = SdJwt::parse(&text).unwrap();
    let binding = theirs.key_binding_jwt().unwrap().claims();
    assert_eq!((binding.aud.as_str(), binding.nonce.as_str(), binding.iat), (AUD, NONCE, NOW.secs()));
    let (hashed, _) = text.rsplit_once('~').unwrap();
    assert_eq!(Sha256Hasher::new().encoded_digest(&format!("{hashed}~")), binding.sd_hash);
}

#[tokio::test]
async fn ours_verifies_what_it_issues() {
    let text = issued().await.presentation();
    let verified = verify(&text, "dc+sd-jwt", &KeyBindingPolicy::NotRequired).unwrap();
    assert_eq!(plain(verified.claims().clone()), plain(claims()));
    assert_eq!(verified.disclosed().len(), POINTERS.len());
    for pointer in POINTERS {
        assert!(verified.disclosed().contains(&path(pointer)), "{pointer}");
    }
}

#[tokio::test]
async fn ours_verifies_what_it_presents() {
    let hasher = Sha256Hasher::new();
    let shown = issued().await.into_presentation(&hasher).unwrap();
    let (mut shown, hidden) = shown.conceal("/height").unwrap().conceal("/seat/row").unwrap().finish();
    assert_eq!(hidden.len(), 2);
    let binding = KeyBindingJwtBuilder::new().aud(AUD).nonce(NONCE).iat(NOW.secs());
    let binding = binding.finish(&shown, &hasher, "ES256", &Ours("holder")).await.unwrap();
    shown.attach_key_binding_jwt(binding);
    let verified = verify(&shown.presentation(), "dc+sd-jwt", &bound()).unwrap();
    assert_eq!(plain(verified.claims().clone()), some().1);
}

/// No signature is looked at when it reads.
#[tokio::test]
async fn ours_refuses_a_forged_signature_that_it_reads() {
    let issued = issue().await;
    let (jwt, disclosures) = issued.split_once('~').unwrap();
    let (input, _) = jwt.rsplit_once('.').unwrap();
    let forged = format!("{input}.{}~{disclosures}", b64::encode([7; 64]));
    assert_eq!(read(&forged), plain(claims()));
    assert!(UnverifiedSdJwt::parse(&forged).is_ok());
    let refused = verify(&forged, "dc+sd-jwt", &KeyBindingPolicy::NotRequired).unwrap_err();
    assert_eq!(refused.code, "signature_invalid");
}
