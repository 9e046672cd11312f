//! From an SP's wish to a data link.

use enishi_credential::crypto::RustCryptoVerifier;
use enishi_credential::encoding::b64;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_protocol::datalink::{Expected, UnverifiedDataLink};
use enishi_protocol::evidence::{self, UnverifiedEvidence};
use enishi_protocol::fixture::key;
use enishi_protocol::grant::State;
use enishi_protocol::grant::messages::{
    GrantEvents, GrantStatus, LinkRequestStatus, ReleaseOutcome, ReleaseReport, RequestStatus,
};
use enishi_protocol::linking::IssuerKeys;
use enishi_protocol::party::find_key;
use enishi_protocol::vp::{RequestUri, WalletError};
use enishi_protocol::web::UrlPolicy;
use serde_json::json;

use super::support::{NOW, RESIDENT, World, unsealed};
use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;

#[tokio::test]
async fn a_consent_becomes_a_grant_and_a_link_that_the_data_provider_can_check() {
    let world = World::linking().await;
    let created = world.ask(&World::wish()).await;
    assert_eq!(created.expires_in, 300);
    assert_eq!(world.status(&created).await.status, RequestStatus::Pending);

    let request = world.fetch(&created.wallet_uri).await;
    assert_eq!(request.declarations.len(), 5, "the wallet fetches nothing else");
    let credentials = world.credentials(RESIDENT).await;
    let presented = world.present(request, &credentials).await;
    let answer = world.post(&presented.post).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({})));

    let status = world.status(&created).await;
    assert_eq!(status.status, RequestStatus::Granted);
    let grant_id = status.grant_id.unwrap();
    let sealed = status.sealed_sub.clone().unwrap();
    let subject = unsealed(&world, &world.town.sp, &credentials[0], &sealed);
    assert_eq!(subject.ppid, world.town.ppid(RESIDENT, &world.town.sp.id));

    let link = world.minted(&grant_id).await;
    assert_eq!((link.token_type.as_str(), link.expires_in), ("DPoP", 300));
    assert_eq!(Some(link.sealed_sub), status.sealed_sub);
    let token = UnverifiedDataLink::parse(&link.access_token).unwrap();
    let jwks = world.jwks().await;
    let verifier_key = find_key(&jwks, &token.key_hint()).unwrap().clone();
    let expected = Expected { issuer: &world.base, resource: &link.resource, now: NOW };
    let link = token.verify(&RustCryptoVerifier, &verifier_key, &expected).unwrap();
    let claims = link.claims();
    assert_eq!(claims.client_id, world.town.sp.id);
    assert_eq!(claims.aud, format!("{}/checkups", world.town.dp.id));
    assert_eq!(claims.cnf.jkt, key("sp-dpop").public().thumbprint());
    assert_eq!(claims.detail().datatypes, ["blood_pressure", "weight"]);
    let subject = unsealed(&world, &world.town.dp, &credentials[1], &claims.sealed_sub);
    assert_eq!(subject.ppid, world.town.ppid(RESIDENT, &world.town.dp.id));

    // The DP fetches the evidence and repeats every check.
    let path = format!("/evidence/{}", claims.consent.evidence_sha256);
    let sealed_bundle = world.as_party(&world.town.dp, "GET", &path, None).await;
    assert_eq!(sealed_bundle.headers["content-type"], "application/jose");
    let bundle =
        evidence::open(&sealed_bundle.text(), std::slice::from_ref(&world.town.dp.enc), &RustCryptoJwe)
            .unwrap();
    let verified = UnverifiedEvidence::parse(&bundle, &claims.consent.evidence_sha256)
        .unwrap()
        .verify(&RustCryptoVerifier, &verifier_key, &world.base)
        .unwrap();
    let again =
        verified.reverify(&world.town.set(), &world.town.issuers(), &RustCryptoVerifier, NOW).unwrap();
    assert_eq!(again.grant_id, grant_id);
    assert_eq!(again.terms_sha256, claims.consent.terms_sha256);
    assert_eq!(again.sealed_sub_dp, claims.sealed_sub);
    assert!(verified.reverify(&world.town.set(), &IssuerKeys::default(), &RustCryptoVerifier, NOW).is_err());
    // Nobody else gets it, and asking tells nothing.
    assert_eq!(world.as_party(&world.town.sp, "GET", &path, None).await.problem().0, 404);
}

