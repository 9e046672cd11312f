//! The gateway from outside: every refusal of linkage protocol §9 by its name.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: then it fails")]

mod world;

use enishi_credential::crypto::{Signer as _, SoftwareSigner};
use enishi_credential::jose::jws;
use enishi_credential::status::Status;
use enishi_protocol::datalink::{self, DataLinkClaims};
use enishi_protocol::fixture::key;
use enishi_protocol::notice::NoticeEvent;
use enishi_service::client::ClientResponse;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use world::{NOW, UpstreamAnswer, World};

fn code(answer: &ClientResponse) -> String {
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    problem["code"].as_str().unwrap().to_owned()
}

fn refused(answer: &ClientResponse, status: u16, expected: &str) {
    assert_eq!((answer.status.as_u16(), code(answer).as_str()), (status, expected));
    if status == 401 || status == 403 {
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("DPoP ") && challenge.contains("algs="), "{challenge}");
    }
}

#[tokio::test]
async fn what_was_agreed_leaves_and_nothing_else_and_it_is_recorded_and_reported() {
    let world = World::new().await;
    let answer = world.fetch(&world.link("a")).await;
    assert_eq!(answer.status, 200, "{:?}", String::from_utf8_lossy(&answer.body));
    let data: Value = answer.json().unwrap();
    assert_eq!(data, json!({"checkups": [{"date": "2026-04-01", "blood_pressure": "120/80"}]}));
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    world.fake.reported.notified().await;
    let reports = world.fake.reports.lock().unwrap().clone();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["txn"], "txn-a");
    assert_eq!(reports[0]["items"], json!(["blood_pressure"]));
    assert_eq!(reports[0]["outcome"], "released");
}

#[tokio::test]
async fn evidence_is_fetched_once_and_the_status_once_a_minute() {
    let world = World::new().await;
    assert_eq!(world.fetch(&world.link("a")).await.status, 200);
    world.clock.advance(86_400);
    assert_eq!(world.fetch(&world.link("b")).await.status, 200);
    assert_eq!(*world.fake.evidence_fetches.lock().unwrap(), 1);
    assert_eq!(*world.fake.status_fetches.lock().unwrap(), 2);
}

