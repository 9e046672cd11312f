//! Step 9: the data provider's own API, told who it is about.

use enishi_credential::encoding::json;
use enishi_credential::sealed::SealedSubject;
use enishi_credential::verdict::Failure;
use enishi_service::client::ClientError;
use http::{HeaderMap, HeaderName, Request, StatusCode, header};
use serde_json::Value;

use super::token::Link;
use crate::context::Gateway;
use crate::refusal::Refusal;

/// Who it is about.
const SUBJECT: HeaderName = HeaderName::from_static("enishi-subject");
/// Under which grant, for the data provider's own records.
const GRANT: HeaderName = HeaderName::from_static("enishi-grant");

/// The only headers of the service provider that go on. Everything else stays here: `Authorization`, `DPoP`, cookies and
/// whatever calls itself `Enishi-*`.
const PASSED_ON: [HeaderName; 1] = [header::ACCEPT_LANGUAGE];

/// Where a request goes: the part of its path below the resource, if it is below and says nothing odd.
pub(crate) fn below<'p>(resource_path: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(resource_path)?;
    let lower = rest.to_ascii_lowercase();
    let odd = lower.contains("//")
        || rest.contains('\\')
        || ["%2e", "%2f", "%5c", "%00"].iter().any(|code| lower.contains(code))
        || rest.split('/').any(|segment| segment == "." || segment == "..");
    (!odd && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

pub(crate) async fn fetch(
    gateway: &Gateway,
    link: &Link,
    subject: &SealedSubject,
    rest: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Value, Refusal> {
    let refuse = |code, detail: String| {
        Refusal::Upstream(
            Failure::new("upstream", code, detail)
                .remedy("nothing was released and the link can be used again; tell the data provider"),
        )
    };
    let mut url = format!("{}{}{rest}", gateway.upstream.origin(), gateway.upstream.path());
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    let mut request = Request::get(&url)
        .header(header::ACCEPT, "application/json")
        .header(SUBJECT, subject.ppid.expose())
        .header(GRANT, link.claims.consent.grant_id.as_str());
    for name in PASSED_ON {
        if let Some(value) = headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let request = request
        .body(Vec::new())
        .map_err(|_| refuse("upstream_unreachable", "the request could not be written".to_owned()))?;
    let answer = gateway.upstream_client.execute(request).await.map_err(|error| match error {
        ClientError::TooLarge => {
            refuse("upstream_too_large", "the answer is larger than is passed on".to_owned())
        }
        other => refuse("upstream_unreachable", other.to_string()),
    })?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Err(Refusal::NoData),
        status => {
            return Err(refuse("upstream_failed", format!("the upstream answered {}", status.as_u16())));
        }
    }
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim).unwrap_or_default();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(refuse("upstream_not_json", "the answer is not application/json".to_owned()));
    }
    json::parse(answer.body())
        .map_err(|_| refuse("upstream_not_json", "the answer is not readable JSON".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn only_plain_paths_below_the_resource_go_on() {
        assert_eq!(below("/checkups", "/checkups"), Some(""));
        assert_eq!(below("/checkups", "/checkups/2026"), Some("/2026"));
        assert_eq!(below("", "/2026"), Some("/2026"));
        for bad in [
            "/checkup",
            "/checkups2",
            "/",
            "/checkups/../admin",
            "/checkups/./x",
            "/checkups/%2e%2e/admin",
            "/checkups/%2E%2E%2fadmin",
            "/checkups//x",
            "/checkups/a\\b",
        ] {
            assert_eq!(below("/checkups", bad), None, "{bad}");
        }
    }
}
