//! Requests that a wallet does not even show (OpenID4VP 1.0, N1 to N10; linkage protocol §6).

use std::sync::Arc;

use enishi_credential::encoding::b64;
use enishi_credential::time::DAY;
use enishi_holder_sdk::testing::{LinkAsk, Received, Tampering, World};
use enishi_holder_sdk::{HttpResponse, KnownVerifier, Trust, Wallet, WalletParts};
use enishi_protocol::consent::ConsentTerms;
use enishi_protocol::declaration::{LocalText, NamedParty, OnWithdrawal};
use enishi_protocol::fixture;
use enishi_protocol::grant::access::{Access, Period};
use serde_json::{Map, Value, json};

type Claims = Map<String, Value>;

/// The code with which `wallet` refuses the request at `uri`. Nothing may be used up by it.
async fn code(world: &Arc<World>, wallet: &Wallet, uri: &str) -> String {
    let error = wallet.read_request(uri).await.expect_err("a refusal");
    assert_eq!(wallet.fresh_credentials(&world.town.ids.sp), 2);
    assert_eq!(wallet.fresh_credentials(&world.town.ids.dp), 2);
    assert!(wallet.grants().is_empty());
    error.code().to_owned()
}

async fn refused(tampering: Tampering) -> String {
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    let uri = world.verifier.ask_tampered(&LinkAsk::new("grant-1"), tampering);
    code(&world, &wallet, &uri).await
}

async fn claims(change: impl FnOnce(&mut Claims) + 'static) -> String {
    refused(Tampering::none().claims(change)).await
}

async fn terms(change: impl FnOnce(&mut ConsentTerms) + 'static) -> String {
    refused(Tampering::none().terms(change)).await
}

fn set(members: &mut Claims, name: &str, value: impl Into<Value>) {
    members.insert(name.to_owned(), value.into());
}

/// Changes the member of a transaction data entry at `index`.
fn entry(claims: &mut Claims, index: usize, change: impl FnOnce(&mut Claims)) {
    let text = claims["transaction_data"][index].as_str().unwrap();
    let mut members: Value = serde_json::from_slice(&b64::decode(text).unwrap()).unwrap();
    change(members.as_object_mut().unwrap());
    claims["transaction_data"][index] = b64::encode(members.to_string()).into();
}

#[tokio::test]
async fn a_request_as_it_should_be_is_understood() {
    let world = World::new().await;
    let wallet = world.filled_wallet(1).await;
    for by_post in [false, true] {
        let ask = LinkAsk { by_post, ..LinkAsk::new("grant-1") };
        let request = wallet.read_request(&world.verifier.ask(&ask)).await.unwrap();
        assert_eq!(request.client_id(), world.verifier.client_id());
        assert_eq!(request.parties(), [&world.town.ids.sp, &world.town.ids.dp]);
        assert_eq!(request.terms().unwrap().item_ids(), ["blood_pressure", "weight"]);
    }
    let with_more = Tampering::none().claims(|claims| {
        claims.insert("new".to_owned(), json!({}));
        claims["client_metadata"]["logo_uri"] = "https://evil.example/logo".into();
    });
    let uri = world.verifier.ask_tampered(&LinkAsk::new("grant-2"), with_more);
    wallet.read_request(&uri).await.expect("vp_n19: unknown members are ignored");
    assert!(
        !world.network.urls().iter().any(|url| url.contains("evil")),
        "threat 10: and nothing is fetched"
    );
}

