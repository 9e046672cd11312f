//! Where the issuer's key comes from: what the command line says, and never what the sender says.

use enishi_credential::did::{Did, DidDocument, Relationship};
use enishi_credential::issuer_key::{Fetched, IssuerTrust, Mechanism, Profile, choose_key};
use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::jose::jws::KeyHint;
use enishi_credential::sdjwt::Validation;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use enishi_credential::x509::TrustAnchors;
use enishi_protocol::issuer_keys::{IssuerKeySource, parse_metadata};
use enishi_protocol::web::UrlPolicy;

/// Where the issuer's key comes from.
pub(crate) enum KeySource {
    /// This key.
    One(Jwk),
    /// One of these keys.
    Set(JwkSet),
    /// One of the keys that the issuer publishes, or the leaf of its certificate chain.
    Trust(IssuerTrust, Fetched),
    /// The DID in `iss`.
    Did,
}

impl KeySource {
    /// The keys in the metadata of `issuer`.
    ///
    /// # Errors
    /// As [`parse_metadata`], and if the keys are not in them.
    pub(crate) fn metadata(octets: &[u8], issuer: &str) -> Verdict<Self> {
        let IssuerKeySource::Inline(keys) = parse_metadata(octets, issuer, UrlPolicy::HttpsOnly)? else {
            return Err(Failure::new(
                "issuer-metadata",
                "issuer_metadata_unusable",
                "the keys are at `jwks_uri`: fetch them, and pass them with --issuer-jwks",
            ));
        };
        let trust = IssuerTrust::new(Profile::Any).with(issuer, Mechanism::Metadata)?;
        Ok(Self::Trust(trust, Fetched::Keys(keys)))
    }

    /// The keys in the DID document of `issuer`.
    ///
    /// # Errors
    /// As [`DidDocument::read`], and if `issuer` is no DID.
    pub(crate) fn did_document(octets: &[u8], issuer: &str) -> Verdict<Self> {
        let document = DidDocument::read(octets, &Did::parse(issuer)?)?;
        let trust = IssuerTrust::new(Profile::Any).with(issuer, Mechanism::Did)?;
        Ok(Self::Trust(trust, Fetched::Document(document)))
    }

    /// Certificates that end at `anchors`: those of `issuer`, or of whomever they name.
    ///
    /// # Errors
    /// As [`IssuerTrust::with`].
    pub(crate) fn certificate(
        profile: Profile,
        issuer: Option<&str>,
        anchors: TrustAnchors,
    ) -> Verdict<Self> {
        let trust = IssuerTrust::new(profile);
        let trust = match issuer {
            Some(issuer) => trust.with(issuer, Mechanism::Certificate(anchors))?,
            None => trust.with_authorities(anchors),
        };
        Ok(Self::Trust(trust, Fetched::Nothing))
    }

    /// The key of a text whose header says `hint`; makes `validation` demand the issuer whose key it is.
    ///
    /// # Errors
    /// Why there is no such key.
    pub(crate) fn find(
        &self,
        claimed: Option<&str>,
        hint: &KeyHint<'_>,
        now: UnixTime,
        validation: Option<&mut Validation>,
    ) -> Verdict<Jwk> {
        let by_trust = |trust: &IssuerTrust, fetched: &Fetched, validation: Option<&mut Validation>| {
            let found = trust.search(claimed, hint)?.key(hint, fetched.material(), now)?;
            if let Some(validation) = validation {
                found.bind(validation);
            }
            Ok(found.key().clone())
        };
        match self {
            Self::One(key) => Ok(key.clone()),
            Self::Set(set) => choose_key(set, hint).cloned(),
            Self::Trust(trust, fetched) => by_trust(trust, fetched, validation),
            Self::Did => {
                let expected = validation.as_ref().and_then(|validation| validation.issuer.clone());
                let id = expected
                    .or_else(|| claimed.map(str::to_owned))
                    .ok_or_else(|| no_did("the credential names no issuer, and no key was passed"))?;
                let did = Did::parse(&id).map_err(|_| no_did("the issuer is not a did:jwk or did:key"))?;
                if hint.kid.is_none() {
                    // Who signs by a DID is that DID: `iss` and the key are one thing.
                    if let Some(validation) = validation {
                        validation.issuer = Some(id);
                    }
                    return did.resolve_key(Relationship::AssertionMethod);
                }
                let trust = IssuerTrust::new(Profile::Any).with(id, Mechanism::Did)?;
                by_trust(&trust, &Fetched::Nothing, validation)
            }
        }
    }
}

fn no_did(detail: &str) -> Failure {
    Failure::new("issuer-key", "issuer_key_unknown", detail)
        .remedy("pass the issuer's key, or have the issuer be a did:jwk or did:key")
}
