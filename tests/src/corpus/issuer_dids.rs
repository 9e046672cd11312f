//! Issuers that are DIDs: the one in `iss` alone counts, and `kid` must be a key of it for assertions.

use enishi_credential::crypto::Signer as _;
use enishi_credential::did::{self, Did};
use serde_json::{Value, json};

use super::Family;
use super::craft::*;
use super::policy::{CredentialPolicy, Keys};

const FOREIGN: (&str, &str, &str) = ("issuer-key", "did_url_foreign", "/kid");
const UNTRUSTED: (&str, &str, &str) = ("issuer-trusted", "issuer_untrusted", "/iss");
const UNKNOWN: (&str, &str, &str) = ("did-resolution", "did_url_unknown", "/kid");
const INVALID: (&str, &str, &str) = ("did-resolution", "did_invalid", "/kid");
const RELATIONSHIP: (&str, &str, &str) = ("did-relationship", "did_relationship", "/kid");

pub(super) fn all(family: &mut Family) {
    self_contained(family);
    peer(family);
    webvh(family);
}

/// A card of the issuer `did`, by its key `fragment`.
fn as_issuer(did: &str, fragment: &str) -> String {
    by(did, fragment, "issuer")
}

/// The same with the key of this name.
fn by(did: &str, fragment: &str, name: &str) -> String {
    let card = Card::new().claim("iss", json!(did)).head("kid", json!(format!("{did}#{fragment}")));
    card.with(|card| card.key = p256(name)).issued()
}

fn self_contained(family: &mut Family) {
    let did = Did::jwk(issuer().public_jwk()).as_str().to_owned();
    let other = Did::jwk(p256("stranger").public_jwk()).as_str().to_owned();
    let policy = CredentialPolicy { keys: Keys::Did, issuer: Some(did.clone()), ..card_policy() };
    family.demand("did", policy);
    let card = |kid: &str| Card::new().claim("iss", json!(did)).head("kid", json!(kid));
    family.accept(
        "did-issuer-jwk",
        "did",
        "`iss` is a did:jwk, and `kid` its only key.",
        card(&format!("{did}#0")).issued(),
    );
    let stranger = card(&format!("{other}#0")).with(|card| card.key = p256("stranger"));
    family
        .beside("did-issuer-jwk")
        .refuse(
            "did-issuer-kid-of-another-did",
            "`kid` is a key of another DID than `iss`, and signed with it.",
            stranger.issued(),
            FOREIGN,
        )
        .refuse(
            "did-issuer-kid-not-in-did",
            "`kid` names a key that the DID does not have.",
            card(&format!("{did}#1")).issued(),
            ("did-resolution", "did_url_unknown", "/kid"),
        )
        .refuse(
            "did-issuer-key-of-another-did",
            "Signed with another key than the DID's.",
            card(&format!("{did}#0")).with(|card| card.key = p256("stranger")).issued(),
            ("issuer-signature", "signature_invalid", ""),
        )
        .refuse(
            "did-issuer-kid-is-no-did-url",
            "`kid` is a name, not a DID URL.",
            card("issuer-1").issued(),
            ("did-resolution", "did_invalid", "/kid"),
        )
        .refuse(
            "did-issuer-peer-of-the-same-key",
            "`iss` is a did:peer of the same key: another DID is another issuer.",
            as_issuer(&did_peer(&["issuer"]), "key-1"),
            UNTRUSTED,
        )
        .refuse(
            "did-issuer-webvh-of-the-same-key",
            "`iss` is a did:webvh, and signed with the key of the DID that is trusted.",
            as_issuer(&did_webvh("issuer"), "key-1"),
            UNTRUSTED,
        )
        .refuse(
            "did-issuer-kid-of-a-did-peer",
            "`kid` is the key of a did:peer, and signed with it; `iss` is the DID that is trusted.",
            card(&format!("{}#key-1", did_peer(&["stranger"])))
                .with(|card| card.key = p256("stranger"))
                .issued(),
            FOREIGN,
        )
        .refuse(
            "did-issuer-kid-of-a-did-webvh",
            "`kid` is the key of a did:webvh, and signed with it; `iss` is the DID that is trusted.",
            card(&format!("{}#key-1", did_webvh("other"))).with(|card| card.key = p256("stranger")).issued(),
            FOREIGN,
        );
}

