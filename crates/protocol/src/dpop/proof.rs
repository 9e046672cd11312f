//! Making proofs: the wallet's and the clients' side (RFC 9449 §4.2).

use enishi_credential::crypto::{Signer, SignerError};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::jose::jws;
use enishi_credential::time::UnixTime;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::PROOF_TYPE;

/// The request that a proof is made for.
#[derive(Debug, Clone, Copy)]
pub struct ProofRequest<'a> {
    /// The HTTP method, as sent.
    pub method: &'a str,
    /// The URL; query and fragment are left out of the proof.
    pub url: &'a str,
    /// The access token that goes with the request, for `ath`.
    pub access_token: Option<&'a str>,
    /// The last nonce that this server gave.
    pub nonce: Option<&'a str>,
}

/// The `ath` of an access token: base64url of the SHA-256 of its ASCII characters (RFC 9449 §4.2).
pub fn access_token_hash(access_token: &str) -> String {
    b64::encode(Sha256::digest(access_token))
}

/// Makes the value of the `DPoP` header for `request`, with the signer's public key in it and a fresh `jti`.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn create(
    signer: &dyn Signer,
    request: ProofRequest<'_>,
    now: UnixTime,
    entropy: &dyn Entropy,
) -> Result<String, SignerError> {
    let mut header = Map::new();
    header.insert("typ".to_owned(), PROOF_TYPE.into());
    header.insert("jwk".to_owned(), Jwk::new(signer.public_jwk().key.clone()).to_value());
    let target = request.url.split(['?', '#']).next().unwrap_or_default();
    let mut claims = json!({
        "jti": b64::encode(entropy::bytes::<16>(entropy)),
        "htm": request.method,
        "htu": target,
        "iat": now.secs(),
    });
    if let Value::Object(claims) = &mut claims {
        if let Some(token) = request.access_token {
            claims.insert("ath".to_owned(), access_token_hash(token).into());
        }
        if let Some(nonce) = request.nonce {
            claims.insert("nonce".to_owned(), nonce.into());
        }
    }
    jws::sign(signer, header, &claims).await
}
