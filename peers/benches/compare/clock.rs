//! Processor time of this thread, so that what else runs on the machine counts as little as possible.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 41;
/// How long one job runs in a round: long against reading the clock, short against what disturbs a shared machine.
const TURN: Duration = Duration::from_millis(4);

/// Something to measure, under the name that it has in the table.
pub(crate) type Job<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// The median microseconds of each job. They take turns within each round, and each round begins with another one.
pub(crate) fn measure(mut jobs: Vec<Job<'_>>) -> Vec<(&'static str, f64)> {
    let runs: Vec<u32> = jobs.iter_mut().map(|(_, job)| runs_in_a_turn(job)).collect();
    let mut samples = vec![Vec::with_capacity(ROUNDS); jobs.len()];
    for round in 0..ROUNDS {
        for turn in 0..jobs.len() {
            let at = (round + turn) % jobs.len();
            let took = time(runs[at], &mut jobs[at].1);
            samples[at].push(took.as_secs_f64() * 1e6 / f64::from(runs[at]));
        }
    }
    jobs.iter().zip(samples).map(|((name, _), samples)| (*name, median(samples))).collect()
}

fn runs_in_a_turn(job: &mut dyn FnMut()) -> u32 {
    let mut runs = 1;
    while time(runs, job) < TURN {
        runs *= 2;
    }
    runs
}

fn time(runs: u32, job: &mut dyn FnMut()) -> Duration {
    let start = now();
    for _ in 0..runs {
        black_box(&mut *job)();
    }
    now().saturating_sub(start)
}

fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.try_into().unwrap_or_default())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
