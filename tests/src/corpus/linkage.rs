//! Linkage credentials (docs/protocol.md §4): what a mediator, the relying party and the wallet refuse.

use enishi_credential::commitment::{LinkKey, commit_fresh};
use enishi_credential::crypto::Signer as _;
use enishi_credential::did::Did;
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::ppid::{Ppid, UpstreamAccount};
use enishi_credential::sealed::{self, Binding, SealedSubject};
use enishi_credential::secret::Personal;
use enishi_credential::time::UnixTime;
use serde_json::{Value, json};

use super::Family;
use super::craft::*;
use super::policy::{LinkagePolicy, Policy, PresenterPolicy, Reader};

const RP: &str = "https://town.example";
const CHECK: &str = "linkage";
const SEALED: &str = "sealed-sub";
const DAY: i64 = 86_400;

pub(super) fn family() -> Family {
    let mut family =
        Family::new("linkage", "Linkage credentials that break their own rules, and sound ones.");
    for (name, reader) in
        [("mediator", Reader::Mediator), ("relying-party", Reader::RelyingParty), ("wallet", Reader::Wallet)]
    {
        family.demand(name, policy(reader));
    }
    family.accept(
        "lp-mediated",
        "mediator",
        "`sealed_sub` is disclosed, to a verifier in the middle.",
        mediated(&Linkage::new()),
    );
    family.accept(
        "lp-first-party",
        "relying-party",
        "`sub` and `ppid` are disclosed, to the relying party itself.",
        first_party(&Linkage::new()),
    );
    family.accept("lp-held", "wallet", "The credential as its issuer wrote it.", Linkage::new().issued(&ALL));
    let status = json!({"status_list": {"idx": 7, "uri": "https://issuer.example/status/1"}});
    family.accept(
        "lp-with-status",
        "mediator",
        "The same with a status.",
        mediated(&Linkage::new().claim("status", status)),
    );
    disclosed(&mut family);
    visible(&mut family);
    sealed_sub(&mut family);
    wallet(&mut family);
    family
}

fn policy(reader: Reader) -> Policy {
    let key_binding = PresenterPolicy { aud: AUD.to_owned(), nonce: NONCE.to_owned(), max_age: MAX_AGE };
    Policy::Linkage(LinkagePolicy {
        reader,
        now: NOW,
        issuer: ISSUER.to_owned(),
        key: public(&issuer()),
        rp: RP.to_owned(),
        leeway: LEEWAY,
        key_binding,
    })
}

const ALL: [&str; 3] = ["sub", "ppid", "sealed_sub"];

fn mediated(linkage: &Linkage) -> String {
    linkage.presented(&["sealed_sub"])
}

fn first_party(linkage: &Linkage) -> String {
    linkage.presented(&["sub", "ppid"])
}

/// The claims, visible and concealed.
#[derive(Clone)]
struct Linkage {
    visible: Value,
    concealed: Value,
}

impl Linkage {
    fn new() -> Self {
        let today = UnixTime::from_secs(NOW).floor_to_day().secs();
        let scalar =
            LinkKey::new([7; 32]).expect("long enough").scalar(&UpstreamAccount::new(ISSUER, "resident-1"));
        let visible = json!({
            "iss": ISSUER, "vct": "urn:enishi:linkage:1", "iat": today, "exp": today + 7 * DAY,
            "cnf": {"jwk": public(&holder())}, "rp": RP, "acr": "urn:example:high",
            "link": commit_fresh(&scalar, &SeededEntropy::new("corpus/link")).0,
        });
        let concealed = json!({"sub": did(), "ppid": "the-ppid", "sealed_sub": seal(ISSUER, RP, &holder().public_jwk().thumbprint())});
        Self { visible, concealed }
    }

    fn claim(mut self, name: &str, value: Value) -> Self {
        self.visible[name] = value;
        self
    }

    fn without(mut self, name: &str) -> Self {
        for claims in [&mut self.visible, &mut self.concealed] {
            claims.as_object_mut().expect("an object").remove(name);
        }
        self
    }

    fn conceal(mut self, name: &str, value: Value) -> Self {
        self.concealed[name] = value;
        self
    }

    fn card(&self, shown: &[&str]) -> Card {
        let mut card = Card::plain();
        card.claims = self.visible.clone();
        let names: Vec<&String> = self.concealed.as_object().expect("an object").keys().collect();
        let mut names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        names.sort_unstable();
        for name in names {
            card = card.disclose(member(name, &self.concealed[name]));
            if !shown.contains(&name) {
                card.disclosures.pop();
            }
        }
        card
    }

