use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_protocol::grant::State;
use enishi_protocol::notice::{self, Notice, NoticeEvent};
use http::Method;

use crate::net::{Answer, Call};
use crate::plan::Plan;
use crate::resident::person::Person;
use crate::sample::{Place, RESIDENT_A, RESIDENT_B, Resident};
use crate::town::{Staging, Town, World};

struct Scene {
    town: Town,
    _folder: tempfile::TempDir,
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::draw(folder.path(), false).unwrap();
    let town = Town::found(plan, World::new().unwrap(), Staging::default(), &|_| {}).await.unwrap();
    Scene { town, _folder: folder }
}

impl Scene {
    async fn moved_in(&self, resident: Resident) -> Person {
        let person = Person::new(&self.town, resident).unwrap();
        person.link(&self.town, &[Place::Portal, Place::Health]).await.unwrap();
        for place in [Place::Portal, Place::Health] {
            person.bind(&self.town, place).await.unwrap();
        }
        person
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        let url = format!("{}{path}", self.town.party(Place::Portal));
        self.town.world.net.send(Call::new(Method::POST, url).form(body)).await.unwrap()
    }
}

/// An attacker asks at the portal in his own account and has somebody else agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threat_3_the_consent_of_another_person_is_given_back() {
    let scene = scene().await;
    let attacker = scene.moved_in(RESIDENT_A).await;
    let victim = scene.moved_in(RESIDENT_B).await;
    let link = attacker.asked_raw(&scene.town).await.unwrap();
    let request = victim.phone.wallet.read_request(&link).await.unwrap();
    let answered = victim.phone.wallet.approve(&request).await.unwrap();
    let grant = answered.grant_id.clone().unwrap();

    let elsewhere = victim.follow(&answered).await.unwrap_err().to_string();
    assert!(elsewhere.contains("answered 403"), "the victim's browser did not ask: {elsewhere}");
    assert!(attacker.at_portal(&scene.town, &grant).await.is_err(), "nothing is granted to the attacker");

    // Even if the attacker gets hold of what the victim's browser was sent to.
    let stolen = attacker.follow(&answered).await.unwrap_err().to_string();
    assert!(stolen.contains("answered 403"), "{stolen}");
    let shown = attacker.at_portal(&scene.town, &grant).await.unwrap();
    assert_ne!(shown["state"], "granted");
    assert!(attacker.fetch_form(&scene.town, &grant).await.is_err());
    let status = victim.phone.wallet.grant_status(&grant).await.unwrap();
    assert_eq!(status.state, State::Withdrawn, "the portal gave the grant back");
    scene.town.stop().await;
}

/// Whoever shows another person's credential does not get that person's account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_person_is_not_bound_to_a_second_account() {
    let scene = scene().await;
    scene.moved_in(RESIDENT_A).await;
    let second = Person::new(&scene.town, RESIDENT_A.with_accounts_of(RESIDENT_A, "second-phone")).unwrap();
    second.link(&scene.town, &[Place::Portal]).await.unwrap();
    second.bind(&scene.town, Place::Portal).await.unwrap();

    let other = Person::new(&scene.town, RESIDENT_A.with_accounts_of(RESIDENT_B, "mixed-up")).unwrap();
    other.link(&scene.town, &[Place::Portal]).await.unwrap();
    let refused = other.bind(&scene.town, Place::Portal).await.unwrap_err().to_string();
    assert!(refused.contains("answered 409"), "{refused}");
    scene.town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_portal_takes_no_forms_without_a_session_and_no_notices_from_strangers() {
    let scene = scene().await;
    for path in ["/bind", "/ask", "/fetch"] {
        assert_eq!(scene.post(path, "csrf=x&grant=y").await.status, 401, "{path}");
    }
    assert_eq!(scene.post("/login", "name=portal-a&password=wrong").await.status, 401);
    assert_eq!(scene.post("/login", "name=portal-a").await.status, 400);

    let stranger = PrivateJwk::generate_p256(&*scene.town.world.entropy);
    let stranger = SoftwareSigner::new(stranger).unwrap();
    let notice = Notice {
        iss: scene.town.plan.verifier.public.url(),
        aud: scene.town.party(Place::Portal),
        jti: "n".to_owned(),
        iat: scene.town.world.clock.now(),
        event: NoticeEvent::Withdrawn,
        grant_id: "g".to_owned(),
    };
    let forged = notice::create(&stranger, &notice).await.unwrap();
    let answer = scene.post("/enishi/notices", &forged).await;
    assert_eq!((answer.status, answer.refusal().code()), (400, "signature_invalid"));
    assert_eq!(scene.post("/enishi/notices", "x").await.status, 400);
    let api = format!("{}{}", scene.town.plan.health.api.url(), crate::sample::CHECKUPS);
    let bare = scene.town.world.net.send(Call::new(Method::GET, api)).await.unwrap();
    assert_eq!(bare.status, 401, "the API says nothing about nobody");
    scene.town.stop().await;
}
