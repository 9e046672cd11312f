//! The service declaration: what a data provider can give, item by item, and within which limits.

use serde::{Deserialize, Serialize};

use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Verdict;

use crate::grant::access::Access;

use super::{LocalText, demand, malformed};

/// A service of a data provider (linkage protocol §3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The data provider's party id.
    pub iss: String,
    /// The service's id, unique with its version within the provider.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The name that people see.
    pub name: LocalText,
    /// The canonical resource URI: the audience of data links.
    pub resource: String,
    /// What can be released.
    pub items: Vec<ServiceItem>,
    /// The longest life of a grant, in days.
    pub max_grant_days: u32,
    /// The most access that a grant may allow; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_access: Option<Access>,
    /// The `acr` values of the holder's credential that are good enough; empty when any will do. A list and not a
    /// minimum, because `acr` values have no order of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Whether the gateway demands the evidence bundle before the first release.
    #[serde(default = "yes")]
    pub evidence: bool,
    /// When it was signed.
    pub iat: UnixTime,
    /// Valid until: not at or after this time.
    pub exp: UnixTime,
}

const fn yes() -> bool {
    true
}

/// One item of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceItem {
    /// The item's id within the service.
    pub id: String,
    /// What people see.
    pub label: LocalText,
    /// The W3C DPV term of this kind of data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// Whether it is sensitive data (要配慮個人情報).
    #[serde(default)]
    pub special: bool,
    /// Whether the holder may leave it out.
    #[serde(default)]
    pub optional: bool,
    /// Where the item is in the provider's response. Nothing else of the response is released.
    pub pointers: Vec<ItemPointer>,
}

/// A JSON Pointer (RFC 6901) into a response, in which the token `*` stands for every element of an array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemPointer(Vec<PointerToken>);

/// One token of an [`ItemPointer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointerToken {
    /// The member of this name, or the element at this index.
    Name(String),
    /// Every element of an array.
    Every,
}

impl ItemPointer {
    /// Reads a pointer. The empty pointer (the whole response) is refused: what leaves must be named.
    ///
    /// # Errors
    /// `declaration_malformed`.
    pub fn parse(text: &str) -> Verdict<Self> {
        let rest = text.strip_prefix('/').ok_or_else(|| malformed("a pointer does not start with `/`"))?;
        let mut tokens = Vec::new();
        for token in rest.split('/') {
            if token == "*" {
                tokens.push(PointerToken::Every);
                continue;
            }
            let bare = token.replace("~0", "").replace("~1", "");
            demand(!bare.contains('~'), "a pointer has `~` without `0` or `1`")?;
            tokens.push(PointerToken::Name(token.replace("~1", "/").replace("~0", "~")));
        }
        Ok(Self(tokens))
    }

    /// The tokens, at least one.
    pub fn tokens(&self) -> &[PointerToken] {
        &self.0
    }
}

impl TryFrom<String> for ItemPointer {
    type Error = enishi_credential::verdict::Failure;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ItemPointer> for String {
    fn from(pointer: ItemPointer) -> Self {
        let token = |token: &PointerToken| match token {
            PointerToken::Every => "/*".to_owned(),
            PointerToken::Name(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        };
        pointer.0.iter().map(token).collect()
    }
}

impl Service {
    /// The item named `id`.
    pub fn item(&self, id: &str) -> Option<&ServiceItem> {
        self.items.iter().find(|item| item.id == id)
    }

    pub(super) fn check(&self) -> Verdict<()> {
        demand(!self.id.is_empty() && !self.version.is_empty(), "`id` or `version` is empty")?;
        demand(self.name.is_complete(), "a name is empty")?;
        demand(!self.resource.is_empty(), "`resource` is empty")?;
        demand(self.iat < self.exp, "`exp` is not after `iat`")?;
        demand(self.max_grant_days > 0, "`max_grant_days` is 0")?;
        self.max_access.as_ref().map_or(Ok(()), Access::check)?;
        demand(!self.items.is_empty(), "there are no items")?;
        for (at, item) in self.items.iter().enumerate() {
            demand(!item.id.is_empty(), "an item has no id")?;
            demand(item.label.is_complete(), "a label is empty")?;
            demand(!item.pointers.is_empty(), "an item has no pointers")?;
            demand(!self.items.iter().take(at).any(|other| other.id == item.id), "two items have one id")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_read_as_rfc_6901_says_and_name_something() {
        let text = "/a~1b/*/c~0d";
        let pointer = ItemPointer::parse(text).unwrap();
        let name = |text: &str| PointerToken::Name(text.to_owned());
        assert_eq!(pointer.tokens(), [name("a/b"), PointerToken::Every, name("c~d")]);
        assert_eq!(String::from(pointer), text);
        for bad in ["", "a", "/a~2", "/~"] {
            assert!(ItemPointer::parse(bad).is_err(), "{bad}");
        }
    }
}
