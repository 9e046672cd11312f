//! The Key Binding JWT: who presents what, to whom, and when (RFC 9901 §4.3, §7.3). Here its form and its signature.

use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use super::Family;
use super::craft::*;
use super::key_binding_claims;
use super::policy::CredentialPolicy;

const CHECK: &str = "key-binding";
const FORM: (&str, &str, &str) = (CHECK, "kb_malformed", "");
const SIGNATURE: (&str, &str, &str) = (CHECK, "kb_signature_invalid", "");
const MISSING: (&str, &str, &str) = (CHECK, "kb_missing", "");

pub(super) fn family() -> Family {
    let mut family =
        Family::new("key-binding", "Presentations whose key binding is missing or broken, and sound ones.");
    family.demand("bound", bound_policy());
    family.demand("bound-es384", CredentialPolicy { algorithms: with_es384(), ..bound_policy() });
    let bound = sound();
    family.accept("kb-bound", "bound", "A sound presentation with every disclosure.", bound.text());
    family.accept(
        "kb-nothing-disclosed",
        "bound",
        "A sound presentation without disclosures.",
        Card::new().with(|card| card.disclosures.clear()).presented().text(),
    );
    family.accept("kb-ed25519", "bound", "The holder's key is an Ed25519 key.", ed25519_holder().text());
    family.accept(
        "kb-es384",
        "bound-es384",
        "The holder's key is on P-384, and the reader takes `ES384`.",
        es384_holder(),
    );
    family.accept("kb-sha-512", "bound", "`_sd_alg` is `sha-512`, and `sd_hash` too.", sha512_card().text());
    family.accept(
        "kb-unknown-claims",
        "bound",
        "Further claims of a Key Binding JWT are ignored.",
        bound.clone().claim("transaction_data_hashes", json!(["x"])).claim("y", json!({})).text(),
    );
    let edges = bound
        .clone()
        .claim("iat", json!(NOW - MAX_AGE - LEEWAY))
        .claim("exp", json!(NOW - LEEWAY + 1))
        .claim("nbf", json!(NOW + LEEWAY));
    family.accept(
        "kb-at-the-edges",
        "bound",
        "`iat`, `exp` and `nbf` are just inside of the leeway.",
        edges.text(),
    );
    family.accept(
        "kb-iat-at-the-late-edge",
        "bound",
        "`iat` is as far in the future as the leeway is.",
        bound.claim("iat", json!(NOW + LEEWAY)).text(),
    );
    absent(&mut family);
    header(&mut family);
    keys(&mut family);
    key_binding_claims::audience_and_nonce(&mut family);
    key_binding_claims::times(&mut family);
    key_binding_claims::hash(&mut family);
    key_binding_claims::confirmation(&mut family);
    family
}

pub(super) fn sound() -> Bound {
    Card::new().presented()
}

fn ed25519_holder() -> Bound {
    let card = Card::new().claim("cnf", json!({"jwk": public(&ed25519("holder"))}));
    card.presented().head("alg", json!("EdDSA")).with(|bound| bound.key = ed25519("holder"))
}

fn es384_holder() -> String {
    let bound = Card::new().claim("cnf", json!({"jwk": p384_public("holder")})).presented();
    let bound = bound.head("alg", json!("ES384"));
    bound.with_jwt(&sign_es384(&text_of(&bound.header), text_of(&bound.claims), "holder"))
}

pub(super) fn sha512(text: &str) -> String {
    b64::encode(Sha512::digest(text))
}

pub(super) fn sha512_card() -> Bound {
    let card = Card::plain().claim("_sd", json!([sha512(&colour())])).claim("_sd_alg", json!("sha-512"));
    let bound = card.with(|card| card.disclosures.push(colour())).presented();
    let hash = sha512(&bound.presentation);
    bound.claim("sd_hash", json!(hash))
}

