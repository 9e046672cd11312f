//! Rows N8 to N15, N17 and N19 of the OpenID4VCI checklist, and what good credentials hold.

use enishi_credential::commitment::Opening;
use enishi_credential::crypto::Signer as _;
use enishi_credential::did::Did;
use enishi_credential::encoding::b64;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jws;
use enishi_credential::same_subject::{self, Statement};
use enishi_credential::sealed::{self, Binding};
use enishi_credential::time::Clock as _;
use enishi_protocol::oauth::TokenResponse;
use enishi_protocol::vci::KeyBinding;
use enishi_service::SystemEntropy;
use enishi_service::keys::KeyFile;
use serde_json::{Value, json};

use super::wallet::{Wallet, identifier, key};
use super::world::{Answer, HEALTH, PORTAL, World, world, world_with};

#[tokio::test]
async fn a_batch_of_one_did_and_five_keys_gives_six_credentials_for_one_subject() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let token = wallet.redeem(&world.offer(&[PORTAL, HEALTH], true).await).await;
    let did_key = key(&world);
    let issued = wallet.batch(&token, HEALTH, &did_key, 5).await;
    assert_eq!(issued.len(), 6);
    let mut keys = std::collections::BTreeSet::new();
    for credential in &issued {
        let held = wallet.receive(credential).await;
        assert_eq!(*held.sub(), Did::jwk(did_key.public_jwk()));
        assert!(keys.insert(held.view().jkt), "each credential has a key of its own");
        assert!(credential.link_opening.is_some());
        // The relying party opens what is sealed to it, and finds the same identifiers.
        let sealed = sealed_sub(&credential.credential);
        let binding = Binding { iss: world.issuer.clone(), rp: HEALTH.to_owned(), jkt: held.view().jkt };
        let opened =
            sealed::open(&RustCryptoJwe, std::slice::from_ref(&world.health_key), &sealed, &binding).unwrap();
        assert_eq!(opened.ppid, *held.ppid());
        assert_eq!(opened.sub.expose(), held.sub().as_str());
    }
}

/// The disclosed value of `sealed_sub`.
fn sealed_sub(credential: &str) -> String {
    let disclosures = credential.split('~').skip(1).filter(|part| !part.is_empty());
    let mut values =
        disclosures.map(|part| serde_json::from_slice::<Value>(&b64::decode(part).unwrap()).unwrap());
    let found = values.find(|value| value[1] == "sealed_sub").unwrap();
    found[2].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn linkage_4_credentials_of_two_parties_share_nothing_and_are_provably_of_one_person() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let token = wallet.redeem(&world.offer(&[PORTAL, HEALTH], false).await).await;
    let sp = wallet.batch(&token, PORTAL, &key(&world), 0).await.remove(0);
    let dp = wallet.batch(&token, HEALTH, &key(&world), 0).await.remove(0);
    let (held_sp, held_dp) = (wallet.receive(&sp).await, wallet.receive(&dp).await);
    assert_ne!(held_sp.ppid(), held_dp.ppid());
    // The portal's key came from its own key set.
    let binding = Binding { iss: world.issuer.clone(), rp: PORTAL.to_owned(), jkt: held_sp.view().jkt };
    let keys = [world.portal_key.clone()];
    assert!(sealed::open(&RustCryptoJwe, &keys, &sealed_sub(&sp.credential), &binding).is_ok());
    let (c_sp, c_dp) = (held_sp.view().link.commitment, held_dp.view().link.commitment);
    assert!(c_sp != c_dp);
    let jkt = held_dp.view().jkt;
    let statement = Statement {
        c_sp: &c_sp,
        c_dp: &c_dp,
        nonce: "n",
        aud: "v",
        sd_hash_sp: "a",
        sd_hash_dp: "b",
        terms_hash_sp: "c",
        terms_hash_dp: "d",
        grant_jkt: &jkt,
    };
    let proof = |sp: &Opening, dp: &Opening| same_subject::prove(&statement, sp, dp, &*world.entropy);
    let (r_sp, r_dp) = (sp.link_opening.unwrap(), dp.link_opening.unwrap());
    let good = proof(&r_sp, &r_dp).unwrap();
    assert!(same_subject::verify(&statement, &good).is_ok());

    // Another person's credential does not fit (threat 1).
    let body = json!({"account": {"sub": "resident-2"}, "rps": [HEALTH]});
    let token = wallet.redeem(&world.admin_offer(&body).await.json()).await;
    let other = wallet.batch(&token, HEALTH, &key(&world), 0).await.remove(0);
    let held_other = wallet.receive(&other).await;
    assert_ne!(held_other.ppid(), held_dp.ppid());
    let statement = Statement { c_dp: &held_other.view().link.commitment, ..statement };
    assert!(same_subject::prove(&statement, &r_sp, &other.link_opening.unwrap(), &*world.entropy).is_err());
}

