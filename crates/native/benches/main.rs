//! What the credential engine costs, beside the raw cryptography that it cannot do without.
//!
//! `cargo xtask bench` runs everything, `cargo xtask bench credential/verify` what has this in its name; the table comes
//! last. Processor time of this thread is measured, not the time on the wall, so that a busy machine changes little; and
//! ours and the raw work take turns within every sample, so that what changes changes both.
//!
//! A new bench is a file with a function that takes a [`Bench`], and a line in `main`.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

mod credential;
mod harness;

use harness::Bench;

/// Counts allocations for the table. What C code allocates, in aws-lc and OpenSSL, does not pass through here.
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

fn main() {
    let mut bench = Bench::from_args();
    credential::sd_jwt::run(&mut bench);
    credential::sealing::run(&mut bench);
    credential::same_subject::run(&mut bench);
    credential::status::run(&mut bench);
    bench.finish();
}
