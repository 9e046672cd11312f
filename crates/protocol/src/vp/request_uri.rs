//! The authorization request that a wallet is opened with: a client id and where the request object is
//! (OpenID4VP 1.0 §5.1, RFC 9101 §5).

use enishi_credential::verdict::Failure;
use url::Url;

use crate::web::UrlPolicy;

use super::{ClientId, Refusal, WalletError};

/// How the request object is fetched (§5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestUriMethod {
    /// `get`.
    Get,
    /// `post`, with a `wallet_nonce`.
    Post,
}

/// A request by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestUri {
    /// Who asks: a claim, to be proved by the request object.
    pub client_id: ClientId,
    /// Where the request object is.
    pub request_uri: Url,
    /// How it is fetched.
    pub method: RequestUriMethod,
}

impl RequestUri {
    /// Writes `openid4vp://?client_id=…&request_uri=…`.
    pub fn to_wallet_uri(client_id: &ClientId, request_uri: &str, method: RequestUriMethod) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &client_id.to_string()).append_pair("request_uri", request_uri);
        if method == RequestUriMethod::Post {
            query.append_pair("request_uri_method", "post");
        }
        format!("openid4vp://?{}", query.finish())
    }

    /// Reads the URI that opened the wallet, or that it scanned; any scheme.
    ///
    /// # Errors
    /// A [`Refusal`] with `invalid_request`, or `invalid_request_uri_method`. There is nobody to tell yet.
    pub fn parse(uri: &str, urls: UrlPolicy) -> Result<Self, Refusal> {
        let refuse = |error: WalletError, code, detail: &'static str| {
            error.because(
                Failure::new("request-uri", code, detail)
                    .remedy("pass `client_id` and `request_uri`, each once, as OpenID4VP 1.0 §5 says"),
            )
        };
        let malformed = |detail| refuse(WalletError::InvalidRequest, "request_malformed", detail);
        let url = Url::parse(uri).map_err(|_| malformed("not a URI"))?;
        let one = |name: &str| {
            let mut values = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value);
            match (values.next(), values.next()) {
                (value, None) => Ok(value.map(std::borrow::Cow::into_owned)),
                _ => Err(malformed("a parameter occurs twice")),
            }
        };
        let client_id = one("client_id")?.ok_or_else(|| malformed("`client_id` is missing"))?;
        let client_id =
            ClientId::parse(&client_id).map_err(|failure| WalletError::InvalidRequest.because(failure))?;
        let method = one("request_uri_method")?;
        let Some(request_uri) = one("request_uri")? else {
            return Err(malformed("`request_uri` is missing: requests by value are not accepted"));
        };
        if one("request")?.is_some() {
            return Err(malformed("`request` beside `request_uri`"));
        }
        let request_uri =
            urls.check(&request_uri).map_err(|failure| WalletError::InvalidRequest.because(failure))?;
        let method = match method.as_deref() {
            None | Some("get") => RequestUriMethod::Get,
            Some("post") => RequestUriMethod::Post,
            Some(_) => {
                return Err(refuse(
                    WalletError::InvalidRequestUriMethod,
                    "request_uri_method_unknown",
                    "`request_uri_method` is neither `get` nor `post`",
                ));
            }
        };
        Ok(Self { client_id, request_uri, method })
    }
}
