//! What the two kinds of verifiers see, and what they refuse.

use serde_json::{Map, Value, json};

use super::*;
use crate::commitment::{LinkKey, commit_fresh};
use crate::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use crate::did::Did;
use crate::encoding::b64;
use crate::entropy::SeededEntropy;
use crate::jose::jwe_rustcrypto::RustCryptoJwe;
use crate::jose::jwk::PrivateJwk;
use crate::ppid::{Ppid, UpstreamAccount};
use crate::sdjwt::{ClaimPath, KeyBindingClaims, SdJwtBuilder, UnverifiedSdJwt};
use crate::sealed::{self, Binding, SealedSubject};
use crate::secret::Personal;
use crate::status::StatusReference;
use crate::time::UnixTime;
use crate::verdict::Verdict;

const ISSUER: &str = "https://issuer.example";
const RP: &str = "https://town.example";
const AUD: &str = "decentralized_identifier:did:example:verifier";
const NONCE: &str = "nonce";
/// 2026-11-22T13:00:00Z.
const NOW: UnixTime = UnixTime::from_secs(1_795_352_400);

fn signer(name: &str) -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new(name))).unwrap()
}

fn issuer() -> SoftwareSigner {
    signer("issuer")
}

fn instance() -> SoftwareSigner {
    signer("instance")
}

fn sealing_key() -> PrivateJwk {
    PrivateJwk::generate_p256(&SeededEntropy::new("rp"))
}

fn sealed_for(iss: &str, rp: &str, cnf: &SoftwareSigner) -> String {
    let subject = SealedSubject {
        binding: Binding { iss: iss.to_owned(), rp: rp.to_owned(), jkt: cnf.public_jwk().thumbprint() },
        ppid: Ppid::parse("the-ppid").unwrap(),
        sub: Personal::new("did:jwk:the-did".to_owned()),
    };
    let key = sealing_key().public().clone().for_encryption();
    sealed::seal(&RustCryptoJwe, &key, &subject, &SeededEntropy::new("seal")).unwrap()
}

fn claims() -> LinkageClaims {
    let key = LinkKey::new(vec![7; 32]).unwrap();
    let scalar = key.scalar(&UpstreamAccount::new(ISSUER, "resident-1"));
    LinkageClaims {
        iss: ISSUER.to_owned(),
        rp: RP.to_owned(),
        acr: "urn:example:high".to_owned(),
        issued_at: NOW,
        valid_days: DEFAULT_VALID_DAYS,
        cnf: instance().public_jwk().clone().with_kid("a-name"),
        link: commit_fresh(&scalar, &SeededEntropy::new("r")).0,
        status: Some(StatusReference { idx: 7, uri: "https://issuer.example/status/1".to_owned() }),
        sub: Did::parse("did:jwk:the-did").unwrap(),
        ppid: Ppid::parse("the-ppid").unwrap(),
        sealed_sub: sealed_for(ISSUER, RP, &instance()),
    }
}

fn demand() -> LinkageDemand {
    LinkageDemand {
        issuer: ISSUER.to_owned(),
        rp: RP.to_owned(),
        aud: AUD.to_owned(),
        nonce: NONCE.to_owned(),
        now: NOW,
        max_age: 300,
        leeway: 30,
    }
}

async fn issued(claims: &LinkageClaims) -> String {
    issue(claims, &issuer(), &SeededEntropy::new("salts")).await.unwrap()
}

fn receive(text: &str) -> Verdict<HeldLinkage> {
    HeldLinkage::receive(text, &RustCryptoVerifier, ISSUER, issuer().public_jwk(), NOW)
}

async fn bind(presentation: crate::sdjwt::Presentation) -> String {
    let extra = Map::from_iter([("grant_jkt".to_owned(), json!("x"))]);
    let claims = KeyBindingClaims { aud: AUD.to_owned(), nonce: NONCE.to_owned(), iat: NOW, extra };
    presentation.bind(&instance(), claims).await.unwrap()
}

fn mediated(text: &str, demand: &LinkageDemand) -> Verdict<MediatedLinkage> {
    verify_mediated(UnverifiedSdJwt::parse(text)?, &RustCryptoVerifier, issuer().public_jwk(), demand)
}

