//! Presentations, consent, grants and data links

mod at_rest;
mod config;
mod linking;

use enishi_service::store::{Store, StoreError};

/// Brings the tables up to date.
async fn migrate(store: &Store) -> Result<(), StoreError> {
    store.migrate(&sqlx::migrate!("migrations/sqlite"), &sqlx::migrate!("migrations/postgres")).await
}
