//! Every answer that must not become a grant, in the order of linkage protocol §7, each with its code and without any
//! change.

use enishi_credential::encoding::b64;
use enishi_credential::jose::jwe::{ContentEncryption, JweBackend as _, JweHeader};
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::sdjwt::KeyBindingClaims;
use enishi_protocol::fixture::{TestCredential, key};
use enishi_protocol::vp::{DirectPost, VerifiedRequest};
use enishi_service::SystemEntropy;
use serde_json::{Map, Value, json};

use super::support::{RESIDENT, World};

/// A request that waits, and a good answer to it.
struct Case {
    world: World,
    request: VerifiedRequest,
    credentials: [TestCredential; 2],
}

impl Case {
    async fn new() -> Self {
        let world = World::linking().await;
        let created = world.ask(&World::wish()).await;
        let request = world.fetch(&created.wallet_uri).await;
        let credentials = world.credentials(RESIDENT).await;
        Self { world, request, credentials }
    }

    async fn good(&self) -> [String; 2] {
        self.world.present(self.request.clone(), &self.credentials).await.presentations
    }

    /// Posts, and checks that the answer was refused and that nothing changed.
    async fn refused(&self, post: &DirectPost) -> String {
        let (status, code) = self.world.post(post).await.problem();
        assert_eq!(status, 400, "{code}");
        assert_eq!(self.world.grant_states().await, [("requested".to_owned(), 1)]);
        code
    }

    async fn refused_pair(&self, pair: [String; 2]) -> String {
        self.refused(&World::answer(&self.request, &pair)).await
    }

    /// Any JSON as the plaintext of the answer.
    fn sealed(&self, payload: &Value) -> DirectPost {
        let header = JweHeader::new(ContentEncryption::A256Gcm).kid(self.request.encryption_key.kid.clone());
        let sealed = RustCryptoJwe
            .seal(&self.request.encryption_key, &header, payload.to_string().as_bytes(), &SystemEntropy)
            .unwrap();
        self.form(&[("response", &sealed)])
    }

    fn form(&self, fields: &[(&str, &str)]) -> DirectPost {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        DirectPost { uri: self.request.response_uri.clone(), body }
    }

    /// The presentation for the SP with other claims in its Key Binding JWT.
    async fn sp_bound(&self, change: impl FnOnce(&mut KeyBindingClaims)) -> String {
        let mut claims = KeyBindingClaims {
            aud: self.request.client_id.to_string(),
            nonce: self.request.nonce.clone(),
            iat: self.world.now(),
            extra: self.request.transaction_data_claims("sp_link"),
        };
        change(&mut claims);
        let sp = &self.credentials[0];
        sp.held.present_mediated().unwrap().bind(&sp.signer, claims).await.unwrap()
    }

    /// Afterwards the request is still there, and a good answer still counts: once.
    async fn still_answerable(&self) {
        let good = World::answer(&self.request, &self.good().await);
        assert_eq!(self.world.post(&good).await.status, 200);
        assert_eq!(self.world.post(&good).await.problem(), (404, "request_gone".to_owned()), "VP N16");
        assert_eq!(self.world.grant_states().await, [("active".to_owned(), 1)]);
    }
}

#[tokio::test]
async fn vp_n15_what_is_not_encrypted_to_this_request_is_refused() {
    let case = Case::new().await;
    let state = case.request.state.clone().unwrap();
    let plain = case.form(&[("vp_token", "{}"), ("state", &state)]);
    assert_eq!(case.refused(&plain).await, "response_not_encrypted");
    assert_eq!(case.refused(&case.form(&[])).await, "response_malformed");
    assert_eq!(case.refused(&case.form(&[("response", "a.b.c.d.e")])).await, "response_malformed");
    let stranger = key("stranger");
    let header = JweHeader::new(ContentEncryption::A256Gcm).kid(Some("stranger".to_owned()));
    let to_stranger = RustCryptoJwe.seal(stranger.public(), &header, b"{}", &SystemEntropy).unwrap();
    assert_eq!(case.refused(&case.form(&[("response", &to_stranger)])).await, "response_key_unknown");
    let header = header.kid(case.request.encryption_key.kid.clone());
    let under_our_name = RustCryptoJwe.seal(stranger.public(), &header, b"{}", &SystemEntropy).unwrap();
    assert_eq!(case.refused(&case.form(&[("response", &under_our_name)])).await, "response_not_for_this_key");
    case.still_answerable().await;
}

#[tokio::test]
async fn vp_n16_another_state_and_an_unknown_request_are_refused() {
    let case = Case::new().await;
    let good = case.good().await;
    let token = json!({"sp_link": [good[0]], "dp_link": [good[1]]});
    let wrong = case.sealed(&json!({"state": "other", "vp_token": token}));
    assert_eq!(case.refused(&wrong).await, "state_mismatch");
    assert_eq!(case.refused(&case.sealed(&json!({"vp_token": token}))).await, "state_mismatch");
    // A plain "no" of somebody who has not read the request does not end it.
    let no = case.form(&[("error", "access_denied"), ("state", "guess")]);
    assert_eq!(case.refused(&no).await, "state_mismatch");
    let mut elsewhere = World::answer(&case.request, &good);
    elsewhere.uri = format!("{}/responses/unknown", case.world.base).parse().unwrap();
    assert_eq!(case.world.post(&elsewhere).await.problem(), (404, "request_gone".to_owned()));
    case.still_answerable().await;
}

