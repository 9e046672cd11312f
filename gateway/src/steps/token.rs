//! Step 1 and 2: a data link of a trusted verifier, for this resource, valid now.

use enishi_credential::verdict::Failure;
use enishi_protocol::datalink::{DataLinkClaims, Expected, UnverifiedDataLink};
use enishi_service::config::PublicUrl;
use http::{HeaderMap, header};

use crate::context::Gateway;
use crate::refusal::Refusal;

/// A data link that holds, and who minted it.
pub(crate) struct Link {
    /// Its claims.
    pub(crate) claims: DataLinkClaims,
    /// The text, for the proof's `ath`.
    pub(crate) text: String,
    /// The verifier.
    pub(crate) verifier: PublicUrl,
}

pub(crate) async fn verify(gateway: &Gateway, headers: &HeaderMap) -> Result<Link, Refusal> {
    let text = presented(headers)?;
    let link = UnverifiedDataLink::parse(text).map_err(Refusal::Token)?;
    let untrusted = || {
        Refusal::Token(
            Failure::new("data-link", "verifier_untrusted", "the link is not of a trusted verifier")
                .at("/iss")
                .remedy("use a link of a verifier that the data provider trusts"),
        )
    };
    let issuer = link.claimed_issuer().ok_or_else(untrusted)?;
    let verifier = gateway.verifiers.find(&issuer).ok_or_else(untrusted)?;
    let key = gateway.verifiers.key(&issuer, &link.key_hint()).await.map_err(Refusal::of_trust)?;
    let resource = gateway.resource.as_str();
    let expected = Expected { issuer: verifier.as_str(), resource, now: gateway.now() };
    let verified = link.verify(&*gateway.signatures, &key, &expected).map_err(Refusal::Token)?;
    Ok(Link { claims: verified.claims().clone(), text: text.to_owned(), verifier: verifier.clone() })
}

/// The token in the only `Authorization` header (RFC 9449 §7.1).
fn presented(headers: &HeaderMap) -> Result<&str, Refusal> {
    let failure = |code, detail: &'static str| {
        Failure::new("data-link", code, detail).remedy("send one header Authorization: DPoP <data link>")
    };
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Refusal::NoToken) };
    if values.next().is_some() {
        return Err(Refusal::Malformed(failure(
            "authorization_repeated",
            "there are several Authorization headers",
        )));
    }
    let text = value.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.eq_ignore_ascii_case("DPoP") && !token.is_empty() {
        return Ok(token.trim());
    }
    if scheme.eq_ignore_ascii_case("Bearer") {
        let detail = "a data link is bound to a key and is no bearer token";
        return Err(Refusal::Token(failure("bearer_not_accepted", detail)));
    }
    Err(Refusal::NoToken)
}
