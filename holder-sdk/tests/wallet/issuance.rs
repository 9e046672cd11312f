//! From an offer to credentials (OpenID4VCI 1.0, wallet side).

use enishi_holder_sdk::testing::{IssuerFault, NOW, REDIRECT_URI, World};
use enishi_holder_sdk::{HttpResponse, Wallet, WalletError, WalletParts};
use url::Url;

fn instead(media: &str, body: &str) -> HttpResponse {
    let headers = vec![("content-type".to_owned(), media.to_owned())];
    HttpResponse { status: 200, headers, body: body.into() }
}

fn code<T>(result: Result<T, WalletError>) -> String {
    result.err().expect("an error").code().to_owned()
}

#[tokio::test]
async fn an_offer_by_value_becomes_a_batch_for_each_organisation() {
    let world = World::new().await;
    let wallet = world.wallet();
    let (sp, dp) = (world.town.ids.sp.as_str(), world.town.ids.dp.as_str());
    let offer = wallet.read_offer(&world.issuer.offer("resident-1", &[sp, dp])).await.unwrap();
    assert_eq!(offer.issuer(), world.town.ids.issuer);
    assert_eq!(offer.issuer_name("ja"), Some("まちのID"));
    assert_eq!(offer.issuer_name("en"), Some("Town ID"));
    assert!(offer.is_pre_authorized() && offer.tx_code().is_none());
    let received = wallet.redeem(&offer, None, 3).await.unwrap();
    assert_eq!(received.len(), 6);
    assert_eq!(wallet.credentials(), received);
    assert_eq!((wallet.fresh_credentials(sp), wallet.fresh_credentials(dp)), (3, 3));
    assert!(received.iter().all(|one| !one.shown && one.issuer == world.town.ids.issuer));
    assert!(received.iter().all(|one| one.expires > NOW));
    assert_eq!(wallet.fresh_credentials("https://elsewhere.example"), 0);
}

#[tokio::test]
async fn an_offer_by_reference_is_fetched_from_its_issuer() {
    let world = World::new().await;
    let wallet = world.wallet();
    let uri = world.issuer.offer_by_reference("resident-1", &[&world.town.ids.sp]);
    let offer = wallet.read_offer(&uri).await.unwrap();
    assert!(world.network.urls()[0].starts_with("https://id.example/offers/"));
    assert_eq!(wallet.redeem(&offer, None, 1).await.unwrap().len(), 1);
    assert_eq!(code(wallet.read_offer(&uri).await), "not_found", "an offer is given out once");
}

#[tokio::test]
async fn a_transaction_code_is_asked_for_and_sent() {
    let world = World::new().await;
    let wallet = world.wallet();
    let uri = world.issuer.offer_with_tx_code("resident-1", &[&world.town.ids.sp], "4711");
    let offer = wallet.read_offer(&uri).await.unwrap();
    assert_eq!(offer.tx_code().and_then(|code| code.length), Some(4));
    world.network.clear();
    assert_eq!(code(wallet.redeem(&offer, None, 1).await), "tx_code_required");
    assert!(world.network.sent().is_empty(), "the code is not spent for nothing");
    assert_eq!(code(wallet.redeem(&offer, Some("0815"), 1).await), "invalid_grant");
    assert_eq!(wallet.redeem(&offer, Some("4711"), 1).await.unwrap().len(), 1);
    assert_eq!(code(wallet.redeem(&offer, Some("4711"), 1).await), "invalid_grant", "vci_n6");
}

