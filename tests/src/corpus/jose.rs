//! The issuer-signed JWT as a JWS: algorithms, keys, header, encodings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enishi_credential::crypto::Signer as _;
use enishi_credential::encoding::b64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::Family;
use super::craft::*;
use super::jose_text;
use super::policy::{CredentialPolicy, Keys};

const FORM: &str = "form";
const ALGORITHM: (&str, &str, &str) = ("issuer-algorithm", "alg_not_allowed", "/alg");
const SIGNATURE: (&str, &str, &str) = ("issuer-signature", "signature_invalid", "");
const TYPE: (&str, &str, &str) = ("issuer-type", "typ_not_allowed", "/typ");

pub(super) fn family() -> Family {
    let mut family =
        Family::new("jose", "SD-JWT VCs whose issuer-signed JWT is a broken JWS, and sound ones.");
    family.demand("card", card_policy());
    let keys = Keys::Jwk(public(&ed25519("issuer")));
    family.demand("ed25519", CredentialPolicy { keys, ..card_policy() });
    family.demand("legacy-typ", CredentialPolicy { legacy_typ: true, ..card_policy() });
    family.accept("jose-card", "card", "A sound card, signed with ES256.", Card::new().issued());
    let card = Card::new().with(|card| card.key = ed25519("issuer"));
    family.accept(
        "jose-card-ed25519",
        "ed25519",
        "The same, signed with EdDSA.",
        card.clone().head("alg", json!("EdDSA")).issued(),
    );
    family.accept(
        "jose-card-fully-specified",
        "ed25519",
        "The same under the name that RFC 9864 gives the algorithm.",
        card.head("alg", json!("Ed25519")).issued(),
    );
    let unknown = Card::new().head("x", json!(1)).head("cty", json!("x")).issued();
    // Two published keys, of which the reader takes the signatures of one.
    let published = |kid: &str, mut key: Value| {
        key["kid"] = json!(kid);
        key
    };
    let (first, second) = (public(&issuer()), p384_public("issuer"));
    let keys = Keys::Jwks(json!({"keys": [published("issuer-1", first), published("issuer-2", second)]}));
    family.demand("two-keys", CredentialPolicy { keys: keys.clone(), ..card_policy() });
    family.demand("two-keys-es384", CredentialPolicy { keys, algorithms: with_es384(), ..card_policy() });
    family.accept("jose-card-of-two-keys", "two-keys", "Signed with the first of two published keys.", {
        Card::new().head("kid", json!("issuer-1")).issued()
    });
    family.accept(
        "jose-card-es384",
        "two-keys-es384",
        "Signed with the second one by ES384, which the reader takes.",
        es384_card(),
    );
    family.accept(
        "jose-unknown-header-member",
        "card",
        "A header member that nobody knows is ignored.",
        unknown,
    );
    family.accept(
        "jose-legacy-typ",
        "legacy-typ",
        "`typ` is `vc+sd-jwt`, as drafts before -06 had it, and the reader said that it takes that too.",
        Card::new().head("typ", json!("vc+sd-jwt")).issued(),
    );
    algorithms(&mut family);
    signatures(&mut family);
    types(&mut family);
    jose_text::headers(&mut family);
    jose_text::encodings(&mut family);
    jose_text::payloads(&mut family);
    family
}

fn es384_card() -> String {
    let card = Card::new().head("alg", json!("ES384")).head("kid", json!("issuer-2"));
    card.with_jwt(&sign_es384(&text_of(&card.header), text_of(&card.claims), "issuer"))
}

/// A card whose header says `alg`, with `signature` in the place of a signature.
fn with_signature(alg: &str, signature: impl Fn(&str) -> String) -> String {
    let card = Card::new().head("alg", json!(alg));
    let input = format!("{}.{}", b64::encode(text_of(&card.header)), b64::encode(text_of(&card.claims)));
    card.with_jwt(&format!("{input}.{}", signature(&input)))
}

fn hmac(key: &[u8]) -> impl Fn(&str) -> String {
    move |input| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
        mac.update(input.as_bytes());
        b64::encode(mac.finalize().into_bytes())
    }
}

