//! Sealing an identifier to a relying party, and opening it there: every backend beside the raw key agreements.

use aws_lc_rs::agreement::{
    self, ECDH_P256, EphemeralPrivateKey, PrivateKey, UnparsedPublicKey, X25519, agree_ephemeral,
};
use aws_lc_rs::rand::SystemRandom;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwe::JweBackend;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::{PrivateJwk, PublicKey};
use enishi_credential::ppid::Ppid;
use enishi_credential::sealed::{self, Binding, SealedSubject};
use enishi_credential::secret::Personal;
use enishi_native::{AwsJwe, SystemEntropy};

use crate::harness::{Bar, Bench};

/// The job's bar for the backend of the hot path.
const BAR: Bar = Bar::Ratio(1.5);

pub(crate) fn run(bench: &mut Bench) {
    let entropy = SeededEntropy::new("sealing");
    let keys =
        [("P-256", PrivateJwk::generate_p256(&entropy)), ("X25519", PrivateJwk::generate_x25519(&entropy))];
    for (curve, key) in keys {
        let aws = AwsJwe::with_keys([&key]).expect("a key for agreement");
        let raw = Raw::new(&key);
        let backends: [(&str, &dyn JweBackend, Bar); 2] =
            [("aws-lc-rs", &aws, BAR), ("RustCrypto", &RustCryptoJwe, Bar::None)];
        for (name, backend, bar) in backends {
            one(bench, &format!("{curve}, {name}"), backend, &key, &raw, bar);
        }
    }
}

fn one(bench: &mut Bench, what: &str, backend: &dyn JweBackend, key: &PrivateJwk, raw: &Raw, bar: Bar) {
    let subject = subject(key);
    let seal = || sealed::seal(backend, key.public(), &subject, &SystemEntropy).expect("a key for agreement");
    // aws-lc gathers the entropy of its generator when the first key is drawn, which takes a while.
    let _ = raw.fresh_agreement();
    let text = seal();
    let keys = std::slice::from_ref(key);
    let open = || sealed::open(backend, keys, &text, &subject.binding).expect("sealed to this key");
    assert_eq!(open(), subject);
    let raw_is = "one aws-lc-rs key generation and one agreement";
    bench.compare(&format!("seal an identifier: {what}"), bar, seal, raw_is, || raw.fresh_agreement());
    let raw_is = "one aws-lc-rs agreement, the private key parsed before";
    bench.compare(&format!("open an identifier: {what}"), bar, open, raw_is, || raw.agreement());
}

fn subject(key: &PrivateJwk) -> SealedSubject {
    SealedSubject {
        binding: Binding {
            iss: "https://issuer.example".to_owned(),
            rp: "https://health.example".to_owned(),
            jkt: key.public().thumbprint(),
        },
        ppid: Ppid::parse("_HWS8aL219YkYVRKmFkDTzRuFbbnh1aen1X9H3rEsn8").expect("a PPID"),
        sub: Personal::new(format!("did:jwk:{}", "a".repeat(160))),
    }
}

/// What sealing and opening cannot do without.
struct Raw {
    algorithm: &'static agreement::Algorithm,
    private: PrivateKey,
    public: Vec<u8>,
    random: SystemRandom,
}

impl Raw {
    fn new(key: &PrivateJwk) -> Self {
        let algorithm = if matches!(key.public().key, PublicKey::P256 { .. }) { &ECDH_P256 } else { &X25519 };
        Self {
            algorithm,
            private: PrivateKey::from_private_key(algorithm, key.secret_bytes()).expect("a private key"),
            public: key.public().key.to_bytes(),
            random: SystemRandom::new(),
        }
    }

    fn fresh_agreement(&self) -> [u8; 32] {
        let ephemeral = EphemeralPrivateKey::generate(self.algorithm, &self.random).expect("a key");
        let public = UnparsedPublicKey::new(self.algorithm, &self.public);
        let shared = agree_ephemeral(ephemeral, public, (), |shared| shared.try_into().map_err(|_| ()));
        shared.expect("agreed")
    }

    fn agreement(&self) -> [u8; 32] {
        let public = UnparsedPublicKey::new(self.algorithm, &self.public);
        let shared = agreement::agree(&self.private, public, (), |shared| shared.try_into().map_err(|_| ()));
        shared.expect("agreed")
    }
}
