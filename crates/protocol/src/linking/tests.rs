use enishi_credential::crypto::RustCryptoVerifier;
use enishi_credential::status::StatusReference;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};

use super::*;
use crate::consent::ConsentPair;
use crate::fixture::{Answered, Consent, Ids, Town};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_795_344_000);

pub(crate) async fn town() -> Town {
    Town::new(Ids::default(), NOW).await
}

async fn linked(town: &Town) -> (Consent, Answered) {
    let consent = town.request(town.terms("grant-1"));
    let sp = town.credential("resident-1", &town.sp, None).await;
    let dp = town.credential("resident-1", &town.dp, None).await;
    let answered = town.answer(&consent, &sp, &dp).await;
    (consent, answered)
}

fn code<T: std::fmt::Debug>(verdict: Verdict<T>) -> &'static str {
    verdict.unwrap_err().code
}

#[tokio::test]
async fn a_consent_of_one_person_holds_and_names_the_grant() {
    let town = town().await;
    let (consent, answered) = linked(&town).await;
    let link = town.verify(&consent, &answered.presentations).unwrap();
    assert_eq!(link.grant_id, "grant-1");
    assert_eq!(link.terms_sha256, consent.pair.terms_sha256());
    assert_eq!(link.grant_jkt, answered.grant_key.public().thumbprint());
    assert_eq!(link.issuer, town.ids.issuer);
    let names = link.checks.names();
    let place = |name: &str| names.iter().position(|found| *found == name).expect(name);
    assert!(place("sp-link-terms-hash") < place("link-domain"));
    assert!(place("link-domain") < place("same-subject-proof"));
    assert!(place("same-subject-proof") < place("declarations"));
}

#[tokio::test]
async fn threat_1_credentials_of_two_people_cannot_be_linked() {
    let town = town().await;
    let consent = town.request(town.terms("grant-1"));
    let sp = town.credential("resident-1", &town.sp, None).await;
    let dp = town.credential("resident-2", &town.dp, None).await;
    let request = town.received(&consent).await;
    let pair = request.consent().unwrap();
    let jkt = crate::fixture::key("grant-1").public().thumbprint();
    let made =
        present_linked(&request, &pair, sp.part(), dp.part(), &jkt, NOW, &town.entropy).await.unwrap_err();
    assert!(made.to_string().contains("openings_do_not_fit"), "{made}");
    // Half of another person's answer beside half of one's own.
    let theirs_sp = town.credential("resident-2", &town.sp, None).await;
    let theirs = town.answer(&consent, &theirs_sp, &dp).await;
    let mine_dp = town.credential("resident-1", &town.dp, None).await;
    let mine = town.answer(&consent, &sp, &mine_dp).await;
    let pooled = [mine.presentations[0].clone(), theirs.presentations[1].clone()];
    assert_eq!(code(town.verify(&consent, &pooled)), "same_subject_peer_mismatch");
}

#[tokio::test]
async fn threat_4_an_answer_to_another_request_is_refused() {
    let town = town().await;
    let (consent, answered) = linked(&town).await;
    let mut other = town.request(town.terms("grant-1"));
    other.object.nonce = "nonce-2".to_owned();
    assert_eq!(code(town.verify(&other, &answered.presentations)), "kb_nonce_mismatch");
    let wider = town.request(town.terms("grant-2"));
    assert_eq!(code(town.verify(&wider, &answered.presentations)), "transaction_data_hash_mismatch");
    assert!(town.verify(&consent, &answered.presentations).is_ok());
}

#[tokio::test]
async fn presentations_in_the_wrong_place_are_refused() {
    let town = town().await;
    let (consent, answered) = linked(&town).await;
    let [sp, dp] = answered.presentations;
    assert_eq!(code(town.verify(&consent, &[dp.clone(), sp.clone()])), "rp_mismatch");
    assert_eq!(code(town.verify(&consent, &[sp.clone(), sp])), "rp_mismatch");
}

