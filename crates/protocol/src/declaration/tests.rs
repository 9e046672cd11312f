use enishi_credential::crypto::{RustCryptoVerifier, Signer, SoftwareSigner};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::jose::jws;
use enishi_credential::time::{DAY, UnixTime};
use serde_json::{Value, json};

use super::*;
use crate::fixture::{Ids, Town, certificates, key};

const NOW: UnixTime = UnixTime::from_secs(1_795_344_000);

async fn town() -> Town {
    Town::new(Ids::default(), NOW).await
}

fn verify(town: &Town, texts: &[String], now: UnixTime) -> Verdict<DeclarationSet> {
    DeclarationSet::verify(texts.iter().map(String::as_str), &town.trust, &RustCryptoVerifier, now)
}

fn code<T: std::fmt::Debug>(verdict: Verdict<T>) -> &'static str {
    verdict.unwrap_err().code
}

async fn signed(signer: &dyn Signer, typ: &str, claims: &Value) -> String {
    jws::sign(signer, jws::header(typ, signer), claims).await.unwrap()
}

#[tokio::test]
async fn a_bundle_holds_from_the_parties_down_in_any_order() {
    let town = town().await;
    let mut texts = town.declarations.clone();
    texts.reverse();
    let set = verify(&town, &texts, NOW).unwrap();
    assert_eq!(set.all().count(), 5);
    assert_eq!(set, town.set());
    let terms = town.terms("g");
    assert_eq!(set.for_terms(&terms, NOW).unwrap().compacts().len(), 5);
    assert_eq!(set.purpose(&sha256(&town.declarations[3])).unwrap().body, town.purpose());
}

#[tokio::test]
async fn every_declaration_needs_its_partys_declaration_and_key() {
    let town = town().await;
    for (missing, expected) in [(0, "party_untrusted"), (1, "party_untrusted")] {
        let mut texts = town.declarations.clone();
        texts.remove(missing);
        assert_eq!(code(verify(&town, &texts, NOW)), expected);
    }
    let foreign = sign_service(&town.sp.signer, &town.service()).await.unwrap();
    let mut texts = town.declarations.clone();
    texts[2] = foreign;
    assert_eq!(code(verify(&town, &texts, NOW)), "key_unknown");
    let impostor = PrivateJwk::generate_p256(&enishi_credential::entropy::SeededEntropy::new("x"));
    let impostor = SoftwareSigner::new(impostor.map_public(|jwk| jwk.with_kid("dp-sig"))).unwrap();
    texts[2] = sign_service(&impostor, &town.service()).await.unwrap();
    assert_eq!(code(verify(&town, &texts, NOW)), "signature_invalid");
}

#[tokio::test]
async fn a_did_speaks_only_for_the_party_that_it_is_pinned_to() {
    let mut town = town().await;
    town.trust.pinned.swap(0, 1);
    let ids: Vec<_> = town.trust.pinned.iter().map(|pinned| pinned.id.clone()).rev().collect();
    for (pinned, id) in town.trust.pinned.iter_mut().zip(ids) {
        pinned.id = id;
    }
    assert_eq!(code(verify(&town, &town.declarations, NOW)), "party_untrusted");
    town.trust = DeclarationTrust::default();
    assert_eq!(code(verify(&town, &town.declarations, NOW)), "party_untrusted");
}

#[tokio::test]
async fn a_certificate_speaks_for_the_party_or_host_that_it_names() {
    let town = town().await;
    let party = town.sp.declaration(LocalText::new("あ", "a"), NOW);
    for (dns, uri, good) in [
        (None, Some("https://portal.example"), true),
        (Some("portal.example"), None, true),
        (Some("other.example"), Some("https://other.example"), false),
    ] {
        let leaf = key("leaf");
        let (anchors, chain) = certificates(&leaf, dns, uri);
        let signer = SoftwareSigner::new(leaf).unwrap();
        let how = PartySigner::Certificate(chain);
        let text = sign_party(&signer, &how, &party).await.unwrap();
        let trust = DeclarationTrust { anchors, pinned: Vec::new() };
        let found = DeclarationSet::verify([text.as_str()], &trust, &RustCryptoVerifier, NOW);
        assert_eq!(found.is_ok(), good, "{dns:?} {uri:?}");
        let nobody =
            DeclarationSet::verify([text.as_str()], &DeclarationTrust::default(), &RustCryptoVerifier, NOW);
        assert!(nobody.is_err());
        let later = DeclarationSet::verify([text.as_str()], &trust, &RustCryptoVerifier, NOW.plus(900 * DAY));
        assert!(later.is_err(), "the certificate has expired then");
    }
}

#[tokio::test]
async fn an_unknown_member_could_be_a_restriction_and_is_refused() {
    let town = town().await;
    let mut claims = serde_json::to_value(town.service()).unwrap();
    claims["only_for"] = json!("adults");
    let mut texts = town.declarations.clone();
    texts[2] = signed(&town.dp.signer, SERVICE_TYP, &claims).await;
    assert_eq!(code(verify(&town, &texts, NOW)), "claims_malformed");
    let purpose = serde_json::to_value(town.purpose()).unwrap();
    texts[2] = signed(&town.dp.signer, "JWT", &purpose).await;
    assert_eq!(code(verify(&town, &texts, NOW)), "typ_not_allowed");
}

