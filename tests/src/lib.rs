//! End-to-end and interoperability tests: only what crosses crates
