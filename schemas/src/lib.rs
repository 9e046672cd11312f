//! What other programs and people read: JSON Schemas, the credential's type metadata, and every word on a screen.
//!
//! - [`messages`]: the wording in Japanese and English, from `messages/{ja,en}/*.ftl`.
//! - [`json`]: JSON Schemas (draft 2020-12) of what this project defines itself, from `json/`.

pub mod json;
pub mod messages;