#[tokio::test]
async fn vp_n1_only_the_verifiers_own_signature_over_a_request_object_counts() {
    assert_eq!(refused(Tampering::none().typ("JWT")).await, "typ_not_allowed");
    assert_eq!(refused(Tampering::none().signed_by(fixture::signer("stranger"))).await, "signature_invalid");
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    for (media, body, expected) in [
        ("application/oauth-authz-req+jwt", "eyJhbGciOiJub25lIn0.e30.", "alg_not_allowed"),
        ("application/oauth-authz-req+jwt", "<html>", "jws_malformed"),
        ("application/json", "{}", "not_a_request_object"),
        ("text/html", "", "not_a_request_object"),
    ] {
        let uri = world.verifier.ask(&LinkAsk::new("grant-1"));
        let headers = vec![("content-type".to_owned(), media.to_owned())];
        let response = HttpResponse { status: 200, headers, body: body.into() };
        world.network.answer_instead("/requests/", response);
        assert_eq!(code(&world, &wallet, &uri).await, expected);
    }
    let redirect = HttpResponse { status: 302, headers: Vec::new(), body: Vec::new() };
    world.network.answer_instead("/requests/", redirect);
    let uri = world.verifier.ask(&LinkAsk::new("grant-1"));
    assert_eq!(code(&world, &wallet, &uri).await, "http_error", "vp_25: redirects are errors");
}

#[tokio::test]
async fn vp_n2_n3_n5_the_client_id_is_proved_trusted_and_the_same_everywhere() {
    let other = |claims: &mut Claims| set(claims, "client_id", "x509_san_dns:v.example");
    assert_eq!(claims(other).await, "client_id_mismatch");
    let bare = |claims: &mut Claims| {
        let bare = claims["client_id"].as_str().unwrap().split_once(':').unwrap().1.to_owned();
        claims.insert("client_id".to_owned(), bare.into());
    };
    assert_eq!(claims(bare).await, "client_id_mismatch");

    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    let uri = world.verifier.ask(&LinkAsk::new("grant-1"));
    let outside = |client_id: &str| {
        format!(
            "openid4vp://?client_id={client_id}&request_uri=https%3A%2F%2Fverifier.example%2Frequests%2F0"
        )
    };
    for (client_id, expected) in [
        ("redirect_uri:https%3A%2F%2Fv.example", "client_id_prefix_not_supported"),
        ("origin:https%3A%2F%2Fv.example", "client_id_prefix_not_supported"),
        ("https%3A%2F%2Fv.example", "client_id_prefix_not_supported"),
        ("x509_san_dns:verifier.example", "x5c_missing"),
        ("decentralized_identifier:did:jwk:e30", "client_id_not_of_key"),
    ] {
        assert_eq!(code(&world, &wallet, &outside(client_id)).await, expected, "{client_id}");
    }
    // The same signature, but this wallet was never told about the verifier.
    for verifiers in [
        None,
        Some(Vec::new()),
        Some(vec![KnownVerifier {
            client_id: "x509_san_dns:verifier.example".to_owned(),
            response_host: None,
            rp: None,
        }]),
    ] {
        let parts = world.parts();
        let trust = Trust { verifiers, ..parts.trust.clone() };
        let wallet = Wallet::open(WalletParts { trust, ..parts }).unwrap();
        let error = wallet.read_request(&uri).await.unwrap_err();
        assert_eq!(error.code(), "verifier_untrusted");
    }
}

#[tokio::test]
async fn vp_n3_the_answer_goes_to_the_verifiers_host_only() {
    for foreign in [
        "https://evil.example/responses/0",
        "https://verifier.example.evil.example/",
        "https://evil.example@verifier.example",
    ] {
        let to = move |claims: &mut Claims| set(claims, "response_uri", foreign);
        let expected = if foreign.contains('@') { "url_malformed" } else { "response_uri_foreign" };
        assert_eq!(claims(to).await, expected, "{foreign}");
    }
    let plain = |claims: &mut Claims| set(claims, "response_uri", "http://verifier.example/");
    assert_eq!(claims(plain).await, "url_not_https");
    let both = |claims: &mut Claims| set(claims, "redirect_uri", "https://verifier.example/");
    assert_eq!(claims(both).await, "redirect_uri_present");
}

