//! The privacy invariants of the linkage protocol (§12), over towns whose services are processes of the real binary: what
//! came over the line, what is in the files, what was logged.

use std::collections::{BTreeMap, BTreeSet};

use enishi_demo::rehearsal::{Actor, Rehearsal, Secrets, Stage, Who};
use enishi_demo::{Place, Service};
use enishi_tests::town::files_below;
use enishi_tests::traces::{holds, layers, spellings, traces};
use enishi_tests::{town, wait};
use serde_json::Value;

/// Everything on the verifier's public port is written down, and everybody says more than in operation.
fn observed() -> Stage {
    Stage { tap: true, log: "debug".to_owned(), ..town::processes() }
}

/// A whole session under one consent: asked, agreed, fetched, looked up, withdrawn, and everybody told.
async fn session(actor: &Actor<'_>) {
    let grant = actor.consent().await.unwrap();
    let shown = actor.fetch(&grant).await.unwrap();
    assert_eq!(shown["fetches"][0]["outcome"], "fetched", "{shown}");
    wait::until("the release is reported", || async {
        actor.history(&grant).await.unwrap().contains(&"released".to_owned()).then_some(())
    })
    .await;
    actor.withdraw(&grant).await.unwrap();
    wait::until("the portal is told", || async {
        actor.at_portal(&grant).await.unwrap()["data"].is_null().then_some(())
    })
    .await;
}

/// What the verifier got between two moments.
struct Harvest {
    lengths: BTreeMap<String, usize>,
    rows: BTreeSet<(String, String)>,
}

impl Harvest {
    async fn now(town: &Rehearsal) -> Self {
        let lengths = files(town).into_iter().map(|(name, content)| (name, content.len())).collect();
        Self { lengths, rows: town.tables(Service::Verifier).await.unwrap().into_iter().collect() }
    }

    /// Traces in whatever was added since: connections, log lines, database values, and the consent proof as the verifier
    /// can read it.
    async fn since(&self, town: &Rehearsal, evidence: &str) -> BTreeSet<Vec<u8>> {
        let mut found = traces(evidence.as_bytes());
        for (name, content) in files(town) {
            let from = self.lengths.get(&name).copied().unwrap_or_default();
            found.extend(traces(&content[from..]));
        }
        for row in town.tables(Service::Verifier).await.unwrap() {
            if !self.rows.contains(&row) {
                found.extend(traces(row.1.as_bytes()));
            }
        }
        found
    }
}

/// The recorded connections and the log of the linking verifier: files that only grow.
fn files(town: &Rehearsal) -> Vec<(String, Vec<u8>)> {
    let mut files = files_below(&town.tap());
    files.push(("log".to_owned(), std::fs::read(town.log(Service::Verifier)).unwrap()));
    files
}

