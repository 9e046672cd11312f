//! The authorization response: a redirect with a code or an error, always with `iss` (RFC 6749 §4.1.2, RFC 9207).

use enishi_credential::verdict::{Failure, Verdict};
use url::Url;

use super::error::{ErrorCode, ErrorResponse};
use super::params::Params;

/// What the authorization server answers through the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationAnswer {
    /// The code.
    Code(String),
    /// An error, e.g. `access_denied` when the person declined.
    Error(ErrorCode),
}

/// The redirect URL (server side). `issuer` is the authorization server's identifier.
///
/// # Errors
/// `url_malformed` if the redirect URI is not a URL, which the pushed request's check rules out.
pub fn authorization_redirect(
    redirect_uri: &str,
    answer: &AuthorizationAnswer,
    state: Option<&str>,
    issuer: &str,
) -> Verdict<Url> {
    let mut url = Url::parse(redirect_uri)
        .map_err(|_| Failure::new("redirect-uri", "url_malformed", "the redirect URI is not a URL"))?;
    {
        let mut query = url.query_pairs_mut();
        match answer {
            AuthorizationAnswer::Code(code) => query.append_pair("code", code),
            AuthorizationAnswer::Error(error) => query.append_pair("error", error.as_str()),
        };
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer);
    }
    Ok(url)
}

/// What a wallet expects of the response.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationResponseCheck<'a> {
    /// The `state` that the request had.
    pub state: &'a str,
    /// The issuer that was asked.
    pub issuer: &'a str,
    /// Whether the server's metadata promise `iss`; then its absence is an attack (RFC 9207 §2.4).
    pub iss_required: bool,
}

impl AuthorizationResponseCheck<'_> {
    /// Reads the URL to which the browser was sent and returns the code (wallet side).
    ///
    /// # Errors
    /// `state_mismatch`, `iss_mismatch` (also when it is missing though promised), `authorization_refused` with the error
    /// code of the server as detail, `authorization_response_malformed`.
    pub fn code(&self, url: &Url) -> Verdict<String> {
        let fail = |code: &'static str, detail: &str| {
            Failure::new("authorization-response", code, detail).remedy("start the authorization again")
        };
        let mut params = Params::parse(url.query().unwrap_or_default().as_bytes())
            .map_err(|error| fail("authorization_response_malformed", error.description()))?;
        match params.take("iss") {
            Some(iss) if iss != self.issuer => {
                return Err(fail("iss_mismatch", "the response is of another issuer"));
            }
            None if self.iss_required => return Err(fail("iss_mismatch", "the response lacks `iss`")),
            _ => {}
        }
        if params.take("state").as_deref() != Some(self.state) {
            return Err(fail("state_mismatch", "the response does not belong to this request"));
        }
        if let Some(error) = params.take("error") {
            let response = ErrorResponse { error, error_description: params.take("error_description") };
            let detail = response.code().map_or("an unknown error", ErrorCode::as_str);
            return Err(fail("authorization_refused", detail));
        }
        params.take("code").ok_or_else(|| fail("authorization_response_malformed", "there is no code"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHECK: AuthorizationResponseCheck<'_> =
        AuthorizationResponseCheck { state: "s", issuer: "https://issuer.example", iss_required: true };

    fn answer(answer: AuthorizationAnswer, state: &str, issuer: &str) -> Verdict<String> {
        let url =
            authorization_redirect("https://wallet.example/cb?x=1", &answer, Some(state), issuer).unwrap();
        assert!(url.as_str().starts_with("https://wallet.example/cb?x=1&"));
        CHECK.code(&url)
    }

    #[test]
    fn haip_n4_state_and_iss_must_be_those_of_the_request() {
        let code = || AuthorizationAnswer::Code("c".to_owned());
        assert_eq!(answer(code(), "s", "https://issuer.example").unwrap(), "c");
        assert_eq!(answer(code(), "t", "https://issuer.example").unwrap_err().code, "state_mismatch");
        assert_eq!(answer(code(), "s", "https://issuer.example/").unwrap_err().code, "iss_mismatch");
        let without = Url::parse("https://wallet.example/cb?code=c&state=s").unwrap();
        assert_eq!(CHECK.code(&without).unwrap_err().code, "iss_mismatch");
        let tolerant = AuthorizationResponseCheck { iss_required: false, ..CHECK };
        assert_eq!(tolerant.code(&without).unwrap(), "c");
    }

    #[test]
    fn a_refusal_is_told_by_its_code() {
        let error =
            answer(AuthorizationAnswer::Error(ErrorCode::AccessDenied), "s", "https://issuer.example");
        let failure = error.unwrap_err();
        assert_eq!((failure.code, failure.detail.as_str()), ("authorization_refused", "access_denied"));
    }

    proptest! {
        #[test]
        fn reading_never_panics(query in ".{0,80}") {
            let mut url = Url::parse("https://wallet.example/cb").unwrap();
            url.set_query(Some(&query));
            let _ = CHECK.code(&url);
        }
    }
}