#[tokio::test]
async fn vp_n6_the_wallets_own_nonce_comes_back_or_the_request_is_old() {
    for (ask, nonce, expected) in
        [(true, Some("other"), "wallet_nonce_mismatch"), (true, Some(""), "wallet_nonce_mismatch")]
    {
        let world = World::new().await;
        let wallet = world.filled_wallet(2).await;
        let tampering = Tampering::none().claims(move |claims| {
            claims.insert("wallet_nonce".to_owned(), nonce.into());
        });
        let uri =
            world.verifier.ask_tampered(&LinkAsk { by_post: ask, ..LinkAsk::new("grant-1") }, tampering);
        assert_eq!(code(&world, &wallet, &uri).await, expected);
    }
}

#[tokio::test]
async fn vp_n7_n8_n9_queries_and_methods_that_the_standard_does_not_know() {
    assert_eq!(claims(|claims| drop(claims.remove("dcql_query"))).await, "dcql_missing");
    assert_eq!(claims(|claims| set(claims, "scope", "x")).await, "dcql_and_scope");
    assert_eq!(claims(|claims| claims["dcql_query"]["credentials"] = json!([])).await, "dcql_invalid");
    let twice = |claims: &mut Claims| claims["dcql_query"]["credentials"][1]["id"] = "sp_link".into();
    assert_eq!(claims(twice).await, "dcql_invalid");
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    let uri = world.verifier.ask(&LinkAsk::new("grant-1"));
    assert_eq!(
        code(&world, &wallet, &format!("{uri}&request_uri_method=POST")).await,
        "request_uri_method_unknown"
    );
    let wrong_mode = |claims: &mut Claims| set(claims, "response_mode", "fragment");
    assert_eq!(claims(wrong_mode).await, "response_mode_unsupported");
    let aud = |claims: &mut Claims| set(claims, "aud", "https://other.example");
    assert_eq!(claims(aud).await, "aud_mismatch");
}

#[tokio::test]
async fn vp_n10_transaction_data_of_another_kind_or_with_an_unknown_condition() {
    let kind = |claims: &mut Claims| entry(claims, 1, |members| set(members, "type", "other"));
    assert_eq!(claims(kind).await, "transaction_data_type_unknown");
    let unknown = |claims: &mut Claims| {
        for index in 0..2 {
            entry(claims, index, |members| set(members, "fee", "100 JPY"));
        }
    };
    assert_eq!(claims(unknown).await, "terms_malformed");
    let foreign =
        |claims: &mut Claims| entry(claims, 1, |members| set(members, "credential_ids", json!(["x"])));
    assert_eq!(claims(foreign).await, "credential_ids_foreign");
    let differ = |claims: &mut Claims| entry(claims, 1, |members| set(members, "not_after", 2_000_000_000));
    assert_eq!(claims(differ).await, "terms_differ");
    let swapped = |claims: &mut Claims| claims["transaction_data"].as_array_mut().unwrap().reverse();
    assert_eq!(claims(swapped).await, "credential_ids_foreign");
    let one = |claims: &mut Claims| drop(claims["transaction_data"].as_array_mut().unwrap().pop());
    assert_eq!(claims(one).await, "terms_malformed");
    let none = |claims: &mut Claims| drop(claims.remove("transaction_data"));
    assert_eq!(claims(none).await, "terms_malformed", "both links without any terms");
    let hash = |claims: &mut Claims| set(claims, "transaction_data_hashes_alg", json!(["md5"]));
    assert_eq!(claims(hash).await, "transaction_data_hash_unsupported");
}

