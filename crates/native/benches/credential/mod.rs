//! Benches of `crates/credential`, with the cryptography of the servers. One file for each subject.

mod same_subject;
mod sd_jwt;
mod sealing;
mod status;

use crate::harness::Bench;

/// Runs all of them.
pub(crate) fn run(bench: &mut Bench) {
    sd_jwt::run(bench);
    sealing::run(bench);
    same_subject::run(bench);
    status::run(bench);
}
