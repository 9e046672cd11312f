//! The request object (OpenID4VP 1.0 §5), as a verifier writes and keeps it.

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use enishi_credential::crypto::{Signer, SignerError};
use enishi_credential::did::DidUrl;
use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::jose::jws;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Verdict;

use crate::consent::{ConsentPair, DP_LINK, SP_LINK};
use crate::dcql::{CredentialQuery, Query};
use crate::declaration::TermsDeclarations;
use crate::linking::{FIRST_PARTY_LINK, VCT};

use super::{ClientId, HASH_ALG, REQUEST_TYP, RESPONSE_MODE, RESPONSE_TYPE, STATIC_AUDIENCE};

/// The `verifier_info` format that carries declarations.
pub const DECLARATIONS_FORMAT: &str = "urn:enishi:declarations:1";

/// A request object before it is signed; a verifier keeps it with the request and signs it when a wallet fetches it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestObject {
    /// The client id once more, or the DID in it; wallets ignore it (§5).
    pub iss: String,
    /// [`STATIC_AUDIENCE`].
    pub aud: String,
    /// When it was made.
    pub iat: UnixTime,
    /// Until when it can be answered.
    pub exp: UnixTime,
    /// The full client id.
    pub client_id: String,
    /// [`RESPONSE_TYPE`].
    pub response_type: String,
    /// [`RESPONSE_MODE`].
    pub response_mode: String,
    /// Where the answer goes.
    pub response_uri: String,
    /// Fresh per request.
    pub nonce: String,
    /// Fresh per request; comes back inside the answer.
    pub state: String,
    /// What is asked for.
    pub dcql_query: Query,
    /// How to answer.
    pub client_metadata: ClientMetadata,
    /// What the holder confirms by presenting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_data: Option<Vec<String>>,
    /// How transaction data is hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_data_hashes_alg: Option<Vec<String>>,
    /// Declarations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier_info: Option<Vec<VerifierInfo>>,
}

/// `client_metadata` (§5.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// The key that the answer is encrypted to, made for this request only (HAIP 1.0 §5).
    pub jwks: JwkSet,
    /// `A128GCM` and `A256GCM`.
    pub encrypted_response_enc_values_supported: Vec<String>,
    /// Formats and their algorithms.
    pub vp_formats_supported: Map<String, Value>,
}

/// An entry of `verifier_info` (§5.1, §5.11).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerifierInfo {
    /// What `data` is.
    pub format: String,
    /// The information.
    pub data: Value,
    /// The Credential Queries that it is about; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_ids: Option<Vec<String>>,
}

/// What is particular to one request.
#[derive(Debug, Clone)]
pub struct RequestParts<'a> {
    /// Who asks.
    pub client_id: &'a ClientId,
    /// Where the answer goes; under `x509_san_dns` on the host of the client id.
    pub response_uri: &'a str,
    /// At least 128 bits of fresh randomness, URL-safe.
    pub nonce: &'a str,
    /// At least 128 bits of fresh randomness, URL-safe.
    pub state: &'a str,
    /// The public part of a key made for this request, with a `kid`.
    pub encryption_key: &'a Jwk,
    /// The time now.
    pub iat: UnixTime,
    /// Until when it can be answered.
    pub exp: UnixTime,
}

/// How a wallet finds and believes the signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestSigner {
    /// `x509_san_dns`: DER certificates, leaf first, without the anchor.
    Certificate(Vec<Vec<u8>>),
    /// `decentralized_identifier`: the DID URL of the key.
    Did(DidUrl),
}

impl RequestObject {
    /// Asks for both linkage credentials of mediated linking, with the consent terms and their declarations
    /// (linkage protocol §6).
    ///
    /// # Errors
    /// `dcql_invalid` never for party ids that are URLs.
    pub fn linking(
        parts: &RequestParts<'_>,
        pair: &ConsentPair,
        declarations: &TermsDeclarations<'_>,
    ) -> Verdict<Self> {
        let query = Self::linking_query(&pair.terms().recipient.id, &pair.terms().provider.id)?;
        let data = json!({"declarations": declarations.compacts()});
        let info = VerifierInfo { format: DECLARATIONS_FORMAT.to_owned(), data, credential_ids: None };
        Ok(Self {
            transaction_data: Some(pair.strings().to_vec()),
            transaction_data_hashes_alg: Some(vec![HASH_ALG.to_owned()]),
            verifier_info: Some(vec![info]),
            ..Self::of(parts, query)
        })
    }

