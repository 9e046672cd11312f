//! What a party could read if it looked: its tables, and what its own keys open.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use enishi_credential::encoding::b64;
use enishi_service::store::Store;
use serde_json::Value;

use super::Rehearsal;
use crate::story::probe;
use crate::{DemoError, Service};

fn fault(error: impl std::fmt::Display) -> DemoError {
    DemoError::App(error.to_string())
}

impl Rehearsal {
    /// Every value of every table of a service's database, as `table.column`, row by row; binary values in hex.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn tables(&self, service: Service) -> Result<Vec<(String, String)>, DemoError> {
        let store = self.store(service).await?;
        let rows = probe::everything(&store).await;
        store.close().await;
        rows.map_err(fault)
    }

    /// The evidence of a grant as the linking verifier could read it: with the key of its own store. In it are both
    /// presentations, as they came.
    ///
    /// # Errors
    /// If there is none, or the key does not open it.
    pub async fn evidence(&self, grant: &str) -> Result<String, DemoError> {
        let store = self.store(Service::Verifier).await?;
        let row = sqlx::query_scalar("SELECT sealed FROM evidence WHERE grant_id = $1");
        let row: Result<String, _> = row.bind(grant).fetch_one(store.pool()).await;
        store.close().await;
        let sealed = b64::decode(&row.map_err(fault)?).map_err(fault)?;
        let keys = std::fs::read(self.town.plan.file("verifier", "verifier.keys.json")?)?;
        let keys: Value = serde_json::from_slice(&keys).map_err(fault)?;
        let key = keys.pointer("/secrets/k_store").and_then(Value::as_str).unwrap_or_default();
        let key: [u8; 32] =
            b64::decode(key).ok().and_then(|key| key.try_into().ok()).ok_or_else(|| fault("no store key"))?;
        let (nonce, text) = sealed.split_first_chunk::<12>().ok_or_else(|| fault("too short"))?;
        let place = format!("evidence/{grant}");
        let payload = Payload { msg: text, aad: place.as_bytes() };
        let opened = Aes256Gcm::new(&key.into()).decrypt(&Nonce::from(*nonce), payload);
        String::from_utf8(opened.map_err(fault)?).map_err(fault)
    }

    async fn store(&self, service: Service) -> Result<Store, DemoError> {
        Store::connect(&self.town.plan.database(service.party(), service.name())?).await.map_err(fault)
    }
}
