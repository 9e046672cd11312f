//! Key proofs of type `jwt` (OpenID4VCI 1.0 Appendix F.1, checks of F.4).

use enishi_credential::crypto::{ES256_OR_EDDSA, SignatureVerifier, Signer, SignerError};
use enishi_credential::did::{self, Did, DidUrl, Relationship};
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::jose::jws::{self, UnverifiedJws};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Failure;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::oauth::{ErrorCode, OAuthError};

/// `typ` of a key proof.
pub const PROOF_TYPE: &str = "openid4vci-proof+jwt";

/// By which name the proof shows its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyBinding {
    /// The bare public key in `jwk`: an instance key.
    Jwk,
    /// A DID URL in `kid`: the pairwise DID.
    Did(DidUrl),
}

/// Makes a key proof with the signer's key (wallet side). `nonce` is the issuer's `c_nonce`; `client_id` is left out
/// after an anonymous pre-authorized code.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn create_proof(
    signer: &dyn Signer,
    binding: &KeyBinding,
    issuer: &str,
    nonce: Option<&str>,
    client_id: Option<&str>,
    now: UnixTime,
) -> Result<String, SignerError> {
    let mut header = Map::new();
    header.insert("typ".to_owned(), PROOF_TYPE.into());
    match binding {
        KeyBinding::Jwk => {
            header.insert("jwk".to_owned(), Jwk::new(signer.public_jwk().key.clone()).to_value());
        }
        KeyBinding::Did(url) => {
            header.insert("kid".to_owned(), url.as_str().into());
        }
    }
    let mut claims = json!({"aud": issuer, "iat": now.secs()});
    if let Value::Object(claims) = &mut claims {
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), nonce.into());
        }
        if let Some(client_id) = client_id {
            claims.insert("iss".to_owned(), client_id.into());
        }
    }
    jws::sign(signer, header, &claims).await
}

/// Where the key of a proof is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In the header.
    Jwk(Jwk),
    /// In the DID document that this DID URL belongs to.
    DidUrl(DidUrl),
}

/// A proof that was parsed and not yet verified: only the source of its key can be read.
#[derive(Clone)]
pub struct KeyProof {
    jws: UnverifiedJws,
    source: KeySource,
}

/// What the issuer demands of every proof in a request.
#[derive(Debug, Clone, Copy)]
pub struct ProofContext<'a> {
    /// The credential issuer's identifier.
    pub issuer: &'a str,
    /// The time now.
    pub now: UnixTime,
    /// How many seconds old a proof may be.
    pub max_age: i64,
    /// How many seconds ahead the wallet's clock may be.
    pub max_ahead: i64,
    /// Whether a nonce is demanded: there is a nonce endpoint.
    pub nonce_required: bool,
    /// The client that the access token was given to; `None` after anonymous access.
    pub client_id: Option<&'a str>,
}

impl<'a> ProofContext<'a> {
    /// Proofs for `issuer`, with nonce, 300 seconds back and 60 ahead.
    pub const fn new(issuer: &'a str, now: UnixTime, client_id: Option<&'a str>) -> Self {
        Self { issuer, now, max_age: 300, max_ahead: 60, nonce_required: true, client_id }
    }
}

/// A proof that holds, but for its nonce: whether that is current and unused is the caller's to check, and the answer
/// to one that is not is `invalid_nonce`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedKeyProof {
    /// The proven key, without further members.
    pub key: Jwk,
    /// The DID that the key was proven to control, if the proof named one.
    pub did: Option<Did>,
    /// The nonce.
    pub nonce: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iat: i64,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    iss: Option<String>,
}

fn invalid(check: &'static str, detail: &str) -> OAuthError {
    let failure = Failure::new(check, "proof_invalid", detail)
        .remedy("make a proof as OpenID4VCI 1.0 Appendix F.1 says");
    OAuthError::from_failure(ErrorCode::InvalidProof, &failure)
}

fn wrap(failure: Failure) -> OAuthError {
    OAuthError::from_failure(ErrorCode::InvalidProof, &failure)
}

impl KeyProof {
    /// Reads one proof (server side).
    ///
    /// # Errors
    /// `invalid_proof` for another form, an algorithm that is not ES256 or EdDSA, a private key, none or several of
    /// `kid`, `jwk` and `x5c`, a `kid` that is not a DID URL, and `x5c`, which is not supported here.
    pub fn parse(compact: &str) -> Result<Self, OAuthError> {
        let jws = UnverifiedJws::parse(compact).map_err(wrap)?;
        let hint = jws.key_hint();
        let source = match (hint.jwk, hint.kid, hint.x5c.is_empty()) {
            (Some(jwk), None, true) => KeySource::Jwk(Jwk::new(jwk.key.clone())),
            (None, Some(kid), true) => KeySource::DidUrl(DidUrl::parse(kid).map_err(wrap)?),
            (None, None, false) => {
                return Err(invalid("proof-key", "`x5c` is not supported: use `jwk` or `kid`"));
            }
            _ => return Err(invalid("proof-key", "the header needs exactly one of `kid`, `jwk` and `x5c`")),
        };
        Ok(Self { jws, source })
    }

    /// Where to find the key.
    pub const fn key_source(&self) -> &KeySource {
        &self.source
    }

    /// Verifies the proof with a key that resolves from the proof alone: `jwk`, or `kid` with did:jwk or did:key.
    ///
    /// # Errors
    /// `invalid_proof`, also for other DID methods.
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        context: &ProofContext<'_>,
    ) -> Result<VerifiedKeyProof, OAuthError> {
        let key = match &self.source {
            KeySource::Jwk(key) => key.clone(),
            KeySource::DidUrl(url) => did::resolve_key(url, Relationship::Authentication).map_err(wrap)?,
        };
        self.verify_with(key, verifier, context)
    }

    /// Verifies the proof with the key that its DID URL was resolved to.
    ///
    /// # Errors
    /// `invalid_proof`: wrong type, signature, audience, time, client, or no nonce.
    pub fn verify_with(
        self,
        key: Jwk,
        verifier: &dyn SignatureVerifier,
        context: &ProofContext<'_>,
    ) -> Result<VerifiedKeyProof, OAuthError> {
        let verified =
            self.jws.verify(verifier, &key, &jws::Expected::new(PROOF_TYPE, ES256_OR_EDDSA)).map_err(wrap)?;
        let claims: Claims = verified.parse_claims().map_err(wrap)?;
        if claims.aud != context.issuer {
            return Err(invalid("proof-audience", "`aud` is not the credential issuer's identifier"));
        }
        let age = context.now.since(UnixTime::from_secs(claims.iat));
        if age > context.max_age || age < -context.max_ahead {
            return Err(invalid("proof-time", "the proof is too old or from the future"));
        }
        if context.nonce_required && claims.nonce.is_none() {
            return Err(invalid("proof-nonce", "`nonce` is missing: ask the nonce endpoint"));
        }
        match (claims.iss.as_deref(), context.client_id) {
            (Some(_), None) => {
                return Err(invalid("proof-client", "`iss` must be left out after anonymous access"));
            }
            (Some(iss), Some(client_id)) if iss != client_id => {
                return Err(invalid("proof-client", "`iss` is not the client that holds the access token"));
            }
            _ => {}
        }
        let did = match self.source {
            KeySource::Jwk(_) => None,
            KeySource::DidUrl(url) => Some(url.did()),
        };
        Ok(VerifiedKeyProof { key: Jwk::new(key.key), did, nonce: claims.nonce })
    }
}