/// One session of `actor`: its traces at the verifier.
async fn watched(town: &Rehearsal, actor: &Actor<'_>) -> BTreeSet<Vec<u8>> {
    let before = Harvest::now(town).await;
    let request = actor.ask().await.unwrap();
    let answered = actor.answer(&request).await.unwrap();
    actor.follow(&answered).await.unwrap();
    let grant = answered.grant_id.unwrap();
    // The proof is kept as long as the consent lives, so it is read before the end.
    let evidence = town.evidence(&grant).await.unwrap();
    actor.fetch(&grant).await.unwrap();
    wait::until("the release is reported", || async {
        actor.history(&grant).await.unwrap().contains(&"released".to_owned()).then_some(())
    })
    .await;
    actor.withdraw(&grant).await.unwrap();
    let found = before.since(town, &evidence).await;
    assert!(found.contains(grant.as_bytes()), "the session itself is seen");
    assert!(found.len() > 1000, "a session leaves more than {} traces", found.len());
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_1_two_sessions_of_one_person_have_nothing_in_common_at_the_verifier() {
    let town = town::found(observed()).await;
    let a = town.resident(Who::A).await.unwrap();
    let b = town.resident(Who::B).await.unwrap();
    let first = watched(&town, &a).await;
    // Another session at the portal, too.
    a.log_in(Place::Portal).await.unwrap();
    let second = watched(&town, &a).await;
    // What a session of somebody else has as well says nothing about a person: names, keys of the parties, declarations.
    let others = watched(&town, &b).await;
    let shared: Vec<String> = first
        .intersection(&second)
        .filter(|trace| !others.contains(*trace))
        .map(|trace| String::from_utf8_lossy(trace).into_owned())
        .collect();
    assert!(shared.is_empty(), "both sessions of one person hold {shared:#?}");
    town.stop().await;
}

/// A town in which two people have done everything once, and what is to be found nowhere.
struct Eventful {
    town: Rehearsal,
    secrets: [Secrets; 2],
    /// The consent proofs as the verifier could read them.
    proofs: Vec<String>,
    /// Links, answers of wallets, bearer secrets.
    tokens: Vec<String>,
}

async fn eventful() -> Eventful {
    let town = town::found(observed()).await;
    let a = town.resident(Who::A).await.unwrap();
    let b = town.resident(Who::B).await.unwrap();
    let (mut tokens, mut proofs) = (vec![town.internal_token().to_owned()], Vec::new());
    for actor in [&a, &b] {
        let grant = actor.consent().await.unwrap();
        proofs.push(town.evidence(&grant).await.unwrap());
        tokens.push(town.mint(&grant).await.unwrap().access_token);
        tokens.push(String::from_utf8(actor.last_form().unwrap().body).unwrap());
        actor.withdraw(&grant).await.unwrap();
        session(actor).await;
    }
    // An attack and its refusal leave something too.
    let (refused, _) = town.pool(&a, &b).await.unwrap();
    assert!((400..500).contains(&refused.status));
    let secrets = [a.secrets().await.unwrap(), b.secrets().await.unwrap()];
    drop((a, b));
    Eventful { town, secrets, proofs, tokens }
}

/// No PPID, pairwise DID (nor the coordinates of its key) or account id in plaintext in the verifier's database, logs,
/// metrics or responses; nor in the proofs that it could decrypt.
#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_the_verifier_holds_no_identifier_in_plaintext() {
    let Eventful { town, secrets, proofs, .. } = eventful().await;
    let mut held = files_below(&town.dir().join("verifier"));
    assert!(held.iter().any(|(name, content)| name.contains(".sqlite") && content.len() > 16 * 1024));
    let recorded = files(&town);
    let volume: usize = recorded.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(volume > 100_000, "the connections are recorded, but not with {volume} bytes");
    held.extend(recorded);
    held.extend(proofs.iter().map(|proof| ("a consent proof".to_owned(), proof.clone().into_bytes())));
    let needles: Vec<&str> = secrets
        .iter()
        .flat_map(|person| person.pairwise.iter().chain(&person.coordinates).chain([&person.account]))
        .chain(secrets.iter().flat_map(|person| &person.numbers))
        .map(String::as_str)
        .collect();
    assert!(needles.len() >= 2 * (4 + 4 + 1 + 2), "{}", needles.len());
    absent("invariant 2", &held, &needles);
    town.stop().await;
}

/// The issuer's database has no (RP, PPID) pairs, in no table, no column, and no page of its files.
#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_the_issuer_holds_no_ppid() {
    let Eventful { town, secrets, .. } = eventful().await;
    let mut held = files_below(&town.dir().join("issuer"));
    held.retain(|(name, _)| name.contains(".sqlite"));
    assert!(!held.is_empty());
    let tables = town.tables(Service::Issuer).await.unwrap();
    assert!(!tables.is_empty(), "the issuer has written something");
    held.extend(tables.into_iter().map(|(column, value)| (column, value.into_bytes())));
    let needles: Vec<&str> = secrets.iter().flat_map(|person| &person.pairwise).map(String::as_str).collect();
    absent("invariant 3", &held, &needles);
    town.stop().await;
}

