//! The wording: one catalogue per language and area, in [Fluent](https://projectfluent.org), keyed by stable names.
//!
//! Templates and programs hold keys only. A key that one language lacks is a failing test, not a blank on a screen.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};
use unic_langid::LanguageIdentifier;

/// `(language, area, text)` of every catalogue file.
static CATALOGUES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalogues.rs"));

/// A language that people read. Japanese comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// 日本語
    #[default]
    Ja,
    /// English
    En,
}

impl Lang {
    /// All languages, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The best language for an `Accept-Language` header (RFC 9110 §12.5.4): the first that we speak, else Japanese.
    pub fn from_accept_language(header: &str) -> Self {
        let mut wanted: Vec<(f32, &str)> = header
            .split(',')
            .filter_map(|range| {
                let mut parts = range.split(';');
                let tag = parts.next()?.trim();
                let quality = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok());
                Some((quality.unwrap_or(1.0), tag)).filter(|(quality, _)| *quality > 0.0)
            })
            .collect();
        // A stable sort keeps the header's order among equals.
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        wanted.iter().find_map(|(_, tag)| tag.split('-').next()?.parse().ok()).unwrap_or_default()
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl FromStr for Lang {
    type Err = UnknownLang;

    fn from_str(text: &str) -> Result<Self, UnknownLang> {
        Self::ALL.into_iter().find(|lang| text.eq_ignore_ascii_case(lang.tag())).ok_or(UnknownLang)
    }
}

/// A language that is not spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLang;

impl fmt::Display for UnknownLang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the language is not one of ja, en")
    }
}

impl std::error::Error for UnknownLang {}

static BUNDLES: LazyLock<HashMap<Lang, FluentBundle<FluentResource>>> =
    LazyLock::new(|| Lang::ALL.into_iter().map(|lang| (lang, bundle(lang))).collect());

fn bundle(lang: Lang) -> FluentBundle<FluentResource> {
    let id: LanguageIdentifier = lang.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // The marks that isolate right-to-left text would end up in terminals and JSON.
    bundle.set_use_isolating(false);
    for (_, _, text) in CATALOGUES.iter().filter(|(language, _, _)| *language == lang.tag()) {
        // A catalogue with a fault is a failing test below; what could be read of it is used.
        let resource = match FluentResource::try_new((*text).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        let _ = bundle.add_resource(resource);
    }
    bundle
}

/// The message `key` in `lang`, with `args` filled in; the argument `count` is a number and chooses plurals. A key that does not exist comes back as itself.
pub fn text(lang: Lang, key: &str, args: &[(&str, &str)]) -> String {
    let bundle = BUNDLES.get(&lang);
    let Some((bundle, pattern)) = bundle.and_then(|bundle| Some((bundle, bundle.get_message(key)?.value()?)))
    else {
        return key.to_owned();
    };
    // A count is a number, so that a language can choose its plural; everything else is text as it stands.
    let args: FluentArgs<'_> = args
        .iter()
        .map(|(name, text)| match *name {
            "count" => (*name, FluentValue::try_number(text)),
            _ => (*name, FluentValue::from(*text)),
        })
        .collect();
    bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
}

/// Whether `key` exists in `lang`.
pub fn has(lang: Lang, key: &str) -> bool {
    BUNDLES.get(&lang).is_some_and(|bundle| bundle.has_message(key))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The keys of a catalogue and the variables that each uses.
    fn keys(text: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" =").filter(|_| !line.starts_with([' ', '-'])) {
                key.clone_into(&mut current);
                assert!(keys.insert(current.clone(), BTreeSet::new()).is_none(), "{key} twice");
            }
            for piece in line.split('$').skip(1) {
                let name: String =
                    piece.chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect();
                keys.entry(current.clone()).or_default().insert(name);
            }
        }
        keys
    }

    #[test]
    fn both_languages_have_the_same_keys_with_the_same_variables() {
        let areas = |lang: &str| -> BTreeMap<_, _> {
            CATALOGUES.iter().filter(|c| c.0 == lang).map(|(_, area, text)| (*area, keys(text))).collect()
        };
        assert_eq!(areas("ja"), areas("en"));
        assert!(!areas("ja").is_empty());
    }

    #[test]
    fn every_catalogue_is_faultless_and_no_key_occurs_in_two_areas() {
        for lang in Lang::ALL {
            let mut seen = BTreeSet::new();
            for (_, area, text) in CATALOGUES.iter().filter(|c| c.0 == lang.tag()) {
                let faults = FluentResource::try_new((*text).to_owned()).err().map(|(_, faults)| faults);
                assert!(faults.is_none(), "{lang}/{area}.ftl: {faults:?}");
                for key in keys(text).into_keys() {
                    assert!(seen.insert(key.clone()), "{key} of {area} exists in another area too");
                    assert!(has(lang, &key), "{lang}: {key}");
                }
            }
        }
    }

    #[test]
    fn a_message_is_filled_in_and_an_unknown_key_shows_itself() {
        assert_eq!(text(Lang::Ja, "consent-agree", &[]), "同意する");
        assert_eq!(text(Lang::En, "consent-title", &[("name", "X")]), "“X” asks for your information");
        assert_eq!(text(Lang::En, "no-such-key", &[]), "no-such-key");
        assert_eq!(text(Lang::En, "duration-years", &[("count", "1")]), "1 year");
        assert_eq!(text(Lang::En, "duration-days", &[("count", "365")]), "365 days");
    }

    #[test]
    fn the_language_follows_the_browser_and_is_japanese_otherwise() {
        for (header, lang) in [
            ("en-GB,en;q=0.9", Lang::En),
            ("fr, en;q=0.5, ja;q=0.8", Lang::Ja),
            ("fr", Lang::Ja),
            ("", Lang::Ja),
            ("ja;q=0, en", Lang::En),
        ] {
            assert_eq!(Lang::from_accept_language(header), lang, "{header}");
        }
    }
}
