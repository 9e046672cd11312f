//! The words that a person reads before deciding (screens of consent; wording in `schemas/messages`).

use enishi_credential::time::UnixTime;
use enishi_protocol::consent::{self, TermsItem};
use enishi_protocol::declaration::{KeepFor, LocalText, OnWithdrawal, Party};
use enishi_protocol::grant::access::{Access, Mode, Period};
use enishi_schemas::messages::{Lang, has, text};

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

/// Who reads: in which language, and how far from UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) lang: Lang,
    pub(crate) utc_offset: i64,
}

struct Writer {
    reader: Reader,
    lines: Vec<Line>,
}

impl Writer {
    const fn new(reader: Reader) -> Self {
        Self { reader, lines: Vec::new() }
    }

    fn word(&self, key: &str, args: &[(&str, &str)]) -> String {
        text(self.reader.lang, key, args)
    }

    fn line(&mut self, about: &'static str, args: &[(&str, &str)]) {
        let text = self.word(about, args);
        self.lines.push(Line { about, text });
    }

    fn pick<'t>(&self, text: &'t LocalText) -> &'t str {
        match self.reader.lang {
            Lang::Ja => &text.ja,
            Lang::En => &text.en,
        }
    }

    /// The list of `names`.
    fn list<'t>(&self, names: impl IntoIterator<Item = &'t str>) -> String {
        let comma = if self.reader.lang == Lang::Ja { "、" } else { ", " };
        names.into_iter().collect::<Vec<_>>().join(comma)
    }

    fn date(&self, time: UnixTime) -> String {
        date(self.reader.lang, time.plus(self.reader.utc_offset))
    }

    /// The last day that lies wholly or in part before `end`.
    fn last_day(&self, end: UnixTime) -> String {
        self.date(end.plus(-1))
    }

    fn finish(self, title: String) -> Prompt {
        Prompt {
            title,
            agree: self.word("consent-agree", &[]),
            decline: self.word("consent-decline", &[]),
            later: self.word("consent-later", &[]),
            lines: self.lines,
        }
    }
}

/// A relying party wants to know its own user.
pub(crate) fn first_party(reader: Reader, rp: &str) -> Prompt {
    let mut writer = Writer::new(reader);
    writer.line("first-party-what", &[("name", rp)]);
    writer.line("first-party-nobody-else", &[]);
    let title = writer.word("first-party-title", &[("name", rp)]);
    writer.finish(title)
}

/// Data is to flow: everything that the terms and the declarations say.
pub(crate) fn consent(reader: Reader, facts: &consent::Prompt<'_>) -> Prompt {
    let mut writer = Writer::new(reader);
    let provider = named(&writer, facts.provider());
    let service = writer.pick(facts.service_name());
    writer.line("consent-provider", &[("name", &provider), ("service", service)]);
    let recipient = named(&writer, facts.recipient());
    writer.line("consent-recipient", &[("name", &recipient)]);
    let purpose = writer.pick(facts.purpose());
    writer.line("consent-purpose", &[("text", purpose)]);
    onward(&mut writer, facts);
    items(&mut writer, facts.items());
    let (from, to) = facts.period();
    let (from, to) = (writer.date(from), writer.last_day(to));
    writer.line("consent-period", &[("from", &from), ("to", &to)]);
    for (about, count) in frequency(facts.access()) {
        writer.line(about, &[("count", &count.to_string())]);
    }
    retention(&mut writer, facts);
    countries(&mut writer, facts.countries());
    let basis = &facts.terms().legal_basis;
    let basis = match basis.as_str() {
        "consent" | "dpv:Consent" => writer.word("legal-basis-consent", &[]),
        other => other.to_owned(),
    };
    writer.line("consent-legal-basis", &[("basis", &basis)]);
    let refusal = writer.pick(facts.effect_of_refusal());
    writer.line("consent-refusal", &[("text", refusal)]);
    let within = seconds(&writer, facts.withdrawal_effect_within());
    writer.line("consent-withdraw", &[("within", &within)]);
    let also = &facts.terms().withdraw.also_at;
    if !also.is_empty() {
        let places = writer.list(also.iter().map(String::as_str));
        writer.line("consent-withdraw-also", &[("places", &places)]);
    }
    writer.line("consent-policy", &[("uri", facts.notice_uri())]);
    writer.line("consent-ids-stay-apart", &[]);
    let title = writer.word("consent-title", &[("name", writer.pick(&facts.recipient().name))]);
    writer.finish(title)
}

