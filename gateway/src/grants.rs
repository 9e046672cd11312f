//! What the gateway knows of grants: consents that it has verified, notices, uses of links.

use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::time::UnixTime;
use enishi_protocol::consent::ConsentPair;
use enishi_protocol::grant::access::{Access, PastMints};
use enishi_protocol::notice::{Notice, NoticeEvent};
use enishi_service::store::{Store, StoreError, Tx};
use sqlx::Row;

/// A consent whose evidence was verified completely.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownConsent {
    /// The terms.
    pub(crate) pair: ConsentPair,
    /// The person here, sealed to us, as the holder presented it.
    pub(crate) sealed_sub: String,
    /// The thumbprint of the credential's instance key.
    pub(crate) jkt: Thumbprint,
    /// The issuer of the credential.
    pub(crate) issuer: String,
    /// The assurance of the credential.
    pub(crate) acr: String,
    /// When the holder signed.
    pub(crate) given_at: UnixTime,
}

/// Whether one more use was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Use {
    /// It was.
    Counted,
    /// The link was used as often as it may be.
    LinkUsedUp,
    /// The consent allows no further fetch now.
    TooFrequent,
    /// A notice has stopped the grant.
    Stopped,
}

/// The tables of the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Grants(Store);

impl Grants {
    pub(crate) fn new(store: &Store) -> Self {
        Self(store.clone())
    }