#[tokio::test]
async fn vp_n11_a_token_of_another_shape_is_refused() {
    let case = Case::new().await;
    let [sp, dp] = case.good().await;
    let state = case.request.state.clone();
    for (token, code) in [
        (json!("x"), "vp_token_malformed"),
        (json!([sp, dp]), "vp_token_malformed"),
        (json!({"sp_link": sp, "dp_link": dp}), "vp_token_malformed"),
        (json!({"sp_link": [sp, sp], "dp_link": [dp]}), "too_many_presentations"),
        (json!({"sp_link": [sp], "dp_link": [dp], "other": [dp]}), "query_id_unknown"),
        (json!({"sp_link": [sp]}), "presentations_incomplete"),
        (json!({"sp_link": [{"a": 1}], "dp_link": [dp]}), "vp_token_malformed"),
    ] {
        let post = case.sealed(&json!({"state": state, "vp_token": token}));
        assert_eq!(case.refused(&post).await, code, "{token}");
    }
    case.still_answerable().await;
}

#[tokio::test]
async fn the_credential_itself_must_hold() {
    let case = Case::new().await;
    let [sp, dp] = case.good().await;
    // An issuer that nobody trusts: not even asked for its keys.
    let mut parts: Vec<String> = sp.split('~').map(str::to_owned).collect();
    let jwt: Vec<String> = parts[0].split('.').map(str::to_owned).collect();
    let mut payload: Value = serde_json::from_slice(&b64::decode(&jwt[1]).unwrap()).unwrap();
    payload["iss"] = json!("https://evil.example");
    parts[0] = format!("{}.{}.{}", jwt[0], b64::encode(payload.to_string()), jwt[2]);
    assert_eq!(case.refused_pair([parts.join("~"), dp.clone()]).await, "issuer_untrusted");
    // Claims changed under the same signature.
    payload["iss"] = json!(case.world.town.ids.issuer);
    payload["acr"] = json!("high");
    parts[0] = format!("{}.{}.{}", jwt[0], b64::encode(payload.to_string()), jwt[2]);
    assert_eq!(case.refused_pair([parts.join("~"), dp.clone()]).await, "signature_invalid");
    // Identifiers shown to a verifier in the middle.
    let holder = &case.credentials[0];
    let claims = KeyBindingClaims {
        aud: case.request.client_id.to_string(),
        nonce: case.request.nonce.clone(),
        iat: case.world.now(),
        extra: case.request.transaction_data_claims("sp_link"),
    };
    let open = holder.held.present_first_party().unwrap().bind(&holder.signer, claims).await.unwrap();
    assert_eq!(case.refused_pair([open, dp.clone()]).await, "identifier_disclosed");
    // The right credentials in the wrong places.
    assert_eq!(case.refused_pair([dp.clone(), sp.clone()]).await, "rp_mismatch");
    case.still_answerable().await;
}

#[tokio::test]
async fn vp_n12_the_key_binding_is_for_this_request_only() {
    let case = Case::new().await;
    let [sp, dp] = case.good().await;
    let without = sp.rsplit_once('~').unwrap().0.to_owned() + "~";
    assert_eq!(case.refused_pair([without, dp.clone()]).await, "kb_missing");
    let nonce = case.sp_bound(|claims| claims.nonce = "other".to_owned()).await;
    assert_eq!(case.refused_pair([nonce, dp.clone()]).await, "kb_nonce_mismatch");
    let bare = case.request.client_id.to_string();
    let bare = bare.split_once(':').unwrap().1.to_owned();
    let aud = case.sp_bound(|claims| claims.aud = bare).await;
    assert_eq!(case.refused_pair([aud, dp.clone()]).await, "kb_audience_mismatch", "without the prefix");
    let stale = case.sp_bound(|claims| claims.iat = claims.iat.plus(-3600)).await;
    assert_eq!(case.refused_pair([stale, dp.clone()]).await, "kb_too_old");
    let cut = format!("{}~{}", sp.split('~').next().unwrap(), sp.rsplit('~').next().unwrap());
    assert_eq!(case.refused_pair([cut, dp.clone()]).await, "kb_sd_hash_mismatch");
    case.still_answerable().await;
}

