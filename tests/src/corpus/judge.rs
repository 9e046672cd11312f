//! Judges a text by a policy of the corpus, with the library.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enishi_credential::crypto::{Algorithm, SignatureVerifier};
use enishi_credential::did::{self, Did, DidDocument, DidUrl, Relationship};
use enishi_credential::issuer_key::{IssuerTrust, Material, Mechanism, Profile, choose_key};
use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::linkage::{HeldLinkage, LinkageDemand, verify_first_party, verify_mediated};
use enishi_credential::sdjwt::{ExpectedVct, KeyBindingPolicy, UnverifiedSdJwt, Validation, VerifiedSdJwt};
use enishi_credential::status::{self, UnverifiedStatusListToken};
use enishi_credential::time::UnixTime;
use enishi_credential::type_metadata::{IssuedClaims, Resolution, Source};
use enishi_credential::verdict::{Failure, Verdict};
use enishi_credential::x509::TrustAnchors;
use enishi_protocol::issuer_keys::{IssuerKeySource, parse_metadata};
use enishi_protocol::web::UrlPolicy;

use super::policy::{CredentialPolicy, Keys, LinkagePolicy, Policy, Reader, StatusListPolicy};

/// Whether `policy` accepts `text`.
///
/// # Errors
/// The library's refusal.
pub fn judge(policy: &Policy, text: &str, verifier: &dyn SignatureVerifier) -> Verdict<()> {
    match policy {
        Policy::SdJwt(policy) => credential(policy, text, verifier).map(drop),
        Policy::Linkage(policy) => linkage(policy, text, verifier),
        Policy::StatusList(policy) => status_list(policy, text, verifier),
        Policy::StatusListResponse(policy) => status_list_response(policy, text, verifier),
        Policy::Did { relationship } => did_key(text, self::relationship(relationship)),
        Policy::DidDocument { did, method, relationship, now } => {
            let did = Did::parse(did).expect("the policy's DID");
            let method = DidUrl::parse(method).expect("the policy's DID URL");
            let document = DidDocument::read(text.as_bytes(), &did)?;
            document.key(&method, self::relationship(relationship), UnixTime::from_secs(*now)).map(drop)
        }
        Policy::IssuerMetadata { issuer } => {
            parse_metadata(text.as_bytes(), issuer, UrlPolicy::HttpsOnly).map(drop)
        }
    }
}

fn credential(
    policy: &CredentialPolicy,
    text: &str,
    verifier: &dyn SignatureVerifier,
) -> Verdict<VerifiedSdJwt> {
    let credential = if text.starts_with('{') {
        UnverifiedSdJwt::parse_json(text)?
    } else {
        UnverifiedSdJwt::parse(text)?
    };
    let algorithms: Vec<Algorithm> =
        policy.algorithms.iter().map(|name| Algorithm::from_name(name).expect("a known algorithm")).collect();
    let mut validation = Validation {
        now: UnixTime::from_secs(policy.now),
        leeway: policy.leeway,
        typ: policy.typ.clone(),
        legacy_typ: policy.legacy_typ,
        vct: policy.vct.clone().map_or(ExpectedVct::Any, |vct| ExpectedVct::OneOf(vec![vct])),
        issuer: policy.issuer.clone(),
        audience: None,
        require_exp: policy.require_exp,
        algorithms: algorithms.clone(),
        holder_algorithms: algorithms,
    };
    let key = issuer_key(policy, &credential, &mut validation)?;
    let key_binding = match &policy.key_binding {
        None => KeyBindingPolicy::NotRequired,
        Some(presenter) => KeyBindingPolicy::Required {
            aud: presenter.aud.clone(),
            nonce: presenter.nonce.clone(),
            max_age: presenter.max_age,
            leeway: policy.leeway,
        },
    };
    let verified = credential.verify(verifier, &key, &validation, &key_binding)?;
    if !policy.type_metadata.is_empty() {
        let mut resolution = Resolution::of(&verified)?;
        for document in &policy.type_metadata {
            resolution = resolution.supply(document.as_bytes(), Source::Configured)?;
        }
        resolution.finish()?.check(&IssuedClaims::presented(&verified))?;
    }
    Ok(verified)
}