fn first_party(text: &str, demand: &LinkageDemand) -> Verdict<FirstPartyLinkage> {
    verify_first_party(UnverifiedSdJwt::parse(text)?, &RustCryptoVerifier, issuer().public_jwk(), demand)
}

/// A credential made by an issuer that breaks rules: the claims of a sound one with `more` put over them.
async fn crafted(more: Value, conceal: &[&str]) -> String {
    let claims = claims();
    let mut all = json!({
        "iss": ISSUER, "vct": VCT, "iat": NOW.floor_to_day().secs(), "exp": NOW.floor_to_day().secs() + 86_400 * 7,
        "cnf": {"jwk": instance().public_jwk()}, "rp": RP, "acr": "a", "link": claims.link,
        "sub": claims.sub, "ppid": claims.ppid, "sealed_sub": claims.sealed_sub,
    });
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let builder = SdJwtBuilder::new(all.as_object().unwrap().clone());
    let builder = conceal.iter().fold(builder, |builder, name| builder.conceal(ClaimPath::name(*name)));
    builder.sign(&issuer(), &SeededEntropy::new("salts")).await.unwrap()
}

const CONCEALED: [&str; 3] = ["sub", "ppid", "sealed_sub"];

#[tokio::test]
async fn a_mediating_verifier_learns_the_rp_and_a_sealed_text_and_no_identifier() {
    let held = receive(&issued(&claims()).await).unwrap();
    let text = bind(held.present_mediated().unwrap()).await;
    let seen = mediated(&text, &demand()).unwrap();
    assert_eq!(seen.view, *held.view());
    assert_eq!((seen.view.iss.as_str(), seen.view.rp.as_str()), (ISSUER, RP));
    assert_eq!(seen.view.link, claims().link);
    assert_eq!(seen.view.jkt, instance().public_jwk().thumbprint());
    assert_eq!(seen.view.status.as_ref().map(|status| status.idx), Some(7));
    assert_eq!(seen.key_binding.claims["grant_jkt"], "x");
    assert_eq!(seen.sealed_sub, claims().sealed_sub);
    assert_eq!(seen.checks.names().last(), Some(&"sealed-sub"));
    // Not even encoded: the identifiers do not occur in what was sent.
    let sent: Vec<String> = text
        .split(['~', '.'])
        .filter_map(|part| b64::decode(part).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    assert!(sent.iter().any(|part| part.contains("sealed_sub")));
    assert!(!sent.iter().any(|part| part.contains("the-ppid") || part.contains("the-did")));
    // The relying party, and only it, opens the seal.
    let binding = Binding { iss: ISSUER.to_owned(), rp: RP.to_owned(), jkt: seen.view.jkt };
    let opened = sealed::open(&RustCryptoJwe, &[sealing_key()], &seen.sealed_sub, &binding).unwrap();
    assert_eq!(opened.ppid, claims().ppid);
}

#[tokio::test]
async fn the_relying_party_itself_learns_sub_and_ppid() {
    let held = receive(&issued(&claims()).await).unwrap();
    let text = bind(held.present_first_party().unwrap()).await;
    let seen = first_party(&text, &demand()).unwrap();
    assert_eq!((&seen.sub, &seen.ppid), (held.sub(), held.ppid()));
    assert_eq!(seen.checks.names().last(), Some(&"identifiers"));
}

#[tokio::test]
async fn linkage_4_identifiers_disclosed_to_a_mediating_verifier_are_refused() {
    let held = receive(&issued(&claims()).await).unwrap();
    for names in [vec!["sub", "sealed_sub"], vec!["ppid", "sealed_sub"], vec!["sub", "ppid"], vec!["sub"]] {
        let paths: Vec<ClaimPath> = names.iter().map(|name| ClaimPath::name(*name)).collect();
        let text = bind(held.as_sd_jwt().present(&paths).unwrap()).await;
        assert_eq!(mediated(&text, &demand()).unwrap_err().code, "identifier_disclosed");
    }
    // Also when the issuer never concealed them.
    let visible = crate::sdjwt::HeldSdJwt::from_storage(&crafted(json!({}), &["sealed_sub"]).await).unwrap();
    let text = bind(visible.present(&[ClaimPath::name("sealed_sub")]).unwrap()).await;
    assert_eq!(mediated(&text, &demand()).unwrap_err().code, "identifier_disclosed");
}

/// What failed does not stand among what held.
#[tokio::test]
async fn a_failure_of_the_linkage_knows_which_checks_held_before_it() {
    let held = receive(&issued(&claims()).await).unwrap();
    let (text, sub) = (
        bind(held.present_mediated().unwrap()).await,
        bind(held.as_sd_jwt().present(&[ClaimPath::name("sub")]).unwrap()).await,
    );
    let before = |failure: &crate::verdict::Failure| failure.held_before().to_vec();
    let all = crate::sdjwt::CHECKS.to_vec();
    let elsewhere = LinkageDemand { rp: "https://other.example".to_owned(), ..demand() };
    let with_linkage = [all.as_slice(), &["linkage"]].concat();
    assert_eq!(before(&mediated(&text, &elsewhere).unwrap_err()), all);
    assert_eq!(before(&first_party(&text, &elsewhere).unwrap_err()), all);
    for (failure, check) in [
        (mediated(&sub, &demand()).unwrap_err(), "sealed-sub"),
        (first_party(&sub, &demand()).unwrap_err(), "identifiers"),
    ] {
        assert_eq!((before(&failure), failure.check), (with_linkage.clone(), check), "{failure}");
    }
    let done = mediated(&text, &demand()).unwrap().checks;
    assert_eq!(done.names(), [with_linkage.as_slice(), &["sealed-sub"]].concat());
}

#[tokio::test]
async fn what_is_not_disclosed_is_missed() {
    let held = receive(&issued(&claims()).await).unwrap();
    let show = |names: &'static [&'static str]| {
        let paths: Vec<ClaimPath> = names.iter().map(|name| ClaimPath::name(*name)).collect();
        bind(held.as_sd_jwt().present(&paths).unwrap())
    };
    assert_eq!(mediated(&show(&[]).await, &demand()).unwrap_err().code, "sealed_sub_missing");
    for names in [[].as_slice(), &["sub"], &["ppid"], &["sealed_sub"]] {
        assert_eq!(first_party(&show(names).await, &demand()).unwrap_err().code, "identifier_missing");
    }
}