#[tokio::test]
async fn incoming_identity_headers_never_reach_the_upstream() {
    let world = World::new().await;
    let token = datalink::mint(&world.town.verifier, &world.link("a")).await.unwrap();
    let url = world.town.service().resource;
    let mut headers = world.headers(&token, &world.sp_key, "GET", &url).await;
    for (name, value) in [
        ("enishi-subject", "somebody-else"),
        ("enishi-admin", "1"),
        ("cookie", "session=1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("accept-language", "ja"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    assert_eq!(world.send("GET", &url, headers).await.status, 200);
    let saw = world.fake.upstream_saw.lock().unwrap().clone();
    let saw = &saw[0];
    let subjects: Vec<_> = saw.get_all("enishi-subject").iter().collect();
    assert_eq!(subjects, [world.town.ppid("resident-1", &world.town.dp.id).expose()]);
    assert_eq!(saw.get("enishi-grant").unwrap(), "grant-1");
    assert_eq!(saw.get("accept-language").unwrap(), "ja");
    for name in ["enishi-admin", "cookie", "authorization", "dpop", "x-forwarded-for"] {
        assert!(saw.get(name).is_none(), "{name}");
    }
}

#[tokio::test]
async fn dpop_n6_without_a_bound_proof_nothing_leaves() {
    let world = World::new().await;
    let url = world.town.service().resource;
    let answer = world.send("GET", &url, HeaderMap::new()).await;
    refused(&answer, 401, "token_missing");
    assert!(!answer.header("www-authenticate").unwrap().contains("error="));
    let token = datalink::mint(&world.town.verifier, &world.link("a")).await.unwrap();
    let good = world.headers(&token, &world.sp_key, "GET", &url).await;

    let mut bearer = good.clone();
    bearer.insert("authorization", format!("Bearer {token}").parse().unwrap());
    refused(&world.send("GET", &url, bearer).await, 401, "bearer_not_accepted");
    let mut both = good.clone();
    both.append("authorization", format!("Bearer {token}").parse().unwrap());
    refused(&world.send("GET", &url, both).await, 400, "authorization_repeated");
    let mut none = good.clone();
    none.remove("dpop");
    refused(&world.send("GET", &url, none).await, 401, "dpop_proof_missing");
    let mut twice = good.clone();
    twice.append("dpop", good.get("dpop").unwrap().clone());
    refused(&world.send("GET", &url, twice).await, 401, "dpop_proof_invalid");

    let stolen = world.headers(&token, &key("thief"), "GET", &url).await;
    let answer = world.send("GET", &url, stolen).await;
    refused(&answer, 401, "dpop_key_mismatch");
    assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
    let other_url = world.headers(&token, &world.sp_key, "GET", "http://127.0.0.1:1/checkups").await;
    refused(&world.send("GET", &url, other_url).await, 401, "dpop_proof_invalid");
    let other_method = world.headers(&token, &world.sp_key, "POST", &url).await;
    refused(&world.send("GET", &url, other_method).await, 401, "dpop_proof_invalid");
    let other_token = datalink::mint(&world.town.verifier, &world.link("b")).await.unwrap();
    let mut other_ath = good.clone();
    other_ath.insert("authorization", format!("DPoP {other_token}").parse().unwrap());
    refused(&world.send("GET", &url, other_ath).await, 401, "dpop_proof_invalid");

    assert_eq!(world.send("GET", &url, good.clone()).await.status, 200);
    refused(&world.send("GET", &url, good).await, 401, "dpop_proof_replayed");
}

/// The answer to a link with this change.
async fn with(world: &World, jti: &str, change: impl FnOnce(&mut DataLinkClaims)) -> ClientResponse {
    let mut claims = world.link(jti);
    change(&mut claims);
    world.fetch(&claims).await
}

#[tokio::test]
async fn links_that_do_not_hold_are_refused_by_name() {
    let world = World::new().await;
    refused(&with(&world, "a", |c| c.iss = "http://127.0.0.1:9".to_owned()).await, 401, "verifier_untrusted");
    let other = |c: &mut DataLinkClaims| {
        c.aud = "http://127.0.0.1:9/x".to_owned();
        c.authorization_details[0].locations = vec![c.aud.clone()];
    };
    refused(&with(&world, "a", other).await, 401, "audience_mismatch");
    let old = |c: &mut DataLinkClaims| {
        c.iat = NOW.plus(-301);
        c.nbf = c.iat;
        c.exp = NOW.plus(-1);
    };
    refused(&with(&world, "a", old).await, 401, "expired");
    refused(
        &with(&world, "a", |c| c.cnf.xroad_client = Some("JP/GOV/1/x".to_owned())).await,
        401,
        "xroad_required",
    );

    let url = world.town.service().resource;
    let claims = serde_json::to_value(world.link("a")).unwrap();
    let forger = SoftwareSigner::new(key("forger").map_public(|jwk| jwk.with_kid("verifier-1"))).unwrap();
    let unknown = SoftwareSigner::new(key("unknown")).unwrap();
    for (signer, typ, expected) in [
        (&forger, "at+jwt", "signature_invalid"),
        (&unknown, "at+jwt", "key_unknown"),
        (&world.town.verifier, "JWT", "typ_not_allowed"),
    ] {
        assert!(signer.public_jwk().kid.is_some());
        let token = jws::sign(signer, jws::header(typ, signer), &claims).await.unwrap();
        let headers = world.headers(&token, &world.sp_key, "GET", &url).await;
        refused(&world.send("GET", &url, headers).await, 401, expected);
    }
}

#[tokio::test]
async fn tsl_n7_no_status_is_asked_for_a_link_that_does_not_hold() {
    let world = World::new().await;
    let link = world.link("a");
    world.clock.advance(301);
    assert_eq!(world.fetch(&link).await.status, 401, "expired, and its status is VALID");
    assert_eq!(*world.fake.status_fetches.lock().unwrap(), 0);
    assert_eq!(world.fetch(&world.link("b")).await.status, 200);
    assert_eq!(*world.fake.status_fetches.lock().unwrap(), 1);
}

#[tokio::test]
async fn threat_17_a_status_that_is_not_valid_or_cannot_be_had_releases_nothing() {
    let world = World::new().await;
    *world.fake.status.lock().unwrap() = Some(Status::Invalid);
    refused(&world.fetch(&world.link("a")).await, 401, "grant_not_active");
    world.clock.advance(61);
    *world.fake.status.lock().unwrap() = Some(Status::Suspended);
    refused(&world.fetch(&world.link("b")).await, 401, "grant_not_active");
    world.clock.advance(61);
    *world.fake.status.lock().unwrap() = None;
    let answer = world.fetch(&world.link("c")).await;
    refused(&answer, 503, "status_unavailable");
    assert!(answer.header("retry-after").is_some());
    *world.fake.status.lock().unwrap() = Some(Status::Valid);
    // A list that is down is not asked for by every caller.
    refused(&world.fetch(&world.link("c")).await, 503, "status_unavailable");
    world.clock.advance(2);
    assert_eq!(world.fetch(&world.link("d")).await.status, 200);
    // A copy is used for a minute, and not a second longer.
    *world.fake.status.lock().unwrap() = None;
    world.clock.advance(61);
    refused(&world.fetch(&world.link("e")).await, 503, "status_unavailable");
    let elsewhere = |c: &mut DataLinkClaims| c.status.status_list.uri = "http://127.0.0.1:9/1".to_owned();
    refused(&with(&world, "f", elsewhere).await, 401, "status_list_foreign");
    let outside = |c: &mut DataLinkClaims| c.status.status_list.idx = 64;
    *world.fake.status.lock().unwrap() = Some(Status::Valid);
    world.clock.advance(2);
    refused(&with(&world, "g", outside).await, 401, "status_index_out_of_range");
}

#[tokio::test]
async fn threat_5_a_sealed_identifier_of_another_credential_is_refused() {
    let world = World::new().await;
    // Sealed to the SP: it is not even for us.
    let for_sp = world.verified.sealed_sub_sp.clone();
    refused(&with(&world, "a", |c| c.sealed_sub = for_sp).await, 401, "sealed_sub_not_for_us");
    // Sealed to us, of another resident: swapped in by a verifier (threat 2).
    let other = world.town.credential("resident-2", &world.town.dp, None).await;
    let claims = other.held.as_sd_jwt().claims().clone();
    let swapped = claims["sealed_sub"].as_str().unwrap().to_owned();
    refused(&with(&world, "b", |c| c.sealed_sub = swapped).await, 401, "sealed_sub_not_in_evidence");
    // Another credential of the same resident is not the one in the evidence either.
    let again = world.town.credential("resident-1", &world.town.dp, None).await;
    let again = again.held.as_sd_jwt().claims()["sealed_sub"].as_str().unwrap().to_owned();
    refused(&with(&world, "c", |c| c.sealed_sub = again).await, 401, "sealed_sub_not_in_evidence");
    refused(&with(&world, "d", |c| c.sealed_sub = "x".to_owned()).await, 401, "sealed_sub_malformed");
    assert_eq!(world.fetch(&world.link("e")).await.status, 200);
}

#[tokio::test]
async fn threat_2_a_link_that_says_more_than_the_evidence_is_refused() {
    let world = World::new().await;
    refused(&with(&world, "a", |c| c.consent.grant_id = "g2".to_owned()).await, 401, "grant_not_in_evidence");
    refused(
        &with(&world, "b", |c| c.consent.terms_sha256 = "x".to_owned()).await,
        401,
        "terms_not_in_evidence",
    );
    refused(&with(&world, "c", |c| c.acr = "high".to_owned()).await, 401, "acr_not_in_evidence");
    refused(
        &with(&world, "d", |c| c.client_id = "http://127.0.0.1:9".to_owned()).await,
        401,
        "recipient_not_in_evidence",
    );
    let purpose = |c: &mut DataLinkClaims| c.authorization_details[0].purpose = "ads@1".to_owned();
    refused(&with(&world, "e", purpose).await, 401, "purpose_not_in_evidence");
    let items = |c: &mut DataLinkClaims| c.authorization_details[0].datatypes.push("medication".to_owned());
    refused(&with(&world, "f", items).await, 403, "items_not_agreed");
    let unknown = |c: &mut DataLinkClaims| c.consent.evidence_sha256 = "x".to_owned();
    refused(&with(&world, "g", unknown).await, 503, "evidence_unavailable");
    let elsewhere = |c: &mut DataLinkClaims| {
        c.consent.evidence_sha256 = "y".to_owned();
        c.consent.evidence = Some("http://127.0.0.1:9/evidence/y".to_owned());
    };
    refused(&with(&world, "h", elsewhere).await, 401, "evidence_foreign");
    assert_eq!(world.fetch(&world.link("i")).await.status, 200);
}

#[tokio::test]
async fn threat_2_evidence_that_was_invented_or_altered_is_refused() {
    let world = World::new().await;
    let serve = async |jti: &str, change: &dyn Fn(&mut enishi_protocol::evidence::Evidence)| {
        let mut evidence = world.evidence.clone();
        change(&mut evidence);
        let name = world.serve_evidence(&evidence).await;
        with(&world, jti, |c| c.consent.evidence_sha256 = name).await
    };
    refused(&serve("a", &|e| e.nonce = "other".to_owned()).await, 401, "kb_nonce_mismatch");
    refused(&serve("b", &|e| e.dp_presentation = e.sp_presentation.clone()).await, 401, "rp_mismatch");
    refused(&serve("c", &|e| e.grant_id = "grant-2".to_owned()).await, 401, "evidence_inconsistent");
    refused(&serve("d", &|e| e.iat = e.iat.plus(3_600)).await, 401, "evidence_inconsistent");
    // Served under the name of the good bundle.
    let mut altered = world.evidence.clone();
    altered.checks.clear();
    let altered = world.serve_evidence(&altered).await;
    let sealed = world.fake.evidence.lock().unwrap()[&altered].clone();
    world.fake.evidence.lock().unwrap().insert(world.evidence_sha256.clone(), sealed);
    refused(&world.fetch(&world.link("e")).await, 401, "evidence_hash_mismatch");
}

#[tokio::test]
async fn uses_frequency_and_method_are_limited() {
    let world = World::new().await;
    let claims = world.link("a");
    assert_eq!(world.fetch(&claims).await.status, 200);
    refused(&world.fetch(&claims).await, 401, "link_used_up");
    refused(&world.fetch(&world.link("b")).await, 403, "frequency_exceeded");
    // A day counts from minting to minting, however long it took to use the link.
    world.clock.advance(86_399);
    refused(&world.fetch(&world.link("c")).await, 403, "frequency_exceeded");
    world.clock.advance(1);
    let late = world.link("c");
    world.clock.advance(200);
    assert_eq!(world.fetch(&late).await.status, 200);
    world.clock.advance(86_200);
    assert_eq!(world.fetch(&world.link("next")).await.status, 200);

    let url = world.town.service().resource;
    let token = datalink::mint(&world.town.verifier, &world.link("d")).await.unwrap();
    let headers = world.headers(&token, &world.sp_key, "DELETE", &url).await;
    refused(&world.send("DELETE", &url, headers).await, 403, "method_not_agreed");
    let answer = world.send("GET", &format!("{}/other", world.town.dp.id), HeaderMap::new()).await;
    refused(&answer, 404, "not_found");
}

#[tokio::test]
async fn a_consent_ends_when_it_says_whatever_the_link_says() {
    let world = World::new().await;
    assert_eq!(world.fetch(&world.link("a")).await.status, 200);
    world.clock.advance(365 * 86_400 - 1);
    assert_eq!(world.fetch(&world.link("b")).await.status, 200);
    world.clock.advance(1);
    refused(&world.fetch(&world.link("c")).await, 401, "consent_not_in_force");
}

#[tokio::test]
async fn threat_22_the_gateway_keeps_no_identifier_and_no_data_in_the_clear() {
    let world = World::new().await;
    assert_eq!(world.fetch(&world.link("a")).await.status, 200);
    let ppid = world.town.ppid("resident-1", &world.town.dp.id);
    let mut kept = Vec::new();
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains("gateway.sqlite") {
            kept.extend(std::fs::read(path).unwrap());
        }
    }
    let holds = |text: &str| kept.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("txn-a") && holds("blood_pressure"), "the record of the release is there");
    for secret in [ppid.expose(), "did:jwk:", "120/80"] {
        assert!(!holds(secret), "{secret}");
    }
}

