//! A step of the story as it was told: what happened, what each party now knows, whether it was as expected.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// How the story went.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// Whether every step was as expected.
    pub ok: bool,
    /// The steps, in order.
    pub steps: Vec<StepReport>,
    /// Milliseconds from the first to the last step, the start of the town included.
    pub millis: u64,
}

/// One step.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StepReport {
    /// Stable name, e.g. `withdraw` or `attack-pooling`.
    pub step: String,
    /// What the step is called, in the language of the story.
    pub title: String,
    /// Whether it was as expected.
    pub ok: bool,
    /// How long it took.
    pub millis: u64,
    /// What happened, in the language of the story.
    pub happened: Vec<String>,
    /// What was not as expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unexpected: Vec<String>,
    /// Measured values, for scripts.
    pub facts: Map<String, Value>,
    /// What each party now knows, from its databases.
    pub knows: Vec<Knowledge>,
}

/// What a party knows after a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Knowledge {
    /// Who, by its short name.
    pub party: String,
    /// What of the marks searched for is in its databases.
    pub has: Vec<String>,
    /// What is not.
    pub has_not: Vec<String>,
    /// Tables with rows, and how many.
    pub rows: BTreeMap<String, u64>,
}