#[tokio::test]
async fn another_relying_party_issuer_nonce_or_audience_is_refused() {
    let held = receive(&issued(&claims()).await).unwrap();
    let text = bind(held.present_mediated().unwrap()).await;
    let refused = |change: &dyn Fn(&mut LinkageDemand)| {
        let mut demand = demand();
        change(&mut demand);
        mediated(&text, &demand).unwrap_err().code
    };
    assert_eq!(refused(&|demand| demand.rp = "https://other.example".to_owned()), "rp_mismatch");
    assert_eq!(refused(&|demand| demand.issuer = "https://other.example".to_owned()), "issuer_mismatch");
    assert_eq!(refused(&|demand| demand.nonce = "other".to_owned()), "kb_nonce_mismatch");
    assert_eq!(refused(&|demand| demand.aud = "other".to_owned()), "kb_audience_mismatch");
    assert_eq!(refused(&|demand| demand.now = NOW.plus(86_400 * 8)), "expired");
    assert_eq!(refused(&|demand| demand.now = NOW.plus(331)), "kb_too_old");
    let unbound = held.present_mediated().unwrap().into_unbound();
    assert_eq!(mediated(&unbound, &demand()).unwrap_err().code, "kb_missing");
}

#[tokio::test]
async fn threat_5_sealed_sub_cut_and_paste() {
    let stranger = signer("stranger");
    for foreign in [
        sealed_for(ISSUER, "https://other.example", &instance()),
        sealed_for("https://other.example", RP, &instance()),
        sealed_for(ISSUER, RP, &stranger),
    ] {
        let mut wrong = claims();
        wrong.sealed_sub.clone_from(&foreign);
        assert_eq!(wrong.to_builder().err().unwrap().code, "sealed_sub_binding");
        let text = crafted(json!({"sealed_sub": foreign}), &CONCEALED).await;
        assert_eq!(receive(&text).unwrap_err().code, "sealed_sub_binding");
        let held = crate::sdjwt::HeldSdJwt::from_storage(&text).unwrap();
        let text = bind(held.present(&[ClaimPath::name("sealed_sub")]).unwrap()).await;
        assert_eq!(mediated(&text, &demand()).unwrap_err().code, "sealed_sub_binding");
    }
    let text = crafted(json!({"sealed_sub": "x.y.z"}), &CONCEALED).await;
    assert_eq!(receive(&text).unwrap_err().code, "sealed_sub_malformed");
}