    /// The consent in a bundle that was verified before.
    pub(crate) async fn consent(
        &self,
        verifier: &str,
        sha256: &str,
    ) -> Result<Option<KnownConsent>, StoreError> {
        let row = sqlx::query(
            "SELECT terms, terms_other, sealed_sub, jkt, issuer, acr, given_at FROM evidence \
             WHERE sha256 = $1 AND verifier = $2",
        )
        .bind(sha256)
        .bind(verifier)
        .fetch_optional(self.0.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let text = |name: &str| row.try_get::<String, _>(name);
        let (sp, dp) = (text("terms_other")?, text("terms")?);
        let malformed = |error: &dyn std::fmt::Display| StoreError::Malformed(error.to_string());
        Ok(Some(KnownConsent {
            pair: ConsentPair::read([sp.as_str(), dp.as_str()]).map_err(|error| malformed(&error))?,
            sealed_sub: text("sealed_sub")?,
            jkt: Thumbprint::parse(&text("jkt")?).map_err(|error| malformed(&error))?,
            issuer: text("issuer")?,
            acr: text("acr")?,
            given_at: UnixTime::from_secs(row.try_get("given_at")?),
        }))
    }

    /// Remembers a consent whose evidence holds.
    pub(crate) async fn remember_consent(
        &self,
        verifier: &str,
        sha256: &str,
        consent: &KnownConsent,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO evidence (sha256, verifier, grant_id, terms, terms_other, sealed_sub, jkt, issuer, acr, \
             given_at, verified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (sha256) DO NOTHING",
        )
        .bind(sha256)
        .bind(verifier)
        .bind(consent.pair.terms().grant_id.as_str())
        .bind(consent.pair.dp())
        .bind(consent.pair.sp())
        .bind(consent.sealed_sub.as_str())
        .bind(consent.jkt.to_string())
        .bind(consent.issuer.as_str())
        .bind(consent.acr.as_str())
        .bind(consent.given_at.secs())
        .bind(now.secs())
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    /// Whether a notice has stopped the grant.
    pub(crate) async fn is_stopped(&self, verifier: &str, grant_id: &str) -> Result<bool, StoreError> {
        let stopped: Option<i64> =
            sqlx::query_scalar("SELECT stopped FROM grant_state WHERE verifier = $1 AND grant_id = $2")
                .bind(verifier)
                .bind(grant_id)
                .fetch_optional(self.0.pool())
                .await?;
        Ok(stopped == Some(1))
    }

    /// Takes a notice into account. What is final stays; of the others the latest counts, in whatever order they arrive.
    pub(crate) async fn apply(&self, notice: &Notice) -> Result<(), StoreError> {
        let stopped = i64::from(notice.event != NoticeEvent::Resumed);
        let last = i64::from(matches!(notice.event, NoticeEvent::Withdrawn | NoticeEvent::Expired));
        sqlx::query(
            "INSERT INTO grant_state (verifier, grant_id, event, stopped, final, told_at, touched) \
             VALUES ($1, $2, $3, $4, $5, $6, 0) \
             ON CONFLICT (verifier, grant_id) DO UPDATE SET event = excluded.event, stopped = excluded.stopped, \
             final = excluded.final, told_at = excluded.told_at \
             WHERE grant_state.final = 0 AND (excluded.final = 1 OR grant_state.told_at <= excluded.told_at)",
        )
        .bind(notice.iss.as_str())
        .bind(notice.grant_id.as_str())
        .bind(notice.event.as_str())
        .bind(stopped)
        .bind(last)
        .bind(notice.iat.secs())
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    /// Counts one more use of a link that was minted at `minted_at`, if link, consent and notices allow it.
    pub(crate) async fn take_use(
        &self,
        verifier: &str,
        (jti, grant_id): (&str, &str),
        max_uses: u32,
        access: &Access,
        minted_at: UnixTime,
    ) -> Result<Use, StoreError> {
        let mut tx = self.0.begin().await?;
        // Writing the grant's row first makes concurrent uses of one grant wait for each other, also on PostgreSQL.
        let stopped: i64 = sqlx::query_scalar(
            "INSERT INTO grant_state (verifier, grant_id, event, stopped, final, told_at, touched) \
             VALUES ($1, $2, '', 0, 0, 0, 1) \
             ON CONFLICT (verifier, grant_id) DO UPDATE SET touched = grant_state.touched + 1 RETURNING stopped",
        )
        .bind(verifier)
        .bind(grant_id)
        .fetch_one(&mut *tx)
        .await?;
        if stopped != 0 {
            return Ok(Use::Stopped);
        }
        let uses: Option<i64> =
            sqlx::query_scalar("SELECT uses FROM link_use WHERE verifier = $1 AND jti = $2")
                .bind(verifier)
                .bind(jti)
                .fetch_optional(&mut *tx)
                .await?;
        match uses {
            Some(uses) if uses >= i64::from(max_uses) => return Ok(Use::LinkUsedUp),
            Some(_) => {
                sqlx::query("UPDATE link_use SET uses = uses + 1 WHERE verifier = $1 AND jti = $2")
                    .bind(verifier)
                    .bind(jti)
                    .execute(&mut *tx)
                    .await?;
            }
            None => {
                let past = past_links(&mut tx, verifier, grant_id, access, minted_at).await?;
                if access.allow(past).is_err() {
                    return Ok(Use::TooFrequent);
                }
                sqlx::query(
                    "INSERT INTO link_use (verifier, jti, grant_id, minted_at, uses) VALUES ($1, $2, $3, $4, 1)",
                )
                .bind(verifier)
                .bind(jti)
                .bind(grant_id)
                .bind(minted_at.secs())
                .execute(&mut *tx)
                .await?;
            }
        }
        tx.commit().await?;
        Ok(Use::Counted)
    }

    /// Takes a counted use back, because nothing was released.
    pub(crate) async fn give_back(&self, verifier: &str, jti: &str) -> Result<(), StoreError> {
        let mut tx = self.0.begin().await?;
        for statement in [
            "UPDATE link_use SET uses = uses - 1 WHERE verifier = $1 AND jti = $2",
            "DELETE FROM link_use WHERE verifier = $1 AND jti = $2 AND uses <= 0",
        ] {
            sqlx::query(statement).bind(verifier).bind(jti).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// The links of a grant that were used before.
async fn past_links(
    tx: &mut Tx,
    verifier: &str,
    grant_id: &str,
    access: &Access,
    at: UnixTime,
) -> Result<PastMints, StoreError> {
    let since = access.window_start(at).unwrap_or(UnixTime::from_secs(i64::MAX));
    let row = sqlx::query(
        "SELECT COUNT(*) AS total, COUNT(CASE WHEN minted_at >= $1 THEN 1 END) AS in_window FROM link_use \
         WHERE verifier = $2 AND grant_id = $3",
    )
    .bind(since.secs())
    .bind(verifier)
    .bind(grant_id)
    .fetch_one(&mut **tx)
    .await?;
    let count =
        |name: &str| row.try_get::<i64, _>(name).map(|count| u64::try_from(count).unwrap_or(u64::MAX));
    Ok(PastMints { total: count("total")?, in_window: count("in_window")? })
}

#[cfg(test)]
mod tests {
    use enishi_protocol::grant::access::Period;
    use enishi_service::store::testing::{TestStore, stores};

    use super::*;

    const V: &str = "https://verifier.example";

    async fn tables(given: &TestStore) -> Grants {
        let store = &given.store;
        store.migrate(&enishi_service::migrations!["0001_gateway"]).await.unwrap();
        Grants::new(store)
    }

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    fn notice(event: NoticeEvent, iat: i64) -> Notice {
        Notice {
            iss: V.to_owned(),
            aud: "https://dp.example".to_owned(),
            jti: format!("{iat}"),
            iat: at(iat),
            event,
            grant_id: "g".to_owned(),
        }
    }

    #[tokio::test]
    async fn uses_and_frequency_are_counted_per_link_and_grant() {
        for given in stores("gateway_uses").await {
            let grants = tables(&given).await;
            let daily = Access::periodic(1, Period::Day);
            let take = async |jti: &str, grant: &str, now: i64| {
                grants.take_use(V, (jti, grant), 2, &daily, at(now)).await.unwrap()
            };
            assert_eq!(take("a", "g", 1_000).await, Use::Counted);
            assert_eq!(take("a", "g", 1_001).await, Use::Counted, "a second use of the same fetch");
            assert_eq!(take("a", "g", 1_002).await, Use::LinkUsedUp);
            assert_eq!(take("b", "g", 1_003).await, Use::TooFrequent);
            assert_eq!(take("b", "other", 1_003).await, Use::Counted);
            assert_eq!(take("c", "g", 1_000 + 86_400).await, Use::Counted);
            grants.give_back(V, "c").await.unwrap();
            assert_eq!(take("d", "g", 1_000 + 86_400).await, Use::Counted, "nothing was released under c");
        }
    }

    #[tokio::test]
    async fn threat_4_of_concurrent_uses_only_the_allowed_number_counts() {
        for given in stores("gateway_race").await {
            let grants = tables(&given).await;
            let tasks: Vec<_> = (0..12)
                .map(|n| {
                    let grants = grants.clone();
                    tokio::spawn(async move {
                        let jti = format!("j{n}");
                        let access = Access::periodic(3, Period::Day);
                        grants.take_use(V, (&jti, "g"), 1, &access, at(1_000)).await.unwrap()
                    })
                })
                .collect();
            let mut counted = 0;
            for task in tasks {
                counted += u32::from(task.await.unwrap() == Use::Counted);
            }
            assert_eq!(counted, 3);
        }
    }

    #[tokio::test]
    async fn threat_17_a_withdrawal_is_final_and_late_notices_change_nothing() {
        for given in stores("gateway_notices").await {
            let grants = tables(&given).await;
            let stopped = async || grants.is_stopped(V, "g").await.unwrap();
            assert!(!stopped().await);
            grants.apply(&notice(NoticeEvent::Resumed, 20)).await.unwrap();
            grants.apply(&notice(NoticeEvent::Suspended, 10)).await.unwrap();
            assert!(!stopped().await, "an older notice that arrives later");
            grants.apply(&notice(NoticeEvent::Suspended, 30)).await.unwrap();
            assert!(stopped().await);
            grants.apply(&notice(NoticeEvent::Resumed, 40)).await.unwrap();
            assert!(!stopped().await);
            grants.apply(&notice(NoticeEvent::Withdrawn, 35)).await.unwrap();
            assert!(stopped().await, "a withdrawal counts whenever it arrives");
            grants.apply(&notice(NoticeEvent::Resumed, 50)).await.unwrap();
            assert!(stopped().await);
            let access = Access::one_time();
            assert_eq!(grants.take_use(V, ("a", "g"), 1, &access, at(60)).await.unwrap(), Use::Stopped);
            assert!(!grants.is_stopped("https://other.example", "g").await.unwrap());
        }
    }
}