#[tokio::test]
async fn holder_and_parties_see_the_grant_and_strangers_do_not() {
    let world = World::linking().await;
    let granted = world.grant(&World::wish()).await;
    let path = format!("/grants/{}", granted.id);
    let seen: GrantStatus = world.as_holder(&granted.grant_key, "GET", &path).await.read();
    assert_eq!((seen.state, seen.items.len()), (State::Active, 2));
    for party in [&world.town.sp, &world.town.dp] {
        let status: GrantStatus = world.as_party(party, "GET", &path, None).await.read();
        assert_eq!(status, seen);
    }
    let stranger = SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new("stranger"))).unwrap();
    let wrong_key = world.as_holder(&stranger, "GET", &path).await.problem();
    let unknown = world.as_holder(&stranger, "GET", "/grants/unknown").await.problem();
    assert_eq!((wrong_key.0, &wrong_key), (404, &unknown));
    let bare = world.call("GET", &format!("{}{path}", world.base), &[], None).await;
    assert_eq!(bare.problem(), (401, "dpop_proof_missing".to_owned()));
    assert!(bare.headers["www-authenticate"].to_str().unwrap().starts_with("DPoP "));
}

#[tokio::test]
async fn threat_4_an_assertion_and_a_proof_are_good_once() {
    let world = World::linking().await;
    let granted = world.grant(&World::wish()).await;
    let path = format!("/grants/{}", granted.id);
    let url = format!("{}{path}", world.base);
    let assertion = world.assertion(&world.town.sp).await;
    let headers = [("authorization", assertion.as_str())];
    assert_eq!(world.call("GET", &url, &headers, None).await.status, 200);
    assert_eq!(world.call("GET", &url, &headers, None).await.problem(), (401, "replayed".to_owned()));
    let proof = world.proof(&granted.grant_key, "GET", &path).await;
    let headers = [("dpop", proof.as_str())];
    assert_eq!(world.call("GET", &url, &headers, None).await.status, 200);
    assert_eq!(world.call("GET", &url, &headers, None).await.problem(), (401, "replayed".to_owned()));
    // A proof is for one method and one URL.
    let proof = world.proof(&granted.grant_key, "GET", &path).await;
    let other = world.call("DELETE", &url, &[("dpop", &proof)], None).await;
    assert_eq!(other.problem(), (401, "dpop_proof_invalid".to_owned()));
    // And for some seconds.
    let proof = world.proof(&granted.grant_key, "GET", &path).await;
    world.clock.advance(61);
    let late = world.call("GET", &url, &[("dpop", &proof)], None).await;
    assert_eq!(late.problem(), (401, "dpop_proof_invalid".to_owned()));
}

#[tokio::test]
async fn links_are_minted_for_the_registered_key_within_the_frequency_only() {
    let world = World::linking().await;
    let granted = world.grant(&World::wish()).await;
    let other = SoftwareSigner::new(key("other-dpop")).unwrap();
    assert_eq!(world.mint_with(&granted.id, &other).await.problem(), (403, "dpop_key_mismatch".to_owned()));
    assert_eq!(world.mint("unknown").await.problem(), (403, "grant_not_active".to_owned()));
    let first = world.minted(&granted.id).await;
    assert_eq!(world.mint(&granted.id).await.problem(), (403, "frequency_exceeded".to_owned()));
    world.clock.advance(86_399);
    assert_eq!(world.mint(&granted.id).await.problem(), (403, "frequency_exceeded".to_owned()));
    world.clock.advance(1);
    let second = world.minted(&granted.id).await;
    assert_ne!(first.access_token, second.access_token);
    // The DP cannot mint, nor can the SP without proof.
    let body = json!({"grant_id": granted.id});
    let bare = world.as_party(&world.town.sp, "POST", "/links", Some(body)).await;
    assert_eq!(bare.problem(), (401, "dpop_proof_missing".to_owned()));
}

