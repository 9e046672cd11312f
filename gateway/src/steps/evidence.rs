//! Step 6: the person's own signature. The verifier's evidence is fetched once per bundle and every check is made again;
//! and the link says nothing that the evidence does not say (threat 2).

use std::time::Duration;

use enishi_credential::sealed::SealedSubject;
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::declaration::TermsDeclarations;
use enishi_protocol::evidence::{self, SEALED_MEDIA_TYPE, UnverifiedEvidence};
use enishi_protocol::linking::CLOCK_SKEW;
use enishi_protocol::party;
use http::{Request, header};

use super::token::Link;
use crate::context::Gateway;
use crate::grants::KnownConsent;
use crate::refusal::Refusal;

/// The longest bundle that is read, in bytes.
const MAX_LENGTH: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(5);
const CHECK: &str = "evidence";

pub(crate) async fn check(
    gateway: &Gateway,
    link: &Link,
    subject: &SealedSubject,
) -> Result<KnownConsent, Refusal> {
    let (verifier, sha256) = (link.verifier.as_str(), &link.claims.consent.evidence_sha256);
    let consent = if let Some(known) = gateway.grants.consent(verifier, sha256).await? {
        known
    } else {
        let verified = fetch_and_verify(gateway, link).await.map_err(Refusal::of_trust)?;
        gateway.grants.remember_consent(verifier, sha256, &verified, gateway.now()).await?;
        verified
    };
    compare(gateway, link, subject, &consent).map_err(Refusal::Token)?;
    Ok(consent)
}

async fn fetch_and_verify(gateway: &Gateway, link: &Link) -> Verdict<KnownConsent> {
    let now = gateway.now();
    let sealed = fetch(gateway, link).await?;
    let compact = evidence::open(&sealed, &gateway.decryption_keys, &*gateway.jwe)?;
    let bundle = UnverifiedEvidence::parse(&compact, &link.claims.consent.evidence_sha256)?;
    let key = gateway.verifiers.key(link.verifier.as_str(), &bundle.key_hint()).await?;
    let bundle = bundle.verify(&*gateway.signatures, &key, link.verifier.as_str())?;
    let issuers = gateway.issuers.of_presentations(&bundle.issuer_hints()?).await?;
    let verified = bundle.reverify(&gateway.declarations, &issuers, &*gateway.signatures, now)?;
    Ok(KnownConsent {
        pair: bundle.terms()?,
        sealed_sub: verified.sealed_sub_dp,
        jkt: verified.dp_jkt,
        issuer: verified.issuer,
        acr: verified.acr,
        given_at: verified.given_at,
    })
}

async fn fetch(gateway: &Gateway, link: &Link) -> Verdict<String> {
    let unavailable = |detail: String| {
        Failure::new(CHECK, "evidence_unavailable", detail)
            .remedy("try again later: the verifier did not hand out the evidence")
    };
    let consent = &link.claims.consent;
    let url = match &consent.evidence {
        None => link.verifier.join(&format!("evidence/{}", consent.evidence_sha256)),
        Some(url) => {
            let parsed = gateway.urls.check(url)?;
            if parsed.origin().ascii_serialization() != link.verifier.origin() {
                return Err(Failure::new(
                    CHECK,
                    "evidence_foreign",
                    "the evidence is not on the verifier's origin",
                )
                .at("/consent/evidence")
                .remedy("serve evidence on the verifier's own origin"));
            }
            url.clone()
        }
    };
    let assertion = party::create(
        &*gateway.signer,
        &gateway.party,
        link.verifier.as_str(),
        gateway.now(),
        &*gateway.entropy,
    )
    .await
    .map_err(|error| {
        tracing::error!(%error, "the client assertion could not be signed");
        unavailable("this gateway could not sign its request".to_owned())
    })?;
    let request = Request::get(&url)
        .header(header::ACCEPT, SEALED_MEDIA_TYPE)
        .header(header::AUTHORIZATION, format!("Bearer {assertion}"))
        .body(Vec::new())
        .map_err(|error| unavailable(error.to_string()))?;
    let client = gateway.client.clone().with_limits(MAX_LENGTH, TIMEOUT);
    let answer = client.execute(request).await.map_err(|error| unavailable(error.to_string()))?;
    if answer.status() != http::StatusCode::OK {
        return Err(unavailable(format!("the verifier answered {}", answer.status().as_u16())));
    }
    String::from_utf8(answer.into_body()).map_err(|_| unavailable("the answer is not text".to_owned()))
}

/// Every word of the link that the evidence also says.
fn compare(gateway: &Gateway, link: &Link, subject: &SealedSubject, consent: &KnownConsent) -> Verdict<()> {
    let claims = &link.claims;
    let terms = consent.pair.terms();
    let same = |holds: bool, code: &'static str, at: &str, detail: &'static str| {
        if holds {
            return Ok(());
        }
        Err(Failure::new(CHECK, code, detail)
            .at(at)
            .remedy("mint links that say exactly what the person agreed to"))
    };
    same(
        claims.consent.grant_id == terms.grant_id,
        "grant_not_in_evidence",
        "/consent/grant_id",
        "the evidence is of another grant",
    )?;
    same(
        claims.consent.terms_sha256 == consent.pair.terms_sha256(),
        "terms_not_in_evidence",
        "/consent/terms_sha256",
        "the evidence is of other terms",
    )?;
    same(
        claims.sealed_sub == consent.sealed_sub
            && subject.binding.jkt == consent.jkt
            && subject.binding.iss == consent.issuer,
        "sealed_sub_not_in_evidence",
        "/sealed_sub",
        "the person presented another sealed identifier",
    )?;
    same(claims.acr == consent.acr, "acr_not_in_evidence", "/acr", "the credential had another assurance")?;
    same(
        terms.provider.id == gateway.party,
        "provider_not_in_evidence",
        "/aud",
        "the person agreed to data of another provider",
    )?;
    same(
        claims.client_id == terms.recipient.id,
        "recipient_not_in_evidence",
        "/client_id",
        "the person agreed to another recipient",
    )?;
    same(
        claims.detail().purpose == format!("{}@{}", terms.purpose.id, terms.purpose.version),
        "purpose_not_in_evidence",
        "/authorization_details/0/purpose",
        "the person agreed to another purpose",
    )?;
    let now = gateway.now();
    let in_force = terms.not_before.since(now) <= CLOCK_SKEW && now < terms.not_after;
    same(in_force, "consent_not_in_force", "/consent", "the consent is not in force now")?;
    let found = declarations_now(gateway, consent)?;
    same(
        found.service.body.resource == gateway.resource.as_str(),
        "resource_not_in_evidence",
        "/aud",
        "the person agreed to another service",
    )
}

/// The declarations of a consent, valid now: an expired one suspends live grants (linkage protocol §3).
pub(crate) fn declarations_now<'a>(
    gateway: &'a Gateway,
    consent: &KnownConsent,
) -> Verdict<TermsDeclarations<'a>> {
    gateway.declarations.for_terms(consent.pair.terms(), gateway.now())
}
