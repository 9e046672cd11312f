//! Step 7: method and items of the request are what the person agreed to.

use enishi_credential::verdict::Failure;
use enishi_protocol::declaration::{ItemPointer, TermsDeclarations};
use http::Method;

use super::evidence::declarations_now;
use super::token::Link;
use crate::context::Gateway;
use crate::grants::KnownConsent;
use crate::refusal::Refusal;

/// What may leave.
pub(crate) struct Agreed {
    /// Ids of the items.
    pub(crate) items: Vec<String>,
    /// Where they are in the response.
    pub(crate) pointers: Vec<ItemPointer>,
}

pub(crate) fn check(
    gateway: &Gateway,
    link: &Link,
    consent: &KnownConsent,
    method: &Method,
) -> Result<Agreed, Refusal> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Refusal::Scope(
            Failure::new("scope", "method_not_agreed", "the link is for reading")
                .at("/authorization_details/0/actions")
                .remedy("use GET or HEAD"),
        ));
    }
    let declarations = declarations_now(gateway, consent).map_err(Refusal::Token)?;
    agreed(link, consent, &declarations)
}

fn agreed(link: &Link, consent: &KnownConsent, found: &TermsDeclarations<'_>) -> Result<Agreed, Refusal> {
    let refuse = || {
        Refusal::Scope(
            Failure::new(
                "scope",
                "items_not_agreed",
                "the link names an item that the person did not agree to",
            )
            .at("/authorization_details/0/datatypes")
            .remedy("ask for agreed items only"),
        )
    };
    let mut out = Agreed { items: Vec::new(), pointers: Vec::new() };
    for id in &link.claims.detail().datatypes {
        if !consent.pair.terms().items.iter().any(|item| item.id == *id) {
            return Err(refuse());
        }
        let item = found.service.body.item(id).ok_or_else(refuse)?;
        out.items.push(id.clone());
        out.pointers.extend(item.pointers.iter().cloned());
    }
    Ok(out)
}
