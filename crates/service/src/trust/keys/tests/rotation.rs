//! A rotation through the real pieces: key file and ring of an issuer, its metadata, credentials, a verifier's cache.

use enishi_credential::sdjwt::{KeyBindingPolicy, SdJwtBuilder, UnverifiedSdJwt, Validation};
use enishi_protocol::linking::{IssuerHint, issuer_hint};

use super::*;
use crate::keys::{AwsVerifier, KeyFile, KeyPlan, KeyRing, KeyUse};

const PLAN: KeyPlan<'_> = KeyPlan { keys: &[KeyType::Es256], secrets: &[] };
const VCT: &str = "urn:example:card:1";

/// An issuer with a key file, and a verifier that trusts it.
struct Pair {
    issuer: Issuer,
    file: KeyFile,
    entropy: SeededEntropy,
}

impl Pair {
    async fn new() -> Self {
        let entropy = SeededEntropy::new("rotation");
        let file = KeyFile::generate(&PLAN, &entropy);
        let issuer = issuer(|id| json!({ "issuer": id, "jwks": { "keys": [] } })).await;
        let pair = Self { issuer, file, entropy };
        pair.serve();
        pair
    }

    fn ring(&self) -> KeyRing {
        KeyRing::new(self.file.clone()).unwrap()
    }

    fn serve(&self) {
        let metadata = issuer_keys::metadata(&self.issuer.id, &self.ring().jwks());
        *self.issuer.metadata.lock().unwrap() = metadata;
    }

    /// One step of rotation; what is published changes with it.
    fn rotate(&mut self) {
        self.file.rotate(KeyUse::Signature, &self.entropy);
        self.serve();
    }

    /// A credential by the active key.
    async fn issue(&self) -> String {
        let claims = json!({ "iss": self.issuer.id, "vct": VCT });
        let signer = self.ring().active_signer().unwrap();
        let builder = SdJwtBuilder::new(claims.as_object().cloned().unwrap());
        builder.sign(&*signer, &self.entropy).await.unwrap()
    }

    /// The verifier's whole way: the key by `iss` and `kid`, then the signature.
    async fn verify(&self, text: &str) -> Result<(), &'static str> {
        let credential = UnverifiedSdJwt::parse(text).unwrap();
        let claimed = credential.claimed_issuer().unwrap();
        let key =
            self.issuer.keys.key(&claimed, &credential.key_hint()).await.map_err(|failure| failure.code)?;
        let validation = Validation::credential(claimed, VCT, self.issuer.clock.now());
        let verified = credential.verify(&AwsVerifier, &key, &validation, &KeyBindingPolicy::NotRequired);
        verified.map(drop).map_err(|failure| failure.code)
    }
}

#[tokio::test]
async fn threat_20_a_rotation_fails_no_live_credential() {
    let mut pair = Pair::new().await;
    let before = pair.issue().await;
    assert_eq!(pair.verify(&before).await, Ok(()));

    // The next key is published before it signs: the verifier learns it in its own time.
    pair.rotate();
    pair.issuer.clock.advance(FRESH_FOR + 1);
    assert_eq!(pair.verify(&before).await, Ok(()));
    let asked = pair.issuer.asked();
    pair.rotate();
    let during = pair.issue().await;
    for credential in [&before, &during] {
        assert_eq!(pair.verify(credential).await, Ok(()));
    }
    assert_eq!(pair.issuer.asked(), asked, "the new key was known before it signed");
    pair.issuer.clock.advance(FRESH_FOR + 1);
    assert_eq!(pair.verify(&during).await, Ok(()));

    // The old key retires. Until then, and for as long as what is kept is fresh, its credentials hold.
    pair.rotate();
    let after = pair.issue().await;
    assert_eq!(pair.verify(&before).await, Ok(()));
    for credential in [&during, &after] {
        assert_eq!(pair.verify(credential).await, Ok(()));
    }
    pair.issuer.clock.advance(FRESH_FOR + 1);
    assert_eq!(pair.verify(&before).await, Err("key_unknown"), "a retired key is no longer published");
    for credential in [&during, &after] {
        assert_eq!(pair.verify(credential).await, Ok(()));
    }
}

#[tokio::test]
async fn an_emergency_rotation_is_followed_at_once_and_ends_the_old_key_within_the_bound() {
    let mut pair = Pair::new().await;
    let stolen = pair.issue().await;
    assert_eq!(pair.verify(&stolen).await, Ok(()));
    // The key is gone, and a new one signs that nobody has heard of.
    pair.file = KeyFile::generate(&PLAN, &pair.entropy);
    pair.serve();
    let fresh = pair.issue().await;
    pair.issuer.clock.advance(RETRY_AFTER);
    assert_eq!(pair.verify(&fresh).await, Ok(()), "an unknown kid is asked for");
    assert_eq!(pair.verify(&stolen).await, Err("key_unknown"), "and the answer counts at once");

    // Without anybody who asks for the new key, the old one lives on for FRESH_FOR.
    pair.file = KeyFile::generate(&PLAN, &pair.entropy);
    pair.serve();
    pair.issuer.clock.advance(FRESH_FOR);
    assert_eq!(pair.verify(&fresh).await, Ok(()));
    pair.issuer.clock.advance(1);
    assert_eq!(pair.verify(&fresh).await, Err("key_unknown"));
}

