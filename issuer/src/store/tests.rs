//! What the stores promise, on every database at hand.

use enishi_credential::secret::Personal;
use enishi_service::store::testing::{TestStore, stores};

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_000);
const LATER: UnixTime = UnixTime::from_secs(1_060);

async fn databases(name: &str) -> Vec<TestStore> {
    let given = stores(name).await;
    for database in &given {
        migrate(&database.store).await.unwrap();
    }
    given
}

fn subject() -> Personal<Subject> {
    Personal::new(Subject {
        account: UpstreamAccount::new("https://id.example", "resident-1"),
        acr: "a".to_owned(),
    })
}

fn request() -> StoredRequest {
    StoredRequest {
        client_id: "wallet".to_owned(),
        redirect_uri: "https://wallet.example/cb".to_owned(),
        code_challenge: "c".to_owned(),
        state: None,
        fixed_rps: None,
        dpop_jkt: None,
    }
}

fn token() -> AccessToken {
    AccessToken { subject: subject(), rps: vec!["https://rp.example".to_owned()], client_id: None, jkt: None }
}

#[tokio::test]
async fn threat_4_a_pushed_request_is_used_once_by_its_client_and_in_time() {
    for database in databases("pushed").await {
        let pushed = PushedRequests::new(&database.store);
        for reference in ["a", "b"] {
            pushed.insert(reference, &request(), LATER).await.unwrap();
        }
        assert_eq!(pushed.consume("a", "other", NOW).await.unwrap(), None, "another client");
        assert_eq!(pushed.consume("b", "wallet", LATER).await.unwrap(), None, "over");
        assert_eq!(pushed.consume("a", "wallet", NOW).await.unwrap(), Some(request()));
        assert_eq!(pushed.consume("a", "wallet", NOW).await.unwrap(), None, "used");
    }
}

#[tokio::test]
async fn threat_4_a_stage_of_a_login_is_used_once() {
    for database in databases("logins").await {
        let logins = Logins::new(&database.store);
        let started = Started {
            asker: Asker::Wallet(Box::new(request())),
            state: "s".to_owned(),
            nonce: "n".to_owned(),
            pkce_verifier: "v".to_owned(),
        };
        logins.insert("id", &started, LATER).await.unwrap();
        assert_eq!(logins.get::<Authenticated>("id", NOW).await.unwrap(), None, "another stage");
        assert_eq!(logins.get::<Started>("id", LATER).await.unwrap(), None, "over");
        assert_eq!(logins.get::<Started>("id", NOW).await.unwrap(), Some(started.clone()));
        assert_eq!(logins.consume::<Started>("id", NOW).await.unwrap(), Some(started));
        assert_eq!(logins.consume::<Started>("id", NOW).await.unwrap(), None, "used");
    }
}

#[tokio::test]
async fn threat_4_a_code_is_used_once_and_its_second_use_revokes() {
    for database in databases("codes").await {
        let (codes, tokens) = (Codes::new(&database.store), Tokens::new(&database.store));
        let content = IssuedCode { request: request(), subject: subject(), rps: vec![] };
        codes.insert("code", "grant", &content, LATER).await.unwrap();
        let new = |token| NewToken { token, content: &TOKEN, expires_at: LATER };
        assert_eq!(codes.look_up("code", LATER).await.unwrap(), None, "over");
        assert_eq!(codes.look_up("code", NOW).await.unwrap(), Some(content));
        assert!(codes.redeem("code", new("t1"), NOW).await.unwrap());
        assert_eq!(tokens.find("t1", NOW).await.unwrap(), Some(token()));
        assert_eq!(tokens.find("t1", LATER).await.unwrap(), None, "over");
        assert_eq!(tokens.find("t2", NOW).await.unwrap(), None, "unknown");
        assert!(!codes.redeem("code", new("t2"), NOW).await.unwrap());
        for revoked in ["t1", "t2"] {
            assert_eq!(tokens.find(revoked, NOW).await.unwrap(), None, "{revoked}");
        }
    }
}

static TOKEN: std::sync::LazyLock<AccessToken> = std::sync::LazyLock::new(token);