#[tokio::test]
async fn a_login_in_the_browser_leads_to_credentials() {
    let world = World::new().await;
    let wallet = world.wallet();
    let (sp, dp) = (world.town.ids.sp.as_str(), world.town.ids.dp.as_str());
    for from_offer in [true, false] {
        let offer = if from_offer {
            wallet.read_offer(&world.issuer.offer_to_log_in()).await.unwrap()
        } else {
            wallet.ask_issuer(&world.town.ids.issuer).await.unwrap()
        };
        assert!(!offer.is_pre_authorized());
        assert_eq!(code(wallet.redeem(&offer, None, 1).await), "issuer_unusable");
        let login = wallet.begin_login(&offer).await.unwrap();
        assert!(login.url.as_str().starts_with("https://id.example/authorize?"));
        let shown: Vec<_> = login.url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(shown, ["client_id", "request_uri"], "haip: everything else was pushed");
        let back = world.issuer.log_in(&login.url, "resident-1", &[sp, dp]);
        assert!(back.as_str().starts_with(REDIRECT_URI));
        assert_eq!(wallet.finish_login(login, back.as_str(), 2).await.unwrap().len(), 4);
    }
    assert_eq!(wallet.fresh_credentials(sp), 4);
}

/// What becomes of a parameter on the way back.
type Change = fn(&str, &str) -> Option<String>;

#[tokio::test]
async fn haip_n4_a_browser_that_comes_back_from_somewhere_else_is_not_believed() {
    let world = World::new().await;
    let wallet = world.wallet();
    let replace: [(&str, Change); 6] = [
        ("state_mismatch", |name, value| {
            Some(if name == "state" { "other".to_owned() } else { value.to_owned() })
        }),
        ("state_mismatch", |name, value| (name != "state").then(|| value.to_owned())),
        ("iss_mismatch", |name, value| {
            Some(if name == "iss" { "https://evil.example".to_owned() } else { value.to_owned() })
        }),
        ("iss_mismatch", |name, value| (name != "iss").then(|| value.to_owned())),
        ("authorization_response_malformed", |name, value| (name != "code").then(|| value.to_owned())),
        ("invalid_grant", |name, value| {
            Some(if name == "code" { "other".to_owned() } else { value.to_owned() })
        }),
    ];
    for (expected, change) in replace {
        let offer = wallet.ask_issuer(&world.town.ids.issuer).await.unwrap();
        let login = wallet.begin_login(&offer).await.unwrap();
        let back = world.issuer.log_in(&login.url, "resident-1", &[&world.town.ids.sp]);
        let pairs = back.query_pairs().filter_map(|(n, v)| Some((n.to_string(), change(&n, &v)?)));
        let changed = Url::parse_with_params(REDIRECT_URI, pairs).unwrap();
        assert_eq!(code(wallet.finish_login(login, changed.as_str(), 1).await), expected);
        assert!(wallet.credentials().is_empty());
    }
    let offer = wallet.ask_issuer(&world.town.ids.issuer).await.unwrap();
    let login = wallet.begin_login(&offer).await.unwrap();
    let refused = format!("{REDIRECT_URI}?error=access_denied&iss=https://id.example");
    assert_eq!(code(wallet.finish_login(login, &refused, 1).await), "state_mismatch", "anybody can say no");
}

#[tokio::test]
async fn rfc_9449_a_server_that_wants_a_nonce_gets_it() {
    let world = World::new().await;
    let wallet = world.wallet();
    world.issuer.demand_dpop_nonce("nonce-1");
    world.fill(&wallet, 1).await;
    assert_eq!(wallet.credentials().len(), 2);
    let tokens = world.network.urls().iter().filter(|url| url.ends_with("/token")).count();
    assert_eq!(tokens, 2, "once without, once with the nonce");
    let credentials = world.network.urls().iter().filter(|url| url.ends_with("/credential")).count();
    assert_eq!(credentials, 2, "from then on at once");
}

