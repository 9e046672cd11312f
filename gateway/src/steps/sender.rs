//! Step 3: whoever sends the link has the key that it is bound to (RFC 9449 §4.3, §7).

use enishi_credential::verdict::Failure;
use enishi_protocol::dpop::{DpopError, Expected, verify as verify_proof};
use enishi_service::store::{ReplayCache as _, Seen};
use http::{HeaderMap, Method};

use super::token::Link;
use crate::context::Gateway;
use crate::refusal::Refusal;

/// `path` is that of the request, which is compared below the resource's origin: the address that the client sees.
pub(crate) async fn verify(
    gateway: &Gateway,
    link: &Link,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    if link.claims.cnf.xroad_client.is_some() {
        // The link may only come through X-Road, and this listener does not face a Security Server.
        return Err(Refusal::Token(
            Failure::new("sender", "xroad_required", "the link is bound to an X-Road client")
                .at("/cnf/xroad_client")
                .remedy("send the request through X-Road"),
        ));
    }
    let proofs: Vec<&str> =
        headers.get_all("dpop").iter().map(|value| value.to_str().unwrap_or_default()).collect();
    let url = format!("{}{path}", gateway.resource.origin());
    let now = gateway.now();
    let expected = Expected::new(method.as_str(), &url, now).with_token(&link.text, link.claims.cnf.jkt);
    let lasts = expected.max_age + expected.max_ahead;
    let proof = verify_proof(&proofs, &*gateway.signatures, &expected).map_err(Refusal::Proof)?;
    let until = proof.iat.plus(lasts + 1).max(now.plus(1));
    match gateway.replay.remember("dpop", &proof.replay_key(), until, now).await? {
        Seen::Fresh => Ok(()),
        Seen::Before => Err(Refusal::Proof(DpopError::Invalid(
            Failure::new("dpop-replay", "dpop_proof_replayed", "the proof was used before")
                .at("/jti")
                .remedy("make a fresh proof for every request"),
        ))),
    }
}