#[tokio::test]
async fn vp_55_n17_the_result_belongs_to_the_browser_that_brings_the_response_code() {
    let world = World::linking().await;
    let mut wish = World::wish();
    wish.redirect_uri = Some(format!("{}/back?x=1", world.town.sp.id));
    let created = world.ask(&wish).await;
    let request = world.fetch(&created.wallet_uri).await;
    let presented = world.present(request, &world.credentials(RESIDENT).await).await;
    let redirect = world.post(&presented.post).await.json()["redirect_uri"].as_str().unwrap().to_owned();
    let code = redirect.split("x=1&response_code=").nth(1).expect("the code in the redirect");
    assert!(code.len() >= 22 && redirect.starts_with(&world.town.sp.id));
    let path = format!("/link-requests/{}", created.link_request_id);
    let read =
        async |query: &str| world.as_party(&world.town.sp, "GET", &format!("{path}{query}"), None).await;
    assert_eq!(read("").await.json(), json!({"status": "pending"}));
    assert_eq!(read("?response_code=wrong").await.problem(), (403, "response_code_wrong".to_owned()));
    let good: LinkRequestStatus = read(&format!("?response_code={code}")).await.read();
    assert_eq!(good.status, RequestStatus::Granted);
    world.clock.advance(300);
    assert_eq!(read("").await.json(), json!({"status": "not_granted"}));
}

#[tokio::test]
async fn threat_13_declined_silent_and_failed_look_the_same_at_the_same_time() {
    let world = World::linking().await;
    let (declined, silent, failed) =
        (world.ask(&World::wish()).await, world.ask(&World::wish()).await, world.ask(&World::wish()).await);
    let request = world.fetch(&declined.wallet_uri).await;
    let no =
        request.decline(WalletError::AccessDenied, &RustCryptoJwe, &enishi_service::SystemEntropy).unwrap();
    let reply = world.post(&no).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({})), "no redirect gives it away");
    let request = world.fetch(&failed.wallet_uri).await;
    let presented = world.present(request.clone(), &world.credentials(RESIDENT).await).await;
    let [sp, _] = presented.presentations.clone();
    assert_eq!(world.post(&World::answer(&request, &[sp.clone(), sp])).await.status, 400);
    for expected in ["pending", "not_granted"] {
        for created in [&declined, &silent, &failed] {
            let path = format!("/link-requests/{}", created.link_request_id);
            let answer = world.as_party(&world.town.sp, "GET", &path, None).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"status": expected})));
            let path = format!("/grants/{}", created.link_request_id);
            assert_eq!(world.as_party(&world.town.sp, "GET", &path, None).await.status, 404);
            assert_eq!(world.mint(&created.link_request_id).await.problem().1, "grant_not_active");
        }
        world.clock.advance(300);
    }
    let other = format!("/link-requests/{}", declined.link_request_id);
    assert_eq!(world.as_party(&world.town.dp, "GET", &other, None).await.status, 404, "another party's");
}

#[tokio::test]
async fn vp_23_post_echoes_the_wallet_nonce_and_x509_names_the_host() {
    let world = World::linking().await;
    let created = world.ask(&World::wish()).await;
    let uri = RequestUri::parse(&created.wallet_uri, UrlPolicy::LoopbackHttpToo).unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = b"wallet_nonce=abc123&wallet_metadata=%7B%7D".to_vec();
    let answer = world.call("POST", uri.request_uri.as_str(), &form, Some(body)).await;
    world.verify_request(&answer.text(), &uri, Some("abc123"));
    let bad = world.call("POST", uri.request_uri.as_str(), &form, Some(b"wallet_nonce=%20".to_vec())).await;
    assert_eq!(bad.problem(), (400, "wallet_nonce_invalid".to_owned()));
    // A request object is given out a few times only.
    for _ in 0..4 {
        assert_eq!(world.call("GET", uri.request_uri.as_str(), &[], None).await.status, 200);
    }
    let gone = world.call("GET", uri.request_uri.as_str(), &[], None).await;
    assert_eq!(gone.problem(), (404, "request_gone".to_owned()));
}

