//! Benches of `crates/credential`, with the cryptography of the servers. One file for each subject.

pub(crate) mod same_subject;
pub(crate) mod sd_jwt;
pub(crate) mod sealing;
pub(crate) mod status;
