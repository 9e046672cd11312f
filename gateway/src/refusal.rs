//! How a request is refused: RFC 6750 and RFC 9449 for clients, RFC 9457 for people.

use enishi_credential::verdict::Failure;
use enishi_protocol::dpop::{ALGORITHMS, DpopError};
use enishi_service::http::Problem;
use enishi_service::store::StoreError;
use http::{HeaderValue, StatusCode, header};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 401 without an error code: there is no link at all (RFC 6750 §3).
    NoToken,
    /// 400: the request uses two schemes or two headers at once.
    Malformed(Failure),
    /// 401 `invalid_token`: the link, or what it stands on, does not hold.
    Token(Failure),
    /// 401: the proof of possession does not hold.
    Proof(DpopError),
    /// 403 `insufficient_scope`: the link holds, but not for this.
    Scope(Failure),
    /// 404: the data provider has nothing there for this person.
    NoData,
    /// 502: the data provider's own API did not do what it should.
    Upstream(Failure),
    /// 503: what the decision needs cannot be had now; so no.
    Unavailable(Failure),
    /// 500: our inside failed, and it is in the log.
    Internal,
}

impl Refusal {
    /// The stable code, for the record.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoToken => "token_missing",
            Self::Malformed(failure)
            | Self::Token(failure)
            | Self::Scope(failure)
            | Self::Upstream(failure)
            | Self::Unavailable(failure)
            | Self::Proof(DpopError::Invalid(failure)) => failure.code,
            Self::Proof(DpopError::Missing) => "dpop_proof_missing",
            Self::Proof(DpopError::NonceWanted) => "dpop_nonce_wanted",
            Self::Proof(DpopError::WrongKey) => "dpop_key_mismatch",
            Self::NoData => "no_data",
            Self::Internal => "internal_error",
        }
    }

    /// A failure of something that had to be fetched is our trouble, anything else is the link's.
    pub(crate) fn of_trust(failure: Failure) -> Self {
        match failure.code {
            "keys_unavailable" | "status_unavailable" | "evidence_unavailable" => Self::Unavailable(failure),
            _ => Self::Token(failure),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Busy) {
            return Self::Unavailable(
                Failure::new("store", "busy", "the server is busy").remedy("try again in a moment"),
            );
        }
        tracing::error!(%error, "the database failed");
        Self::Internal
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let challenge = |error: &str, failure: &Failure| {
            let description: String = failure.detail.chars().filter(|c| is_description(*c)).collect();
            let algorithms = ALGORITHMS.join(" ");
            format!("DPoP error=\"{error}\", error_description=\"{description}\", algs=\"{algorithms}\"")
        };
        let with = |status, failure: &Failure, text: String| {
            let value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("DPoP"));
            Self::from_failure(status, failure).header(header::WWW_AUTHENTICATE, value)
        };
        match refusal {
            Refusal::NoToken => {
                let text = format!("DPoP algs=\"{}\"", ALGORITHMS.join(" "));
                let failure = Failure::new("data-link", "token_missing", "there is no data link")
                    .remedy("send Authorization: DPoP with a data link, and a DPoP proof");
                with(StatusCode::UNAUTHORIZED, &failure, text)
            }
            Refusal::Malformed(failure) => {
                with(StatusCode::BAD_REQUEST, &failure, challenge("invalid_request", &failure))
            }
            Refusal::Token(failure) => {
                with(StatusCode::UNAUTHORIZED, &failure, challenge("invalid_token", &failure))
            }
            Refusal::Proof(error) => {
                let code = Refusal::Proof(error.clone()).code();
                let failure = match &error {
                    DpopError::Invalid(failure) => failure.clone(),
                    other => Failure::new("dpop", code, other.as_resource_error().description().to_owned())
                        .remedy("send one fresh DPoP proof by the key that the data link is bound to"),
                };
                with(StatusCode::UNAUTHORIZED, &failure, error.challenge())
            }
            Refusal::Scope(failure) => {
                with(StatusCode::FORBIDDEN, &failure, challenge("insufficient_scope", &failure))
            }
            Refusal::NoData => Self::new(StatusCode::NOT_FOUND, "no_data", "There is no data at this path"),
            Refusal::Upstream(failure) => Self::from_failure(StatusCode::BAD_GATEWAY, &failure),
            Refusal::Unavailable(failure) => Self::from_failure(StatusCode::SERVICE_UNAVAILABLE, &failure)
                .header(header::RETRY_AFTER, HeaderValue::from_static("10")),
            Refusal::Internal => Self::internal(),
        }
    }
}

/// The characters of an `error_description` (RFC 6750 §3): no quotation mark, no backslash.
fn is_description(c: char) -> bool {
    matches!(c, ' '..='~') && c != '"' && c != '\\'
}
