//! Credentials that an issuer must not be able to plant: each refused with its code, and nothing kept.

use std::sync::Arc;

use enishi_credential::crypto::Signer as _;
use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_holder_sdk::testing::{IssuerFault, World};
use enishi_holder_sdk::{HttpResponse, MemoryVault, Vault as _, Wallet, WalletParts};
use enishi_protocol::issuer_keys;

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
async fn only_the_one_published_signing_key_that_the_credential_means_counts() {
    let world = World::new().await;
    let wallet = world.wallet();
    let key = world.town.issuer.public_jwk().clone();
    let other = enishi_protocol::fixture::signer("other").public_jwk().clone();
    let issuer = &world.town.ids.issuer;
    for (keys, expected) in [
        (vec![key.clone().for_encryption()], "issuer_key_unfit"),
        (vec![Jwk { key_use: Some("wrap".to_owned()), ..key.clone() }], "issuer_key_unfit"),
        (vec![other.clone()], "issuer_key_unknown"),
        (vec![other.with_kid(key.kid.clone().unwrap())], "signature_invalid"),
        (Vec::new(), "issuer_key_unknown"),
    ] {
        let published = issuer_keys::metadata(issuer, &JwkSet { keys });
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let body = published.to_string().into_bytes();
        world.network.answer_instead("jwt-vc-issuer", HttpResponse { status: 200, headers, body });
        let uri = world.issuer.offer("resident-1", &[&world.town.ids.sp]);
        let offer = wallet.read_offer(&uri).await.unwrap();
        let error = wallet.redeem(&offer, None, 1).await.unwrap_err();
        assert_eq!(error.code(), expected, "{error}");
        assert!(wallet.credentials().is_empty());
    }
}

#[tokio::test]
async fn threat_10_keys_of_the_issuer_come_from_its_own_metadata_only() {
    let world = World::new().await;
    let wallet = world.wallet();
    let offer = wallet.read_offer(&world.issuer.offer("resident-1", &[&world.town.ids.sp])).await.unwrap();
    let body = br#"{"issuer":"https://evil.example","jwks":{"keys":[]}}"#.to_vec();
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let foreign = HttpResponse { status: 200, headers, body };
    world.network.answer_instead("jwt-vc-issuer", foreign);
    let error = wallet.redeem(&offer, None, 1).await.unwrap_err();
    assert_eq!(error.code(), "issuer_metadata_unusable");
    assert!(wallet.credentials().is_empty());
}