#[tokio::test]
async fn threat_2_terms_say_what_the_declarations_say_and_nothing_else() {
    const DIFFER: &str = "terms_differ_from_declaration";
    assert_eq!(terms(|t| t.recipient.name = LocalText::new("まちの役場", "Town hall")).await, DIFFER);
    assert_eq!(terms(|t| std::mem::swap(&mut t.recipient.name, &mut t.provider.name)).await, DIFFER);
    assert_eq!(terms(|t| t.purpose.text = LocalText::new("研究", "Research")).await, DIFFER);
    assert_eq!(terms(|t| t.retention.on_withdrawal = OnWithdrawal::Keep).await, DIFFER);
    assert_eq!(terms(|t| t.retention.period = "P10Y".to_owned()).await, DIFFER);
    assert_eq!(terms(|t| t.countries.push("XX".to_owned())).await, DIFFER);
    assert_eq!(terms(|t| t.legal_basis = "contract".to_owned()).await, DIFFER);
    assert_eq!(terms(|t| t.notice.uri = "https://evil.example".to_owned()).await, DIFFER);
    assert_eq!(terms(|t| t.items[0].label = LocalText::new("歩数", "Steps")).await, DIFFER);
    assert_eq!(terms(|t| t.items[0].required = false).await, DIFFER);
    assert_eq!(terms(|t| t.items[0].special = true).await, DIFFER);
    let passed_on = |t: &mut ConsentTerms| {
        t.onward_transfer.push(NamedParty { id: "x".to_owned(), name: LocalText::new("他社", "Others") });
    };
    assert_eq!(terms(passed_on).await, DIFFER);
    assert_eq!(terms(|t| t.items[0].id = "medication".to_owned()).await, "items_not_declared");
    assert_eq!(terms(|t| t.items[0].id = "income".to_owned()).await, "items_not_declared");
    assert_eq!(terms(|t| t.not_after = t.not_before.plus(366 * DAY)).await, "grant_too_long");
    assert_eq!(terms(|t| t.access = Access::periodic(1, Period::Hour)).await, "access_too_frequent");
    assert_eq!(terms(|t| t.purpose.sha256 = t.service.sha256.clone()).await, "declaration_unknown");
    assert_eq!(terms(|t| t.recipient.sha256 = t.provider.sha256.clone()).await, DIFFER);
}

#[tokio::test]
async fn declarations_that_are_missing_or_forged() {
    let missing = |claims: &mut Claims| drop(claims.remove("verifier_info"));
    assert_eq!(claims(missing).await, "declaration_unknown");
    let without = |index: usize| {
        move |claims: &mut Claims| {
            let list = &mut claims["verifier_info"][0]["data"]["declarations"];
            list.as_array_mut().unwrap().remove(index);
        }
    };
    assert_eq!(claims(without(0)).await, "party_untrusted", "without the recipient, who signed its purpose?");
    assert_eq!(claims(without(2)).await, "declaration_unknown");
    assert_eq!(claims(without(4)).await, "purpose_not_approved");
    let forged = |claims: &mut Claims| {
        let list = &mut claims["verifier_info"][0]["data"]["declarations"];
        let signature = list[4].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
        let signed = list[2].as_str().unwrap().rsplit_once('.').unwrap().0.to_owned();
        list[2] = format!("{signed}.{signature}").into();
    };
    assert_eq!(claims(forged).await, "signature_invalid");

    let world = World::new().await;
    let mut parts = world.parts();
    parts.trust.parties.pinned.clear();
    let wallet = Wallet::open(parts).unwrap();
    let error = wallet.read_request(&world.verifier.ask(&LinkAsk::new("grant-1"))).await.unwrap_err();
    assert_eq!(error.code(), "party_untrusted", "a wallet that was not told about the parties");
}

#[tokio::test]
async fn the_grant_is_kept_at_the_verifier_and_nowhere_else() {
    for foreign in [
        "https://evil.example/grants/grant-1",
        "https://verifier.example:8443/grants/grant-1",
        "https://verifier.example/grants/grant-1?x=1",
    ] {
        assert_eq!(
            terms(move |t| t.withdraw.uri = foreign.to_owned()).await,
            "withdraw_uri_foreign",
            "{foreign}"
        );
    }
    assert_eq!(
        terms(|t| t.withdraw.uri = "http://verifier.example/grants/1".to_owned()).await,
        "url_not_https"
    );
    assert_eq!(terms(|t| t.withdraw.uri = "grants/1".to_owned()).await, "url_malformed");
}