/// No personal data and no secrets in any log of the town.
#[tokio::test(flavor = "multi_thread")]
async fn threat_22_no_personal_data_in_any_output() {
    let Eventful { town, secrets, tokens, .. } = eventful().await;
    let logs: Vec<_> = Service::ALL
        .map(|service| (format!("{service:?}"), std::fs::read(town.log(service)).unwrap()))
        .into_iter()
        .collect();
    assert!(logs.iter().all(|(_, log)| !log.is_empty()), "everybody logs");
    let volume: usize = logs.iter().map(|(_, log)| log.len()).sum();
    assert!(volume > 20_000, "at `debug` they say more than {volume} bytes");
    let mut needles: Vec<&str> = tokens.iter().map(String::as_str).collect();
    for person in &secrets {
        let lists = [&person.pairwise, &person.coordinates, &person.logins, &person.numbers, &person.records];
        needles.extend(lists.into_iter().flatten().map(String::as_str));
        needles.extend([person.account.as_str(), person.pin.as_str()]);
    }
    absent("threat 22", &logs, &needles);
    town.stop().await;
}

/// None of `needles` stands in one of `held`, in any spelling, in any encoding.
fn absent(rule: &str, held: &[(String, Vec<u8>)], needles: &[&str]) {
    for (name, content) in held {
        let layers = layers(content);
        for needle in needles {
            let found = spellings(needle).iter().any(|spelling| holds(&layers, spelling));
            assert!(!found, "{rule}: {name} holds {needle}");
        }
    }
}

/// Names of members that every credential has, with values that are the same for everybody or for a whole day.
const COMMON: [&str; 13] =
    ["iss", "vct", "iat", "exp", "acr", "suite", "alg", "typ", "enc", "kty", "crv", "_sd_alg", "kid"];

#[tokio::test(flavor = "multi_thread")]
async fn invariant_4_credentials_of_one_person_for_two_parties_share_nothing() {
    let town = town::found(town::processes()).await;
    let a = town.newcomer(Who::A).unwrap();
    let b = town.newcomer(Who::B).unwrap();
    for person in [&a, &b] {
        person.link(&[Place::Portal, Place::Health]).await.unwrap();
    }
    let [portal, health] = [Place::Portal, Place::Health].map(|place| a.credential(place).unwrap());
    let others = [Place::Portal, Place::Health].map(|place| b.credential(place).unwrap());
    // By value, wherever it stands.
    let (in_portal, in_health) = (values(&portal), values(&health));
    assert!(in_portal.len() > 20, "{in_portal:?}");
    for (name, value) in in_portal.intersection(&in_health) {
        assert!(COMMON.contains(&name.as_str()), "{name} is {value} in both");
    }
    let by_value = |set: &BTreeSet<(String, String)>| {
        let rare = set.iter().filter(|(name, _)| !COMMON.contains(&name.as_str()));
        rare.map(|(_, value)| value.clone()).filter(|value| value.len() > 4).collect::<BTreeSet<_>>()
    };
    let shared: Vec<_> = by_value(&in_portal).intersection(&by_value(&in_health)).cloned().collect();
    assert!(shared.is_empty(), "{shared:?}");
    // By bytes, decoded as deep as it goes: nothing but what the credentials of somebody else hold too.
    let theirs: BTreeSet<_> = others.iter().flat_map(|text| traces(text.as_bytes())).collect();
    let (portal, health) = (traces(portal.as_bytes()), traces(health.as_bytes()));
    let shared: Vec<_> = portal
        .intersection(&health)
        .filter(|trace| !theirs.contains(*trace))
        .map(|trace| String::from_utf8_lossy(trace).into_owned())
        .collect();
    assert!(shared.is_empty(), "{shared:?}");
    town.stop().await;
}

/// Every value in a token, with the name of the member that it stands in: header, payload, disclosures, and what is
/// encoded in them.
fn values(token: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for layer in layers(token.as_bytes()) {
        if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(&layer) {
            collect("", &value, &mut found);
        }
    }
    found
}