    fn issued(&self, shown: &[&str]) -> String {
        self.card(shown).issued()
    }

    fn presented(&self, shown: &[&str]) -> String {
        self.card(shown).presented().text()
    }
}

fn did() -> String {
    Did::jwk(p256("pairwise").public_jwk()).as_str().to_owned()
}

fn subject(iss: &str, rp: &str, jkt: &enishi_credential::jose::jwk::Thumbprint) -> SealedSubject {
    let binding = Binding { iss: iss.to_owned(), rp: rp.to_owned(), jkt: *jkt };
    SealedSubject { binding, ppid: Ppid::parse("the-ppid").expect("a PPID"), sub: Personal::new(did()) }
}

fn seal(iss: &str, rp: &str, jkt: &enishi_credential::jose::jwk::Thumbprint) -> String {
    let key = PrivateJwk::generate_p256(&SeededEntropy::new("corpus/rp")).public().clone().for_encryption();
    sealed::seal(&RustCryptoJwe, &key, &subject(iss, rp, jkt), &SeededEntropy::new("corpus/seal"))
        .expect("sealed")
}

fn disclosed(family: &mut Family) {
    let sound = Linkage::new();
    let visible_sub = sound.clone().without("sub").claim("sub", json!(did()));
    family
        .beside("lp-mediated")
        .refuse(
            "lp-4-sub-to-mediator",
            "The pairwise DID is disclosed to a verifier in the middle.",
            sound.presented(&["sealed_sub", "sub"]),
            (SEALED, "identifier_disclosed", "/sub"),
        )
        .refuse(
            "lp-4-ppid-to-mediator",
            "The PPID is disclosed to a verifier in the middle.",
            sound.presented(&["sealed_sub", "ppid"]),
            (SEALED, "identifier_disclosed", "/ppid"),
        )
        .refuse(
            "lp-4-everything-to-mediator",
            "Everything is disclosed to a verifier in the middle.",
            sound.presented(&ALL),
            (SEALED, "identifier_disclosed", "/sub"),
        )
        .refuse(
            "lp-4-sub-always-visible",
            "The issuer made the pairwise DID visible to everybody.",
            mediated(&visible_sub),
            (SEALED, "identifier_disclosed", "/sub"),
        )
        .refuse(
            "lp-4-nothing-to-mediator",
            "`sealed_sub` is not disclosed to a verifier in the middle.",
            sound.presented(&[]),
            (SEALED, "sealed_sub_missing", "/sealed_sub"),
        );
    family
        .beside("lp-first-party")
        .refuse(
            "lp-4-sub-missing",
            "The pairwise DID is not disclosed to the relying party.",
            sound.presented(&["ppid"]),
            ("identifiers", "identifier_missing", "/sub"),
        )
        .refuse(
            "lp-4-ppid-missing",
            "The PPID is not disclosed to the relying party.",
            sound.presented(&["sub"]),
            ("identifiers", "identifier_missing", "/ppid"),
        )
        .refuse(
            "lp-4-sub-not-a-did",
            "`sub` is not a DID.",
            first_party(&sound.clone().conceal("sub", json!("resident-1"))),
            ("identifiers", "identifier_malformed", "/sub"),
        )
        .refuse(
            "lp-4-ppid-empty",
            "`ppid` is empty.",
            first_party(&sound.conceal("ppid", json!(""))),
            ("identifiers", "identifier_malformed", "/ppid"),
        );
}