fn algorithms(family: &mut Family) {
    let key = issuer().public_jwk().clone();
    let sec1 = key.key.to_bytes();
    // SubjectPublicKeyInfo of a P-256 key, as in a PEM file.
    let spki = [&hex("3059301306072a8648ce3d020106082a8648ce3d030107034200"), sec1.as_slice()].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(spki));
    let es256 = |input: &str| b64::encode(issuer().sign_now(input.as_bytes()).expect("software signs"));
    let mut beside = family.beside("jose-card");
    beside
        .refuse(
            "sd-n1-alg-none",
            "`alg` is `none` and there is no signature.",
            with_signature("none", |_| String::new()),
            ALGORITHM,
        )
        .refuse(
            "sd-n1-alg-none-in-capitals",
            "`alg` is `NONE` and there is no signature.",
            with_signature("NONE", |_| String::new()),
            ALGORITHM,
        )
        .refuse(
            "sd-n1-alg-none-with-signature",
            "`alg` is `none`, beside a good signature.",
            with_signature("none", es256),
            ALGORITHM,
        )
        .refuse(
            "sd-n1-hs256-key-is-jwk",
            "HMAC with the text of the issuer's public JWK as secret.",
            with_signature("HS256", hmac(text_of(&key.to_value()).as_bytes())),
            ALGORITHM,
        )
        .refuse(
            "sd-n1-hs256-key-is-point",
            "HMAC with the issuer's public point as secret.",
            with_signature("HS256", hmac(&sec1)),
            ALGORITHM,
        )
        .refuse(
            "sd-n1-hs256-key-is-pem",
            "HMAC with the PEM of the issuer's public key as secret.",
            with_signature("HS256", hmac(pem.as_bytes())),
            ALGORITHM,
        )
        .refuse(
            "jose-alg-missing",
            "There is no `alg`.",
            Card::new()
                .with(|card| {
                    card.header.as_object_mut().expect("an object").remove("alg");
                })
                .issued(),
            ALGORITHM,
        )
        .refuse(
            "jose-alg-number",
            "`alg` is a number.",
            Card::new().head("alg", json!(256)).issued(),
            ALGORITHM,
        )
        .refuse(
            "jose-alg-array",
            "`alg` is an array that contains `ES256`.",
            Card::new().head("alg", json!(["ES256"])).issued(),
            ALGORITHM,
        )
        .refuse(
            "jose-alg-lower-case",
            "`alg` is `es256`: the names of algorithms are case-sensitive.",
            Card::new().head("alg", json!("es256")).issued(),
            ALGORITHM,
        )
        .refuse(
            "jose-alg-unknown",
            "`alg` is `ES256K`, beside a signature with ES256.",
            Card::new().head("alg", json!("ES256K")).issued(),
            ALGORITHM,
        )
        .refuse(
            "jose-alg-rsa",
            "`alg` is `RS256`, beside a signature with ES256.",
            Card::new().head("alg", json!("RS256")).issued(),
            ALGORITHM,
        );
    beside
        .refuse(
            "jose-alg-of-another-key",
            "`alg` is `EdDSA`, but the issuer's key is on P-256.",
            Card::new().with(|card| card.key = ed25519("issuer")).head("alg", json!("EdDSA")).issued(),
            SIGNATURE,
        )
        .refuse(
            "jose-alg-confused",
            "`alg` is `EdDSA`, beside a signature with ES256.",
            Card::new().head("alg", json!("EdDSA")).issued(),
            SIGNATURE,
        );
    family.beside("jose-card-of-two-keys").refuse(
        "sd-n1-alg-es384-not-listed",
        "Signed by ES384 with a published key, but the reader does not take that algorithm.",
        es384_card(),
        ALGORITHM,
    );
    family.beside("jose-card-es384").refuse(
        "sd-n1-es384-signature-of-es256",
        "`alg` is `ES384`, beside a signature with ES256 by the other published key.",
        Card::new().head("alg", json!("ES384")).head("kid", json!("issuer-2")).issued(),
        SIGNATURE,
    );
    family.beside("jose-card-ed25519").refuse(
        "jose-alg-es256-with-ed25519-key",
        "`alg` is `ES256`, but the key and the signature are of Ed25519.",
        Card::new().with(|card| card.key = ed25519("issuer")).issued(),
        SIGNATURE,
    );
}