#[tokio::test]
async fn a_withdrawn_key_does_not_live_on_because_the_issuer_is_cut_off() {
    let pair = Pair::new().await;
    let stolen = pair.issue().await;
    assert_eq!(pair.verify(&stolen).await, Ok(()));
    *pair.issuer.metadata.lock().unwrap() = Value::Null;
    let (mut last, mut seconds) = (Ok(()), 0);
    while last.is_ok() {
        pair.issuer.clock.advance(1);
        seconds += 1;
        last = pair.verify(&stolen).await;
    }
    assert_eq!((last, seconds), (Err("keys_unavailable"), USABLE_FOR + 1));
}

#[tokio::test]
async fn an_issuer_can_make_its_keys_age_faster_and_not_slower() {
    for (said, used) in [("max-age=60", 60), ("max-age=86400", FRESH_FOR), ("no-store", RETRY_AFTER)] {
        let issuer = issuer_with_headers(said).await;
        assert!(issuer.ask("a").await.is_ok());
        issuer.publish(&["b"]);
        issuer.clock.advance(used);
        assert!(issuer.ask("a").await.is_ok(), "{said}");
        issuer.clock.advance(1);
        assert_eq!(issuer.ask("a").await, Err("key_unknown"), "{said}");
    }
}

#[tokio::test]
async fn threat_10_unknown_kids_do_not_make_us_hammer_an_issuer() {
    let pair = Pair::new().await;
    let honest = pair.issue().await;
    assert_eq!(pair.verify(&honest).await, Ok(()));
    let flood = |from: u32| {
        let keys = &pair.issuer;
        async move {
            for n in from..from + 50 {
                assert!(keys.ask(&format!("unknown-{n}")).await.is_err());
            }
        }
    };
    let seconds = 100;
    for second in 0..seconds {
        flood(second * 50).await;
        assert_eq!(pair.verify(&honest).await, Ok(()), "others are served meanwhile");
        pair.issuer.clock.advance(1);
    }
    let asked = i64::from(pair.issuer.asked());
    assert!(asked <= 1 + i64::from(seconds) / RETRY_AFTER, "{asked} requests for 5000 unknown keys");
    let hint = issuer_hint(&honest).unwrap();
    let unknown = IssuerHint { kid: Some("unknown".to_owned()), ..hint.clone() };
    let asked = pair.issuer.asked();
    for _ in 0..50 {
        assert!(
            !pair.issuer.keys.of_presentations(std::slice::from_ref(&unknown)).await.unwrap().has(&unknown)
        );
    }
    assert!(pair.issuer.asked() <= asked + 1);
}

#[tokio::test]
async fn threat_10_callers_that_hang_up_do_not_make_us_ask_again() {
    let (issuer, answer) = slow_issuer().await;
    let issuer = Arc::new(issuer);
    for n in 0..20 {
        let caller = {
            let issuer = Arc::clone(&issuer);
            tokio::spawn(async move { issuer.ask(&format!("unknown-{n}")).await })
        };
        while issuer.asked() == 0 {
            tokio::task::yield_now().await;
        }
        caller.abort();
        assert!(caller.await.is_err());
    }
    answer.notify_one();
    assert_eq!(issuer.ask("a").await, Ok(key("a")), "the first attempt went on without its caller");
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn who_asks_for_a_known_key_does_not_wait_for_who_asks_for_an_unknown_one() {
    let (issuer, answer) = slow_issuer().await;
    let issuer = Arc::new(issuer);
    answer.notify_one();
    assert_eq!(issuer.ask("a").await, Ok(key("a")));
    issuer.clock.advance(RETRY_AFTER);
    let stuck = {
        let issuer = Arc::clone(&issuer);
        tokio::spawn(async move { issuer.ask("unknown").await })
    };
    while issuer.asked() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(issuer.ask("a").await, Ok(key("a")), "while the other one waits");
    assert!(!stuck.is_finished());
    answer.notify_one();
    assert_eq!(stuck.await.unwrap(), Err("key_unknown"));
}

#[tokio::test]
async fn issuers_do_not_answer_for_each_other() {
    let (one, other) = (
        issuer(|id| json!({ "issuer": id, "jwks": set(&["a"]) })).await,
        issuer(|id| json!({ "issuer": id, "jwks": { "keys": [key("b").with_kid("a")] } })).await,
    );
    let trusted = [&one, &other].map(|issuer| PublicUrl::parse(&issuer.id, ON).unwrap()).to_vec();
    let client = GuardedClient::new(&ClientConfig::default(), ON).unwrap();
    let clock = Arc::clone(&one.clock) as Arc<dyn Clock>;
    let keys = TrustedKeys::new(issuer_keys::WELL_KNOWN, trusted, client, clock, ON);
    let ask =
        async |issuer: &Issuer| keys.key(&issuer.id, &hint(Some("a"))).await.map_err(|failure| failure.code);
    assert_eq!(ask(&one).await, Ok(key("a")));
    assert_eq!(ask(&other).await, Ok(key("b").with_kid("a")));
    // One that is down takes nothing from the other.
    *one.metadata.lock().unwrap() = Value::Null;
    one.clock.advance(USABLE_FOR + 1);
    assert_eq!(ask(&one).await, Err("keys_unavailable"));
    assert_eq!(ask(&other).await, Ok(key("b").with_kid("a")));
}

#[tokio::test]
async fn a_clock_that_is_set_back_costs_one_request() {
    let issuer = issuer(|id| json!({ "issuer": id, "jwks": set(&["a"]) })).await;
    assert!(issuer.ask("a").await.is_ok());
    issuer.clock.advance(-3600);
    assert!(issuer.ask("a").await.is_ok());
    assert!(issuer.ask("a").await.is_ok());
    assert_eq!(issuer.asked(), 2);
}