#[tokio::test]
async fn an_untrusted_issuer_is_refused_before_its_signature_is_looked_at() {
    let town = town().await;
    let (consent, answered) = linked(&town).await;
    let (set, issuers) = (town.set(), IssuerKeys::default());
    let client_id = consent.client_id.to_string();
    let demand = LinkingDemand {
        now: NOW,
        client_id: &client_id,
        nonce: "nonce-1",
        pair: &consent.pair,
        declarations: &set,
        issuers: &issuers,
        signatures: &RustCryptoVerifier,
    };
    let [sp, dp] = &answered.presentations;
    assert_eq!(code(verify_linking(sp, dp, &demand)), "issuer_untrusted");
    let hint = issuer_hint(sp).unwrap();
    assert_eq!(hint.issuer, town.ids.issuer);
    assert!(town.issuers().has(&hint) && !issuers.has(&hint));
}

/// What a dishonest wallet can do: name the right peer and any key, and bring a proof that was made for something else.
async fn dishonest(resident: &str, honest_jkt: bool) -> Verdict<VerifiedLink> {
    use enishi_credential::same_subject::{SameSubjectClaim, Statement, prove};
    use enishi_credential::sdjwt::KeyBindingClaims;
    let town = town().await;
    let consent = town.request(town.terms("grant-1"));
    let request = town.received(&consent).await;
    let pair = request.consent().unwrap();
    let sp = town.credential("resident-1", &town.sp, None).await;
    let own_dp = town.credential("resident-1", &town.dp, None).await;
    let shown_dp = town.credential(resident, &town.dp, None).await;
    let jkt = crate::fixture::key("grant-1").public().thumbprint();
    let other = crate::fixture::key("grant-2").public().thumbprint();
    let for_sp = sp.held.present_mediated().unwrap();
    let shown = if resident == "resident-1" { &own_dp } else { &shown_dp };
    let for_dp = shown.held.present_mediated().unwrap();
    let aud = request.client_id.to_string();
    let statement = Statement {
        c_sp: &sp.held.view().link.commitment,
        c_dp: &own_dp.held.view().link.commitment,
        nonce: &request.nonce,
        aud: &aud,
        sd_hash_sp: for_sp.sd_hash(),
        sd_hash_dp: for_dp.sd_hash(),
        terms_hash_sp: &pair.sp_hash(),
        terms_hash_dp: &pair.terms_sha256(),
        grant_jkt: &jkt,
    };
    let proof = prove(&statement, &sp.opening, &own_dp.opening, &town.entropy).unwrap();
    let suite = shown.held.view().link.suite;
    let claim = SameSubjectClaim { suite, peer_sd_hash: for_sp.sd_hash().to_owned(), proof };
    let claims = |extra| KeyBindingClaims { aud: aud.clone(), nonce: request.nonce.clone(), iat: NOW, extra };
    let sp_extra = request.transaction_data_claims("sp_link");
    let mut extra = request.transaction_data_claims("dp_link");
    extra.insert("grant_jkt".to_owned(), serde_json::json!(if honest_jkt { jkt } else { other }));
    extra.insert("same_subject".to_owned(), serde_json::json!(claim));
    let sp_text = for_sp.bind(&sp.signer, claims(sp_extra)).await.unwrap();
    let dp_text = for_dp.bind(&shown.signer, claims(extra)).await.unwrap();
    town.verify(&consent, &[sp_text, dp_text])
}

#[tokio::test]
async fn threat_1_a_proof_for_another_credential_or_grant_key_is_refused() {
    assert!(dishonest("resident-1", true).await.is_ok());
    assert_eq!(code(dishonest("resident-2", true).await), "same_subject_proof_invalid");
    assert_eq!(code(dishonest("resident-1", false).await), "same_subject_proof_invalid");
}