#[tokio::test]
async fn threat_4_of_many_redeemers_one_is_first() {
    for database in databases("race").await {
        let codes = Codes::new(&database.store);
        let content = IssuedCode { request: request(), subject: subject(), rps: vec![] };
        codes.insert("code", "grant", &content, LATER).await.unwrap();
        let racers: Vec<_> = (0..8)
            .map(|n| {
                let codes = codes.clone();
                tokio::spawn(async move {
                    let token = format!("t{n}");
                    let new = NewToken { token: &token, content: &TOKEN, expires_at: LATER };
                    codes.redeem("code", new, NOW).await.unwrap()
                })
            })
            .collect();
        let mut first = 0;
        for racer in racers {
            first += u32::from(racer.await.unwrap());
        }
        assert_eq!(first, 1);
    }
}

#[tokio::test]
async fn offers_are_found_by_three_names_and_redeemed_once() {
    for database in databases("offers").await {
        let (offers, tokens) = (Offers::new(&database.store), Tokens::new(&database.store));
        let content = OfferFor {
            subject: Some(subject()),
            rps: vec!["https://rp.example".to_owned()],
            authorization_code: true,
            pre_authorized: true,
            tx_code_length: Some(6),
        };
        offers
            .insert(NewOffer {
                id: "id",
                code: "code",
                issuer_state: "state",
                grant_id: "grant",
                tx_code_mac: Some("mac"),
                content: &content,
                expires_at: LATER,
            })
            .await
            .unwrap();
        assert_eq!(offers.by_id("id", NOW).await.unwrap(), Some(content.clone()));
        assert_eq!(offers.by_id("code", NOW).await.unwrap(), None);
        assert_eq!(offers.by_issuer_state("state", NOW).await.unwrap(), Some(content.clone()));
        assert_eq!(offers.by_code("code", NOW).await.unwrap(), Some(content));
        assert_eq!(offers.by_code("code", LATER).await.unwrap(), None, "over");

        // OpenID4VCI 1.0 §13.6.3: the tries are counted, also when many come at once.
        for _ in 0..3 {
            assert_eq!(offers.count_try("code", 3, NOW).await.unwrap().as_deref(), Some("mac"));
        }
        assert_eq!(offers.count_try("code", 3, NOW).await.unwrap(), None);

        let new = |token| NewToken { token, content: &TOKEN, expires_at: LATER };
        assert!(offers.redeem("code", new("t1"), NOW).await.unwrap());
        assert!(tokens.find("t1", NOW).await.unwrap().is_some());
        assert_eq!(offers.by_id("id", NOW).await.unwrap(), None, "used");
        assert!(!offers.redeem("code", new("t2"), NOW).await.unwrap());
        assert_eq!(tokens.find("t1", NOW).await.unwrap(), None, "the second use revokes");
    }
}

#[tokio::test]
async fn what_is_over_goes_away() {
    for database in databases("purge").await {
        let pushed = PushedRequests::new(&database.store);
        pushed.insert("a", &request(), NOW).await.unwrap();
        let count = || async {
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM pushed_requests")
                .fetch_one(database.store.pool())
                .await
                .unwrap()
        };
        purge(&database.store, NOW.plus(599)).await.unwrap();
        assert_eq!(count().await, 1);
        purge(&database.store, NOW.plus(600)).await.unwrap();
        assert_eq!(count().await, 0);
    }
}

/// Privacy invariant 3: no column from which (relying party, PPID) pairs could be read, and no code in the clear.
#[tokio::test]
async fn invariant_3_codes_tokens_and_session_ids_are_not_in_the_database() {
    for database in databases("invariant").await {
        let codes = Codes::new(&database.store);
        let content = IssuedCode { request: request(), subject: subject(), rps: vec![] };
        codes.insert("the-code-itself", "grant", &content, LATER).await.unwrap();
        let new = NewToken { token: "the-token-itself", content: &TOKEN, expires_at: LATER };
        assert!(codes.redeem("the-code-itself", new, NOW).await.unwrap());
        for statement in
            ["SELECT code_hash || payload FROM codes", "SELECT token_hash || payload FROM access_tokens"]
        {
            let text: String = sqlx::query_scalar(statement).fetch_one(database.store.pool()).await.unwrap();
            assert!(!text.contains("itself") && !text.contains("ppid"), "{text}");
        }
    }
}
