//! SD-JWT VC: issuing one, presenting it, verifying the presentation.

use std::hint::black_box;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, ParsedPublicKey,
    UnparsedPublicKey,
};
use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::encoding::b64;
use enishi_credential::entropy::{Entropy, SeededEntropy};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::sdjwt::{
    ClaimPath, HeldSdJwt, KeyBindingClaims, KeyBindingPolicy, SdJwtBuilder, UnverifiedSdJwt, Validation,
};
use enishi_credential::time::UnixTime;
use enishi_native::{AwsSigner, AwsVerifier, SystemEntropy};
use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};

use crate::harness::{Bar, Bench};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://issuer.example";
const VCT: &str = "urn:example:card:1";
const AUD: &str = "x509_san_dns:verifier.example";
const NONCE: &str = "n-0S6_WzA2Mj-0S6_WzA2Mj";

/// Eight claims of a person, all of which the holder may conceal.
const CONCEALED: [&str; 8] = [
    "given_name",
    "family_name",
    "birthdate",
    "email",
    "phone_number",
    "address",
    "nationality",
    "age_over_18",
];

pub(crate) fn run(bench: &mut Bench) {
    let world = World::new();
    world.verify(bench);
    world.issue(bench);
    world.present(bench);
}

struct World {
    issuer: PrivateJwk,
    issuer_signer: AwsSigner,
    holder: PrivateJwk,
    holder_signer: AwsSigner,
    claims: Map<String, Value>,
    validation: Validation,
    policy: KeyBindingPolicy,
}

impl World {
    fn new() -> Self {
        let key = |seed: &str| PrivateJwk::generate_p256(&SeededEntropy::new(seed));
        let signer = |key: &PrivateJwk| AwsSigner::new(key).expect("a signing key");
        // Published keys have names.
        let mut issuer = key("issuer").to_secret_value();
        issuer["kid"] = "2026".into();
        let (issuer, holder) = (PrivateJwk::from_value(&issuer).expect("a key"), key("holder"));
        let claims = json!({
            "iss": ISSUER, "vct": VCT, "iat": NOW.secs(), "exp": NOW.secs() + 86_400,
            "cnf": {"jwk": holder.public()},
            "status": {"status_list": {"idx": 412, "uri": "https://issuer.example/status/1"}},
            "given_name": "Hanako", "family_name": "Yamada", "birthdate": "1990-04-01",
            "email": "hanako@mail.example", "phone_number": "+81-3-0000-0000",
            "address": {"street_address": "1-2-3 Chuo", "locality": "Town", "country": "JP"},
            "nationality": "JP", "age_over_18": true,
        });
        Self {
            issuer_signer: signer(&issuer),
            issuer,
            holder_signer: signer(&holder),
            holder,
            claims: claims.as_object().cloned().expect("an object"),
            validation: Validation::credential(ISSUER, VCT, NOW),
            policy: KeyBindingPolicy::Required {
                aud: AUD.to_owned(),
                nonce: NONCE.to_owned(),
                max_age: 300,
                leeway: 30,
            },
        }
    }

    fn issued(&self, claims: Map<String, Value>, entropy: &dyn Entropy) -> String {
        let builder = SdJwtBuilder::new(claims);
        let builder = CONCEALED.iter().fold(builder, |builder, name| builder.conceal([*name]));
        builder.sign(&self.issuer_signer, entropy).now_or_never().expect("ready").expect("issued")
    }

    fn held(&self) -> HeldSdJwt {
        let text = self.issued(self.claims.clone(), &SeededEntropy::new("salts"));
        HeldSdJwt::receive(&text, &AwsVerifier, self.issuer.public(), &self.validation).expect("held")
    }

    fn presented(&self, held: &HeldSdJwt) -> String {
        let paths = CONCEALED.map(ClaimPath::name);
        let claims =
            KeyBindingClaims { aud: AUD.to_owned(), nonce: NONCE.to_owned(), iat: NOW, extra: Map::new() };
        let presentation = held.present(&paths).expect("the claims are there");
        presentation.bind(&self.holder_signer, claims).now_or_never().expect("ready").expect("bound")
    }