#[tokio::test]
async fn haip_55_the_certificate_chain_travels_with_the_credential() {
    let world = world_with(|config| {
        let mut file = KeyFile::generate(&enishi_issuer::KEY_PLAN, &SystemEntropy);
        file.keys[0].x5c = vec![vec![1, 2, 3], vec![4]];
        file.create(&config.keys.file).unwrap();
    })
    .await;
    let wallet = Wallet::new(&world);
    let token = wallet.redeem(&world.offer(&[PORTAL], false).await).await;
    let issued = wallet.batch(&token, PORTAL, &key(&world), 0).await.remove(0);
    let header = b64::decode(issued.credential.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["x5c"], json!(["AQID", "BA=="]));
    let jwks = world.get("/jwks").await.json();
    assert_eq!((&header["typ"], &header["kid"]), (&json!("dc+sd-jwt"), &jwks["keys"][0]["kid"]));
}

#[tokio::test]
async fn a_lost_wallet_loses_no_account() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let token = wallet.redeem(&world.offer(&[PORTAL], false).await).await;
        let issued = wallet.batch(&token, PORTAL, &key(&world), 0).await.remove(0);
        seen.push(wallet.receive(&issued).await);
    }
    assert_eq!(seen[0].ppid(), seen[1].ppid(), "the same account");
    assert_ne!(seen[0].sub(), seen[1].sub(), "another wallet");
}

#[tokio::test]
async fn without_a_did_each_key_is_its_own_subject() {
    let world = world().await;
    let wallet = Wallet::bearer(&world);
    let token = wallet.redeem(&world.offer(&[PORTAL], false).await).await;
    let (nonce, one) = (wallet.nonce().await, key(&world));
    let proof = wallet.proof(&one, &KeyBinding::Jwk, &nonce).await;
    let answer = wallet.ask(&token, &identifier(&token, PORTAL), vec![proof]).await;
    let issued = &answer.json()["credentials"][0];
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(issued["link_opening"].is_string() && issued["credential"].as_str().unwrap().ends_with('~'));
}

/// A wallet with a token, and a request that would be good.
struct Ready<'a> {
    wallet: Wallet<'a>,
    token: TokenResponse,
}

impl<'a> Ready<'a> {
    async fn new(world: &'a World) -> Self {
        let wallet = Wallet::new(world);
        let token = wallet.redeem(&world.offer(&[PORTAL], false).await).await;
        Self { wallet, token }
    }

    fn identifier(&self) -> String {
        identifier(&self.token, PORTAL)
    }

    async fn proofs(&self, count: usize) -> Vec<String> {
        let nonce = self.wallet.nonce().await;
        let mut proofs = Vec::new();
        for _ in 0..count {
            proofs.push(self.wallet.proof(&key(self.wallet.world), &KeyBinding::Jwk, &nonce).await);
        }
        proofs
    }

    async fn send(&self, body: &Value) -> Answer {
        self.wallet.protected("/credential", self.token.access_token.expose(), body).await
    }

    async fn refused(&self, body: &Value, error: &str) {
        let answer = self.send(body).await;
        assert_eq!(answer.error(), (400, error.to_owned()), "{}", answer.body);
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(answer.json().get("c_nonce").is_none());
    }