fn signatures(family: &mut Family) {
    let card = Card::new();
    let jwt = card.jwt();
    let (input, signature) = jwt.rsplit_once('.').expect("three parts");
    let bytes = b64::decode(signature).expect("base64url");
    let with = |signature: &[u8]| card.with_jwt(&format!("{input}.{}", b64::encode(signature)));
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        with(&bytes)
    };
    let swapped = [&bytes[32..], &bytes[..32]].concat();
    let other = Card::new().claim("member", json!(false)).jwt();
    let other = b64::decode(other.rsplit('.').next().expect("a part")).expect("base64url");
    let mut signed_payload = card.claims.clone();
    signed_payload["member"] = json!(false);
    let parts: Vec<&str> = jwt.split('.').collect();
    let altered_payload = format!("{}.{}.{}", parts[0], b64::encode(text_of(&signed_payload)), parts[2]);
    let mut header = card.header.clone();
    header["kid"] = json!("issuer-2");
    let altered_header = format!("{}.{}.{}", b64::encode(text_of(&header)), parts[1], parts[2]);

    family
        .beside("jose-card")
        .refuse(
            "sd-n1-signature-of-another-key",
            "Signed with a key that is not the issuer's.",
            Card::new().with(|card| card.key = p256("stranger")).issued(),
            SIGNATURE,
        )
        .refuse(
            "sd-n1-signature-of-the-holder",
            "Signed with the holder's key, which is in `cnf`.",
            Card::new().with(|card| card.key = holder()).issued(),
            SIGNATURE,
        )
        .refuse(
            "sd-n1-signature-r-altered",
            "One bit of the signature's first half is another.",
            flipped(31),
            SIGNATURE,
        )
        .refuse(
            "sd-n1-signature-s-altered",
            "One bit of the signature's second half is another.",
            flipped(63),
            SIGNATURE,
        )
        .refuse(
            "sd-n1-signature-of-another-payload",
            "The signature is of another payload.",
            with(&other),
            SIGNATURE,
        )
        .refuse(
            "sd-n1-payload-altered",
            "A claim was changed after signing.",
            card.with_jwt(&altered_payload),
            SIGNATURE,
        )
        .refuse(
            "sd-n1-header-altered",
            "`kid` was changed after signing.",
            card.with_jwt(&altered_header),
            SIGNATURE,
        )
        .refuse("sd-n1-signature-empty", "The signature is empty.", with(&[]), SIGNATURE)
        .refuse("sd-n1-signature-zero", "The signature is 64 zeros.", with(&[0; 64]), SIGNATURE)
        .refuse(
            "sd-n1-signature-cut-off",
            "The last byte of the signature is missing.",
            with(&bytes[..63]),
            SIGNATURE,
        )
        .refuse(
            "sd-n1-signature-too-long",
            "The signature has one byte more.",
            with(&[bytes.as_slice(), &[0]].concat()),
            SIGNATURE,
        )
        .refuse("sd-n1-signature-der", "The signature is in DER, not r‖s.", with(&der(&bytes)), SIGNATURE)
        .refuse("sd-n1-signature-halves-swapped", "The signature is s‖r.", with(&swapped), SIGNATURE);
}

fn types(family: &mut Family) {
    let typ = |typ: &str| Card::new().head("typ", json!(typ)).issued();
    let absent = Card::new().with(|card| {
        card.header.as_object_mut().expect("an object").remove("typ");
    });
    family
        .beside("jose-card")
        .refuse("sd-n1-typ-jwt", "`typ` is `JWT`.", typ("JWT"), TYPE)
        .refuse("sd-n1-typ-absent", "There is no `typ`.", absent.issued(), TYPE)
        .refuse(
            "sd-n1-typ-legacy",
            "`typ` is `vc+sd-jwt`, and the reader did not say that it takes that.",
            typ("vc+sd-jwt"),
            TYPE,
        )
        .refuse("sd-n1-typ-of-key-binding", "`typ` is `kb+jwt`.", typ("kb+jwt"), TYPE)
        .refuse("v-1-typ-capitals", "`typ` is `DC+SD-JWT`.", typ("DC+SD-JWT"), TYPE)
        .refuse(
            "v-1-typ-with-application",
            "`typ` has the prefix `application/`.",
            typ("application/dc+sd-jwt"),
            TYPE,
        )
        .refuse("v-1-typ-blank", "`typ` has a blank at its end.", typ("dc+sd-jwt "), TYPE)
        .refuse("v-1-typ-empty", "`typ` is empty.", typ(""), TYPE)
        .refuse(
            "v-1-typ-number",
            "`typ` is a number.",
            Card::new().head("typ", json!(1)).issued(),
            (FORM, "jws_malformed", "/typ"),
        )
        .refuse(
            "v-1-typ-array",
            "`typ` is an array.",
            Card::new().head("typ", json!(["dc+sd-jwt"])).issued(),
            (FORM, "jws_malformed", "/typ"),
        );
    family.beside("jose-legacy-typ").refuse(
        "v-1-typ-legacy-is-not-any",
        "`typ` is `example+sd-jwt`, where the reader takes `vc+sd-jwt` too, but nothing else.",
        typ("example+sd-jwt"),
        TYPE,
    );
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}
