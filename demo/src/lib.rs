//! A whole town in one process, with a scripted resident.

#![allow(dead_code, reason = "the town is being built")]

mod error;
mod idp;
mod net;
mod parties;
mod plan;
mod resident;
mod rp;
mod sample;
mod web;
mod words;

pub use error::DemoError;
