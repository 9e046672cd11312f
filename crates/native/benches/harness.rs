//! Measuring in pairs, and the table at the end.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, SamplingMode};
use rustix::time::{ClockId, clock_gettime};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

/// Processor time of this thread.
struct CpuTime;

/// Criterion's words for durations; what they were measured with does not matter to it.
static WORDS: WallTime = WallTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        thread_time()
    }

    fn end(&self, start: Duration) -> Duration {
        thread_time().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WORDS.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WORDS.formatter()
    }
}

fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.try_into().unwrap_or_default())
}

/// What an operation is held against.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// Ours takes at most so many times as long as the raw cryptography.
    Ratio(f64),
    /// Ours takes at most so many nanoseconds.
    Nanoseconds(f64),
    /// It is only measured.
    None,
}

/// Runs benches and keeps what they measured.
pub(crate) struct Bench {
    criterion: Criterion<CpuTime>,
    rows: Vec<Row>,
    counts: bool,
}

struct Row {
    operation: String,
    /// What the raw work consists of; empty where there is none.
    raw_is: &'static str,
    /// Nanoseconds for one run.
    ours: f64,
    raw: f64,
    ratio: f64,
    bar: Bar,
}

/// Of one sample: nanoseconds for one run.
struct Sample {
    runs: u64,
    ours: f64,
    raw: f64,
}

/// How long ours and raw run at a stretch before the other takes its turn: long against the 0.3 µs that it takes to
/// read the clock, short against what disturbs a shared machine.
const TURN: Duration = Duration::from_micros(400);

impl Bench {
    /// Reads criterion's arguments: a filter, `--quick`, `--sample-size` and others. `counts`: count allocations instead of
    /// measuring time, in a binary whose allocator counts, which itself takes a few hundredths of what is measured.
    pub(crate) fn from_args(counts: bool) -> Self {
        let criterion = Criterion::default()
            .with_measurement(CpuTime)
            .without_plots()
            .sample_size(60)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3))
            .configure_from_args();
        Self { criterion, rows: Vec::new(), counts }
    }

    /// Measures `ours`, and beside it `raw`: the same cryptography called as directly as the library allows, with
    /// everything prepared that the real job lets one prepare. `raw_is` says in a few words what that is.
    pub(crate) fn compare<T, R>(
        &mut self,
        operation: &str,
        bar: Bar,
        mut ours: impl FnMut() -> T,
        raw_is: &'static str,
        raw: impl FnMut() -> R,
    ) {
        self.compare_with(operation, bar, || (), |()| ours(), raw_is, raw);
    }

    /// As [`Bench::compare`], where `ours` uses up what it is given; making that, by `input`, is not measured.
    pub(crate) fn compare_with<I, T, R>(
        &mut self,
        operation: &str,
        bar: Bar,
        mut input: impl FnMut() -> I,
        mut ours: impl FnMut(I) -> T,
        raw_is: &'static str,
        mut raw: impl FnMut() -> R,
    ) {
        let mut raw = |()| raw();
        if self.counts {
            return count_allocations(operation, &mut input, &mut ours);
        }
        let mut samples: Vec<Sample> = Vec::new();
        let turn = runs_in_a_turn(&mut input, &mut ours);
        let mut group = self.criterion.benchmark_group("credential");
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function(operation, |bencher| {
            bencher.iter_custom(|runs| {
                let (mut ours_took, mut raw_took) = (Duration::ZERO, Duration::ZERO);
                let mut left = runs;
                while left > 0 {
                    let now = left.min(turn);
                    // Who goes first changes, so that neither always finds the other's caches.
                    if (left / turn) % 2 == 0 {
                        ours_took += time(now, &mut input, &mut ours);
                        raw_took += time(now, &mut || (), &mut raw);
                    } else {
                        raw_took += time(now, &mut || (), &mut raw);
                        ours_took += time(now, &mut input, &mut ours);
                    }
                    left -= now;
                }
                let each = |took: Duration| nanoseconds(took) / count(runs);
                samples.push(Sample { runs, ours: each(ours_took), raw: each(raw_took) });
                ours_took
            });
        });
        group.finish();
        // The warm-up has fewer runs in a sample than the measurement.
        let Some(runs) = samples.last().map(|last| last.runs) else { return };
        samples.retain(|sample| sample.runs == runs);
        self.rows.push(Row {
            operation: operation.to_owned(),
            raw_is,
            ours: median(samples.iter().map(|sample| sample.ours)),
            raw: median(samples.iter().map(|sample| sample.raw)),
            ratio: median(samples.iter().map(|sample| sample.ours / sample.raw)),
            bar,
        });
    }

    /// Measures `ours` alone: something that contains no cryptography worth comparing with, or another library.
    pub(crate) fn measure<T>(&mut self, operation: &str, bar: Bar, ours: impl FnMut() -> T) {
        self.compare(operation, bar, ours, "", || ());
    }

    /// Prints the table.
    pub(crate) fn finish(self) {
        if self.counts {
            return;
        }
        self.criterion.final_summary();
        println!("\n{}", table(&self.rows));
    }
}

fn time<I, T>(runs: u64, input: &mut impl FnMut() -> I, work: &mut impl FnMut(I) -> T) -> Duration {
    let inputs: Vec<I> = (0..runs).map(|_| input()).collect();
    let start = thread_time();
    for input in inputs {
        black_box(work(input));
    }
    thread_time().saturating_sub(start)
}

/// How often `work` runs in about [`TURN`].
fn runs_in_a_turn<I, T>(input: &mut impl FnMut() -> I, work: &mut impl FnMut(I) -> T) -> u64 {
    let mut runs = 1;
    while time(runs, input, work) < TURN && runs < 1 << 24 {
        runs *= 2;
    }
    runs
}

/// Prints the allocations of one run of Rust code, once everything is warm.
fn count_allocations<I, T>(operation: &str, input: &mut impl FnMut() -> I, work: &mut impl FnMut(I) -> T) {
    drop(black_box(work(input())));
    let given = input();
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let result = black_box(work(given));
    let stats = region.change();
    drop(result);
    let allocations = stats.allocations + stats.reallocations;
    println!("| {operation} | {allocations} | {} |", stats.bytes_allocated);
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

#[expect(clippy::cast_precision_loss, reason = "a number of runs is far below 2^52")]
fn count(runs: u64) -> f64 {
    runs as f64
}

fn table(rows: &[Row]) -> String {
    let mut out =
        String::from("thread processor time, medians; ours and raw took turns within each sample\n\n");
    out += "| operation | ours | raw | ratio | bar | raw is |\n|---|---|---|---|---|---|\n";
    for row in rows {
        let compared = !row.raw_is.is_empty();
        let (bar, held) = match row.bar {
            Bar::Ratio(most) => (format!("≤ {most}"), row.ratio <= most),
            Bar::Nanoseconds(most) => (format!("≤ {}", readable(most)), row.ours <= most),
            Bar::None => (String::new(), true),
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {bar}{} | {} |",
            row.operation,
            readable(row.ours),
            if compared { readable(row.raw) } else { String::new() },
            if compared { format!("{:.3}", row.ratio) } else { String::new() },
            if held { "" } else { " **missed**" },
            row.raw_is,
        );
    }
    out
}

/// Nanoseconds in the unit that suits them.
fn readable(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.1} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n => format!("{:.2} ms", n / 1e6),
    }
}
