//! The party declaration: who an organisation is, and which keys speak for it.

use serde::{Deserialize, Serialize};

use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Verdict;

use super::{LocalText, demand};

/// An organisation (linkage protocol §3). A member that is not listed here is refused, because a restriction that is
/// not understood must not be overlooked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The party id: an https URL (in development `http://localhost:PORT`), or a DID.
    pub iss: String,
    /// The name that people see.
    pub name: LocalText,
    /// 法人番号 (Japan's corporate number), 13 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corporate_number: Option<String>,
    /// X-Road member id, e.g. `JP/GOV/27322`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xroad_member: Option<String>,
    /// How a person reaches the party: a URL or mail address.
    pub contact: String,
    /// The party's keys: `use: sig` for its declarations and client assertions, `use: enc` for what is sealed to it.
    pub jwks: JwkSet,
    /// Where the verifier sends notices, if the party wants them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_uri: Option<String>,
    /// Where a person can withdraw at this party.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdraw_uri: Option<String>,
    /// When it was signed.
    pub iat: UnixTime,
    /// Not valid at or after.
    pub exp: UnixTime,
}

impl Party {
    pub(super) fn check(&self) -> Verdict<()> {
        demand(self.name.is_complete(), "a name is empty")?;
        demand(!self.contact.is_empty(), "`contact` is empty")?;
        demand(self.iat < self.exp, "`exp` is not after `iat`")?;
        let number = self.corporate_number.as_deref();
        demand(
            number.is_none_or(|number| number.len() == 13 && number.bytes().all(|b| b.is_ascii_digit())),
            "`corporate_number` is not 13 digits",
        )?;
        let kids: Vec<_> = self.jwks.keys.iter().map(|key| key.kid.as_deref()).collect();
        demand(kids.iter().all(Option::is_some), "a key has no `kid`")?;
        demand(
            kids.iter().enumerate().all(|(at, kid)| !kids.iter().take(at).any(|earlier| earlier == kid)),
            "two keys have one `kid`",
        )
    }

    /// The keys that can be sealed to, the preferred one first.
    pub fn encryption_keys(&self) -> impl Iterator<Item = &Jwk> {
        self.jwks.keys.iter().filter(|key| key.key_use.as_deref() == Some("enc"))
    }
}
