//! The members of the consent terms.

use serde::{Deserialize, Serialize};

use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};

use crate::declaration::{LocalText, NamedParty, Notice, Retention};
use crate::grant::access::Access;

/// Consent terms: one data provider, one service, one purpose (linkage protocol §6). A member that is not listed here
/// makes a wallet refuse, for it could be a condition that nobody was shown. `holder_jkt` is not here, because the
/// wallet states its key in the KB-JWT; nor is `representation`, which version 1 does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentTerms {
    /// Names these terms.
    pub terms_id: String,
    /// Names the grant that they become.
    pub grant_id: String,
    /// When the verifier wrote them.
    pub issued_at: UnixTime,
    /// Until when the holder can answer.
    pub answer_by: UnixTime,
    /// The service provider: who gets the data.
    pub recipient: PartyRef,
    /// The data provider: who gives it.
    pub provider: PartyRef,
    /// What it is part of.
    pub service: ServiceTerms,
    /// What it is for.
    pub purpose: PurposeTerms,
    /// What is given.
    pub items: Vec<TermsItem>,
    /// Once or how often.
    pub access: Access,
    /// From when.
    pub not_before: UnixTime,
    /// Until when: not at or after this time.
    pub not_after: UnixTime,
    /// How long the recipient keeps it.
    pub retention: Retention,
    /// Who else gets it; empty for nobody.
    pub onward_transfer: Vec<NamedParty>,
    /// Where it is handled.
    pub countries: Vec<String>,
    /// The legal basis.
    pub legal_basis: String,
    /// The privacy notice.
    pub notice: Notice,
    /// How to withdraw.
    pub withdraw: Withdrawal,
    /// base64url SHA-256 of a nonce in the holder's browser session at the service provider.
    pub sp_session: String,
}

/// A party in the terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyRef {
    /// The party id.
    pub id: String,
    /// The name that people see.
    pub name: LocalText,
    /// The hash of the party declaration.
    pub sha256: String,
}

/// The service in the terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceTerms {
    /// The service's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The hash of its declaration.
    pub sha256: String,
}

/// The purpose in the terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurposeTerms {
    /// The purpose's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The hash of its declaration.
    pub sha256: String,
    /// The W3C DPV purpose.
    pub code: String,
    /// What people see.
    pub text: LocalText,
}

/// An item in the terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermsItem {
    /// The item's id within the service.
    pub id: String,
    /// What people see.
    pub label: LocalText,
    /// Whether it is sensitive data (要配慮個人情報).
    pub special: bool,
    /// Whether the purpose cannot do without it.
    pub required: bool,
    /// Data from this time on; from the beginning if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<UnixTime>,
    /// Data up to this time; without end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<UnixTime>,
}

/// How to withdraw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// The grant at the verifier.
    pub uri: String,
    /// Where else: at the service provider, at the data provider.
    pub also_at: Vec<String>,
    /// Within how many seconds no new data is released.
    pub effect_within: u32,
}

impl ConsentTerms {
    /// Ids of the items.
    pub fn item_ids(&self) -> Vec<&str> {
        self.items.iter().map(|item| item.id.as_str()).collect()
    }

    /// Checks what needs no declaration: two different parties, items, times in order.
    ///
    /// # Errors
    /// `terms_malformed`.
    pub fn check(&self) -> Verdict<()> {
        let demand = |holds: bool, at: &str, detail: &'static str| {
            if holds {
                return Ok(());
            }
            Err(Failure::new("consent-terms", "terms_malformed", detail)
                .at(at)
                .remedy("write the terms as linkage protocol §6 says"))
        };
        demand(self.recipient.id != self.provider.id, "/provider", "recipient and provider are one party")?;
        demand(!self.items.is_empty(), "/items", "there are no items")?;
        demand(self.issued_at < self.answer_by, "/answer_by", "`answer_by` is not after `issued_at`")?;
        demand(self.not_before < self.not_after, "/not_after", "`not_after` is not after `not_before`")?;
        demand(!self.grant_id.is_empty() && !self.terms_id.is_empty(), "/grant_id", "an id is empty")?;
        demand(!self.sp_session.is_empty(), "/sp_session", "`sp_session` is empty")?;
        demand(self.withdraw.effect_within > 0, "/withdraw", "`effect_within` is 0")?;
        self.access.check()
    }
}