#[tokio::test]
async fn a_request_that_the_declarations_do_not_cover_is_refused() {
    let world = World::linking().await;
    let refused = async |change: &dyn Fn(&mut enishi_protocol::grant::messages::LinkRequest)| {
        let mut wish = World::wish();
        change(&mut wish);
        let body = serde_json::to_value(&wish).unwrap();
        world.as_party(&world.town.sp, "POST", "/link-requests", Some(body)).await.problem()
    };
    let code = |code: &str| (400, code.to_owned());
    assert_eq!(refused(&|wish| wish.items = vec!["medication".to_owned()]).await, code("items_not_declared"));
    assert_eq!(refused(&|wish| wish.items = vec!["income".to_owned()]).await, code("items_not_declared"));
    assert_eq!(refused(&|wish| wish.purpose.version = "2".to_owned()).await, code("declaration_unknown"));
    assert_eq!(refused(&|wish| wish.service.id = "other".to_owned()).await, code("declaration_unknown"));
    assert_eq!(refused(&|wish| wish.access.count = Some(2)).await, code("access_too_frequent"));
    assert_eq!(refused(&|wish| wish.access.count = None).await.0, 400);
    assert_eq!(refused(&|wish| wish.not_after = Some(NOW.plus(400 * 86_400))).await, code("grant_too_long"));
    assert_eq!(refused(&|wish| wish.not_after = Some(NOW.plus(-1))).await.0, 400);
    assert_eq!(refused(&|wish| wish.sp_session = "x".to_owned()).await, code("sp_session_invalid"));
    let foreign = |wish: &mut enishi_protocol::grant::messages::LinkRequest| {
        wish.redirect_uri = Some("https://evil.example/".to_owned());
    };
    assert_eq!(refused(&foreign).await, code("redirect_uri_foreign"));
    // The DP is no SP of this purpose.
    let body = serde_json::to_value(World::wish()).unwrap();
    let by_dp = world.as_party(&world.town.dp, "POST", "/link-requests", Some(body)).await;
    assert_eq!(by_dp.problem(), code("declaration_unknown"));
    assert_eq!(world.grant_states().await, []);
}

#[tokio::test]
async fn releases_are_reported_once_and_shown_to_the_holder() {
    let world = World::linking().await;
    let granted = world.grant(&World::wish()).await;
    let link = world.minted(&granted.id).await;
    let payload = b64::decode(link.access_token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    let report = ReleaseReport {
        txn: claims["txn"].as_str().unwrap().to_owned(),
        grant_id: granted.id.clone(),
        items: vec!["weight".to_owned()],
        released_at: NOW,
        outcome: ReleaseOutcome::Released,
    };
    let send = async |party, report: &ReleaseReport| {
        let body = serde_json::to_value(report).unwrap();
        world.as_party(party, "POST", "/release-reports", Some(body)).await
    };
    assert_eq!(send(&world.town.sp, &report).await.status, 404, "not the SP's to report");
    let foreign = ReleaseReport { items: vec!["medication".to_owned()], ..report.clone() };
    assert_eq!(send(&world.town.dp, &foreign).await.problem(), (400, "items_not_granted".to_owned()));
    let unknown = ReleaseReport { txn: "x".to_owned(), ..report.clone() };
    assert_eq!(send(&world.town.dp, &unknown).await.status, 404);
    assert_eq!(send(&world.town.dp, &report).await.status, 202);
    assert_eq!(send(&world.town.dp, &report).await.status, 202, "repeated");
    let path = format!("/grants/{}/events", granted.id);
    let events: GrantEvents = world.as_holder(&granted.grant_key, "GET", &path).await.read();
    let names: Vec<_> = events.events.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(names, ["requested", "presented", "granted", "link_issued", "released"]);
    assert_eq!(events.events[4].items, ["weight"]);
}

#[tokio::test]
async fn the_registry_serves_what_was_consented_to_under_its_hash() {
    let world = World::linking().await;
    let list = world.call("GET", &format!("{}/declarations", world.base), &[], None).await.json();
    let list = list["declarations"].as_array().unwrap();
    assert_eq!(list.len(), world.town.declarations.len());
    for entry in list {
        let one = world.call("GET", entry["uri"].as_str().unwrap(), &[], None).await;
        assert_eq!(one.headers["content-type"], "application/jwt");
        assert_eq!(enishi_protocol::declaration::sha256(&one.text()), entry["sha256"]);
        assert!(world.town.declarations.contains(&one.text()));
    }
    assert_eq!(world.call("GET", &format!("{}/declarations/x", world.base), &[], None).await.status, 404);
    let metadata = world.call("GET", &format!("{}/.well-known/enishi-verifier", world.base), &[], None).await;
    assert_eq!(metadata.json()["issuer"], world.base);
}