fn issuer_key(
    policy: &CredentialPolicy,
    credential: &UnverifiedSdJwt<'_>,
    validation: &mut Validation,
) -> Verdict<Jwk> {
    let issuer = || policy.issuer.clone().expect("the policy names the issuer");
    let mut document = None;
    let (mechanism, published) = match &policy.keys {
        Keys::Jwk(jwk) => return Ok(Jwk::from_value(jwk).expect("the policy's key")),
        Keys::Jwks(set) => {
            let set: JwkSet = serde_json::from_value(set.clone()).expect("the policy's keys");
            return choose_key(&set, &credential.key_hint()).cloned();
        }
        Keys::Metadata(metadata) => {
            let IssuerKeySource::Inline(keys) =
                parse_metadata(metadata.to_string().as_bytes(), &issuer(), UrlPolicy::HttpsOnly)?
            else {
                panic!("the policy's metadata have keys");
            };
            (Mechanism::Metadata, Some(keys))
        }
        Keys::Certificate { anchors } => (
            Mechanism::Certificate(TrustAnchors::from_pem(&anchors.concat()).expect("the policy's anchors")),
            None,
        ),
        Keys::Did => (Mechanism::Did, None),
        Keys::DidDocument(value) => {
            let did = Did::parse(&issuer()).expect("the policy's DID");
            document = Some(DidDocument::from_value(value.clone(), &did).expect("the policy's document"));
            (Mechanism::Did, None)
        }
    };
    let trust = IssuerTrust::new(Profile::Any).with(issuer(), mechanism).expect("the policy's trust");
    let material = match (&published, &document) {
        (Some(keys), _) => Material::Keys(keys),
        (None, Some(document)) => Material::Document(document),
        (None, None) => Material::Nothing,
    };
    let claimed = credential.claimed_issuer();
    let hint = credential.key_hint();
    let key = trust.search(claimed.as_deref(), &hint)?.key(&hint, material, validation.now)?;
    key.bind(validation);
    Ok(key.key().clone())
}

fn linkage(policy: &LinkagePolicy, text: &str, verifier: &dyn SignatureVerifier) -> Verdict<()> {
    let key = Jwk::from_value(&policy.key).expect("the policy's key");
    let now = UnixTime::from_secs(policy.now);
    let demand = LinkageDemand {
        issuer: policy.issuer.clone(),
        rp: policy.rp.clone(),
        aud: policy.key_binding.aud.clone(),
        nonce: policy.key_binding.nonce.clone(),
        now,
        max_age: policy.key_binding.max_age,
        leeway: policy.leeway,
    };
    match policy.reader {
        Reader::Mediator => verify_mediated(UnverifiedSdJwt::parse(text)?, verifier, &key, &demand).map(drop),
        Reader::RelyingParty => {
            verify_first_party(UnverifiedSdJwt::parse(text)?, verifier, &key, &demand).map(drop)
        }
        Reader::Wallet => HeldLinkage::receive(text, verifier, &policy.issuer, &key, now).map(drop),
    }
}

fn status_list(policy: &StatusListPolicy, text: &str, verifier: &dyn SignatureVerifier) -> Verdict<()> {
    status_in(policy, UnverifiedStatusListToken::parse(text)?, verifier)
}

fn status_list_response(
    policy: &StatusListPolicy,
    text: &str,
    verifier: &dyn SignatureVerifier,
) -> Verdict<()> {
    let parts = text.strip_prefix("data:").and_then(|text| text.split_once(";base64,"));
    let (media_type, body) = parts.expect("a data: URL in base64");
    let body = STANDARD.decode(body).expect("base64");
    let media_type = Some(media_type).filter(|it| !it.is_empty());
    status_in(policy, UnverifiedStatusListToken::from_response(media_type, &body)?, verifier)
}

fn status_in(
    policy: &StatusListPolicy,
    token: UnverifiedStatusListToken,
    verifier: &dyn SignatureVerifier,
) -> Verdict<()> {
    let key = Jwk::from_value(&policy.key).expect("the policy's key");
    let now = UnixTime::from_secs(policy.now);
    let expected = status::Expected { uri: &policy.uri, now, max_ttl: 3600, max_age: policy.max_age };
    let list = token.verify(verifier, &key, &expected)?;
    if list.get(policy.idx)?.is_valid() {
        return Ok(());
    }
    Err(Failure::new("credential-status", "status_not_valid", "the list does not say that it is valid"))
}

fn did_key(text: &str, relationship: Relationship) -> Verdict<()> {
    if text.contains('#') {
        return did::resolve_key(&DidUrl::parse(text)?, relationship).map(drop);
    }
    Did::parse(text)?.resolve_key(relationship).map(drop)
}

fn relationship(name: &str) -> Relationship {
    match name {
        "assertionMethod" => Relationship::AssertionMethod,
        "authentication" => Relationship::Authentication,
        "keyAgreement" => Relationship::KeyAgreement,
        other => panic!("no relationship {other}"),
    }
}