#[tokio::test]
async fn threat_1_commitments_of_two_issuers_are_not_compared() {
    let town = town().await;
    let elsewhere = Ids { issuer: "https://other-id.example".to_owned(), ..Ids::default() };
    let other = Town::new(elsewhere, NOW).await;
    let consent = town.request(town.terms("grant-1"));
    let sp = town.credential("resident-1", &town.sp, None).await;
    // Both towns draw the same reproducible numbers: the first credential of both has the same commitment.
    let _ = other.credential("resident-1", &other.dp, None).await;
    let dp = other.credential("resident-1", &other.dp, None).await;
    let answered = town.answer(&consent, &sp, &dp).await;
    let (set, keys) = (town.set(), other.issuers());
    let hint = issuer_hint(&answered.presentations[1]).unwrap();
    assert!(keys.has(&hint));
    let issuers = town.issuers().with(
        hint.issuer,
        enishi_credential::jose::jwk::JwkSet {
            keys: vec![enishi_credential::crypto::Signer::public_jwk(&other.issuer).clone()],
        },
    );
    let client_id = consent.client_id.to_string();
    let demand = LinkingDemand {
        now: NOW,
        client_id: &client_id,
        nonce: "nonce-1",
        pair: &consent.pair,
        declarations: &set,
        issuers: &issuers,
        signatures: &RustCryptoVerifier,
    };
    let [one, two] = &answered.presentations;
    assert_eq!(code(verify_linking(one, two, &demand)), "link_domain_mismatch");
}

/// Verifies an answer whose credentials have a status, with these outcomes.
async fn with_status(sp: StatusOutcome, dp: StatusOutcome, has_status: bool) -> Verdict<VerifiedLink> {
    let town = town().await;
    let consent = town.request(town.terms("grant-1"));
    let status =
        || has_status.then(|| StatusReference { idx: 7, uri: "https://id.example/status/1".to_owned() });
    let sp_credential = town.credential("resident-1", &town.sp, status()).await;
    let dp_credential = town.credential("resident-1", &town.dp, status()).await;
    let answered = town.answer(&consent, &sp_credential, &dp_credential).await;
    let (set, issuers) = (town.set(), town.issuers());
    let client_id = consent.client_id.to_string();
    let demand = LinkingDemand {
        now: NOW,
        client_id: &client_id,
        nonce: "nonce-1",
        pair: &consent.pair,
        declarations: &set,
        issuers: &issuers,
        signatures: &RustCryptoVerifier,
    };
    let [one, two] = &answered.presentations;
    verify_linking(one, two, &demand)?.conclude(sp, dp, &demand)
}

#[tokio::test]
async fn threat_11_a_status_that_was_not_found_valid_is_refused() {
    let fine = || StatusOutcome::Checked(Ok(()));
    let bad = || StatusOutcome::Checked(Err(Failure::new("credential-status", "status_unavailable", "x")));
    assert!(with_status(fine(), fine(), true).await.is_ok());
    assert_eq!(code(with_status(bad(), fine(), true).await), "status_unavailable");
    assert_eq!(code(with_status(fine(), bad(), true).await), "status_unavailable");
    assert_eq!(code(with_status(fine(), StatusOutcome::NoStatus, true).await), "status_unknown");
    assert_eq!(code(with_status(fine(), StatusOutcome::NoStatus, false).await), "status_unknown");
    assert!(with_status(StatusOutcome::NoStatus, StatusOutcome::NoStatus, false).await.is_ok());
}

#[test]
fn an_insufficient_assurance_is_refused() {
    let values = ["high".to_owned()];
    assert_eq!(code(check_acr("substantial", &values)), "acr_insufficient");
    assert!(check_acr("high", &values).is_ok());
    assert!(check_acr("anything", &[]).is_ok());
}

