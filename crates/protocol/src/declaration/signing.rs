//! Signing declarations.

use base64::Engine as _;
use serde::Serialize;
use serde_json::Value;

use enishi_credential::crypto::{Signer, SignerError};
use enishi_credential::jose::jws;

use super::{APPROVAL_TYP, PARTY_TYP, PURPOSE_TYP, Party, Purpose, PurposeApproval, SERVICE_TYP, Service};

/// How a party's own signature is to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartySigner {
    /// By its certificate: DER, leaf first, without the anchor.
    Certificate(Vec<Vec<u8>>),
    /// By its DID: the signer's `kid` is the DID URL of its key.
    Did,
}

/// Signs a party declaration.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn sign_party(
    signer: &dyn Signer,
    how: &PartySigner,
    party: &Party,
) -> Result<String, SignerError> {
    let mut header = jws::header(PARTY_TYP, signer);
    if let PartySigner::Certificate(chain) = how {
        let encode = |der: &Vec<u8>| Value::String(base64::engine::general_purpose::STANDARD.encode(der));
        header.insert("x5c".to_owned(), chain.iter().map(encode).collect());
    }
    jws::sign(signer, header, &payload(party)?).await
}

/// Signs a service declaration with a key of the data provider's `jwks`, named by the signer's `kid`.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn sign_service(signer: &dyn Signer, service: &Service) -> Result<String, SignerError> {
    jws::sign(signer, jws::header(SERVICE_TYP, signer), &payload(service)?).await
}

/// Signs a purpose declaration with a key of the service provider's `jwks`.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn sign_purpose(signer: &dyn Signer, purpose: &Purpose) -> Result<String, SignerError> {
    jws::sign(signer, jws::header(PURPOSE_TYP, signer), &payload(purpose)?).await
}

/// Signs an approval with a key of the data provider's `jwks`.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn sign_approval(signer: &dyn Signer, approval: &PurposeApproval) -> Result<String, SignerError> {
    jws::sign(signer, jws::header(APPROVAL_TYP, signer), &payload(approval)?).await
}

fn payload(claims: &impl Serialize) -> Result<Value, SignerError> {
    serde_json::to_value(claims).map_err(|error| SignerError(error.to_string()))
}
