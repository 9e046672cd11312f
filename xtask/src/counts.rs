//! Counting tests from what the test runners report, never from what we expect.

/// How many tests were run, and how they ended. Ignored ones are in neither number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Ended well.
    pub(crate) passed: u64,
    /// Ended badly, timed out, or could not be started.
    pub(crate) failed: u64,
}

impl Counts {
    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    /// Reads nextest's JUnit report: the totals stand on its root element.
    pub(crate) fn from_junit(report: &str) -> Option<Self> {
        let (_, rest) = report.split_once("<testsuites ")?;
        let (root, _) = rest.split_once('>')?;
        let number = |name: &str| -> Option<u64> {
            let (_, rest) = root.split_once(&format!("{name}=\""))?;
            rest.split_once('"')?.0.parse().ok()
        };
        let failed = number("failures")?.checked_add(number("errors")?)?;
        Some(Self { passed: number("tests")?.checked_sub(failed)?, failed })
    }

    /// Reads one line of the standard test harness: `test result: ok. 3 passed; 0 failed; …`.
    pub(crate) fn from_result_line(line: &str) -> Option<Self> {
        let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let number = |word: &str| -> Option<u64> {
            numbers.split("; ").find_map(|part| part.strip_suffix(word)?.trim().parse().ok())
        };
        Some(Self { passed: number("passed")?, failed: number("failed")? })
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn junit_totals_are_read_from_the_root_element_only() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="12" failures="2" errors="1" uuid="x" time="0.1">
    <testsuite name="a" tests="99" disabled="0" errors="0" failures="0">"#;
        assert_eq!(Counts::from_junit(report), Some(Counts { passed: 9, failed: 3 }));
        assert_eq!(Counts::from_junit(r#"<testsuites tests="1" failures="2" errors="0">"#), None);
        assert_eq!(Counts::from_junit("<html>"), None);
    }

    #[test]
    fn a_result_line_is_read_and_other_lines_are_not() {
        let line = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(Counts::from_result_line(line), Some(Counts { passed: 3, failed: 1 }));
        assert_eq!(Counts::from_result_line("running 3 tests"), None);
        assert_eq!(Counts::from_result_line("test result: odd"), None);
    }
}
