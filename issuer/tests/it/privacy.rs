//! Privacy invariant 3, on the database file as it is: no PPID, no code, no token.

use super::browser::Authorization;
use super::wallet::{Wallet, key, pre_authorized_code};
use super::world::{HEALTH, PORTAL, world};

#[tokio::test]
async fn invariant_3_the_database_holds_no_ppid_and_no_secret_in_the_clear() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let offer = world.offer(&[PORTAL, HEALTH], true).await;
    let code = pre_authorized_code(&offer);
    let token = wallet.redeem(&offer).await;
    let issued = wallet.batch(&token, PORTAL, &key(&world), 1).await;
    let held = wallet.receive(&issued[0]).await;
    let authorization = Authorization::new(&world);
    let other_code = authorization.code(&wallet, &[PORTAL]).await;
    let path = world.database.strip_prefix("sqlite://").unwrap();
    let mut bytes = Vec::new();
    for suffix in ["", "-wal"] {
        bytes.extend(std::fs::read(format!("{path}{suffix}")).unwrap_or_default());
    }
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("resident-1"), "the account of an open token is there, so the search works");
    for (name, secret) in [
        ("PPID", held.ppid().expose()),
        ("pairwise DID", held.sub().as_str()),
        ("pre-authorized code", &code),
        ("authorization code", &other_code),
        ("access token", token.access_token.expose()),
    ] {
        assert!(!holds(secret), "{name}");
    }
}
