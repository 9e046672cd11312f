//! The seeds of the fuzz targets, run through the targets as they are: that the targets compile, that what was once found stays
//! mended, and that the good seeds still get as far as they should, without which a fuzzer would scratch at the door only.
//!
//! `cargo nextest run -p enishi-tests --test fuzz_seeds --run-ignored only` writes the seeds that have to be signed.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "in its own crate it is public")]
mod fuzz;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::did::Did;
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::{PrivateJwk, Thumbprint};
use enishi_credential::ppid::Ppid;
use enishi_credential::sdjwt::{HeldSdJwt, KeyBindingClaims};
use enishi_credential::sealed::{Binding, SealedSubject, seal};
use enishi_credential::secret::Personal;
use enishi_credential::status::{Status, StatusBits, StatusList, StatusListToken};
use enishi_tests::outside::workspace_root;
use serde_json::Map;

use fuzz::{Reached, TARGETS};

fn folder(target: &str) -> PathBuf {
    workspace_root().join("fuzz/seeds").join(target)
}

/// The seeds of a target by name.
fn seeds(target: &str) -> BTreeMap<String, Vec<u8>> {
    let files =
        fs::read_dir(folder(target)).unwrap_or_else(|e| panic!("the seeds of {target}: {e}")).flatten();
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

#[test]
fn every_seed_gets_as_far_as_its_name_says() {
    for (target, run) in TARGETS {
        let seeds = seeds(target);
        assert!(seeds.keys().any(|name| name.starts_with("good-")), "{target} has no good seed");
        for (name, input) in seeds {
            let reached = run(&input);
            match name.split_once('-').map(|(kind, _)| kind) {
                Some("good") => assert_eq!(reached, Reached::Accepted, "{target}/{name}"),
                Some("bad") => assert_eq!(reached, Reached::Refused, "{target}/{name}"),
                // What a fuzzer found: the property that it broke holds now.
                Some("found") => {}
                _ => panic!("{target}/{name}: a seed is named good-, bad- or found-"),
            }
        }
    }
}

#[test]
fn every_target_has_its_binary_and_its_seeds_are_small() {
    let manifest = fs::read_to_string(workspace_root().join("fuzz/Cargo.toml")).unwrap();
    for (target, _) in TARGETS {
        let path = format!("fuzz_targets/{target}.rs");
        assert!(manifest.contains(&format!("path = \"{path}\"")), "{target} is not in the manifest");
        let source = fs::read_to_string(workspace_root().join("fuzz").join(path)).unwrap();
        assert!(source.contains(&format!("enishi_fuzz::{target}::run(input)")), "{target}: {source}");
        let size: usize = seeds(target).values().map(Vec::len).sum();
        assert!(size < 64 << 10, "the seeds of {target} have {size} bytes");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}

#[tokio::test]
#[ignore = "writes the seeds that have to be signed or sealed"]
async fn write_the_seeds_that_are_signed() {
    let write =
        |name: &str, text: &str| fs::write(workspace_root().join("fuzz/seeds").join(name), text).unwrap();
    let entropy = SeededEntropy::new("seeds");

    let credential = fuzz::kb_jwt::REAL;
    write("sd_jwt/good-raw", &format!("raw\n{credential}"));
    write("sd_jwt/bad-raw-cut", &format!("raw\n{}", &credential[..credential.len() - 3]));

    let holder = SoftwareSigner::new(fuzz::sd_jwt::HOLDER.clone()).unwrap();
    let claims = KeyBindingClaims {
        aud: "x509_san_dns:verifier.example".to_owned(),
        nonce: "n-0S6_WzA2Mj".to_owned(),
        iat: fuzz::sd_jwt::NOW,
        extra: Map::new(),
    };
    let held = HeldSdJwt::from_storage(credential).unwrap();
    let shown = held.present(held.disclosable()).unwrap().bind(&holder, claims).await.unwrap();
    write("kb_jwt/good-raw", &format!("raw\n{}", shown.rsplit('~').next().unwrap()));

    let mut list = StatusList::new(StatusBits::Two, 64).unwrap();
    list.set(5, Status::Suspended).unwrap();
    let signer = SoftwareSigner::new(fuzz::status_list::SIGNER.clone()).unwrap();
    let token = StatusListToken {
        uri: fuzz::status_list::EXPECTED.uri,
        issuer: Some("https://issuer.example"),
        issued_at: fuzz::sd_jwt::NOW,
        expires_at: Some(fuzz::sd_jwt::NOW.plus(1000)),
        ttl: Some(60),
        aggregation_uri: None,
        list: &list,
    };
    write("status_list/good-raw", &format!("raw\n{}", token.sign(&signer, &[]).await.unwrap()));

    let binding = Binding {
        iss: "https://issuer.example".to_owned(),
        rp: "https://health.example".to_owned(),
        jkt: Thumbprint::parse(&b64::encode([7; 32])).unwrap(),
    };
    let ppid = Ppid::parse("_HWS8aL219YkYVRKmFkDTzRuFbbnh1aen1X9H3rEsn8").unwrap();
    let subject = SealedSubject { binding, ppid, sub: Personal::new("did:key:z6Mk".to_owned()) };
    for (name, key) in ["p256", "x25519"].into_iter().zip(&*fuzz::jwe::KEYS) {
        let compact = seal(&RustCryptoJwe, key.public(), &subject, &entropy).unwrap();
        write(&format!("jwe/good-sealed-{name}"), &format!("raw\n{compact}"));
    }

    for (name, key) in [
        ("p256", PrivateJwk::generate_p256(&entropy)),
        ("ed25519", PrivateJwk::generate_ed25519(&entropy)),
        ("x25519", PrivateJwk::generate_x25519(&entropy)),
    ] {
        write(&format!("did/good-key-{name}"), Did::key(key.public()).as_str());
        write(&format!("did/good-jwk-{name}"), Did::jwk(key.public()).as_str());
        let url = Did::key(key.public()).verification_method().unwrap();
        write(&format!("did/good-url-{name}"), url.as_str());
        write(
            &format!("did/good-public-{name}"),
            &key.public().clone().with_kid(name).to_value().to_string(),
        );
        write(&format!("did/bad-private-{name}"), &key.to_secret_value().to_string());
    }
}
