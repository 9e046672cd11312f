//! Four attacks. Each is carried out for real, by somebody who holds everything that such an attacker could hold, and
//! each is refused with its reason.

use std::collections::BTreeMap;

use enishi_credential::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use enishi_credential::entropy;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::same_subject::{self, SameSubjectClaim, Statement};
use enishi_credential::sdjwt::KeyBindingClaims;
use enishi_credential::x509::TrustAnchors;
use enishi_holder_sdk::HttpRequest;
use enishi_protocol::consent::{DP_LINK, SP_LINK};
use enishi_protocol::datalink::{self, Expected, UnverifiedDataLink};
use enishi_protocol::dpop::{self, ProofRequest};
use enishi_protocol::grant::messages::MintedLink;
use enishi_protocol::vp::{DirectPost, RequestTrust, RequestUri, VerifiedRequest, verify_request};
use enishi_protocol::web::UrlPolicy;
use http::Method;
use http::header::{AUTHORIZATION, HeaderName};
use serde_json::{Map, json};

use super::teller::Step;
use crate::DemoError;
use crate::net::{Answer, Call};
use crate::resident::person::Person;
use crate::resident::wallet::Taken;
use crate::sample::{Place, RESIDENT_B};
use crate::town::{Town, World};

/// Two residents, and a fresh consent of the first.
pub(super) struct Scene {
    a: Person,
    b: Person,
    grant: String,
    /// The answer of the first resident's wallet as it went over the line.
    answer: HttpRequest,
}

/// A second resident moves in, and the first consents anew.
pub(super) async fn scene(town: &Town, a: Person, step: &mut Step) -> Result<Scene, DemoError> {
    let b = Person::new(town, RESIDENT_B)?;
    b.link(town, &[Place::Portal, Place::Health]).await?;
    for place in [Place::Portal, Place::Health] {
        b.bind(town, place).await?;
    }
    let request = a.asked(town).await?;
    let grant = a.approve(&request).await?.ok_or_else(|| DemoError::Wallet("no grant".to_owned()))?;
    let form = a.fetch_form(town, &grant).await?;
    a.fetch(town, &form, &grant).await?;
    let answer = a.phone.wire.last_form().ok_or_else(|| DemoError::Wallet("nothing was sent".to_owned()))?;
    step.say("demo-scene-second", &[]);
    step.say("demo-scene-consent", &[]);
    Ok(Scene { a, b, grant, answer })
}

/// Two people pool their wallets: the portal credential of one, the health credential of the other, and a proof that is
/// genuine for the first person's own pair.
pub(super) async fn pooling(town: &Town, scene: &Scene, step: &mut Step) -> Result<(), DemoError> {
    let (refusal, honest) = pool(town, &scene.a, &scene.b).await?;
    step.expect(!honest, "an honest wallet cannot even make such a proof");
    refused(step, &refusal, 400..500, "the verifier refuses a pair of two people's credentials");
    step.say("demo-pooling-tried", &[]);
    tell(step, "demo-refused-by-verifier", &refusal);
    Ok(())
}

/// `a` answers the portal with an own credential for it and one of `b` for the health section. Gives the verifier's answer,
/// and whether the SDK would have made a proof for that pair.
pub(crate) async fn pool(town: &Town, a: &Person, b: &Person) -> Result<(Answer, bool), DemoError> {
    let request = a.asked_raw(town).await?;
    let verified = read(town, &request).await?;
    let (portal, health) = (town.party(Place::Portal), town.party(Place::Health));
    let sp = a.phone.take(&portal)?;
    let own_dp = a.phone.take(&health)?;
    let foreign_dp = b.phone.take(&health)?;
    let honest = pooled(&town.world, &verified, &sp, &foreign_dp, &foreign_dp).await;
    let post = pooled(&town.world, &verified, &sp, &own_dp, &foreign_dp).await?;
    Ok((town.world.net.send(form(&post.uri, post.body)).await?, honest.is_ok()))
}