    /// A proof with changed header and claims, rightly signed.
    async fn forged(&self, change: impl Fn(&mut Value, &mut Value)) -> String {
        let (signer, world) = (key(self.wallet.world), self.wallet.world);
        let mut header = json!({"typ": "openid4vci-proof+jwt", "jwk": signer.public_jwk().to_value()});
        let mut claims =
            json!({"aud": world.issuer, "iat": world.clock.now(), "nonce": self.wallet.nonce().await});
        change(&mut header, &mut claims);
        jws::sign(&signer, header.as_object().unwrap().clone(), &claims).await.unwrap()
    }
}

#[tokio::test]
async fn vci_n8_a_missing_or_bad_token_is_a_challenge() {
    let world = world().await;
    let ready = Ready::new(&world).await;
    let body = json!({"credential_identifier": ready.identifier()});
    let post = |headers: Vec<(&'static str, String)>| {
        let mut request = world.http.post(world.url("/credential")).json(&body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        world.send(request)
    };
    let none = post(vec![]).await;
    assert_eq!(none.status, 401);
    assert_eq!(none.header("www-authenticate"), "DPoP algs=\"ES256 EdDSA\"");
    let token = ready.token.access_token.expose();
    for (authorization, scheme) in [
        ("Bearer unknown".to_owned(), "Bearer error=\"invalid_token\""),
        ("DPoP unknown".to_owned(), "DPoP error=\"invalid_token\""),
        (format!("Bearer {token}"), "Bearer error=\"invalid_token\""),
        (format!("DPoP {token}"), "DPoP error=\"invalid_dpop_proof\""),
        ("Basic eDp5".to_owned(), "DPoP algs="),
        ("nonsense".to_owned(), "DPoP algs="),
    ] {
        let answer = post(vec![("authorization", authorization.clone())]).await;
        assert_eq!(answer.status, 401, "{authorization}");
        assert!(
            answer.header("www-authenticate").starts_with(scheme),
            "{}",
            answer.header("www-authenticate")
        );
    }
    let two =
        post(vec![("authorization", format!("Bearer {token}")), ("authorization", format!("DPoP {token}"))]);
    assert_eq!(two.await.error(), (400, "invalid_request".to_owned()));
    let query = world.http.post(world.url(&format!("/credential?access_token={token}"))).json(&body);
    assert_eq!(world.send(query).await.status, 401, "a token in the URL is none");

    world.clock.advance(300);
    assert_eq!(ready.send(&body).await.status, 401, "expired");
}

#[tokio::test]
async fn dpop_n6_the_proof_belongs_to_token_and_key_and_is_used_once() {
    let world = world().await;
    let ready = Ready::new(&world).await;
    let token = ready.token.access_token.expose();
    let post = async |proof: &str| {
        let request = world.http.post(world.url("/credential")).json(&json!({}));
        let request = request.header("authorization", format!("DPoP {token}")).header("dpop", proof);
        world.send(request).await
    };
    let challenge = async |proof: String, error: &str| {
        let answer = post(&proof).await;
        assert_eq!(answer.status, 401, "{}", answer.body);
        assert!(answer.header("www-authenticate").contains(error), "{}", answer.header("www-authenticate"));
    };
    let wallet = &ready.wallet;
    challenge(wallet.dpop_header("/credential", None).await.unwrap(), "invalid_dpop_proof").await;
    challenge(wallet.dpop_header("/credential", Some("other")).await.unwrap(), "invalid_dpop_proof").await;
    challenge(wallet.dpop_header("/token", Some(token)).await.unwrap(), "invalid_dpop_proof").await;
    let thief = Wallet::new(&world);
    challenge(thief.dpop_header("/credential", Some(token)).await.unwrap(), "invalid_token").await;
    let good = wallet.dpop_header("/credential", Some(token)).await.unwrap();
    assert_eq!(post(&good).await.error().1, "invalid_credential_request");
    challenge(good, "invalid_dpop_proof").await;
}

#[tokio::test]
async fn vci_n9_n10_which_credential() {
    let world = world().await;
    let ready = Ready::new(&world).await;
    let id = ready.identifier();
    let proofs = json!({"jwt": ready.proofs(1).await});
    for (body, error) in [
        (json!([]), "invalid_credential_request"),
        (json!({"proofs": proofs}), "invalid_credential_request"),
        (
            json!({"credential_identifier": id, "credential_configuration_id": "linkage_sd_jwt", "proofs": proofs}),
            "invalid_credential_request",
        ),
        (
            json!({"credential_configuration_id": "linkage_sd_jwt", "proofs": proofs}),
            "invalid_credential_request",
        ),
        (
            json!({"credential_configuration_id": "other", "proofs": proofs}),
            "unknown_credential_configuration",
        ),
        (json!({"credential_identifier": "other", "proofs": proofs}), "unknown_credential_identifier"),
        (json!({"credential_identifier": HEALTH, "proofs": proofs}), "unknown_credential_identifier"),
        (
            json!({"credential_identifier": id, "proofs": {"jwt": ["x"], "di_vp": ["x"]}}),
            "invalid_credential_request",
        ),
        (json!({"credential_identifier": id, "proofs": {"jwt": []}}), "invalid_credential_request"),
    ] {
        ready.refused(&body, error).await;
    }
    let repeated = format!(r#"{{"credential_identifier":"{id}","credential_identifier":"{id}"}}"#);
    let token = ready.token.access_token.expose();
    let request = world
        .http
        .post(world.url("/credential"))
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", ready.wallet.dpop_header("/credential", Some(token)).await.unwrap())
        .header("content-type", "application/json")
        .body(repeated);
    assert_eq!(world.send(request).await.error(), (400, "invalid_credential_request".to_owned()));
}

#[tokio::test]
async fn vci_n11_proofs() {
    let world = world().await;
    let ready = Ready::new(&world).await;
    let id = ready.identifier();
    let without = |value: &mut Value, name: &str| drop(value.as_object_mut().unwrap().remove(name));
    ready.refused(&json!({"credential_identifier": id}), "invalid_proof").await;
    let bad = [
        ready.forged(|h, _| h["typ"] = json!("JWT")).await,
        ready.forged(|_, c| c["aud"] = json!("https://another.example")).await,
        ready.forged(|_, c| c["aud"] = json!(format!("{}/credential", world.issuer))).await,
        ready.forged(|_, c| without(c, "iat")).await,
        ready.forged(|_, c| without(c, "nonce")).await,
        ready.forged(|_, c| c["iss"] = json!("wallet")).await,
        ready.forged(|h, _| h["kid"] = json!("did:jwk:e30#0")).await,
        ready.forged(|h, _| h["jwk"]["d"] = json!("AA")).await,
        ready.forged(|h, _| h["jwk"] = key(&world).public_jwk().to_value()).await,
        "x".to_owned(),
    ];
    for proof in bad {
        ready
            .refused(&json!({"credential_identifier": id, "proofs": {"jwt": [proof]}}), "invalid_proof")
            .await;
    }
    // One bad proof spoils the batch, and spends no nonce.
    let mut batch = ready.proofs(3).await;
    let good = batch[1].clone();
    batch[1] = ready.forged(|_, c| c["aud"] = json!("x")).await;
    ready.refused(&json!({"credential_identifier": id, "proofs": {"jwt": batch}}), "invalid_proof").await;
    batch[1] = good.clone();
    assert_eq!(ready.send(&json!({"credential_identifier": id, "proofs": {"jwt": batch}})).await.status, 200);
    let twice = ready.proofs(1).await;
    let twice = json!({"jwt": [twice[0], twice[0]]});
    ready.refused(&json!({"credential_identifier": id, "proofs": twice}), "invalid_proof").await;
}

#[tokio::test]
async fn vci_n12_nonces_are_ours_in_time_and_good_once() {
    let world = world().await;
    let ready = Ready::new(&world).await;
    let id = ready.identifier();
    let body = |proofs: &[String]| json!({"credential_identifier": id, "proofs": {"jwt": proofs}});
    let foreign = ready.forged(|_, c| c["nonce"] = json!("not-a-nonce-of-yours")).await;
    ready.refused(&body(&[foreign]), "invalid_nonce").await;

    let proofs = ready.proofs(1).await;
    assert_eq!(ready.send(&body(&proofs)).await.status, 200);
    ready.refused(&body(&proofs), "invalid_nonce").await;

    let old = ready.wallet.nonce().await;
    world.clock.advance(299);
    let fresh = Ready::new(&world).await;
    world.clock.advance(1);
    let late = fresh.wallet.proof(&key(&world), &KeyBinding::Jwk, &old).await;
    fresh.refused(&body(&[late]), "invalid_nonce").await;
}

#[tokio::test]
async fn vci_n14_n15_encryption_and_batch_size() {
    let world = world().await;
    let ready = Ready::new(&world).await;
    let id = ready.identifier();
    let proofs = ready.proofs(11).await;
    let too_many = json!({"credential_identifier": id, "proofs": {"jwt": proofs}});
    ready.refused(&too_many, "invalid_credential_request").await;
    let encrypted = json!({"credential_identifier": id, "proofs": {"jwt": proofs[..1]},
        "credential_response_encryption": {"jwk": {}, "enc": "A256GCM"}});
    ready.refused(&encrypted, "invalid_encryption_parameters").await;
    let most = json!({"credential_identifier": id, "proofs": {"jwt": proofs[..10]}});
    assert_eq!(ready.send(&most).await.json()["credentials"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn vci_n17_notifications() {
    let world = world().await;
    let ready = Ready::new(&world).await;
    let body = json!({"credential_identifier": ready.identifier(), "proofs": {"jwt": ready.proofs(1).await}});
    let id = ready.send(&body).await.json()["notification_id"].clone();
    let token = ready.token.access_token.expose();
    let notify = async |body: Value| ready.wallet.protected("/notification", token, &body).await;
    for _ in 0..2 {
        let answer = notify(json!({"notification_id": id, "event": "credential_accepted"})).await;
        assert_eq!(answer.status, 204, "idempotent");
    }
    let unknown_id = notify(json!({"notification_id": "x.y", "event": "credential_accepted"})).await;
    assert_eq!(unknown_id.error(), (400, "invalid_notification_id".to_owned()));
    let unknown_event = notify(json!({"notification_id": id, "event": "credential_eaten"})).await;
    assert_eq!(unknown_event.error(), (400, "invalid_notification_request".to_owned()));
    let anonymous = world.http.post(world.url("/notification")).json(&json!({}));
    assert_eq!(world.send(anonymous).await.status, 401);
}

#[tokio::test]
async fn vci_n19_unknown_members_are_accepted() {
    let world = world().await;
    let ready = Ready::new(&world).await;
    let proof = ready.forged(|h, c| {
        h["new"] = json!(1);
        c["new"] = json!({"a": []});
    });
    let body =
        json!({"credential_identifier": ready.identifier(), "proofs": {"jwt": [proof.await]}, "new": 1});
    assert_eq!(ready.send(&body).await.status, 200);
}

#[tokio::test]
async fn bodies_over_the_limit_unknown_routes_and_methods() {
    let world = world().await;
    let ready = Ready::new(&world).await;
    let large = json!({"credential_identifier": "x".repeat(70_000)});
    assert_eq!(ready.send(&large).await.status, 413);
    assert_eq!(ready.wallet.post_form("/token", &"x".repeat(70_000)).await.status, 413);
    assert_eq!(world.get("/no-such-path").await.status, 404);
    for path in ["/par", "/token", "/nonce", "/credential", "/notification"] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{path}");
    }
    let text = world.http.post(world.url("/credential")).bearer_auth("x").body("{}");
    assert_eq!(world.send(text).await.status, 401, "who asks comes before what is asked");
}