#[tokio::test]
async fn first_party_verification_gives_the_relying_party_its_own_identifier() {
    use crate::vp::{ClientId, RequestObject, RequestParts};
    let town = town().await;
    let consent = town.request(town.terms("grant-1"));
    let mut first = town.request(town.terms("grant-1"));
    let parts = RequestParts {
        client_id: &consent.client_id,
        response_uri: "https://verifier.example/responses/1",
        nonce: "nonce-1",
        state: "state-1",
        encryption_key: consent.response_key.public(),
        iat: NOW,
        exp: NOW.plus(600),
    };
    first.object = RequestObject::first_party(&parts, &town.sp.id).unwrap();
    let request = town.received(&first).await;
    let credential = town.credential("resident-1", &town.sp, None).await;
    let text = present_first_party(&request, &credential.held, &credential.signer, NOW).await.unwrap();
    let issuers = town.issuers();
    let client_id = ClientId::to_string(&consent.client_id);
    let demand = FirstPartyDemand {
        now: NOW,
        client_id: &client_id,
        nonce: "nonce-1",
        rp: &town.sp.id,
        acr_values: &[],
        issuers: &issuers,
        signatures: &RustCryptoVerifier,
    };
    let pending = verify_first_party(&text, &demand).unwrap();
    let found = pending.conclude(StatusOutcome::NoStatus, &demand).unwrap();
    assert_eq!(found.ppid, town.ppid("resident-1", &town.sp.id));
    assert_eq!(
        code(verify_first_party(&text, &FirstPartyDemand { rp: &town.dp.id, ..demand })),
        "rp_mismatch"
    );
    // A mediating verifier must not get identifiers even when a wallet sends them (linkage protocol §12.2).
    let mediated = code(town.verify(&consent, &[text.clone(), text]));
    assert_eq!(mediated, "identifier_disclosed");
    let other = town.credential("resident-1", &town.dp, None).await;
    assert!(present_first_party(&request, &other.held, &other.signer, NOW).await.is_err());
}

mod evidence {
    use super::*;
    use crate::evidence::{Evidence, UnverifiedEvidence, open, seal, sha256};
    use enishi_credential::crypto::Signer as _;
    use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;

    async fn bundle(town: &Town) -> Evidence {
        let (consent, answered) = linked(town).await;
        let link = town.verify(&consent, &answered.presentations).unwrap();
        town.evidence(&consent, &answered.presentations, &link)
    }

    async fn reverify(town: &Town, evidence: &Evidence, now: UnixTime) -> Verdict<VerifiedLink> {
        let compact = town.sign_evidence(evidence).await;
        UnverifiedEvidence::parse(&compact, &sha256(&compact))?
            .verify(&RustCryptoVerifier, town.verifier.public_jwk(), &town.ids.verifier)?
            .reverify(&town.set(), &town.issuers(), &RustCryptoVerifier, now)
    }

    #[tokio::test]
    async fn the_data_provider_comes_to_the_same_verdict_months_later() {
        let town = town().await;
        let evidence = bundle(&town).await;
        let link = reverify(&town, &evidence, NOW.plus(90 * 86_400)).await.unwrap();
        assert_eq!(link.grant_id, "grant-1");
        assert_eq!(link.sealed_sub_dp.split('.').count(), 5);
    }

    #[tokio::test]
    async fn threat_2_a_verifier_cannot_invent_or_widen_a_consent() {
        let town = town().await;
        let good = bundle(&town).await;
        let changed = |change: &dyn Fn(&mut Evidence)| {
            let mut evidence = good.clone();
            change(&mut evidence);
            evidence
        };
        let wider = ConsentPair::write({
            let mut terms = town.terms("grant-1");
            terms.not_after = terms.not_after.plus(-1);
            terms
        })
        .unwrap();
        for (evidence, expected) in [
            (changed(&|e| e.grant_id = "grant-2".to_owned()), "evidence_inconsistent"),
            (changed(&|e| e.terms_sha256 = "x".to_owned()), "evidence_inconsistent"),
            (changed(&|e| e.iat = NOW.plus(3600)), "evidence_inconsistent"),
            (changed(&|e| e.nonce = "nonce-2".to_owned()), "kb_nonce_mismatch"),
            (changed(&|e| e.client_id = "x509_san_dns:other.example".to_owned()), "kb_audience_mismatch"),
            (changed(&|e| e.transaction_data.swap(0, 1)), "credential_ids_foreign"),
            (changed(&|e| std::mem::swap(&mut e.sp_presentation, &mut e.dp_presentation)), "rp_mismatch"),
            (
                changed(&|e| {
                    e.transaction_data = wider.strings();
                    e.terms_sha256 = wider.terms_sha256();
                }),
                "transaction_data_hash_mismatch",
            ),
        ] {
            assert_eq!(code(reverify(&town, &evidence, NOW).await), expected);
        }
    }