    fn verify(&self, bench: &mut Bench) {
        let text = self.presented(&self.held());
        let verifier: &dyn SignatureVerifier = &AwsVerifier;
        let ours = || {
            UnverifiedSdJwt::parse(&text)
                .and_then(|parsed| {
                    parsed.verify(verifier, self.issuer.public(), &self.validation, &self.policy)
                })
                .expect("verified")
        };
        assert_eq!(ours().disclosed().len(), CONCEALED.len());

        let (issuer_jwt, key_binding) =
            (Signed::of(text.split('~').next()), Signed::of(text.rsplit('~').next()));
        let issuer_key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.issuer.public().key.to_bytes())
            .expect("a key");
        let holder_key = self.holder.public().key.to_bytes();
        let raw = || {
            issuer_key.verify_sig(&issuer_jwt.input, &issuer_jwt.signature).expect("the issuer's");
            // The holder's key is another one in every presentation.
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &holder_key)
                .verify(&key_binding.input, &key_binding.signature)
                .expect("the holder's");
        };
        let raw_is =
            "two aws-lc-rs ES256 verifications, the issuer's key parsed before, the holder's each time";
        bench.compare("verify SD-JWT VC + KB-JWT, 8 disclosures", Bar::Ratio(1.15), ours, raw_is, raw);
        bench.measure("parse SD-JWT VC + KB-JWT, 8 disclosures", Bar::None, || {
            UnverifiedSdJwt::parse(&text).is_ok()
        });
    }

    fn issue(&self, bench: &mut Bench) {
        let ours = |claims| self.issued(claims, &SystemEntropy);
        let text = ours(self.claims.clone());
        assert_eq!(text.matches('~').count(), 1 + CONCEALED.len());

        let signed = Signed::of(text.split('~').next());
        let disclosures: Vec<&str> = text.split('~').skip(1).filter(|part| !part.is_empty()).collect();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            self.issuer.secret_bytes(),
            &self.issuer.public().key.to_bytes(),
        )
        .expect("a key pair");
        let random = SystemRandom::new();
        let raw = || {
            for text in &disclosures {
                black_box(digest::digest(&digest::SHA256, text.as_bytes()));
            }
            pair.sign(&random, &signed.input).expect("signed")
        };
        let raw_is = "one aws-lc-rs ES256 signature and eight SHA-256 of the disclosures";
        let (bar, claims) = (Bar::Ratio(1.6), || self.claims.clone());
        bench.compare_with("issue SD-JWT VC, 8 disclosable claims", bar, claims, ours, raw_is, raw);
    }

    fn present(&self, bench: &mut Bench) {
        let held = self.held();
        let text = self.presented(&held);
        let signed = Signed::of(text.rsplit('~').next());
        let body = text.rsplit_once('~').map(|(body, _)| format!("{body}~")).expect("a key binding");
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            self.holder.secret_bytes(),
            &self.holder.public().key.to_bytes(),
        )
        .expect("a key pair");
        let random = SystemRandom::new();
        let raw = || {
            let sd_hash = digest::digest(&digest::SHA256, body.as_bytes());
            (sd_hash, pair.sign(&random, &signed.input).expect("signed"))
        };
        let raw_is = "one aws-lc-rs ES256 signature and one SHA-256 of the presentation";
        bench.compare(
            "present 8 disclosures with a KB-JWT",
            Bar::None,
            || self.presented(&held),
            raw_is,
            raw,
        );
    }
}

/// A JWS taken apart: what was signed, and the signature.
struct Signed {
    input: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    fn of(compact: Option<&str>) -> Self {
        let (input, signature) = compact.and_then(|text| text.rsplit_once('.')).expect("a JWS");
        Self { input: input.as_bytes().to_vec(), signature: b64::decode(signature).expect("base64url") }
    }
}