#[tokio::test]
async fn privacy_2_a_verifier_in_the_middle_that_asks_for_identifiers_gets_nothing() {
    for (index, claim) in [(0, "ppid"), (1, "ppid"), (0, "sub"), (1, "acr")] {
        let more = move |claims: &mut Claims| {
            let asked = &mut claims["dcql_query"]["credentials"][index]["claims"];
            asked.as_array_mut().unwrap().push(json!({"path": [claim]}));
        };
        assert_eq!(claims(more).await, "query_unexpected", "{index} {claim}");
    }
    let instead =
        |claims: &mut Claims| claims["dcql_query"]["credentials"][0]["claims"][1]["path"] = json!(["ppid"]);
    assert_eq!(claims(instead).await, "query_unexpected");
    let alternatives = |claims: &mut Claims| {
        let query = &mut claims["dcql_query"]["credentials"][0];
        query["claims"][0]["id"] = "a".into();
        query["claims"][1]["id"] = "b".into();
        query["claim_sets"] = json!([["a", "b"], ["a"]]);
    };
    assert_eq!(claims(alternatives).await, "query_unexpected");
    let several = |claims: &mut Claims| claims["dcql_query"]["credentials"][1]["multiple"] = true.into();
    assert_eq!(claims(several).await, "query_unexpected", "as many credentials as there are");
}

#[tokio::test]
async fn the_queries_are_for_the_parties_of_the_terms() {
    let swapped = |claims: &mut Claims| {
        let credentials = &mut claims["dcql_query"]["credentials"];
        let first = credentials[0]["claims"][0].take();
        credentials[0]["claims"][0] = credentials[1]["claims"][0].take();
        credentials[1]["claims"][0] = first;
    };
    assert_eq!(claims(swapped).await, "query_unexpected");
    let open = |claims: &mut Claims| {
        claims["dcql_query"]["credentials"][0]["claims"][0].as_object_mut().unwrap().remove("values");
    };
    assert_eq!(claims(open).await, "query_unexpected");
    let third = |claims: &mut Claims| {
        let credentials = claims["dcql_query"]["credentials"].as_array_mut().unwrap();
        let mut more = credentials[0].clone();
        more["id"] = "more".into();
        credentials.push(more);
    };
    assert_eq!(claims(third).await, "query_unexpected");
}

#[tokio::test]
async fn a_request_whose_time_is_over() {
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    let uri = world.verifier.ask(&LinkAsk::new("grant-1"));
    world.clock.advance(600);
    assert_eq!(code(&world, &wallet, &uri).await, "request_expired");
    // The request lives on, but the terms can no longer be answered.
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    let longer = Tampering::none().claims(|claims| set(claims, "exp", 2_000_000_000));
    let uri = world.verifier.ask_tampered(&LinkAsk::new("grant-1"), longer);
    world.clock.advance(600);
    assert_eq!(code(&world, &wallet, &uri).await, "answer_too_late");
}

#[tokio::test]
async fn a_verifier_whose_request_is_at_fault_is_told_so_without_asking_the_person() {
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    let wide = Tampering::none().terms(|terms| terms.items[0].id = "medication".to_owned());
    let uri = world.verifier.ask_tampered(&LinkAsk::new("grant-1"), wide);
    assert_eq!(code(&world, &wallet, &uri).await, "items_not_declared");
    let received = world.verifier.received();
    assert!(
        matches!(&received[..], [Received::Declined(code)] if code == "invalid_transaction_data"),
        "{received:?}"
    );
    // Somebody who did not prove who he is hears nothing.
    let forged = Tampering::none().signed_by(fixture::signer("stranger"));
    let uri = world.verifier.ask_tampered(&LinkAsk::new("grant-1"), forged);
    assert_eq!(code(&world, &wallet, &uri).await, "signature_invalid");
    assert_eq!(world.verifier.received().len(), 1);
}