#[tokio::test]
async fn head_is_checked_like_get_and_has_no_body() {
    let world = World::new().await;
    let url = world.town.service().resource;
    let token = datalink::mint(&world.town.verifier, &world.link("a")).await.unwrap();
    let headers = world.headers(&token, &world.sp_key, "HEAD", &url).await;
    let answer = world.send("HEAD", &url, headers).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    refused(&world.fetch(&world.link("a")).await, 401, "link_used_up");
}

#[tokio::test]
async fn an_upstream_that_fails_releases_nothing_and_costs_no_use() {
    let world = World::new().await;
    let set = |status, content_type, body: &str| {
        let answer = UpstreamAnswer { status, content_type, body: body.to_owned() };
        *world.fake.upstream.lock().unwrap() = Some(answer);
    };
    let claims = world.link("a");
    set(StatusCode::OK, "text/html", "{\"checkups\":[]}");
    refused(&world.fetch(&claims).await, 502, "upstream_not_json");
    set(StatusCode::OK, "application/json", "{\"a\":1,\"a\":2}");
    refused(&world.fetch(&claims).await, 502, "upstream_not_json");
    set(StatusCode::OK, "application/json", &format!("\"{}\"", "x".repeat(5_000)));
    refused(&world.fetch(&claims).await, 502, "upstream_too_large");
    set(StatusCode::INTERNAL_SERVER_ERROR, "application/json", "{\"secret\":1}");
    let answer = world.fetch(&claims).await;
    refused(&answer, 502, "upstream_failed");
    assert!(!String::from_utf8_lossy(&answer.body).contains("secret"));
    set(StatusCode::NOT_FOUND, "application/json", "{}");
    refused(&world.fetch(&claims).await, 404, "no_data");
    *world.fake.upstream.lock().unwrap() = None;
    assert_eq!(world.fetch(&claims).await.status, 200);
    assert_eq!(world.fake.upstream_saw.lock().unwrap().len(), 6);
}