#[tokio::test]
async fn vp_n14_both_signatures_are_over_the_terms() {
    let case = Case::new().await;
    let [_, dp] = case.good().await;
    let hash = "transaction_data_hash_mismatch";
    let none = case.sp_bound(|claims| claims.extra = Map::new()).await;
    assert_eq!(case.refused_pair([none, dp.clone()]).await, hash);
    let other = case.request.transaction_data_claims("dp_link");
    let of_dp = case.sp_bound(|claims| claims.extra = other).await;
    assert_eq!(case.refused_pair([of_dp, dp.clone()]).await, hash);
    let no_alg = case.sp_bound(|claims| drop(claims.extra.remove("transaction_data_hashes_alg"))).await;
    assert_eq!(case.refused_pair([no_alg, dp.clone()]).await, hash);
    let alg = case
        .sp_bound(|claims| {
            claims.extra.insert("transaction_data_hashes_alg".to_owned(), json!("sha-512"));
        })
        .await;
    assert_eq!(case.refused_pair([alg, dp.clone()]).await, hash);
    let strings = case.request.consent().unwrap();
    let decoded = b64::decode(strings.sp()).unwrap();
    let over_bytes = enishi_protocol::vp::hash(&String::from_utf8(decoded).unwrap());
    let bytes = case
        .sp_bound(|claims| {
            claims.extra.insert("transaction_data_hashes".to_owned(), json!([over_bytes]));
        })
        .await;
    assert_eq!(case.refused_pair([bytes, dp]).await, hash);
    case.still_answerable().await;
}

#[tokio::test]
async fn threat_1_pooled_credentials_of_two_people_are_refused() {
    let case = Case::new().await;
    let mine = case.good().await;
    let theirs = case.world.credentials("resident-2").await;
    let theirs = case.world.present(case.request.clone(), &theirs).await.presentations;
    let pooled = [mine[0].clone(), theirs[1].clone()];
    assert_eq!(case.refused_pair(pooled).await, "same_subject_peer_mismatch");
    let pooled = [theirs[0].clone(), mine[1].clone()];
    assert_eq!(case.refused_pair(pooled).await, "same_subject_peer_mismatch");
    case.still_answerable().await;
}

#[tokio::test]
async fn threat_4_an_answer_to_one_request_is_none_to_another() {
    let case = Case::new().await;
    let good = case.good().await;
    let created = case.world.ask(&World::wish()).await;
    let other = case.world.fetch(&created.wallet_uri).await;
    let answer = case.world.post(&World::answer(&other, &good)).await;
    assert_eq!(answer.problem(), (400, "kb_nonce_mismatch".to_owned()));
    // Nor after its time.
    let late = World::answer(&case.request, &good);
    case.world.clock.advance(300);
    assert_eq!(case.world.post(&late).await.problem(), (404, "request_gone".to_owned()));
    assert_eq!(case.world.grant_states().await, [("requested".to_owned(), 2)]);
}

#[tokio::test]
async fn tsl_n7_no_status_is_asked_for_a_credential_that_does_not_hold() {
    let case = Case::new().await;
    let status = Some(case.world.status_reference());
    let credentials = case.world.credentials_with(RESIDENT, RESIDENT, status.clone()).await;
    let fetches = |case: &Case| *case.world.others.status_fetches.lock().unwrap();
    let [sp, dp] = case.world.present(case.request.clone(), &credentials).await.presentations;
    // Forged: one character of the issuer's signature is another. Its status is VALID.
    let (jwt, rest) = dp.split_once('~').unwrap();
    let at = jwt.rfind('.').unwrap() + 1;
    let other = if jwt[at..].starts_with('A') { "B" } else { "A" };
    let forged = format!("{}{other}{}~{rest}", &jwt[..at], &jwt[at + 1..]);
    assert_eq!(case.refused_pair([sp.clone(), forged]).await, "signature_invalid");
    assert_eq!(fetches(&case), 0);
    // The control: the status of a credential that holds is asked for.
    assert_eq!(case.world.post(&World::answer(&case.request, &[sp, dp])).await.status, 200);
    assert_eq!(fetches(&case), 1);
    // Expired: the same credentials for a later request.
    case.world.clock.advance(8 * 86_400);
    let created = case.world.ask(&World::wish()).await;
    let request = case.world.fetch(&created.wallet_uri).await;
    let late = case.world.present(request, &credentials).await;
    assert_eq!(case.world.post(&late.post).await.problem(), (400, "expired".to_owned()));
    assert_eq!(fetches(&case), 1);
}

#[tokio::test]
async fn threat_11_a_revoked_credential_and_a_list_that_is_not_there_are_refused() {
    let case = Case::new().await;
    let status = Some(case.world.status_reference());
    let credentials = case.world.credentials_with(RESIDENT, RESIDENT, status).await;
    let present = async || case.world.present(case.request.clone(), &credentials).await.presentations;
    *case.world.others.status_missing.lock().unwrap() = true;
    assert_eq!(case.refused_pair(present().await).await, "status_unavailable");
    *case.world.others.status_missing.lock().unwrap() = false;
    // A list that is down is not asked for by every caller.
    case.world.clock.advance(2);
    for value in [1, 2, 3] {
        *case.world.others.credential_status.lock().unwrap() = value;
        assert_eq!(case.refused_pair(present().await).await, "credential_not_valid", "{value}");
        case.world.clock.advance(2);
    }
    *case.world.others.credential_status.lock().unwrap() = 0;
    let good = World::answer(&case.request, &present().await);
    assert_eq!(case.world.post(&good).await.status, 200);
}
