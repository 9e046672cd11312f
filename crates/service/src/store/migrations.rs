//! The tables of a crate, embedded in it: one SQL file per step and database.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::{Backend, StoreError};

/// A crate's migrations, made by [`migrations!`](crate::migrations). (`sqlx::migrate!` does the same, and builds both
/// database drivers a second time for the compiler's own use.)
#[derive(Debug, Clone, Copy)]
pub struct Migrations {
    /// File names without `.sql` and texts, for SQLite.
    #[doc(hidden)]
    pub sqlite: &'static [(&'static str, &'static str)],
    /// The same for PostgreSQL.
    #[doc(hidden)]
    pub postgres: &'static [(&'static str, &'static str)],
}

/// Embeds the calling crate's `migrations/{sqlite,postgres}/<name>.sql`, in this order.
#[macro_export]
macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        $crate::store::Migrations {
            sqlite: &[$((
                $name,
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/", $name, ".sql")),
            )),+],
            postgres: &[$((
                $name,
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/", $name, ".sql")),
            )),+],
        }
    };
}

impl Migrations {
    /// What sqlx runs.
    pub(super) fn migrator(&self, backend: Backend) -> Result<Migrator, StoreError> {
        let files = match backend {
            Backend::Sqlite => self.sqlite,
            Backend::Postgres => self.postgres,
        };
        let step = |(name, sql): &(&'static str, &'static str)| {
            let (number, about) = name.split_once('_')?;
            let version = number.parse().ok()?;
            let sql = AssertSqlSafe(*sql).into_sql_str();
            Some(Migration::new(version, Cow::Borrowed(about), MigrationType::Simple, sql, false))
        };
        let steps: Option<Vec<_>> = files.iter().map(step).collect();
        let steps = steps.ok_or(StoreError::Url("a migration is not named <number>_<about>".into()))?;
        Ok(Migrator::with_migrations(steps))
    }
}