/// An answer with `sp` and `shown_dp`, whose same-subject proof was made with `proven_dp`.
async fn pooled(
    world: &World,
    request: &VerifiedRequest,
    sp: &Taken,
    proven_dp: &Taken,
    shown_dp: &Taken,
) -> Result<DirectPost, DemoError> {
    let pair = request.consent().map_err(|refusal| refusal.failure)?;
    let (for_sp, for_dp) = (sp.credential.present_mediated()?, shown_dp.credential.present_mediated()?);
    let aud = request.client_id.to_string();
    let grant_key = PrivateJwk::generate_p256(&*world.entropy);
    let grant_jkt = grant_key.public().thumbprint();
    let statement = Statement {
        c_sp: &sp.credential.view().link.commitment,
        c_dp: &proven_dp.credential.view().link.commitment,
        nonce: &request.nonce,
        aud: &aud,
        sd_hash_sp: for_sp.sd_hash(),
        sd_hash_dp: for_dp.sd_hash(),
        terms_hash_sp: &pair.sp_hash(),
        terms_hash_dp: &pair.terms_sha256(),
        grant_jkt: &grant_jkt,
    };
    let proof = same_subject::prove(&statement, &sp.opening, &proven_dp.opening, &*world.entropy)?;
    let claim = SameSubjectClaim {
        suite: shown_dp.credential.view().link.suite,
        peer_sd_hash: for_sp.sd_hash().to_owned(),
        proof,
    };
    let mut extra = request.transaction_data_claims(DP_LINK);
    extra.insert("grant_jkt".to_owned(), json!(grant_jkt));
    extra.insert("same_subject".to_owned(), json!(claim));
    let iat = world.clock.now();
    let kb = |extra: Map<String, serde_json::Value>| KeyBindingClaims {
        aud: aud.clone(),
        nonce: request.nonce.clone(),
        iat,
        extra,
    };
    let fault = |error: String| DemoError::Wallet(error);
    let sp_text = for_sp.bind(&sp.signer, kb(request.transaction_data_claims(SP_LINK))).await;
    let dp_text = for_dp.bind(&shown_dp.signer, kb(extra)).await;
    let presentations = BTreeMap::from([
        (SP_LINK.to_owned(), vec![sp_text.map_err(|error| fault(error.to_string()))?]),
        (DP_LINK.to_owned(), vec![dp_text.map_err(|error| fault(error.to_string()))?]),
    ]);
    request.answer(&presentations, &RustCryptoJwe, &*world.entropy).map_err(|error| fault(error.to_string()))
}

/// Somebody who recorded an answer sends it again: to the same request, and to a new one.
pub(super) async fn replay(town: &Town, scene: &Scene, step: &mut Step) -> Result<(), DemoError> {
    let recorded = &scene.answer;
    let again = town.world.net.send(form(&recorded.url, recorded.body.clone())).await?;
    refused(step, &again, 400..500, "the same answer is not taken twice");
    step.say("demo-replay-same", &[]);
    tell(step, "demo-refused-by-verifier", &again);
    let other = scene.a.asked_raw(town).await?;
    let other = read(town, &other).await?;
    let elsewhere = town.world.net.send(form(&other.response_uri, recorded.body.clone())).await?;
    refused(step, &elsewhere, 400..500, "an answer is not taken for another request");
    step.say("demo-replay-other", &[]);
    tell(step, "demo-refused-by-verifier", &elsewhere);
    Ok(())
}

/// A thief copies the portal's database, finds a data link in it, and uses it with a key of his own.
pub(super) async fn theft(town: &Town, scene: &Scene, step: &mut Step) -> Result<(), DemoError> {
    let (token, resource) = stolen(town, &scene.grant).await?;
    let thief = PrivateJwk::generate_p256(&*town.world.entropy);
    let thief = SoftwareSigner::new(thief).ok_or_else(|| DemoError::App("no key".to_owned()))?;
    let request = ProofRequest { method: "GET", url: &resource, access_token: Some(&token), nonce: None };
    let proof = dpop::create(&thief, request, town.world.clock.now(), &*town.world.entropy).await?;
    let call = Call::new(Method::GET, &resource)
        .header(AUTHORIZATION, &format!("DPoP {token}"))?
        .header(HeaderName::from_static("dpop"), &proof)?;
    let answer = town.world.net.send(call).await?;
    refused(step, &answer, 401..402, "a stolen link is worth nothing with another key");
    step.say("demo-theft-tried", &[]);
    tell(step, "demo-refused-by-gateway", &answer);
    let bare = Call::new(Method::GET, &resource).header(AUTHORIZATION, &format!("Bearer {token}"))?;
    let bare = town.world.net.send(bare).await?;
    refused(step, &bare, 401..402, "a stolen link is worth nothing without a key");
    Ok(())
}

