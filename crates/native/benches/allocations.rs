//! How often the operations of the benches allocate. What C code allocates, in aws-lc, does not pass through here.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

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
