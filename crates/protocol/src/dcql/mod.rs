//! DCQL, the query language of OpenID4VP 1.0 §6 and §7: what a verifier asks for, and what answers it.
//!
//! A [`Query`] exists only when it keeps every rule of §6. A wallet finds out with [`evaluate`](Query::evaluate)
//! which of its credentials answer it; a verifier checks with [`CredentialQuery::check`] that what came back does,
//! because it must not rely on the wallet's filtering (§6.4.1).

mod evaluate;
mod path;
mod read;
#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

pub use evaluate::{Candidate, Choice, Evaluation, Match};
pub use path::{ClaimsPath, PathElement};

use enishi_credential::verdict::{Failure, Verdict};

/// The Credential Format Identifier of SD-JWT VC (OpenID4VP 1.0 App. B.3).
pub const SD_JWT_VC: &str = "dc+sd-jwt";

/// A valid DCQL query (OpenID4VP 1.0 §6).
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    credentials: Vec<CredentialQuery>,
    credential_sets: Vec<CredentialSet>,
}

/// A Credential Query (§6.1): one credential that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialQuery {
    /// The name of this part of the query; the answer is filed under it.
    pub id: String,
    /// Which format, and which types within that format.
    pub format: FormatQuery,
    /// Whether more than one credential may answer.
    pub multiple: bool,
    /// Authorities of which one must have certified the issuer (§6.1.1); empty when the query names none.
    pub trusted_authorities: Vec<TrustedAuthority>,
    /// Whether the holder must prove possession of the credential's key.
    pub require_holder_binding: bool,
    /// The claims asked for; empty means that only what is always visible is wanted (§6.4.1).
    pub claims: Vec<ClaimQuery>,
    /// Alternative sets of claim ids in order of preference; empty when all claims are wanted.
    pub claim_sets: Vec<Vec<String>>,
}

/// `format` and `meta` of a Credential Query (§6.1, App. B).
#[derive(Debug, Clone, PartialEq)]
pub enum FormatQuery {
    /// `dc+sd-jwt`: one of these `vct` values (App. B.3.5).
    SdJwtVc {
        /// The acceptable types, at least one.
        vct_values: Vec<String>,
    },
    /// A format that this project does not present. Kept, so that queries with alternatives can be answered.
    Other {
        /// The format identifier.
        format: String,
        /// `meta` as received.
        meta: Map<String, Value>,
    },
}

/// A `trusted_authorities` entry (§6.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedAuthority {
    /// `aki`, `etsi_tl` or `openid_federation`.
    pub kind: String,
    /// The acceptable values, at least one.
    pub values: Vec<String>,
}

/// A Claims Query (§6.3).
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimQuery {
    /// The name by which `claim_sets` refers to this claim.
    pub id: Option<String>,
    /// Where the claim is.
    pub path: ClaimsPath,
    /// The acceptable values; empty when any value will do.
    pub values: Vec<ClaimValue>,
}

/// A value that a claim may be asked to have (§6.3): nothing but strings, integers and booleans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimValue {
    /// A string.
    Text(String),
    /// An integer.
    Integer(i128),
    /// A boolean.
    Flag(bool),
}

/// A Credential Set Query (§6.2): alternatives, of which one must be delivered if the set is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialSet {
    /// Sets of credential query ids in order of preference.
    pub options: Vec<Vec<String>>,
    /// Whether an answer must satisfy this set.
    pub required: bool,
}

impl CredentialQuery {
    /// Asks for an SD-JWT VC of the type `vct`, bound to its holder.
    pub fn sd_jwt_vc(id: &str, vct: &str) -> Self {
        Self {
            id: id.to_owned(),
            format: FormatQuery::SdJwtVc { vct_values: vec![vct.to_owned()] },
            multiple: false,
            trusted_authorities: Vec::new(),
            require_holder_binding: true,
            claims: Vec::new(),
            claim_sets: Vec::new(),
        }
    }

    /// Also asks for the top-level claim `name`.
    #[must_use]
    pub fn claim(mut self, name: &str) -> Self {
        self.claims.push(ClaimQuery { id: None, path: ClaimsPath::key(name), values: Vec::new() });
        self
    }

    /// Also asks for the top-level claim `name` with exactly this value.
    #[must_use]
    pub fn claim_value(mut self, name: &str, value: &str) -> Self {
        let values = vec![ClaimValue::Text(value.to_owned())];
        self.claims.push(ClaimQuery { id: None, path: ClaimsPath::key(name), values });
        self
    }

    /// The only string that the top-level claim `name` may have, if the query fixes it to one.
    pub fn fixed_value(&self, name: &str) -> Option<&str> {
        let mut asked = self.claims.iter().filter(|claim| claim.path.top_level() == Some(name));
        match (asked.next().map(|claim| claim.values.as_slice()), asked.next()) {
            (Some([ClaimValue::Text(value)]), None) => Some(value),
            _ => None,
        }
    }

    /// The format identifier.
    pub fn format_id(&self) -> &str {
        match &self.format {
            FormatQuery::SdJwtVc { .. } => SD_JWT_VC,
            FormatQuery::Other { format, .. } => format,
        }
    }