async fn stolen(town: &Town, grant: &str) -> Result<(String, String), DemoError> {
    let url = town.plan.database("portal", "portal")?;
    let fault = |error: String| DemoError::App(error);
    let store =
        enishi_service::store::Store::connect(&url).await.map_err(|error| fault(error.to_string()))?;
    let row = sqlx::query_as("SELECT access_token, resource FROM data_links WHERE grant_id = $1");
    let row = row.bind(grant).fetch_one(store.pool()).await;
    store.close().await;
    row.map_err(|error| fault(error.to_string()))
}

/// The verifier itself is dishonest: it mints a link that is right in every way, but for the second resident's sealed id.
pub(super) async fn swap(town: &Town, scene: &Scene, step: &mut Step) -> Result<(), DemoError> {
    let genuine = town.portal.hoard(&scene.grant).await?;
    let health = town.party(Place::Health);
    let (issuer, key) = (town.plan.verifier.public.url(), &town.verifier_key);
    let expected = Expected { issuer: &issuer, resource: &genuine.resource, now: town.world.clock.now() };
    let link = UnverifiedDataLink::parse(&genuine.access_token)?;
    let mut claims = link.verify(&RustCryptoVerifier, key.public(), &expected)?.claims().clone();
    let theirs = scene.b.phone.take(&health)?;
    let theirs = theirs.credential.as_sd_jwt().claims().get("sealed_sub").and_then(serde_json::Value::as_str);
    theirs.ok_or_else(|| DemoError::Wallet("no sealed id".to_owned()))?.clone_into(&mut claims.sealed_sub);
    claims.jti = entropy::token(&*town.world.entropy);
    let signer = crate::parties::keys::signer(key)?;
    let forged = datalink::mint(&signer, &claims).await.map_err(|error| DemoError::App(error.to_string()))?;
    let forged = MintedLink { access_token: forged, ..genuine.clone() };
    step.fact("kid", signer.public_jwk().kid.clone());
    let answer = town.portal.use_anyway(&scene.grant, &forged).await?;
    refused(step, &answer, 400..500, "the gateway catches a verifier that swaps the sealed id");
    step.say("demo-swap-tried", &[]);
    tell(step, "demo-refused-by-gateway", &answer);
    let genuine = town.portal.use_anyway(&scene.grant, &genuine).await?;
    step.expect(genuine.status == 200, "the genuine link works: only the swap was refused");
    Ok(())
}

/// Fetches and verifies a request as any wallet does.
async fn read(town: &Town, wallet_uri: &str) -> Result<VerifiedRequest, DemoError> {
    let urls = UrlPolicy::LoopbackHttpToo;
    let from = RequestUri::parse(wallet_uri, urls).map_err(|refusal| refusal.failure)?;
    let answer = town.world.net.send(Call::new(Method::GET, from.request_uri.as_str())).await?;
    let compact =
        String::from_utf8(answer.body).map_err(|_| DemoError::Call("not a request object".to_owned()))?;
    let anchors = TrustAnchors::from_der([town.anchor.clone()])?;
    let trust = RequestTrust {
        anchors: &anchors,
        verifiers: None,
        urls,
        signatures: &RustCryptoVerifier,
        now: town.world.clock.now(),
    };
    verify_request(compact.trim(), &from, None, &trust).map_err(|refusal| refusal.failure.into())
}

fn form(url: &(impl AsRef<str> + ?Sized), body: impl Into<Vec<u8>>) -> Call {
    Call::new(Method::POST, url.as_ref()).form(body)
}

fn refused(step: &mut Step, answer: &Answer, statuses: std::ops::Range<u16>, what: &str) {
    step.expect(statuses.contains(&answer.status), what);
    step.add_fact("refused", format!("{} {}", answer.status, answer.refusal().code()));
}

fn tell(step: &mut Step, key: &str, answer: &Answer) {
    let refusal = answer.refusal();
    let status = answer.status.to_string();
    step.say(key, &[("status", &status), ("code", refusal.code()), ("detail", refusal.detail())]);
}