#[tokio::test]
async fn threat_17_a_notice_stops_a_grant_at_once_although_the_status_is_still_cached() {
    let world = World::new().await;
    assert_eq!(world.fetch(&world.link("a")).await.status, 200);
    assert_eq!(world.notify(NoticeEvent::Suspended, "grant-1", "n1").await, 204);
    refused(&world.fetch(&world.link("b")).await, 401, "grant_not_active");
    world.clock.advance(86_400);
    assert_eq!(world.notify(NoticeEvent::Resumed, "grant-1", "n2").await, 204);
    assert_eq!(world.fetch(&world.link("c")).await.status, 200);
    assert_eq!(world.notify(NoticeEvent::Withdrawn, "grant-1", "n3").await, 204);
    assert_eq!(world.notify(NoticeEvent::Withdrawn, "grant-1", "n3").await, 204, "repeated");
    world.clock.advance(1);
    assert_eq!(world.notify(NoticeEvent::Resumed, "grant-1", "n4").await, 204);
    world.clock.advance(86_400);
    refused(&world.fetch(&world.link("d")).await, 401, "grant_not_active");
}

#[tokio::test]
async fn notices_of_others_are_refused() {
    use enishi_protocol::notice::{MEDIA_TYPE, Notice, create};
    let world = World::new().await;
    let notice = Notice {
        iss: world.town.ids.verifier.clone(),
        aud: world.town.dp.id.clone(),
        jti: "n".to_owned(),
        iat: NOW,
        event: NoticeEvent::Withdrawn,
        grant_id: "grant-1".to_owned(),
    };
    let post = async |signer: &SoftwareSigner, notice: &Notice| {
        world.post_notice(&create(signer, notice).await.unwrap(), MEDIA_TYPE).await
    };
    let forger = SoftwareSigner::new(key("forger").map_public(|jwk| jwk.with_kid("verifier-1"))).unwrap();
    let verifier = &world.town.verifier;
    let answer = post(&forger, &notice).await;
    assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (401, "signature_invalid"));
    let foreign = Notice { iss: "http://127.0.0.1:9".to_owned(), ..notice.clone() };
    let answer = post(verifier, &foreign).await;
    assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (401, "verifier_untrusted"));
    let for_sp = Notice { aud: world.town.sp.id.clone(), ..notice.clone() };
    let answer = post(verifier, &for_sp).await;
    assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "audience_mismatch"));
    let answer = world.post_notice("x", MEDIA_TYPE).await;
    assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "jws_malformed"));
    let text = create(verifier, &notice).await.unwrap();
    assert_eq!(world.post_notice(&text, "text/plain").await.status, 415);
    assert_eq!(world.fetch(&world.link("a")).await.status, 200, "none of them had an effect");
}

#[tokio::test]
async fn health_answers_and_the_internal_listener_is_another() {
    let world = World::new().await;
    let health = world.send("GET", &format!("{}/health", world.town.dp.id), HeaderMap::new()).await;
    assert_eq!(health.status, 204);
    let ready = format!("http://{}/health/ready", world.gateway.internal_addr);
    assert_eq!(world.send("GET", &ready, HeaderMap::new()).await.status, 204);
    let outside = world.send("GET", &format!("{}/health/ready", world.town.dp.id), HeaderMap::new()).await;
    assert_eq!(outside.status, 404);
    world.gateway.shutdown().await;
}