#[tokio::test]
async fn a_server_that_always_wants_another_nonce_is_left_alone() {
    let world = World::new().await;
    let wallet = world.wallet();
    let offer = wallet.read_offer(&world.issuer.offer("resident-1", &[&world.town.ids.sp])).await.unwrap();
    for nonce in ["1", "2", "3"] {
        let mut never = instead("application/json", r#"{"error":"use_dpop_nonce"}"#);
        never.status = 400;
        never.headers.push(("dpop-nonce".to_owned(), nonce.to_owned()));
        world.network.answer_instead("/token", never);
    }
    assert_eq!(code(wallet.redeem(&offer, None, 1).await), "use_dpop_nonce");
    let tokens = world.network.urls().iter().filter(|url| url.ends_with("/token")).count();
    assert_eq!(tokens, 2);
}

#[tokio::test]
async fn a_nonce_that_the_issuer_no_longer_knows_is_replaced_once() {
    let world = World::new().await;
    let wallet = world.wallet();
    let old = || instead("application/json", r#"{"c_nonce":"from-before-the-restart"}"#);
    world.network.answer_instead("/nonce", old());
    world.fill(&wallet, 1).await;
    assert_eq!(wallet.credentials().len(), 2);
    let offer = wallet.read_offer(&world.issuer.offer("resident-1", &[&world.town.ids.sp])).await.unwrap();
    world.network.answer_instead("/nonce", old());
    world.network.answer_instead("/nonce", old());
    assert_eq!(code(wallet.redeem(&offer, None, 1).await), "invalid_nonce", "not for ever");
}

#[tokio::test]
async fn threat_10_an_issuer_that_is_not_trusted_is_not_even_visited() {
    let world = World::new().await;
    let wallet = world.wallet();
    let good = world.issuer.offer("resident-1", &[&world.town.ids.sp]);
    let foreign = good.replace("id.example", "evil.example");
    let reference = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fevil.example%2Foffers%2F1";
    let inside = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2F10.0.0.1%2F";
    // A prefix of the name, and another port, are other origins.
    let port = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fid.example%3A8443%2F";
    let longer = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fid.example.evil.example%2F";
    for uri in [foreign.as_str(), reference, inside, port, longer] {
        assert_eq!(code(wallet.read_offer(uri).await), "issuer_not_trusted", "{uri}");
    }
    assert_eq!(code(wallet.ask_issuer("https://evil.example").await), "issuer_not_trusted");
    let slash = format!("{}/", world.town.ids.issuer);
    assert_eq!(
        code(wallet.ask_issuer(&slash).await),
        "issuer_not_trusted",
        "identifiers are compared as text"
    );
    let plain = "openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fid.example%2F";
    assert_eq!(code(wallet.read_offer(plain).await), "url_not_https");
    assert!(world.network.sent().is_empty(), "{:?}", world.network.urls());
}

#[tokio::test]
async fn vci_n1_metadata_of_another_issuer_are_thrown_away() {
    let world = World::new().await;
    let wallet = world.wallet();
    for (fault, expected) in [
        (IssuerFault::ForeignMetadata, "issuer_mismatch"),
        (IssuerFault::ForeignServer, "issuer_mismatch"),
        (IssuerFault::NoBatches, "issuer_unusable"),
    ] {
        world.issuer.misbehave(fault);
        assert_eq!(code(wallet.ask_issuer(&world.town.ids.issuer).await), expected, "{fault:?}");
    }
    world.issuer.misbehave(None);
    for (part, media) in [("openid-credential-issuer", "text/html"), ("oauth-authorization", "text/plain")] {
        world.network.answer_instead(part, instead(media, "{}"));
        assert_eq!(code(wallet.ask_issuer(&world.town.ids.issuer).await), "not_json");
    }
}

#[tokio::test]
async fn vci_n2_n3_ambiguous_unknown_and_misdirected_offers_are_refused() {
    let world = World::new().await;
    let wallet = world.wallet();
    let good = world.issuer.offer("resident-1", &[&world.town.ids.sp]);
    let both = format!("{good}&credential_offer_uri=https%3A%2F%2Fid.example%2Foffers%2F1");
    assert_eq!(code(wallet.read_offer(&both).await), "offer_invalid");
    let offer = |members: &str| {
        let text = format!(r#"{{"credential_issuer":"https://id.example",{members}}}"#);
        let query = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        format!("openid-credential-offer://?credential_offer={}", query.replace('+', "%20"))
    };
    for (members, expected) in [
        (r#""credential_configuration_ids":[]"#, "offer_invalid"),
        (r#""credential_configuration_ids":["linkage_sd_jwt","linkage_sd_jwt"]"#, "offer_invalid"),
        (r#""credential_configuration_ids":["linkage_sd_jwt","unknown"]"#, "offer_invalid"),
        (r#""credential_configuration_ids":["unknown"]"#, "issuer_unusable"),
        (
            r#""credential_configuration_ids":["linkage_sd_jwt"],
               "grants":{"authorization_code":{"authorization_server":"https://evil.example"}}"#,
            "authorization_server_unknown",
        ),
    ] {
        assert_eq!(code(wallet.read_offer(&offer(members)).await), expected, "{members}");
    }
    assert!(!world.network.urls().iter().any(|url| url.contains("evil")));
    let fine = offer(r#""credential_configuration_ids":["linkage_sd_jwt"],"new":1"#);
    assert!(wallet.read_offer(&fine).await.is_ok(), "vci_n19");
}

#[tokio::test]
async fn vci_n4_a_signed_offer_is_not_an_offer() {
    let world = World::new().await;
    let wallet = world.wallet();
    let uri = world.issuer.offer_by_reference("resident-1", &[&world.town.ids.sp]);
    world.network.answer_instead("/offers/", instead("application/jwt", "eyJhbGciOiJub25lIn0.e30."));
    assert_eq!(code(wallet.read_offer(&uri).await), "offer_invalid");
}

#[tokio::test]
async fn used_and_ended_credentials_can_be_forgotten() {
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    assert_eq!(wallet.forget_used_credentials().unwrap(), 0);
    world.clock.advance(8 * 86_400);
    assert_eq!(wallet.fresh_credentials(&world.town.ids.sp), 0, "an ended credential is not fresh");
    assert_eq!(wallet.forget_used_credentials().unwrap(), 4);
    assert!(wallet.credentials().is_empty());
}

#[tokio::test]
async fn a_login_goes_on_in_a_wallet_that_was_closed_meanwhile_and_only_once() {
    let world = World::new().await;
    let vault = world.parts().vault;
    let open = || Wallet::open(WalletParts { vault: vault.clone(), ..world.parts() }).unwrap();
    let begin = async || {
        let wallet = open();
        let offer = wallet.ask_issuer(&world.town.ids.issuer).await.unwrap();
        let url = wallet.park_login(wallet.begin_login(&offer).await.unwrap()).unwrap();
        world.issuer.log_in(&url, "resident-1", &[&world.town.ids.sp])
    };
    let back = begin().await;
    let wallet = open();
    let foreign = back.as_str().replace("state=", "state=x");
    assert_eq!(code(wallet.resume_login(&foreign, 2).await), "login_unknown");
    assert_eq!(code(wallet.resume_login(REDIRECT_URI, 2).await), "login_unknown");
    assert_eq!(code(wallet.resume_login("?", 2).await), "login_unknown");
    assert_eq!(wallet.resume_login(back.as_str(), 2).await.unwrap().len(), 2);
    assert_eq!(code(wallet.resume_login(back.as_str(), 2).await), "login_unknown");
    drop(wallet);

    let back = begin().await;
    let evil = back.as_str().replace("id.example", "evil.example");
    assert_eq!(code(open().resume_login(&evil, 2).await), "iss_mismatch");
    assert_eq!(
        code(open().resume_login(back.as_str(), 2).await),
        "login_unknown",
        "it was spent on the attempt"
    );

    let back = begin().await;
    world.clock.advance(3600);
    assert_eq!(code(open().resume_login(back.as_str(), 2).await), "login_unknown", "an hour is enough");
}