#[tokio::test]
async fn declarations_that_make_no_sense_are_refused() {
    let town = town().await;
    let service = |change: &dyn Fn(&mut Service)| {
        let mut service = town.service();
        change(&mut service);
        service
    };
    for bad in [
        service(&|s| s.items.clear()),
        service(&|s| s.items[0].pointers.clear()),
        service(&|s| s.items[1].id = s.items[0].id.clone()),
        service(&|s| s.items[0].label.ja = " ".to_owned()),
        service(&|s| s.max_grant_days = 0),
        service(&|s| s.exp = s.iat),
    ] {
        let mut texts = town.declarations.clone();
        texts[2] = sign_service(&town.dp.signer, &bad).await.unwrap();
        assert_eq!(code(verify(&town, &texts, NOW)), "declaration_malformed");
    }
    let mut texts = town.declarations.clone();
    texts[2] = sign_service(&town.dp.signer, &service(&|s| s.iat = NOW.plus(61))).await.unwrap();
    assert_eq!(code(verify(&town, &texts, NOW)), "declaration_from_future");
    let mut purpose = town.purpose();
    purpose.retention.period = "1 year".to_owned();
    texts[3] = sign_purpose(&town.sp.signer, &purpose).await.unwrap();
    texts.truncate(2);
    texts.push(sign_purpose(&town.sp.signer, &purpose).await.unwrap());
    assert_eq!(code(verify(&town, &texts, NOW)), "declaration_malformed");
}

#[tokio::test]
async fn terms_say_what_the_declarations_say_and_no_more() {
    use crate::consent::ConsentTerms;
    use crate::grant::access::{Access, Period};
    let town = town().await;
    let set = town.set();
    let refused = |change: &dyn Fn(&mut ConsentTerms)| {
        let mut terms = town.terms("g");
        change(&mut terms);
        set.for_terms(&terms, NOW).map(|_| ()).unwrap_err().code
    };
    let differ = "terms_differ_from_declaration";
    assert_eq!(refused(&|t| t.recipient.name.ja = "ほか".to_owned()), differ);
    assert_eq!(refused(&|t| t.provider.id = "https://x.example".to_owned()), differ);
    assert_eq!(refused(&|t| t.purpose.text.en = "Ads".to_owned()), differ);
    assert_eq!(refused(&|t| t.items[0].label.ja = "住所".to_owned()), differ);
    assert_eq!(refused(&|t| t.items[0].special = true), differ);
    assert_eq!(refused(&|t| t.items[0].required = false), differ);
    assert_eq!(refused(&|t| t.retention.period = "P9Y".to_owned()), differ);
    assert_eq!(refused(&|t| t.countries.push("US".to_owned())), differ);
    assert_eq!(refused(&|t| t.legal_basis = "law".to_owned()), differ);
    assert_eq!(refused(&|t| t.notice.uri = "https://x.example".to_owned()), differ);
    assert_eq!(refused(&|t| t.items[0].id = "medication".to_owned()), "items_not_declared");
    assert_eq!(refused(&|t| t.items[1].id = "unheard".to_owned()), "items_not_declared");
    assert_eq!(refused(&|t| t.items[1] = t.items[0].clone()), "items_not_declared");
    assert_eq!(refused(&|t| t.service.sha256 = t.purpose.sha256.clone()), "declaration_unknown");
    assert_eq!(refused(&|t| t.not_after = t.not_after.plus(1)), "grant_too_long");
    assert_eq!(refused(&|t| t.access = Access::periodic(2, Period::Day)), "access_too_frequent");
    assert_eq!(refused(&|t| t.access.count = None), "access_invalid");
}

#[tokio::test]
async fn expired_and_unapproved_declarations_carry_no_new_grant() {
    let town = town().await;
    let terms = town.terms("g");
    assert_eq!(code(town.set().for_terms(&terms, NOW.plus(365 * DAY))), "declaration_expired");
    let mut texts = town.declarations.clone();
    texts.pop();
    let set = verify(&town, &texts, NOW).unwrap();
    assert_eq!(code(set.for_terms(&terms, NOW)), "purpose_not_approved");
    // An approval by somebody else, or of another purpose, is none.
    let by_sp = PurposeApproval {
        iss: town.sp.id.clone(),
        purpose_sha256: sha256(&texts[3]),
        iat: NOW,
        exp: NOW.plus(DAY),
    };
    texts.push(sign_approval(&town.sp.signer, &by_sp).await.unwrap());
    let of_other = PurposeApproval { iss: town.dp.id.clone(), purpose_sha256: sha256(&texts[2]), ..by_sp };
    texts.push(sign_approval(&town.dp.signer, &of_other).await.unwrap());
    let set = verify(&town, &texts, NOW).unwrap();
    assert_eq!(code(set.for_terms(&terms, NOW)), "purpose_not_approved");
}