fn collect(name: &str, value: &Value, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| collect(name, value, found)),
        // A disclosure is salt, name, value.
        Value::Array(items) => match items.as_slice() {
            [salt, Value::String(claim), value] if name.is_empty() => {
                collect("salt", salt, found);
                collect(claim, value, found);
            }
            items => items.iter().for_each(|item| collect(name, item, found)),
        },
        value => drop(found.insert((name.to_owned(), value.to_string()))),
    }
}

/// The property over all pairs of people, and over every byte of the transcript, is tested where the proof is made:
/// `threat_1_two_people_never_satisfy_it` and `threat_7_any_changed_byte_of_the_transcript_is_refused`. Here two wallets are
/// pooled for real.
#[tokio::test(flavor = "multi_thread")]
async fn threat_1_invariant_5_credentials_of_two_people_are_refused() {
    let town = town::found(town::processes()).await;
    let a = town.resident(Who::A).await.unwrap();
    let b = town.resident(Who::B).await.unwrap();
    for (one, other) in [(&a, &b), (&b, &a)] {
        let (reply, honest) = town.pool(one, other).await.unwrap();
        assert!(!honest, "the SDK makes no such proof");
        assert_eq!(reply.status, 400, "{reply:?}");
        assert!(reply.code.contains("same_subject"), "it is the proof that is refused: {reply:?}");
    }
    let states = town.tables(Service::Verifier).await.unwrap();
    assert!(states.iter().any(|(column, _)| column == "grants.state"));
    assert!(!states.iter().any(|(column, state)| column == "grants.state" && state == "active"));
    // The same two people can consent each for themselves: only the pair was wrong.
    session(&a).await;
    session(&b).await;
    town.stop().await;
}

/// What the SP sees of a request, but for what differs between any two answers.
async fn seen(town: &Rehearsal, request: &str) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let reply = town.told_to_portal(request).await.unwrap();
    let mut headers = reply.headers;
    headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
    (reply.status, headers, reply.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_13_invariant_6_every_no_is_the_same_no_at_the_same_time() {
    let town = town::found(Stage { answer_seconds: 30, ..town::processes() }).await;
    let a = town.resident(Who::A).await.unwrap();
    let consent = a.consent().await.unwrap();
    let consumed = a.last_form().unwrap();
    let id = |uri: &str| {
        let uri = url::Url::parse(uri).unwrap();
        let (_, from) = uri.query_pairs().find(|(name, _)| name == "request_uri").unwrap();
        from.rsplit('/').next().unwrap().to_owned()
    };

    let request = a.ask().await.unwrap();
    let declined = request.terms().unwrap().grant_id.clone();
    a.decline(&request).await.unwrap();
    let unanswered = id(&a.ask_unopened().await.unwrap());
    // Somebody whom the issuer never saw: the wallet is empty.
    let stranger = town.newcomer(Who::B).unwrap();
    stranger.log_in(Place::Portal).await.unwrap();
    let request = stranger.ask().await.unwrap();
    let unknown = request.terms().unwrap().grant_id.clone();
    stranger.answer(&request).await.unwrap_err();
    // An answer that fails the checks: somebody else's, from before.
    let failed = id(&a.ask_unopened().await.unwrap());
    let mut forged = consumed;
    forged.url = format!("{}/responses/{failed}", town.url(Service::Verifier));
    let refused = town.repeat(&forged).await.unwrap();
    assert!((400..500).contains(&refused.status) && refused.status != 404, "{refused:?}");

    let requests = [&declined, &unanswered, &unknown, &failed];
    let wanted = seen(&town, &unanswered).await;
    assert_eq!(wanted.0, 200);
    for request in requests {
        assert_eq!(seen(&town, request).await, wanted, "while there is time");
    }
    wait::until("the time is over for all of them", || async {
        let mut over = true;
        for request in requests {
            over &= town.told_to_portal(request).await.unwrap().json()["status"] == "not_granted";
        }
        over.then_some(())
    })
    .await;
    let wanted = seen(&town, &unanswered).await;
    for request in requests {
        assert_eq!(seen(&town, request).await, wanted, "afterwards");
    }
    // A consent is another answer, so the comparison can fail.
    assert_eq!(a.state(&consent).await.unwrap(), "active");
    town.stop().await;
}
