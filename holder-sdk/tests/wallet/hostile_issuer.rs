//! Credentials that an issuer must not be able to plant: each refused with its code, and nothing kept.

use std::sync::Arc;

use enishi_holder_sdk::testing::{IssuerFault, World};
use enishi_holder_sdk::{MemoryVault, Vault as _, Wallet, WalletParts};

#[tokio::test]
async fn every_bad_credential_is_refused_with_its_code_and_nothing_is_kept() {
    let cases = [
        (IssuerFault::ForeignRp, "rp_mismatch"),
        (IssuerFault::ForeignSub, "sub_mismatch"),
        (IssuerFault::ForeignCnf, "cnf_mismatch"),
        (IssuerFault::OneKeyTwice, "key_used_twice"),
        (IssuerFault::ForeignSignature, "signature_invalid"),
        (IssuerFault::UnknownKid, "issuer_key_unknown"),
        (IssuerFault::NoOpening, "link_opening_missing"),
        (IssuerFault::BrokenOpening, "credential_response_malformed"),
        (IssuerFault::MarkingClaim, "linkage_claim_unknown"),
        (IssuerFault::KeyBindingAttached, "kb_not_expected"),
        (IssuerFault::Expired, "expired"),
        (IssuerFault::Deferred, "issuance_deferred"),
        (IssuerFault::BearerToken, "token_not_bound"),
    ];
    let world = World::new().await;
    for (fault, expected) in cases {
        let vault = Arc::new(MemoryVault::default());
        let wallet = Wallet::open(WalletParts { vault: vault.clone(), ..world.parts() }).unwrap();
        let uri = world.issuer.offer("resident-1", &[&world.town.ids.sp]);
        let offer = wallet.read_offer(&uri).await.unwrap();
        world.issuer.misbehave(fault);
        let error = wallet.redeem(&offer, None, 2).await.unwrap_err();
        world.issuer.misbehave(None);
        assert_eq!(error.code(), expected, "{fault:?}: {error}");
        assert!(wallet.credentials().is_empty(), "{fault:?}");
        assert_eq!(vault.read(), Ok(None), "{fault:?}: the vault was not touched");
    }
}

#[tokio::test]
async fn one_bad_credential_spoils_its_batch_and_no_other() {
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    let before = wallet.credentials();
    world.issuer.misbehave(IssuerFault::ForeignCnf);
    let uri = world.issuer.offer("resident-1", &[&world.town.ids.sp]);
    let offer = wallet.read_offer(&uri).await.unwrap();
    wallet.redeem(&offer, None, 2).await.unwrap_err();
    assert_eq!(wallet.credentials(), before);
}

#[tokio::test]
async fn threat_10_keys_of_the_issuer_come_from_its_own_metadata_only() {
    let world = World::new().await;
    let wallet = world.wallet();
    let offer = wallet.read_offer(&world.issuer.offer("resident-1", &[&world.town.ids.sp])).await.unwrap();
    let body = br#"{"issuer":"https://evil.example","jwks":{"keys":[]}}"#.to_vec();
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let foreign = enishi_holder_sdk::HttpResponse { status: 200, headers, body };
    world.network.answer_instead("jwt-vc-issuer", foreign);
    let error = wallet.redeem(&offer, None, 1).await.unwrap_err();
    assert_eq!(error.code(), "issuer_metadata_unusable");
    assert!(wallet.credentials().is_empty());
}