fn peer(family: &mut Family) {
    let peer = did_peer(&["issuer", "holder"]);
    let did = Did::parse(&peer).expect("a DID");
    let document = did::resolve(&did, &[]).expect("it is in the DID").as_value().clone();
    demand(family, "did-peer", &peer, document);
    family.accept(
        "did-issuer-peer",
        "did-peer",
        "`iss` is a did:peer that the reader trusts, and `kid` its key for assertions.",
        as_issuer(&peer, "key-1"),
    );
    let with_kid = |kid: &str| Card::new().claim("iss", json!(peer)).head("kid", json!(kid)).issued();
    let did_key = Did::key(issuer().public_jwk()).verification_method().expect("it has one");
    family
        .beside("did-issuer-peer")
        .refuse(
            "did-peer-key-for-authentication",
            "`kid` is a key of the did:peer that is for authentication only, and signed with it.",
            by(&peer, "key-2", "holder"),
            RELATIONSHIP,
        )
        .refuse(
            "did-peer-key-not-in-the-document",
            "`kid` names a key that the did:peer does not have.",
            as_issuer(&peer, "key-3"),
            UNKNOWN,
        )
        .refuse(
            "did-peer-kid-of-the-did-key",
            "`kid` is the did:key of the same key.",
            with_kid(did_key.as_str()),
            FOREIGN,
        )
        .refuse("did-peer-kid-relative", "`kid` is a fragment without a DID.", with_kid("#key-1"), INVALID)
        .refuse(
            "did-peer-iss-with-another-second-key",
            "`iss` is the did:peer of the same key for assertions and of another one for authentication.",
            as_issuer(&did_peer(&["issuer", "stranger"]), "key-1"),
            UNTRUSTED,
        );
}

fn webvh(family: &mut Family) {
    let (webvh, other) = (did_webvh("issuer"), did_webvh("other"));
    let method = |fragment: &str, name: &str| {
        json!({"id": format!("{webvh}#{fragment}"), "type": "JsonWebKey", "controller": webvh,
            "publicKeyJwk": public(&p256(name))})
    };
    let document = json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": webvh,
        "verificationMethod": [method("key-1", "issuer"), method("key-2", "holder")],
        "assertionMethod": [format!("{webvh}#key-1")],
        "authentication": [format!("{webvh}#key-2")],
    });
    demand(family, "did-webvh", &webvh, document);
    family.accept(
        "did-issuer-webvh",
        "did-webvh",
        "`iss` is a did:webvh that the reader trusts, and `kid` a key for assertions in its document.",
        as_issuer(&webvh, "key-1"),
    );
    let with_kid = |kid: String| Card::new().claim("iss", json!(webvh)).head("kid", json!(kid)).issued();
    family
        .beside("did-issuer-webvh")
        .refuse(
            "did-webvh-key-for-authentication",
            "`kid` is a key of the did:webvh that is for authentication only, and signed with it.",
            by(&webvh, "key-2", "holder"),
            RELATIONSHIP,
        )
        .refuse(
            "did-webvh-key-not-in-the-document",
            "`kid` names a key that the document does not have.",
            as_issuer(&webvh, "key-3"),
            UNKNOWN,
        )
        .refuse(
            "did-webvh-kid-of-another-scid",
            "`kid` is of a did:webvh on the same host with another SCID.",
            with_kid(format!("{other}#key-1")),
            FOREIGN,
        )
        .refuse(
            "did-webvh-kid-of-a-version",
            "`kid` names a version of the did:webvh.",
            with_kid(format!("{webvh}?versionNumber=1#key-1")),
            INVALID,
        )
        .refuse(
            "did-webvh-iss-did-web",
            "`iss` is the did:web of the same host.",
            as_issuer("did:web:issuer.example", "key-1"),
            UNTRUSTED,
        );
}

/// A reader who trusts the issuer `did`, and has resolved it to `document`.
fn demand(family: &mut Family, name: &str, did: &str, document: Value) {
    let (issuer, keys) = (Some(did.to_owned()), Keys::DidDocument(document));
    family.demand(name, CredentialPolicy { issuer, keys, ..card_policy() });
}
