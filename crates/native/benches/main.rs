//! What the credential engine costs, beside the raw cryptography that it cannot do without.
//!
//! `cargo xtask bench` runs everything, `cargo xtask bench credential/verify` what has this in its name; the table comes
//! last. Processor time of this thread is measured, not the time on the wall, so that a busy machine changes little; and
//! ours and the raw work take turns within every sample, so that what changes changes both.
//!
//! A new bench is a file in `credential` with a function that takes a [`Bench`], and a line in `credential::run`.
//! `allocations.rs` runs the same operations once each and counts.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that cannot be set up has nothing to measure, and what it measured is to be read"
)]

mod credential;
mod harness;

use harness::Bench;

fn main() {
    let mut bench = Bench::from_args(false);
    credential::run(&mut bench);
    bench.finish();
}
