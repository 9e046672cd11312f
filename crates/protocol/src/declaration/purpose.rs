//! The purpose declaration: what a service provider wants some items of a service for.

use serde::{Deserialize, Serialize};

use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Verdict;

use crate::grant::messages::DeclarationRef;

use super::{LocalText, demand};

/// A purpose of a service provider (linkage protocol §3); it counts only with the data provider's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// The service provider's party id.
    pub iss: String,
    /// The purpose's id, unique with its version within the service provider.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The data provider's party id.
    pub provider: String,
    /// The service that the items are of.
    pub service: DeclarationRef,
    /// Ids of the service's items that this purpose may ask for.
    pub items: Vec<String>,
    /// The W3C DPV purpose.
    pub code: String,
    /// What people see.
    pub text: LocalText,
    /// What happens when a person refuses.
    pub effect_of_refusal: LocalText,
    /// How long the data is kept.
    pub retention: Retention,
    /// Who else gets the data; empty for nobody.
    #[serde(default)]
    pub onward_transfer: Vec<NamedParty>,
    /// Countries (ISO 3166-1 alpha-2) in which the data is handled.
    pub countries: Vec<String>,
    /// The legal basis.
    pub legal_basis: String,
    /// The privacy notice.
    pub notice: Notice,
    /// How a person reaches those who answer for this purpose.
    pub contact: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// Valid until: not at or after this time.
    pub exp: UnixTime,
}

/// How long the recipient keeps data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// `P<n>D`, `P<n>M` or `P<n>Y` (ISO 8601); `P0D` for not at all.
    pub period: String,
    /// What happens to the data on withdrawal.
    pub on_withdrawal: OnWithdrawal,
}

/// What happens to the data that was already released when the consent is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnWithdrawal {
    /// It is erased.
    Erase,
    /// It is kept to the end of the period.
    Keep,
}

/// Someone with a name, e.g. a further recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedParty {
    /// An identifier: a URL or a registration number.
    pub id: String,
    /// The name that people see.
    pub name: LocalText,
}

/// A privacy notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Where it is.
    pub uri: String,
    /// base64url SHA-256 of the text, if it is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The language of the text (BCP 47).
    pub lang: String,
}

/// A period with a unit that people use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepFor {
    /// So many days; 0 for not at all.
    Days(u32),
    /// So many months.
    Months(u32),
    /// So many years.
    Years(u32),
}

impl Retention {
    /// The period in numbers, for showing it.
    pub fn keep_for(&self) -> Option<KeepFor> {
        let rest = self.period.strip_prefix('P')?;
        let (number, unit) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
        let number = number.parse().ok()?;
        match unit {
            "D" => Some(KeepFor::Days(number)),
            "M" => Some(KeepFor::Months(number)),
            "Y" => Some(KeepFor::Years(number)),
            _ => None,
        }
    }
}

impl Purpose {
    pub(super) fn check(&self) -> Verdict<()> {
        demand(!self.id.is_empty() && !self.version.is_empty(), "`id` or `version` is empty")?;
        demand(self.text.is_complete(), "a text is empty")?;
        demand(self.effect_of_refusal.is_complete(), "the effect of a refusal is not told")?;
        demand(self.iat < self.exp, "`exp` is not after `iat`")?;
        demand(!self.items.is_empty(), "there are no items")?;
        demand(self.retention.keep_for().is_some(), "`retention.period` is not P<n>D, P<n>M or P<n>Y")?;
        demand(
            self.onward_transfer.iter().all(|to| to.name.is_complete()),
            "a further recipient has no name",
        )?;
        demand(!self.countries.is_empty(), "`countries` is empty")?;
        demand(!self.code.is_empty() && !self.legal_basis.is_empty(), "`code` or `legal_basis` is empty")
    }
}
