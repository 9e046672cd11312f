//! Token Status List: looking up, reading a list, flipping a status and signing its list again.

use std::cell::{Cell, RefCell};
use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, ParsedPublicKey,
};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::{Entropy, SeededEntropy};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::secret::Secret;
use enishi_credential::status::issuing::{
    IssuedList, IssuedLists, Layout, Lifetimes, Place, Places, Publication, SignedList,
};
use enishi_credential::status::{
    Expected, Status, StatusBits, StatusList, UnverifiedStatusListToken, VerifiedStatusList,
};
use enishi_credential::time::UnixTime;
use enishi_native::{AwsSigner, AwsVerifier};
use futures_util::FutureExt as _;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde_json::Value;

use crate::harness::{Bar, Bench};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const URI: &str = "https://issuer.example/status-lists/7";

pub(crate) fn run(bench: &mut Bench) {
    let world = World::new();
    world.look_up(bench);
    world.read(bench, 17);
    world.read(bench, 20);
    world.sign_again(bench);
    place(bench);
}

struct World {
    key: PrivateJwk,
    signer: AwsSigner,
}

impl World {
    fn new() -> Self {
        let key = PrivateJwk::generate_p256(&SeededEntropy::new("issuer"));
        Self { signer: AwsSigner::new(&key).expect("a signing key"), key }
    }

    fn publication() -> Publication<'static> {
        let lifetimes = Lifetimes::new(60, 600).expect("lifetimes");
        Publication { uri: URI, issuer: None, aggregation_uri: None, lifetimes }
    }

    /// A list of one bit, in which one place of a hundred is revoked.
    fn list(log2: u32) -> StatusList {
        let mut list = StatusList::new(StatusBits::One, 1 << log2).expect("a list");
        let entropy = SeededEntropy::new("revoked");
        for _ in 0..(1 << log2) / 100 {
            list.set(random(&entropy, log2), Status::Invalid).expect("a place");
        }
        list
    }

    fn token(&self, list: StatusList) -> String {
        self.sign(&IssuedList::new(list, 0)).token().to_owned()
    }

    fn sign(&self, list: &IssuedList) -> SignedList {
        let (draft, publication) = (list.draft(), Self::publication());
        draft.sign(&publication, &self.signer, &[], NOW).now_or_never().expect("ready").expect("signed")
    }

    fn verify(&self, token: &str) -> VerifiedStatusList {
        let expected = Expected { uri: URI, now: NOW, max_ttl: 300, max_age: None };
        UnverifiedStatusListToken::parse(token)
            .and_then(|parsed| parsed.verify(&AwsVerifier, self.key.public(), &expected))
            .expect("verified")
    }

    fn look_up(&self, bench: &mut Bench) {
        let list = self.verify(&self.token(Self::list(20)));
        let entropy = SeededEntropy::new("asked");
        let places: Vec<u64> = (0..1 << 14).map(|_| random(&entropy, 20)).collect();
        let next = Cell::new(0);
        bench.measure("status: look up a random place of 2^20", Bar::Nanoseconds(100.0), || {
            next.set((next.get() + 1) % places.len());
            list.get(black_box(places[next.get()])).is_ok_and(Status::is_valid)
        });
    }

    fn read(&self, bench: &mut Bench, log2: u32) {
        let token = self.token(Self::list(log2));
        let ours = || self.verify(&token);
        assert_eq!(ours().len(), 1 << log2);

        let (input, signature) = token.rsplit_once('.').expect("a JWS");
        let signature = b64::decode(signature).expect("base64url");
        let payload = b64::decode(input.split('.').nth(1).expect("a payload")).expect("base64url");
        let payload: Value = serde_json::from_slice(&payload).expect("JSON");
        let stream = b64::decode(payload["status_list"]["lst"].as_str().expect("a list")).expect("base64url");
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public().key.to_bytes());
        let key = key.expect("a key");
        let raw = || {
            key.verify_sig(input.as_bytes(), &signature).expect("the issuer's");
            decompress_to_vec_zlib_with_limit(&stream, 1 << 20).expect("inflated")
        };
        let raw_is = "one aws-lc-rs ES256 verification, one inflation by miniz_oxide";
        let operation = format!("status: verify and load a list of 2^{log2}, 1 % revoked");
        bench.compare(&operation, Bar::None, ours, raw_is, raw);
    }

    fn sign_again(&self, bench: &mut Bench) {
        let list = Self::list(17);
        let bytes = inflated(&list);
        let token = self.token(list.clone());
        let input = token.rsplit_once('.').expect("a JWS").0.as_bytes().to_vec();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            self.key.secret_bytes(),
            &self.key.public().key.to_bytes(),
        )
        .expect("a key pair");
        let random_source = SystemRandom::new();

        // Every run revokes one more of a copy, since nothing that was revoked comes back.
        let fresh = IssuedList::new(list, 0);
        let (entropy, runs) = (SeededEntropy::new("flipped"), Cell::new(0_u32));
        let current = RefCell::new(fresh.clone());
        let ours = || {
            runs.set(runs.get() + 1);
            if runs.get() % 256 == 0 {
                current.replace(fresh.clone());
            }
            let mut list = current.borrow_mut();
            // One place of a hundred is revoked already.
            while !list.set(random(&entropy, 17), Status::Invalid).expect("a place") {}
            let signed = self.sign(&list);
            assert!(list.publish(signed));
        };
        let raw = || {
            black_box(compress_to_vec_zlib(&bytes, 10));
            pair.sign(&random_source, &input).expect("signed")
        };
        let raw_is =
            "one compression by miniz_oxide at level 10, one aws-lc-rs ES256 signature of the whole token";
        bench.compare("status: flip and sign again, a list of 2^17", Bar::None, ours, raw_is, raw);

        let (flips, many) = (Cell::new(0_u64), Layout::new(StatusBits::Two, 17, 0).expect("a layout"));
        let mut hundred_million = IssuedLists::new(many, 763);
        hundred_million.open(762).expect("lists");
        let entropy = SeededEntropy::new("suspended");
        bench.measure("status: flip one of 100 million, not signed yet", Bar::None, || {
            let place = Place { list: random(&entropy, 9), idx: random(&entropy, 17) };
            flips.set(flips.get() + 1);
            let to = if flips.get() % 2 == 0 { Status::Valid } else { Status::Suspended };
            hundred_million.set(place, to).expect("a place")
        });
    }
}

fn place(bench: &mut Bench) {
    let places = Places::new(Secret::new([7; 32]), Layout::new(StatusBits::One, 17, 3).expect("a layout"));
    let ticket = Cell::new(0);
    bench.measure("status: a place for a new credential", Bar::None, || {
        ticket.set(ticket.get() + 1);
        places.place(black_box(ticket.get()))
    });
}

/// The bytes of a list, as they are compressed.
fn inflated(list: &StatusList) -> Vec<u8> {
    let stream = b64::decode(&list.encode().lst).expect("base64url");
    decompress_to_vec_zlib_with_limit(&stream, 1 << 20).expect("inflated")
}

/// A random number of `bits` bits.
fn random(entropy: &dyn Entropy, bits: u32) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_be_bytes(bytes) & ((1 << bits) - 1)
}