#[tokio::test]
async fn threat_6_times_are_rounded_and_no_claim_marks_a_person() {
    let text = issued(&claims()).await;
    let payload: Value =
        serde_json::from_slice(&b64::decode(text.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(payload["iat"], NOW.floor_to_day().secs());
    assert_eq!(payload["exp"], NOW.floor_to_day().secs() + 7 * 86_400);
    assert!(payload["cnf"]["jwk"].get("kid").is_none());
    let mut names: Vec<&str> = payload.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["_sd", "_sd_alg", "acr", "cnf", "exp", "iat", "iss", "link", "rp", "status", "vct"]);

    for (more, code) in [
        (json!({"iat": NOW.secs()}), "times_not_rounded"),
        (json!({"exp": NOW.secs() + 1000}), "times_not_rounded"),
        (json!({"serial": 1}), "linkage_claim_unknown"),
        (json!({"jti": "x"}), "linkage_claim_unknown"),
    ] {
        assert_eq!(receive(&crafted(more, &CONCEALED).await).unwrap_err().code, code);
    }
}

#[tokio::test]
async fn a_wallet_refuses_a_credential_that_lacks_something_or_does_not_let_it_conceal() {
    for (more, code) in [
        (json!({"rp": null}), "linkage_claim_malformed"),
        (json!({"acr": 7}), "linkage_claim_malformed"),
        (json!({"acr": ""}), "linkage_claim_malformed"),
        (json!({"iat": null}), "linkage_claim_malformed"),
        (json!({"exp": null}), "exp_missing"),
        (json!({"cnf": null}), "linkage_claim_malformed"),
        (json!({"link": null}), "linkage_claim_malformed"),
        (json!({"link": {"suite": "other", "commitment": b64::encode([0; 32])}}), "linkage_claim_malformed"),
        (
            json!({"link": {"suite": "ristretto255-sha512-1", "commitment": b64::encode([0; 32])}}),
            "linkage_claim_malformed",
        ),
        (json!({"status": {"status_list": {"idx": -1, "uri": "x"}}}), "linkage_claim_malformed"),
        (json!({"status": {}}), "linkage_claim_malformed"),
        (json!({"sub": "not a did"}), "identifier_malformed"),
        (json!({"ppid": "with space"}), "identifier_malformed"),
        (json!({"vct": "urn:enishi:linkage:2"}), "vct_not_expected"),
    ] {
        let described = more.to_string();
        let refused = receive(&crafted(more, &CONCEALED).await).unwrap_err();
        assert_eq!(refused.code, code, "{described}");
    }
    for concealed in [["sub", "ppid"], ["sub", "sealed_sub"], ["ppid", "sealed_sub"]] {
        let refused = receive(&crafted(json!({}), &concealed).await).unwrap_err();
        assert_eq!(refused.code, "linkage_claim_malformed");
    }
    assert!(receive(&crafted(json!({}), &CONCEALED).await).is_ok());
}

#[tokio::test]
async fn an_issuer_cannot_issue_nonsense_by_mistake() {
    type Change = fn(&mut LinkageClaims);
    let changes: [Change; 4] = [|c| c.valid_days = 0, |c| c.acr.clear(), |c| c.rp.clear(), |c| c.iss.clear()];
    for change in changes {
        let mut claims = claims();
        change(&mut claims);
        assert_eq!(claims.to_builder().err().unwrap().code, "linkage_claim_malformed");
    }
}

#[tokio::test]
async fn a_stored_credential_is_the_one_that_was_received() {
    let held = receive(&issued(&claims()).await).unwrap();
    let again = HeldLinkage::from_storage(held.as_str()).unwrap();
    assert_eq!((again.view(), again.sub(), again.ppid()), (held.view(), held.sub(), held.ppid()));
    assert!(!format!("{held:?}").contains("the-ppid"));
}