    /// Asks an RP's own user for the RP's own linkage credential, with the identifiers in it.
    ///
    /// # Errors
    /// `dcql_invalid` never for party ids that are URLs.
    pub fn first_party(parts: &RequestParts<'_>, rp: &str) -> Verdict<Self> {
        Ok(Self::of(parts, Self::first_party_query(rp)?))
    }

    /// The query of mediated linking: `sp_link` and `dp_link`, each fixed to its RP, each with its sealed identifier.
    ///
    /// # Errors
    /// `dcql_invalid` never for party ids that are URLs.
    pub fn linking_query(recipient: &str, provider: &str) -> Verdict<Query> {
        let part = |id, rp| CredentialQuery::sd_jwt_vc(id, VCT).claim_value("rp", rp).claim("sealed_sub");
        Query::all_of(vec![part(SP_LINK, recipient), part(DP_LINK, provider)])
    }

    /// The query of first-party verification.
    ///
    /// # Errors
    /// `dcql_invalid` never for party ids that are URLs.
    pub fn first_party_query(rp: &str) -> Verdict<Query> {
        let part = CredentialQuery::sd_jwt_vc(FIRST_PARTY_LINK, VCT).claim("sub").claim("ppid");
        Query::all_of(vec![part.claim_value("rp", rp)])
    }

    fn of(parts: &RequestParts<'_>, dcql_query: Query) -> Self {
        let client_id = parts.client_id.to_string();
        let algorithms =
            json!({"sd-jwt_alg_values": ["ES256", "EdDSA"], "kb-jwt_alg_values": ["ES256", "EdDSA"]});
        Self {
            // Wallets ignore it, but some libraries look for the DID alone there when `kid` is a DID URL.
            iss: match parts.client_id {
                ClientId::DecentralizedIdentifier(did) => did.as_str().to_owned(),
                ClientId::X509SanDns(_) => client_id.clone(),
            },
            aud: STATIC_AUDIENCE.to_owned(),
            iat: parts.iat,
            exp: parts.exp,
            client_id,
            response_type: RESPONSE_TYPE.to_owned(),
            response_mode: RESPONSE_MODE.to_owned(),
            response_uri: parts.response_uri.to_owned(),
            nonce: parts.nonce.to_owned(),
            state: parts.state.to_owned(),
            dcql_query,
            client_metadata: ClientMetadata {
                jwks: JwkSet { keys: vec![parts.encryption_key.clone().for_encryption()] },
                encrypted_response_enc_values_supported: vec!["A128GCM".to_owned(), "A256GCM".to_owned()],
                vp_formats_supported: Map::from_iter([("dc+sd-jwt".to_owned(), algorithms)]),
            },
            transaction_data: None,
            transaction_data_hashes_alg: None,
            verifier_info: None,
        }
    }

    /// Signs the request object for one fetch; `wallet_nonce` is what the wallet posted (§5.10).
    ///
    /// # Errors
    /// [`SignerError`] if the signer fails.
    pub async fn sign(
        &self,
        signer: &dyn Signer,
        how: &RequestSigner,
        wallet_nonce: Option<&str>,
    ) -> Result<String, SignerError> {
        let mut header = jws::header(REQUEST_TYP, signer);
        match how {
            RequestSigner::Certificate(chain) => {
                let encode =
                    |der: &Vec<u8>| Value::String(base64::engine::general_purpose::STANDARD.encode(der));
                header.insert("x5c".to_owned(), chain.iter().map(encode).collect());
            }
            RequestSigner::Did(url) => {
                header.insert("kid".to_owned(), Value::String(url.as_str().to_owned()));
            }
        }
        let mut claims = serde_json::to_value(self).map_err(|error| SignerError(error.to_string()))?;
        if let (Some(nonce), Some(object)) = (wallet_nonce, claims.as_object_mut()) {
            object.insert("wallet_nonce".to_owned(), Value::String(nonce.to_owned()));
        }
        jws::sign(signer, header, &claims).await
    }
}