fn absent(family: &mut Family) {
    let bound = sound();
    let (issued, kb) = (&bound.presentation, bound.jwt());
    family
        .beside("kb-bound")
        .refuse("sd-n11-absent", "There is no Key Binding JWT.", issued.clone(), MISSING)
        .refuse(
            "sd-n11-followed-by-tilde",
            "A `~` follows the Key Binding JWT, so that it stands in the place of a disclosure.",
            format!("{issued}{kb}~"),
            MISSING,
        )
        .refuse(
            "sd-n11-twice",
            "There are two Key Binding JWTs.",
            format!("{issued}{kb}~{kb}"),
            ("disclosures", "disclosure_malformed", ""),
        )
        .refuse("sd-2-not-a-jwt", "What follows the last `~` is not a JWT.", bound.with_jwt("x"), FORM)
        .refuse(
            "sd-2-two-parts",
            "The Key Binding JWT has no signature part.",
            bound.with_jwt(kb.rsplit_once('.').expect("three parts").0),
            FORM,
        )
        .refuse(
            "sd-2-four-parts",
            "The Key Binding JWT has a fourth part.",
            bound.with_jwt(&format!("{kb}.x")),
            FORM,
        );
}

fn header(family: &mut Family) {
    const ALG: (&str, &str, &str) = (CHECK, "kb_alg_not_allowed", "/alg");
    const TYP: (&str, &str, &str) = (CHECK, "kb_typ_not_allowed", "/typ");
    let head = |name: &str, value: Value| sound().head(name, value).text();
    let bound = sound();
    let unsigned = |alg: &str| {
        let header = json!({"alg": alg, "typ": "kb+jwt"});
        let parts = format!("{}.{}.", b64::encode(text_of(&header)), b64::encode(text_of(&bound.claims)));
        bound.with_jwt(&parts)
    };
    let without = |name: &str| {
        let bound = sound().with(|bound| {
            bound.header.as_object_mut().expect("an object").remove(name);
        });
        bound.text()
    };
    let private = PrivateJwk::generate_p256(&SeededEntropy::new("corpus/private"));
    let twice = sign(r#"{"alg":"ES256","typ":"kb+jwt","typ":"kb+jwt"}"#, text_of(&bound.claims), &bound.key);
    let claim_twice = format!(r#"{{"nonce":"other",{}"#, &text_of(&bound.claims)[1..]);
    let claim_twice = sign(&text_of(&bound.header), claim_twice, &bound.key);
    let array = sign(&text_of(&bound.header), format!("[{}]", text_of(&bound.claims)), &bound.key);
    family
        .beside("kb-bound")
        .refuse("sd-n11-typ-jwt", "`typ` of the Key Binding JWT is `JWT`.", head("typ", json!("JWT")), TYP)
        .refuse("sd-n11-typ-absent", "The Key Binding JWT has no `typ`.", without("typ"), TYP)
        .refuse(
            "sd-n11-typ-capitals",
            "`typ` of the Key Binding JWT is `KB+JWT`.",
            head("typ", json!("KB+JWT")),
            TYP,
        )
        .refuse(
            "sd-n11-typ-of-credential",
            "`typ` of the Key Binding JWT is `dc+sd-jwt`.",
            head("typ", json!("dc+sd-jwt")),
            TYP,
        )
        .refuse("sd-n11-alg-none", "`alg` of the Key Binding JWT is `none`.", unsigned("none"), ALG)
        .refuse(
            "sd-n11-alg-none-mixed-case",
            "`alg` of the Key Binding JWT is `nOnE`.",
            unsigned("nOnE"),
            ALG,
        )
        .refuse("sd-n11-alg-absent", "The Key Binding JWT has no `alg`.", without("alg"), ALG)
        .refuse(
            "sd-n11-alg-hmac",
            "`alg` of the Key Binding JWT is `HS256`.",
            head("alg", json!("HS256")),
            ALG,
        )
        .refuse(
            "sd-n11-crit",
            "The Key Binding JWT has `crit`.",
            head("crit", json!(["exp"])),
            (CHECK, "kb_malformed", "/crit"),
        )
        .refuse(
            "sd-n11-jwk-private",
            "The Key Binding JWT brings a private key along.",
            head("jwk", private.to_secret_value()),
            (CHECK, "kb_malformed", "/jwk"),
        )
        .refuse(
            "sd-n11-header-member-twice",
            "The header of the Key Binding JWT has `typ` twice.",
            bound.with_jwt(&twice),
            FORM,
        )
        .refuse(
            "sd-n11-claim-twice",
            "The Key Binding JWT has `nonce` twice.",
            bound.with_jwt(&claim_twice),
            FORM,
        )
        .refuse(
            "sd-n11-payload-array",
            "The payload of the Key Binding JWT is an array.",
            bound.with_jwt(&array),
            FORM,
        );
}

fn keys(family: &mut Family) {
    let signed_by = |name: &str| sound().with(|bound| bound.key = p256(name)).text();
    let bound = sound();
    let jwt = bound.jwt();
    let (input, signature) = jwt.rsplit_once('.').expect("three parts");
    let mut bytes = b64::decode(signature).expect("base64url");
    bytes[0] ^= 1;
    let flipped = format!("{input}.{}", b64::encode(bytes));
    let other = sound().claim("nonce", json!("other")).jwt();
    let foreign = format!("{input}.{}", other.rsplit('.').next().expect("a part"));
    let own = sound().head("jwk", public(&p256("stranger"))).with(|bound| bound.key = p256("stranger"));
    family
        .beside("kb-bound")
        .refuse(
            "sd-n11-key-of-a-stranger",
            "The Key Binding JWT is signed with another key than the one in `cnf`.",
            signed_by("stranger"),
            SIGNATURE,
        )
        .refuse(
            "sd-n11-key-of-the-issuer",
            "The Key Binding JWT is signed with the issuer's key.",
            signed_by("issuer"),
            SIGNATURE,
        )
        .refuse(
            "sd-n11-key-self-asserted",
            "The Key Binding JWT brings the key along with which it is signed.",
            own.text(),
            SIGNATURE,
        )
        .refuse(
            "sd-n11-key-of-a-did-peer",
            "`kid` of the Key Binding JWT names the key of a did:peer, and it is signed with that.",
            sound()
                .head("kid", json!(format!("{}#key-1", did_peer(&["stranger"]))))
                .with(|bound| bound.key = p256("stranger"))
                .text(),
            SIGNATURE,
        )
        .refuse(
            "sd-n11-signature-altered",
            "One bit of the Key Binding JWT's signature is another.",
            bound.with_jwt(&flipped),
            SIGNATURE,
        )
        .refuse(
            "sd-n11-signature-of-another",
            "The Key Binding JWT has the signature of another one of the same holder.",
            bound.with_jwt(&foreign),
            SIGNATURE,
        )
        .refuse(
            "sd-n11-signature-empty",
            "The Key Binding JWT has an empty signature.",
            bound.with_jwt(&format!("{input}.")),
            SIGNATURE,
        )
        .refuse(
            "sd-n11-alg-of-another-key",
            "`alg` of the Key Binding JWT is `EdDSA`, but the key in `cnf` is on P-256.",
            sound().head("alg", json!("EdDSA")).with(|bound| bound.key = ed25519("holder")).text(),
            SIGNATURE,
        );
    family.beside("kb-bound").refuse(
        "sd-n11-alg-es384-not-listed",
        "The key in `cnf` is on P-384 and `alg` is `ES384`, which the reader does not take.",
        es384_holder(),
        (CHECK, "kb_alg_not_allowed", "/alg"),
    );
    family.beside("kb-ed25519").refuse(
        "sd-n11-alg-es256-with-ed25519-key",
        "`alg` of the Key Binding JWT is `ES256`, but the key in `cnf` is an Ed25519 key.",
        ed25519_holder().head("alg", json!("ES256")).text(),
        SIGNATURE,
    );
}
