//! Writing consent terms from declarations and a request.

use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};

use crate::declaration::DeclarationSet;
use crate::grant::access::Access;
use crate::grant::messages::DeclarationRef;

use super::{ConsentTerms, PartyRef, PurposeTerms, ServiceTerms, TermsItem, Withdrawal};

/// What a service provider asks for, and what the verifier adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsRequest<'a> {
    /// Names the terms.
    pub terms_id: &'a str,
    /// Names the grant.
    pub grant_id: &'a str,
    /// The time now.
    pub now: UnixTime,
    /// Until when the holder can answer.
    pub answer_by: UnixTime,
    /// The service provider: whoever made the request, authenticated.
    pub recipient: &'a str,
    /// The data provider's service.
    pub service: &'a DeclarationRef,
    /// The service provider's purpose.
    pub purpose: &'a DeclarationRef,
    /// Ids of the items that are asked for.
    pub items: &'a [String],
    /// Once or how often.
    pub access: Access,
    /// The end; the latest that the service allows if absent.
    pub not_after: Option<UnixTime>,
    /// The session at the service provider.
    pub sp_session: &'a str,
    /// Where the holder withdraws at the verifier.
    pub withdraw_uri: &'a str,
    /// Within how many seconds a withdrawal takes effect.
    pub effect_within: u32,
}

impl ConsentTerms {
    /// Writes the terms of a request, every word of them from the declarations, and checks them as a wallet will.
    ///
    /// # Errors
    /// `declaration_unknown` if purpose, service or a party is not known, or not valid now; `items_not_declared`; what
    /// [`DeclarationSet::for_terms`] refuses.
    pub fn build(declarations: &DeclarationSet, request: &TermsRequest<'_>) -> Verdict<Self> {
        let now = request.now;
        let unknown = |what: &str, at: &str| {
            Failure::new("declarations", "declaration_unknown", format!("no valid declaration of the {what}"))
                .at(at)
                .remedy("register the declaration with the verifier, or use a valid version")
        };
        let purpose = declarations
            .find_purpose(request.recipient, request.purpose, now)
            .ok_or_else(|| unknown("purpose", "/purpose"))?;
        let service = declarations
            .find_service(&purpose.body.provider, request.service, now)
            .ok_or_else(|| unknown("service", "/service"))?;
        let party = |id: &str, what: &str| {
            let party = declarations.party_by_id(id, now).ok_or_else(|| unknown(what, ""))?;
            let reference = PartyRef {
                id: party.body.iss.clone(),
                name: party.body.name.clone(),
                sha256: party.sha256.clone(),
            };
            Ok((reference, party.body.withdraw_uri.clone()))
        };
        let (recipient, withdraw_sp) = party(request.recipient, "recipient")?;
        let (provider, withdraw_dp) = party(&purpose.body.provider, "provider")?;
        let items = request.items.iter().enumerate().map(|(index, id)| {
            let item = service.body.item(id).ok_or_else(|| {
                Failure::new("declarations", "items_not_declared", "the service does not have this item")
                    .at(format!("/items/{index}"))
                    .remedy("ask for items of the service's declaration")
            })?;
            Ok(TermsItem {
                id: id.clone(),
                label: item.label.clone(),
                special: item.special,
                required: !item.optional,
                from: None,
                to: None,
            })
        });
        let longest = i64::from(service.body.max_grant_days).saturating_mul(enishi_credential::time::DAY);
        let terms = Self {
            terms_id: request.terms_id.to_owned(),
            grant_id: request.grant_id.to_owned(),
            issued_at: now,
            answer_by: request.answer_by,
            recipient,
            provider,
            service: ServiceTerms {
                id: service.body.id.clone(),
                version: service.body.version.clone(),
                sha256: service.sha256.clone(),
            },
            purpose: PurposeTerms {
                id: purpose.body.id.clone(),
                version: purpose.body.version.clone(),
                sha256: purpose.sha256.clone(),
                code: purpose.body.code.clone(),
                text: purpose.body.text.clone(),
            },
            items: items.collect::<Verdict<_>>()?,
            access: request.access.clone(),
            not_before: now,
            not_after: request.not_after.unwrap_or_else(|| now.plus(longest)),
            retention: purpose.body.retention.clone(),
            onward_transfer: purpose.body.onward_transfer.clone(),
            countries: purpose.body.countries.clone(),
            legal_basis: purpose.body.legal_basis.clone(),
            notice: purpose.body.notice.clone(),
            withdraw: Withdrawal {
                uri: request.withdraw_uri.to_owned(),
                also_at: [withdraw_sp, withdraw_dp].into_iter().flatten().collect(),
                effect_within: request.effect_within,
            },
            sp_session: request.sp_session.to_owned(),
        };
        terms.check()?;
        declarations.for_terms(&terms, now)?;
        Ok(terms)
    }
}
