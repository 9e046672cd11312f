//! What a reader demands, as data that any implementation can read.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a reader demands of one kind of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Policy {
    /// An SD-JWT or SD-JWT VC, with or without key binding.
    SdJwt(CredentialPolicy),
    /// A linkage credential (docs/protocol.md §4).
    Linkage(LinkagePolicy),
    /// A Status List Token, and one place in it that must be valid.
    StatusList(StatusListPolicy),
    /// The same in an answer to the request for the list. The text is the answer as a `data:` URL in base64 (RFC 2397):
    /// its media type, which may be missing, and its body.
    StatusListResponse(StatusListPolicy),
    /// A DID or a DID URL whose key is wanted.
    Did {
        /// What the key is for, as DID documents name it.
        relationship: String,
    },
    /// A DID document that was fetched for a DID.
    DidDocument {
        /// The DID.
        did: String,
        /// The DID URL of the wanted key.
        method: String,
        /// What the key is for.
        relationship: String,
        /// The time.
        now: i64,
    },
    /// JWT VC Issuer Metadata that were fetched for an issuer; only https may be used.
    IssuerMetadata {
        /// The issuer.
        issuer: String,
    },
}

/// What the reader of a linkage credential demands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkagePolicy {
    /// Who reads it.
    pub reader: Reader,
    /// The time.
    pub now: i64,
    /// The issuer.
    pub issuer: String,
    /// The issuer's key, a JWK.
    pub key: Value,
    /// The relying party that it must be for; not looked at by a wallet.
    pub rp: String,
    /// As [`CredentialPolicy::leeway`]; a wallet's is 60.
    pub leeway: i64,
    /// What the presenter has to prove; to a wallet nothing.
    pub key_binding: PresenterPolicy,
}

/// Who reads a linkage credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// A verifier between two relying parties, who must not learn an identifier.
    Mediator,
    /// The relying party itself.
    RelyingParty,
    /// The wallet, which gets it from the issuer.
    Wallet,
}

/// What the reader of a status list demands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusListPolicy {
    /// The time.
    pub now: i64,
    /// The list's URI in the credential.
    pub uri: String,
    /// The credential's place in the list.
    pub idx: u64,
    /// The key of whoever signs the list, a JWK.
    pub key: Value,
    /// How many seconds old the list may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}

/// What a reader demands of an SD-JWT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialPolicy {
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How many seconds clocks may differ.
    pub leeway: i64,
    /// The `typ` of the issuer-signed JWT.
    pub typ: String,
    /// Whether `vc+sd-jwt` is taken too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub legacy_typ: bool,
    /// The algorithms that issuer and holder may use.
    pub algorithms: Vec<String>,
    /// The type of credential; any, but there must be one, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vct: Option<String>,
    /// The issuer whose keys these are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whether there must be an `exp`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub require_exp: bool,
    /// Where the issuer's key comes from.
    pub keys: Keys,
    /// Type metadata documents that the reader has configured, child first; checked if there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub type_metadata: Vec<String>,
    /// What the presenter has to prove. If left out, there must be no Key Binding JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_binding: Option<PresenterPolicy>,
}

/// Where the issuer's key comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keys {
    /// This one key.
    Jwk(Value),
    /// The key of this set that `kid` names.
    Jwks(Value),
    /// The DID in `iss`.
    Did,
    /// The DID in `iss`, which resolves to this document.
    DidDocument(Value),
    /// A key of this JWT VC Issuer Metadata, which the issuer publishes: the one that `kid` names.
    Metadata(Value),
    /// The leaf of the chain in `x5c`, which ends at one of these anchors (PEM) and names the issuer.
    Certificate {
        /// The trust anchors, each a PEM text.
        anchors: Vec<String>,
    },
}

/// What the presenter has to prove with a Key Binding JWT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenterPolicy {
    /// The verifier.
    pub aud: String,
    /// The nonce of the transaction.
    pub nonce: String,
    /// How many seconds old the Key Binding JWT may be, the leeway not counted.
    pub max_age: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl From<CredentialPolicy> for Policy {
    fn from(policy: CredentialPolicy) -> Self {
        Self::SdJwt(policy)
    }
}