    #[tokio::test]
    async fn only_the_named_bundle_by_this_verifier_is_read_and_only_by_the_addressee() {
        let town = town().await;
        let compact = town.sign_evidence(&bundle(&town).await).await;
        let sealed = seal(&compact, town.dp.enc.public(), &RustCryptoJwe, &town.entropy).unwrap();
        assert_eq!(
            open(&sealed, &[town.sp.enc.clone(), town.dp.enc.clone()], &RustCryptoJwe).unwrap(),
            compact
        );
        let others = open(&sealed, std::slice::from_ref(&town.sp.enc), &RustCryptoJwe);
        assert_eq!(code(others), "evidence_not_for_us");
        assert_eq!(
            UnverifiedEvidence::parse(&compact, "other").err().unwrap().code,
            "evidence_hash_mismatch"
        );
        let parsed = UnverifiedEvidence::parse(&compact, &sha256(&compact)).unwrap();
        let key = town.verifier.public_jwk();
        let elsewhere = parsed.clone().verify(&RustCryptoVerifier, key, "https://other.example");
        assert_eq!(code(elsewhere), "issuer_mismatch");
        let key = town.issuer.public_jwk();
        assert_eq!(code(parsed.verify(&RustCryptoVerifier, key, &town.ids.verifier)), "signature_invalid");
    }

    #[tokio::test]
    async fn threat_11_evidence_without_a_recorded_status_check_is_refused() {
        let town = town().await;
        let consent = town.request(town.terms("grant-1"));
        let status = || Some(StatusReference { idx: 7, uri: "https://id.example/status/1".to_owned() });
        let sp = town.credential("resident-1", &town.sp, status()).await;
        let dp = town.credential("resident-1", &town.dp, status()).await;
        let answered = town.answer(&consent, &sp, &dp).await;
        let link = town.verify(&consent, &answered.presentations).unwrap();
        let mut evidence = town.evidence(&consent, &answered.presentations, &link);
        assert!(reverify(&town, &evidence, NOW).await.is_ok());
        let at = evidence.checks.iter().position(|name| name == STATUS_CHECK).unwrap();
        evidence.checks.remove(at);
        assert_eq!(code(reverify(&town, &evidence, NOW).await), "evidence_inconsistent");
    }
}

#[tokio::test]
async fn linkage_credentials_follow_the_type_metadata_that_we_publish() {
    use enishi_credential::type_metadata::{IssuedClaims, Resolution, Source};
    use enishi_schemas::json::LINKAGE_TYPE_METADATA;

    let town = town().await;
    let reference = StatusReference { idx: 1, uri: "https://id.example/status/1".to_owned() };
    for status in [None, Some(reference)] {
        let credential = town.credential("resident-1", &town.sp, status).await;
        let held = credential.held.as_sd_jwt();
        let described = Resolution::of_held(held)
            .and_then(|it| it.supply(LINKAGE_TYPE_METADATA.as_bytes(), Source::Configured))
            .and_then(Resolution::finish)
            .unwrap();
        described.check(&IssuedClaims::held(held)).unwrap();
        // Every claim that a person may see has words.
        let shown = ["iss", "rp", "acr", "link", "sub", "ppid", "sealed_sub"];
        for name in shown {
            let path = enishi_credential::sdjwt::ClaimPath::name(name);
            assert!(described.claims().iter().any(|claim| *claim.path() == path), "{name}");
        }
    }
}
