//! Storage: one pool of connections to SQLite or PostgreSQL, and the small stores that several servers use.
//!
//! SQL is written once for both backends: `$1` placeholders, `ON CONFLICT … DO`, `RETURNING`, times and flags as
//! BIGINT, everything else as TEXT. Only migrations exist twice, in `migrations/sqlite` and `migrations/postgres`.

mod audit;
mod connect;
mod error;
mod migrations;
mod outbox;
mod replay;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use audit::{AuditEntry, AuditLog, SqlAuditLog, append_audit};
pub use connect::{Backend, Store, Tx};
pub use error::{StoreError, changed_once, retry_busy};
pub use migrations::Migrations;
pub use outbox::{Delivery, DeliveryState, Enqueue, Outbox, SqlOutbox, enqueue};
pub use replay::{ReplayCache, Seen, SqlReplayCache, remember};