/// A party's name, with its corporate number if it has one.
fn named(writer: &Writer, party: &Party) -> String {
    let name = writer.pick(&party.name);
    let Some(number) = &party.corporate_number else { return name.to_owned() };
    let number = writer.word("consent-corporate-number", &[("number", number)]);
    writer.word("consent-name-with-number", &[("name", name), ("number", &number)])
}

fn onward(writer: &mut Writer, facts: &consent::Prompt<'_>) {
    if facts.onward_transfer().is_empty() {
        return writer.line("consent-not-passed-on", &[]);
    }
    let names = writer.list(facts.onward_transfer().iter().map(|party| writer.pick(&party.name)));
    writer.line("consent-passed-on", &[("names", &names)]);
}

/// Each item, from when and to when its data is, and which of them are sensitive. There is no choice among them: terms are
/// signed as they are.
fn items(writer: &mut Writer, items: &[TermsItem]) {
    writer.line("consent-items", &[]);
    for item in items {
        let label = writer.pick(&item.label);
        let about = if item.required { "consent-item-required" } else { "consent-item-optional" };
        writer.line(about, &[("label", label)]);
        if let Some(from) = item.from {
            let from = writer.date(from);
            writer.line("consent-item-from", &[("label", label), ("from", &from)]);
        }
        if let Some(to) = item.to {
            let to = writer.date(to);
            writer.line("consent-item-to", &[("label", label), ("to", &to)]);
        }
    }
    let special: Vec<&str> =
        items.iter().filter(|item| item.special).map(|item| writer.pick(&item.label)).collect();
    if !special.is_empty() {
        let special = writer.list(special);
        writer.line("consent-special", &[("items", &special)]);
    }
}

fn retention(writer: &mut Writer, facts: &consent::Prompt<'_>) {
    let (period, on_withdrawal) = facts.retention();
    let period = match period {
        Some(KeepFor::Days(0) | KeepFor::Months(0) | KeepFor::Years(0)) => {
            return writer.line("consent-not-kept", &[]);
        }
        // Declarations with another form are refused before; if one came through, its own words are the truest.
        None => facts.terms().retention.period.clone(),
        Some(KeepFor::Days(n)) => counted(writer, "duration-days", n),
        Some(KeepFor::Months(n)) => counted(writer, "duration-months", n),
        Some(KeepFor::Years(n)) => counted(writer, "duration-years", n),
    };
    let about = match on_withdrawal {
        OnWithdrawal::Erase => "consent-retention",
        OnWithdrawal::Keep => "consent-retention-kept",
    };
    writer.line(about, &[("period", &period)]);
}

fn countries(writer: &mut Writer, codes: &[String]) {
    let names: Vec<_> = codes.iter().map(|code| country(writer.reader.lang, code)).collect();
    let names = writer.list(names.iter().map(String::as_str));
    writer.line("consent-countries", &[("countries", &names)]);
}

/// The name of a country, or its code where there is no name for it here.
fn country(lang: Lang, code: &str) -> String {
    let key = format!("country-{code}");
    if has(lang, &key) { text(lang, &key, &[]) } else { code.to_owned() }
}

fn counted(writer: &Writer, key: &str, n: u32) -> String {
    writer.word(key, &[("count", &n.to_string())])
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

fn seconds(writer: &Writer, seconds: u32) -> String {
    if seconds >= 60 && seconds.is_multiple_of(60) {
        counted(writer, "duration-minutes", seconds / 60)
    } else {
        counted(writer, "duration-seconds", seconds)
    }
}

/// The date of a time that was moved to where the reader is (proleptic Gregorian calendar).
fn date(lang: Lang, time: UnixTime) -> String {
    let (year, month, day) = civil(time.secs().div_euclid(86_400));
    let month = if lang == Lang::En { format!("{month:02}") } else { month.to_string() };
    let day = if lang == Lang::En { format!("{day:02}") } else { day.to_string() };
    text(lang, "date-format", &[("year", &year.to_string()), ("month", &month), ("day", &day)])
}

/// Year, month and day of the day that is `days` after 1970-01-01, in as many steps for every day: the times are somebody
/// else's. Years are counted from March, in eras of 400 years, so that leap days come last.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests;
