//! How often the operations of the benches allocate. What C code allocates, in aws-lc, does not pass through here.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that cannot be set up has nothing to measure, and what it measured is to be read"
)]

mod credential;
mod harness;

use harness::Bench;

#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

fn main() {
    println!("| operation | allocations | bytes |\n|---|---|---|");
    let mut bench = Bench::from_args(true);
    credential::run(&mut bench);
    bench.finish();
}