fn visible(family: &mut Family) {
    let sound = Linkage::new();
    let exp = sound.visible["exp"].as_i64().expect("a number");
    let iat = sound.visible["iat"].as_i64().expect("a number");
    let link = sound.visible["link"].clone();
    let claim = |name: &str, value: Value| mediated(&Linkage::new().claim(name, value));
    let missing = |name: &str| mediated(&Linkage::new().without(name));
    let malformed = |pointer: &'static str| (CHECK, "linkage_claim_malformed", pointer);
    let commitment =
        |commitment: &str| claim("link", json!({"suite": link["suite"], "commitment": commitment}));
    let padded = format!("{}=", link["commitment"].as_str().expect("a string"));
    family
        .beside("lp-mediated")
        .refuse(
            "lp-4-rp-other",
            "The credential is for another relying party.",
            claim("rp", json!("https://other.example")),
            (CHECK, "rp_mismatch", "/rp"),
        )
        .refuse(
            "lp-4-rp-trailing-slash",
            "`rp` has a slash at its end.",
            claim("rp", json!(format!("{RP}/"))),
            (CHECK, "rp_mismatch", "/rp"),
        )
        .refuse("lp-4-rp-missing", "There is no `rp`.", missing("rp"), malformed("/rp"))
        .refuse("lp-4-rp-array", "`rp` is an array.", claim("rp", json!([RP])), malformed("/rp"))
        .refuse("lp-4-acr-missing", "There is no `acr`.", missing("acr"), malformed("/acr"))
        .refuse("lp-4-acr-empty", "`acr` is empty.", claim("acr", json!("")), malformed("/acr"))
        .refuse(
            "lp-4-iat-not-rounded",
            "`iat` is not the start of a day.",
            claim("iat", json!(iat + 1)),
            (CHECK, "times_not_rounded", "/iat"),
        )
        .refuse(
            "lp-4-exp-not-rounded",
            "`exp` is not the start of a day.",
            claim("exp", json!(exp + 3600)),
            (CHECK, "times_not_rounded", "/exp"),
        )
        .refuse("lp-4-iat-missing", "There is no `iat`.", missing("iat"), malformed("/iat"))
        .refuse("lp-4-exp-missing", "There is no `exp`.", missing("exp"), ("validity", "exp_missing", "/exp"))
        .refuse(
            "lp-4-vct-other",
            "The credential is of another type.",
            claim("vct", json!("urn:enishi:linkage:2")),
            ("claims", "vct_not_expected", "/vct"),
        )
        .refuse("lp-4-link-missing", "There is no `link`.", missing("link"), malformed("/link"))
        .refuse(
            "lp-4-link-suite-unknown",
            "`link.suite` is one that nobody knows.",
            claim("link", json!({"suite": "ristretto255-sha512-2", "commitment": link["commitment"]})),
            malformed("/link"),
        )
        .refuse(
            "lp-4-link-extra-member",
            "`link` has a member more.",
            claim("link", json!({"suite": link["suite"], "commitment": link["commitment"], "x": 1})),
            malformed("/link"),
        )
        .refuse(
            "lp-4-commitment-identity",
            "The commitment is the identity element.",
            commitment(&b64::encode([0; 32])),
            malformed("/link"),
        )
        .refuse(
            "lp-4-commitment-not-canonical",
            "The commitment is not a canonical encoding.",
            commitment(&b64::encode([0xff; 32])),
            malformed("/link"),
        )
        .refuse(
            "lp-4-commitment-short",
            "The commitment has 31 bytes.",
            commitment(&b64::encode([1; 31])),
            malformed("/link"),
        )
        .refuse(
            "lp-4-commitment-padded",
            "The commitment is base64url with padding.",
            commitment(&padded),
            malformed("/link"),
        )
        .refuse(
            "lp-4-cnf-missing",
            "There is no `cnf`.",
            missing("cnf"),
            ("key-binding", "cnf_missing", "/cnf"),
        );
    let status = |status_list: Value| claim("status", json!({"status_list": status_list}));
    let uri = "https://issuer.example/status/1";
    family
        .beside("lp-with-status")
        .refuse(
            "tsl-n5-idx-string",
            "`idx` of the status is a string.",
            status(json!({"idx": "7", "uri": uri})),
            malformed("/status"),
        )
        .refuse(
            "tsl-n5-idx-negative",
            "`idx` of the status is negative.",
            status(json!({"idx": -1, "uri": uri})),
            malformed("/status"),
        )
        .refuse(
            "tsl-n5-idx-fraction",
            "`idx` of the status is no integer.",
            status(json!({"idx": 1.5, "uri": uri})),
            malformed("/status"),
        )
        .refuse(
            "tsl-n5-idx-too-large",
            "`idx` of the status is 2^64.",
            status(json!({"idx": 18_446_744_073_709_551_616.0, "uri": uri})),
            ("disclosures", "payload_not_json", ""),
        )
        .refuse(
            "tsl-n3-uri-missing",
            "The status has no `uri`.",
            status(json!({"idx": 7})),
            malformed("/status"),
        )
        .refuse(
            "lp-4-status-without-list",
            "`status` names another mechanism than a status list.",
            claim("status", json!({"x": 1})),
            malformed("/status"),
        );
}

