//! The wording of the town's pages and of the story, from the message catalogues `demo.ftl`.

use enishi_schemas::messages::{self, Lang};

/// Looks words up in one language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Lang);

impl Words {
    /// The words that a browser asks for.
    pub(crate) fn for_browser(headers: &http::HeaderMap) -> Self {
        let wanted = headers.get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self(wanted.map(Lang::from_accept_language).unwrap_or_default())
    }

    /// The message `key`.
    pub(crate) fn t(self, key: &str) -> String {
        messages::text(self.0, key, &[])
    }

    /// The message `key` with its variables.
    pub(crate) fn with(self, key: &str, args: &[(&str, &str)]) -> String {
        messages::text(self.0, key, args)
    }

    /// The BCP 47 tag, for `<html lang>`.
    pub(crate) const fn tag(self) -> &'static str {
        self.0.tag()
    }

    /// One of two names of the same thing.
    pub(crate) const fn pick<'a>(self, ja: &'a str, en: &'a str) -> &'a str {
        match self.0 {
            Lang::Ja => ja,
            Lang::En => en,
        }
    }
}
