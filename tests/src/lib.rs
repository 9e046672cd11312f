//! What the tests of this room share: tests that cross crates, run the real binary, or talk to other people's software.
//!
//! A test that concerns one crate belongs into that crate. Nothing here sleeps for a fixed time; see [`wait`].
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use enishi_tests::{net, process::Enishi, wait};
//!
//! let port = net::free_port();
//! let mut demo = Enishi::start(["demo", "--port", &port.to_string()]);
//! demo.line("the town is ready", |line| line["message"] == "ready").await;
//! wait::for_ok(&format!("http://localhost:{port}/health/ready")).await;
//! demo.kill();
//! # Ok(()) }
//! ```

pub mod corpus;
pub mod net;
pub mod outside;
pub mod process;
pub mod town;
pub mod traces;
pub mod wait;
