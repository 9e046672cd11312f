//! SD-JWTs both ways with @sd-jwt (Node) and sd-jwt (Python): ours issues and presents, they verify; they issue and present,
//! ours verifies. With disclosures in an object, in an array and in one another, decoys, and key binding. What must be
//! refused is not theirs to judge: they accept some of it. The libraries in Rust have a workspace of their own, `peers`.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::sdjwt::{
    ClaimPath, HashAlgorithm, HeldSdJwt, KeyBindingClaims, KeyBindingPolicy, SdJwtBuilder, UnverifiedSdJwt,
    Validation, VerifiedSdJwt,
};
use enishi_credential::time::UnixTime;
use enishi_service::keys::AwsVerifier;
use enishi_tests::outside::{peers, python};
use serde_json::{Map, Value, json};

const ISSUER: &str = "https://issuer.example";
const VCT: &str = "urn:example:card:1";
const AUD: &str = "https://verifier.example";
const NONCE: &str = "nonce-1234567890";

/// The peers look at the real clock.
fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    UnixTime::from_secs(since.try_into().unwrap())
}

fn key(name: &str) -> PrivateJwk {
    PrivateJwk::generate_p256(&SeededEntropy::new(name))
}

fn claims() -> Map<String, Value> {
    let claims = json!({
        "iss": ISSUER, "vct": VCT, "iat": now().secs() - 60, "exp": now().secs() + 3600,
        "cnf": {"jwk": key("holder").public()},
        "member": true, "colour": "blue", "seat": {"deck": 1, "row": 12}, "stops": ["north", "south"],
        "engine": {"fuel": "steam", "power": 90},
    });
    claims.as_object().cloned().unwrap()
}

/// What is compared: the claims without times and machinery, which differ between two calls of the clock.
fn essence(claims: &Value) -> Value {
    let mut claims = claims.as_object().cloned().unwrap();
    for name in ["iat", "exp", "cnf", "_sd_alg"] {
        claims.remove(name);
    }
    Value::Object(claims)
}

/// What is seen when `colour`, the second stop and the engine's power are disclosed.
fn shown() -> Value {
    let mut seen = claims();
    seen["seat"].as_object_mut().unwrap().remove("row");
    essence(&Value::Object(seen))
}

async fn ours_issued(hash: HashAlgorithm) -> String {
    let paths = [
        ClaimPath::name("colour"),
        ClaimPath::name("seat").member("row"),
        ClaimPath::name("stops").element(1),
        ClaimPath::name("engine"),
        ClaimPath::name("engine").member("power"),
    ];
    let builder = SdJwtBuilder::new(claims()).hash(hash).decoys(2);
    let builder = paths.into_iter().fold(builder, SdJwtBuilder::conceal);
    let signer = SoftwareSigner::new(key("issuer")).unwrap();
    // Decoys stand at random places. The peers name an element of an array by its place among them, so here they follow it.
    let behind = [ClaimPath::name("stops").element(2), ClaimPath::name("stops").element(3)];
    for salts in 0..=u8::MAX {
        let entropy = SeededEntropy::new(&salts.to_string());
        let issued = builder.clone().sign(&signer, &entropy).await.unwrap();
        if ours_verified(&issued, false).undisclosed_elements() == behind {
            return issued;
        }
    }
    unreachable!("256 places at random, and never behind")
}

async fn ours_presented(issued: &str) -> String {
    let held = HeldSdJwt::from_storage(issued).unwrap();
    let paths = [
        ClaimPath::name("colour"),
        ClaimPath::name("stops").element(1),
        ClaimPath::name("engine").member("power"),
    ];
    let binding =
        KeyBindingClaims { aud: AUD.to_owned(), nonce: NONCE.to_owned(), iat: now(), extra: Map::new() };
    let signer = SoftwareSigner::new(key("holder")).unwrap();
    held.present(&paths).unwrap().bind(&signer, binding).await.unwrap()
}

fn ours_verified(text: &str, bound: bool) -> VerifiedSdJwt {
    let policy = if bound {
        KeyBindingPolicy::Required { aud: AUD.to_owned(), nonce: NONCE.to_owned(), max_age: 300, leeway: 60 }
    } else {
        KeyBindingPolicy::NotRequired
    };
    let validation = Validation::credential(ISSUER, VCT, now());
    let unverified = UnverifiedSdJwt::parse(text).unwrap();
    unverified.verify(&AwsVerifier, key("issuer").public(), &validation, &policy).unwrap()
}

/// Lets the peer do `job`; private keys and the text are added.
fn ask(mut peer: Command, job: &str, text: Option<&str>, bound: bool) -> Value {
    let mut job = json!({
        "do": job, "text": text, "claims": claims(),
        "issuerJwk": key("issuer").to_secret_value(), "holderJwk": key("holder").to_secret_value(),
    });
    if bound {
        job["aud"] = AUD.into();
        job["nonce"] = NONCE.into();
    }
    let mut child = peer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}: {}", job["do"], output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Both ways, with the peer that `peer` starts.
async fn both_ways(peer: impl Fn() -> Command, hash: HashAlgorithm) {
    let issued = ours_issued(hash).await;
    assert_eq!(essence(&ask(peer(), "verify", Some(&issued), false)), essence(&Value::Object(claims())));
    let presented = ours_presented(&issued).await;
    assert_eq!(essence(&ask(peer(), "verify", Some(&presented), true)), shown());
    let by_them = ask(peer(), "present", Some(&issued), true);
    let seen = ours_verified(by_them.as_str().unwrap(), true);
    assert_eq!(essence(&Value::Object(seen.into_claims())), shown());

    let theirs = ask(peer(), "issue", None, false);
    let theirs = theirs.as_str().unwrap();
    let all = ours_verified(theirs, false);
    assert_eq!(all.disclosed().len(), 5);
    assert_eq!(essence(&Value::Object(all.into_claims())), essence(&Value::Object(claims())));
    let seen = ours_verified(&ours_presented(theirs).await, true);
    assert_eq!(essence(&Value::Object(seen.into_claims())), shown());
    let by_them = ask(peer(), "present", Some(theirs), true);
    let seen = ours_verified(by_them.as_str().unwrap(), true);
    assert_eq!(essence(&Value::Object(seen.into_claims())), shown());
}

#[tokio::test]
async fn node_sd_jwt_and_ours_understand_each_other() {
    let Some(folder) = peers() else { return };
    let peer = || {
        let mut command = Command::new("node");
        // As a text, so that its imports are looked for in the folder of the peers.
        command.args(["--input-type=module", "--eval", include_str!("../peers/sd_jwt.mjs")]);
        command.current_dir(&folder);
        command
    };
    both_ways(peer, HashAlgorithm::Sha256).await;
}

#[tokio::test]
async fn python_sd_jwt_and_ours_understand_each_other() {
    let Some(python) = python() else { return };
    let peer = || {
        let mut command = Command::new(&python);
        command.args(["-c", include_str!("../peers/sd_jwt.py")]);
        command
    };
    both_ways(peer, HashAlgorithm::Sha256).await;
}
