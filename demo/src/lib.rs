//! A whole town in one process, with a scripted resident

#![allow(dead_code, reason = "the town is being built")]

mod idp;
mod resident;
mod web;
mod words;