    /// Checks that a presented credential, with the claims that were disclosed, answers this query: format, type,
    /// and all claims of one acceptable set with acceptable values (OpenID4VP 1.0 §8.6).
    ///
    /// # Errors
    /// `presentation_does_not_match` with what is missing; claim values are not quoted.
    pub fn check(&self, format: &str, vct: &str, claims: &Value) -> Verdict<()> {
        let refuse = |detail: String| {
            Failure::new("dcql-match", "presentation_does_not_match", detail)
                .at(format!("/vp_token/{}", self.id))
                .remedy("present a credential of the type and with the claims that the DCQL query asks for")
        };
        match &self.format {
            FormatQuery::SdJwtVc { vct_values } if format == SD_JWT_VC => {
                if !vct_values.iter().any(|wanted| wanted == vct) {
                    return Err(refuse("the credential is of another type (`vct`)".to_owned()));
                }
            }
            _ => return Err(refuse("the credential is of another format".to_owned())),
        }
        match evaluate::select_claims(self, claims) {
            Some(_) => Ok(()),
            None => Err(refuse("a claim asked for is missing or has another value".to_owned())),
        }
    }
}

impl Query {
    /// A query for all of `credentials`.
    ///
    /// # Errors
    /// As [`Query::parse`].
    pub fn all_of(credentials: Vec<CredentialQuery>) -> Verdict<Self> {
        Self::parse(&Self { credentials, credential_sets: Vec::new() }.to_value())
    }

    /// Reads a query and checks every rule of OpenID4VP 1.0 §6; unknown members are ignored.
    ///
    /// # Errors
    /// `dcql_invalid` with the place and the rule. On the wire this is `invalid_request` (§8.5).
    pub fn parse(value: &Value) -> Verdict<Self> {
        read::query(value)
    }

    /// The Credential Queries, in order.
    pub fn credentials(&self) -> &[CredentialQuery] {
        &self.credentials
    }

    /// The Credential Set Queries; empty when all credentials are wanted.
    pub fn credential_sets(&self) -> &[CredentialSet] {
        &self.credential_sets
    }

    /// The Credential Query named `id`.
    pub fn credential(&self, id: &str) -> Option<&CredentialQuery> {
        self.credentials.iter().find(|query| query.id == id)
    }

    /// Checks that the answered query ids satisfy the whole query (§6.4.2): all of them, or one option of every
    /// required set.
    ///
    /// # Errors
    /// `presentations_incomplete` if something required is missing.
    pub fn check_complete(&self, answered: &[&str]) -> Verdict<()> {
        let has = |id: &String| answered.contains(&id.as_str());
        let complete = if self.credential_sets.is_empty() {
            self.credentials.iter().all(|query| has(&query.id))
        } else {
            let mut required = self.credential_sets.iter().filter(|set| set.required);
            required.all(|set| set.options.iter().any(|option| option.iter().all(has)))
        };
        if complete {
            return Ok(());
        }
        Err(Failure::new(
            "dcql-complete",
            "presentations_incomplete",
            "a required credential was not presented",
        )
        .at("/vp_token")
        .remedy("present all required credentials, or answer with an error"))
    }

    /// The query as JSON.
    pub fn to_value(&self) -> Value {
        let credentials = self.credentials.iter().map(write_credential).collect();
        let mut out = Map::from_iter([("credentials".to_owned(), credentials)]);
        if !self.credential_sets.is_empty() {
            let set = |set: &CredentialSet| json!({"options": set.options, "required": set.required});
            out.insert("credential_sets".to_owned(), self.credential_sets.iter().map(set).collect());
        }
        Value::Object(out)
    }
}

impl Serialize for Query {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Query {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn write_credential(query: &CredentialQuery) -> Value {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(query.id));
    out.insert("format".to_owned(), json!(query.format_id()));
    let meta = match &query.format {
        FormatQuery::SdJwtVc { vct_values } => json!({"vct_values": vct_values}),
        FormatQuery::Other { meta, .. } => Value::Object(meta.clone()),
    };
    out.insert("meta".to_owned(), meta);
    if query.multiple {
        out.insert("multiple".to_owned(), json!(true));
    }
    if !query.require_holder_binding {
        out.insert("require_cryptographic_holder_binding".to_owned(), json!(false));
    }
    if !query.trusted_authorities.is_empty() {
        let list = query.trusted_authorities.iter().map(|a| json!({"type": a.kind, "values": a.values}));
        out.insert("trusted_authorities".to_owned(), list.collect());
    }
    if !query.claims.is_empty() {
        out.insert("claims".to_owned(), query.claims.iter().map(write_claim).collect());
    }
    if !query.claim_sets.is_empty() {
        out.insert("claim_sets".to_owned(), json!(query.claim_sets));
    }
    Value::Object(out)
}

fn write_claim(claim: &ClaimQuery) -> Value {
    let mut out = Map::new();
    if let Some(id) = &claim.id {
        out.insert("id".to_owned(), json!(id));
    }
    out.insert("path".to_owned(), claim.path.to_value());
    if !claim.values.is_empty() {
        out.insert("values".to_owned(), claim.values.iter().map(ClaimValue::to_value).collect());
    }
    Value::Object(out)
}

impl ClaimValue {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Bool(flag) => Some(Self::Flag(*flag)),
            Value::Number(number) => {
                number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)).map(Self::Integer)
            }
            _ => None,
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Flag(flag) => json!(flag),
            Self::Integer(number) => i64::try_from(*number)
                .map_or_else(|_| json!(u64::try_from(*number).unwrap_or(u64::MAX)), Value::from),
        }
    }

    /// Whether `value` is exactly this value, type included.
    pub fn matches(&self, value: &Value) -> bool {
        Self::from_value(value).is_some_and(|found| found == *self)
    }
}