fn sealed_sub(family: &mut Family) {
    let jkt = holder().public_jwk().thumbprint();
    let with = |sealed: &str| mediated(&Linkage::new().conceal("sealed_sub", json!(sealed)));
    let sound = seal(ISSUER, RP, &jkt);
    let parts: Vec<&str> = sound.split('.').collect();
    let cut =
        format!("{}.{}.{}.{}.{}", parts[0], parts[1], parts[2], &parts[3][..parts[3].len() - 4], parts[4]);
    let other_credential = seal(ISSUER, RP, &p256("another instance").public_jwk().thumbprint());
    let pointer = "/sealed_sub";
    family
        .beside("lp-mediated")
        .refuse(
            "lp-4-sealed-sub-of-another-credential",
            "`sealed_sub` was cut out of another credential of the same person.",
            with(&other_credential),
            (SEALED, "sealed_sub_binding", pointer),
        )
        .refuse(
            "lp-4-sealed-sub-of-another-party",
            "`sealed_sub` was made for another relying party.",
            with(&seal(ISSUER, "https://other.example", &jkt)),
            (SEALED, "sealed_sub_binding", pointer),
        )
        .refuse(
            "lp-4-sealed-sub-of-another-issuer",
            "`sealed_sub` was made by another issuer.",
            with(&seal("https://other.example", RP, &jkt)),
            (SEALED, "sealed_sub_binding", pointer),
        )
        .refuse(
            "lp-4-sealed-sub-not-a-jwe",
            "`sealed_sub` is not a JWE.",
            with("x"),
            (SEALED, "sealed_sub_malformed", pointer),
        )
        .refuse(
            "lp-4-sealed-sub-other-length",
            "`sealed_sub` is shorter than all others, which could mark a person.",
            with(&cut),
            (SEALED, "sealed_sub_malformed", pointer),
        )
        .refuse(
            "lp-4-sealed-sub-number",
            "`sealed_sub` is a number.",
            mediated(&Linkage::new().conceal("sealed_sub", json!(1))),
            (SEALED, "sealed_sub_missing", pointer),
        );
}

fn wallet(family: &mut Family) {
    let sound = Linkage::new();
    let issued = |linkage: Linkage, shown: &[&str]| linkage.issued(shown);
    let visible_ppid = sound.clone().without("ppid").claim("ppid", json!("the-ppid"));
    family
        .beside("lp-held")
        .refuse(
            "lp-4-unknown-claim",
            "The credential has a claim that linkage credentials do not have.",
            issued(sound.clone().claim("batch", json!("b-1")), &ALL),
            (CHECK, "linkage_claim_unknown", "/batch"),
        )
        .refuse(
            "lp-4-unknown-concealed-claim",
            "The credential conceals a claim that linkage credentials do not have.",
            issued(sound.clone().conceal("name", json!("x")), &["sub", "ppid", "sealed_sub", "name"]),
            (CHECK, "linkage_claim_unknown", "/name"),
        )
        .refuse(
            "lp-4-jti",
            "The credential has a `jti`, by which it would be recognised.",
            issued(sound.clone().claim("jti", json!("1")), &ALL),
            (CHECK, "linkage_claim_unknown", "/jti"),
        )
        .refuse(
            "lp-4-ppid-visible-to-all",
            "The issuer made the PPID visible to everybody.",
            issued(visible_ppid, &ALL),
            (CHECK, "linkage_claim_malformed", "/ppid"),
        )
        .refuse(
            "lp-4-disclosure-withheld",
            "The issuer withholds the disclosure of `sub`.",
            issued(sound.clone(), &["ppid", "sealed_sub"]),
            (CHECK, "linkage_claim_malformed", "/sub"),
        )
        .refuse(
            "lp-4-no-sealed-sub",
            "The credential has no `sealed_sub`.",
            issued(sound.clone().without("sealed_sub"), &ALL),
            (CHECK, "linkage_claim_malformed", "/sealed_sub"),
        )
        .refuse(
            "lp-4-key-binding-from-issuer",
            "The issuer sends a Key Binding JWT along.",
            sound.claim("nbf", json!(NOW - 60)).presented(&ALL),
            ("key-binding", "kb_not_expected", ""),
        );
}
