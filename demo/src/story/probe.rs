//! What a party knows: read from its own databases, not from what it should know.
//!
//! Every value of every table is searched for marks (numbers, PPIDs, DIDs, health data), in the text itself and in
//! whatever base64url in it decodes to, so that a JWT in a column hides nothing. What is encrypted stays closed to the
//! search exactly as it stays closed to the party, as long as the key is another party's.

use std::collections::{BTreeMap, BTreeSet};

use enishi_credential::encoding::b64;
use enishi_service::store::{Store, StoreError};
use serde::Serialize;

/// Something that a party may or may not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The message key of its name.
    pub(crate) key: &'static str,
    /// How it is written; any of these.
    pub(crate) values: Vec<String>,
}

/// What was found in a party's databases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Found {
    /// Keys of the marks that occur.
    pub(crate) has: BTreeSet<&'static str>,
    /// Tables with rows, and how many.
    pub(crate) rows: BTreeMap<String, u64>,
}

/// Searches the SQLite databases at `urls` for `marks`.
pub(crate) async fn search(urls: &[String], marks: &[Mark]) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for url in urls {
        let store = Store::connect(url).await?;
        let outcome = search_one(&store, marks, &mut found).await;
        store.close().await;
        outcome?;
    }
    Ok(found)
}

async fn search_one(store: &Store, marks: &[Mark], found: &mut Found) -> Result<(), StoreError> {
    for table in tables(store).await? {
        let mut most = 0;
        for column in columns(store, &table).await? {
            let values = values(store, &table, &column).await?;
            most = most.max(values.len() as u64);
            for value in values {
                for mark in marks {
                    if !found.has.contains(mark.key)
                        && mark.values.iter().any(|mark| contains(&value, mark, 0))
                    {
                        found.has.insert(mark.key);
                    }
                }
            }
        }
        if most > 0 {
            *found.rows.entry(table).or_default() += most;
        }
    }
    Ok(())
}

async fn tables(store: &Store) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'";
    Ok(sqlx::query_scalar(sql).fetch_all(store.pool()).await?)
}

async fn columns(store: &Store, table: &str) -> Result<Vec<String>, StoreError> {
    let columns = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)");
    Ok(columns.bind(table).fetch_all(store.pool()).await?)
}

/// Every value of every table, with the names of table and column.
pub(crate) async fn everything(store: &Store) -> Result<Vec<(String, String)>, StoreError> {
    let mut all = Vec::new();
    for table in tables(store).await? {
        for column in columns(store, &table).await? {
            let name = format!("{table}.{column}");
            all.extend(values(store, &table, &column).await?.into_iter().map(|value| (name.clone(), value)));
        }
    }
    Ok(all)
}

async fn values(store: &Store, table: &str, column: &str) -> Result<Vec<String>, StoreError> {
    // The names come from the database itself.
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let (table, column) = (quoted(table), quoted(column));
    let text =
        format!("CASE typeof({column}) WHEN 'blob' THEN hex({column}) ELSE CAST({column} AS TEXT) END");
    let sql = format!("SELECT {text} FROM {table} WHERE {column} IS NOT NULL");
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(store.pool()).await?)
}

/// Base64url inside base64url inside base64url: a disclosure in an SD-JWT in a request is three deep.
const DEEPEST: u32 = 4;
/// Shorter runs are words.
const SHORTEST_RUN: usize = 12;

/// Whether `needle` occurs in `text`, or in something that `text` encodes.
fn contains(text: &str, needle: &str, depth: u32) -> bool {
    if text.contains(needle) {
        return true;
    }
    if depth == DEEPEST {
        return false;
    }
    let runs = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    runs.filter(|run| run.len() >= SHORTEST_RUN).any(|run| {
        let decoded =
            b64::decode(run.trim_end_matches('=')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.is_some_and(|inner| contains(&inner, needle, depth + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(key: &'static str, value: &str) -> Mark {
        Mark { key, values: vec![value.to_owned()] }
    }

    #[tokio::test]
    async fn marks_are_found_in_the_open_and_inside_of_encodings_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a.sqlite").display());
        let store = Store::connect(&url).await.unwrap();
        let inner = b64::encode(r#"{"ppid":"the-ppid"}"#);
        let outer = b64::encode(format!(r#"{{"jwt":"{inner}.x"}}"#));
        sqlx::query("CREATE TABLE t (a TEXT, n BIGINT)").execute(store.pool()).await.unwrap();
        sqlx::query("INSERT INTO t VALUES ($1, 7), ('number 40-1', NULL)")
            .bind(&outer)
            .execute(store.pool())
            .await
            .unwrap();
        let marks = [mark("ppid", "the-ppid"), mark("number", "40-1"), mark("other", "other-ppid")];
        let found = search(&[url], &marks).await.unwrap();
        assert_eq!(found.has.into_iter().collect::<Vec<_>>(), ["number", "ppid"]);
        assert_eq!(found.rows.get("t"), Some(&2));
    }

    #[test]
    fn a_text_that_only_looks_like_base64_is_no_trap() {
        assert!(!contains("aaaaaaaaaaaaaaaaaaaaaaaaaaa====", "x", 0));
        assert!(!contains("", "x", 0));
    }
}
