//! The words that a person reads before deciding (screens of consent; wording in `schemas/messages`).

use enishi_credential::time::UnixTime;
use enishi_protocol::consent;
use enishi_protocol::declaration::{KeepFor, LocalText, OnWithdrawal, Party};
use enishi_protocol::grant::access::{Access, Mode, Period};
use enishi_schemas::messages::{Lang, text};

/// What to show, top to bottom: every line is needed, none may be left out or folded away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The headline.
    pub title: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// The words on the button that agrees.
    pub agree: String,
    /// The words on the button that declines: same size, same weight.
    pub decline: String,
    /// The words on the button that puts it off.
    pub later: String,
}

/// One line and what it is about, so that a wallet can lay it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about: the key of the message.
    pub about: &'static str,
    /// The words.
    pub text: String,
}

struct Writer {
    lang: Lang,
    lines: Vec<Line>,
}

impl Writer {
    fn line(&mut self, about: &'static str, args: &[(&str, &str)]) {
        self.lines.push(Line { about, text: text(self.lang, about, args) });
    }

    fn finish(self, title: String) -> Prompt {
        let word = |key| text(self.lang, key, &[]);
        Prompt {
            title,
            agree: word("consent-agree"),
            decline: word("consent-decline"),
            later: word("consent-later"),
            lines: self.lines,
        }
    }
}

const fn pick(text: &LocalText, lang: Lang) -> &String {
    match lang {
        Lang::Ja => &text.ja,
        Lang::En => &text.en,
    }
}

/// A relying party wants to know its own user.
pub(crate) fn first_party(lang: Lang, rp: &str) -> Prompt {
    let mut writer = Writer { lang, lines: Vec::new() };
    writer.line("first-party-what", &[("name", rp)]);
    writer.line("first-party-nobody-else", &[]);
    writer.finish(text(lang, "first-party-title", &[("name", rp)]))
}

/// Data is to flow: everything that the terms and the declarations say.
pub(crate) fn consent(lang: Lang, facts: &consent::Prompt<'_>) -> Prompt {
    let mut writer = Writer { lang, lines: Vec::new() };
    let named = |party: &Party| match &party.corporate_number {
        None => pick(&party.name, lang).clone(),
        Some(number) => {
            let number = text(lang, "consent-corporate-number", &[("number", number)]);
            text(lang, "consent-name-with-number", &[("name", pick(&party.name, lang)), ("number", &number)])
        }
    };
    let service = pick(facts.service_name(), lang);
    writer.line("consent-provider", &[("name", &named(facts.provider())), ("service", service)]);
    writer.line("consent-recipient", &[("name", &named(facts.recipient()))]);
    writer.line("consent-purpose", &[("text", pick(facts.purpose(), lang))]);
    let onward: Vec<&str> =
        facts.onward_transfer().iter().map(|party| pick(&party.name, lang).as_str()).collect();
    if onward.is_empty() {
        writer.line("consent-not-passed-on", &[]);
    } else {
        writer.line("consent-passed-on", &[("names", &onward.join(", "))]);
    }
    writer.line("consent-items", &[]);
    for item in facts.items() {
        let about = if item.required { "consent-item-required" } else { "consent-item-optional" };
        writer.line(about, &[("label", pick(&item.label, lang))]);
    }
    if facts.has_special() {
        writer.line("consent-special", &[]);
    }
    let (from, to) = facts.period();
    writer.line("consent-period", &[("from", &date(lang, from)), ("to", &date(lang, to))]);
    for (about, count) in frequency(facts.access()) {
        writer.line(about, &[("count", &count.to_string())]);
    }
    retention(&mut writer, facts);
    writer.line("consent-countries", &[("countries", &facts.countries().join(", "))]);
    writer.line("consent-refusal", &[("text", pick(facts.effect_of_refusal(), lang))]);
    let within = seconds(lang, facts.withdrawal_effect_within());
    writer.line("consent-withdraw", &[("within", &within)]);
    writer.line("consent-policy", &[("uri", facts.notice_uri())]);
    writer.line("consent-ids-stay-apart", &[]);
    writer.finish(text(lang, "consent-title", &[("name", pick(&facts.recipient().name, lang))]))
}

fn retention(writer: &mut Writer, facts: &consent::Prompt<'_>) {
    let (period, on_withdrawal) = facts.retention();
    let count = |key, n: u32| text(writer.lang, key, &[("count", &n.to_string())]);
    let period = match period {
        None | Some(KeepFor::Days(0)) => text(writer.lang, "duration-none", &[]),
        Some(KeepFor::Days(n)) => count("duration-days", n),
        Some(KeepFor::Months(n)) => count("duration-months", n),
        Some(KeepFor::Years(n)) => count("duration-years", n),
    };
    let about = match on_withdrawal {
        OnWithdrawal::Erase => "consent-retention",
        OnWithdrawal::Keep => "consent-retention-kept",
    };
    writer.line(about, &[("period", &period)]);
}

fn frequency(access: &Access) -> Vec<(&'static str, u32)> {
    let mut lines = Vec::new();
    match access.mode {
        Mode::OneTime => lines.push(("consent-once", 1)),
        Mode::Periodic => {
            let about = match access.max_per {
                Some(Period::Hour) => "consent-at-most-hour",
                Some(Period::Day) => "consent-at-most-day",
                Some(Period::Week) => "consent-at-most-week",
                Some(Period::Month) => "consent-at-most-month",
                Some(Period::Year) => "consent-at-most-year",
                None => "consent-as-often-as-needed",
            };
            lines.push((about, access.count.unwrap_or(1)));
            lines.extend(access.max_total.map(|total| ("consent-total", total)));
        }
    }
    lines
}

fn seconds(lang: Lang, seconds: u32) -> String {
    let (key, count) = if seconds >= 60 && seconds.is_multiple_of(60) {
        ("duration-minutes", seconds / 60)
    } else {
        ("duration-seconds", seconds)
    };
    text(lang, key, &[("count", &count.to_string())])
}

/// A UTC date in words (proleptic Gregorian calendar).
fn date(lang: Lang, time: UnixTime) -> String {
    let (year, month, day) = civil(time.secs().div_euclid(86_400));
    let month = if lang == Lang::En { format!("{month:02}") } else { month.to_string() };
    let day = if lang == Lang::En { format!("{day:02}") } else { day.to_string() };
    text(lang, "date-format", &[("year", &year.to_string()), ("month", &month), ("day", &day)])
}

/// Year, month and day of the day that is `days` after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let mut year = 1970 + days.div_euclid(366);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let start = |year: i64| {
        let before = year - 1;
        365 * (year - 1970) + (before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400)) - 477
    };
    while start(year + 1) <= days {
        year += 1;
    }
    let mut rest = days - start(year);
    let february = if leap(year) { 29 } else { 28 };
    for (month, length) in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
        if rest < length {
            return (year, i64::try_from(month).unwrap_or_default() + 1, rest + 1);
        }
        rest -= length;
    }
    (year, 12, 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (365, (1971, 1, 1)),
            (11_016, (2000, 2, 29)),
            (20_779, (2026, 11, 22)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(days), expected, "{days}");
        }
        let time = UnixTime::from_secs(20_779 * 86_400 + 5);
        assert_eq!(date(Lang::Ja, time), "2026年11月22日");
        assert_eq!(date(Lang::En, time), "2026-11-22");
    }
}
