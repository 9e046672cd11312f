//! Grants (linkage protocol §8): the state machine, how often data may be fetched, and the messages of the API.
//!
//! Everything here is a pure function or a message type; the store and the transaction are the verifier's.

pub mod access;
pub mod acknowledgement;
pub mod holder;
pub mod messages;
mod state;

pub use state::{Event, State, TransitionError, transition};
