//! Telling the story while it happens: for people, or one JSON object per step.

use std::io::Write as _;
use std::time::Instant;

use serde_json::Value;

use super::report::{Knowledge, Outcome, StepReport};
use crate::words::Words;

/// Time that has passed. The demo measures real delays, which is why it may look at the clock itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "the demo reports measured delays")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start.
    pub(crate) fn millis(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// How the story is told.
pub(crate) struct Teller {
    words: Words,
    json: bool,
    started: Stopwatch,
    steps: Vec<StepReport>,
}

/// A step that is happening.
pub(crate) struct Step {
    words: Words,
    watch: Stopwatch,
    report: StepReport,
    quiet: bool,
}

impl Step {
    /// Tells one thing that happened.
    pub(crate) fn say(&mut self, key: &str, args: &[(&str, &str)]) {
        self.report.happened.push(self.words.with(key, args));
    }

    /// Tells something that is in words already.
    pub(crate) fn tell(&mut self, text: String) {
        self.report.happened.push(text);
    }

    /// Nothing more happens: what follows is looking.
    pub(crate) fn stop(&mut self) {
        self.report.millis = self.watch.millis();
    }

    /// Leaves out the question of who knows what after this step.
    pub(crate) const fn ask_nobody(&mut self) {
        self.quiet = true;
    }

    /// Whether it is left out.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Adds a value to a list of them.
    pub(crate) fn add_fact(&mut self, name: &str, value: impl Into<Value>) {
        let list = self.report.facts.entry(name.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(value.into());
        }
    }

    /// Adds a measured value.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.report.facts.insert(name.to_owned(), value.into());
    }

    /// Demands that something holds; `what` names it, in English, for whoever has to repair it.
    pub(crate) fn expect(&mut self, holds: bool, what: &str) {
        if !holds {
            self.report.unexpected.push(what.to_owned());
        }
    }
}

impl Teller {
    /// A teller in the language of `words`; with `json`, one object per line.
    pub(crate) fn new(words: Words, json: bool) -> Self {
        Self { words, json, started: Stopwatch::start(), steps: Vec::new() }
    }

    /// The words.
    pub(crate) const fn words(&self) -> Words {
        self.words
    }

    /// Begins the step `name`, whose title is the message `demo-step-{name}`.
    pub(crate) fn begin(&self, name: &str) -> Step {
        let title = self.words.t(&format!("demo-step-{name}"));
        if !self.json {
            let number = self.steps.len() + 1;
            print(&format!("\n{number:>2}. {title} …"));
        }
        let report = StepReport { step: name.to_owned(), title, ..StepReport::default() };
        Step { words: self.words, watch: Stopwatch::start(), report, quiet: false }
    }

    /// Ends a step and tells it.
    pub(crate) fn end(&mut self, step: Step, knows: Vec<Knowledge>) {
        let mut report = step.report;
        report.ok = report.unexpected.is_empty();
        report.knows = knows;
        if self.json {
            print(&serde_json::to_string(&report).unwrap_or_default());
        } else {
            print(&self.for_people(&report));
        }
        self.steps.push(report);
    }

    /// Whether this is what the party knew after the step before: people are told of changes only.
    fn knew(&self, known: &Knowledge) -> bool {
        let told = self.steps.iter().rev().find(|step| !step.knows.is_empty());
        let before = told.and_then(|step| step.knows.iter().find(|other| other.party == known.party));
        before.is_some_and(|before| before.has == known.has)
    }

    fn for_people(&self, report: &StepReport) -> String {
        let mut lines: Vec<String> = report
            .happened
            .iter()
            .map(|text| match text.strip_prefix("  ") {
                // A line that belongs to the one before it.
                Some(rest) => format!("      {rest}"),
                None => format!("    ・{text}"),
            })
            .collect();
        lines.extend(report.unexpected.iter().map(|text| format!("    ✘ {text}")));
        if report.knows.iter().any(|known| !self.knew(known)) {
            lines.push(format!("    {}", self.words.t("demo-knows")));
        }
        let names = |keys: &[String]| -> String {
            let names: Vec<String> = keys.iter().map(|key| self.words.t(key)).collect();
            if names.is_empty() {
                self.words.t("demo-knows-nothing")
            } else {
                names.join(&self.words.t("demo-comma"))
            }
        };
        for known in report.knows.iter().filter(|known| !self.knew(known)) {
            let party = self.words.t(&format!("demo-party-{}", known.party));
            let has = self.words.with("demo-knows-has", &[("what", &names(&known.has))]);
            let has_not = self.words.with("demo-knows-has-not", &[("what", &names(&known.has_not))]);
            lines.push(format!("      {party}  {has}  {has_not}"));
        }
        let seconds = report.millis / 1000;
        let sign = if report.ok { "✔" } else { "✘" };
        lines.push(format!("    {sign} {seconds}.{:03} s", report.millis % 1000));
        lines.join("\n")
    }

    /// The end of the story.
    pub(crate) fn finish(self, complete: bool) -> Outcome {
        let ok = complete && self.steps.iter().all(|step| step.ok);
        let millis = self.started.millis();
        if self.json {
            print(&serde_json::json!({"ok": ok, "steps": self.steps.len(), "millis": millis}).to_string());
        } else {
            let key = if ok { "demo-end-ok" } else { "demo-end-not-ok" };
            let (steps, seconds) =
                (self.steps.len().to_string(), format!("{}.{:01}", millis / 1000, millis % 1000 / 100));
            print(&format!("\n{}", self.words.with(key, &[("steps", &steps), ("seconds", &seconds)])));
        }
        Outcome { ok, steps: self.steps, millis }
    }
}

/// Prints a line. A reader that has gone away is no reason to stop: the exit code still says how it went.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
