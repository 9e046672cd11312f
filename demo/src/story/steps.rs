//! What happens in the town on a good day.

use enishi_holder_sdk::Request;
use enishi_protocol::grant::messages::MintedLink;
use serde_json::Value;

use super::teller::{Step, Stopwatch};
use super::wait::{PATIENCE, until};
use crate::DemoError;
use crate::parties::declarations::ASKED_ITEMS;
use crate::resident::page::Form;
use crate::resident::person::{BATCH, Person};
use crate::sample::{self, Place, RESIDENT_A};
use crate::town::Town;
use crate::words::Words;

const LINKED: [Place; 2] = [Place::Portal, Place::Health];

/// The resident logs in at まちのID, and the wallet takes credentials for the portal and the health section.
pub(super) async fn link(town: &Town, step: &mut Step) -> Result<Person, DemoError> {
    let person = Person::new(town, RESIDENT_A)?;
    person.link(town, &LINKED).await?;
    let mut count = 0;
    for place in LINKED {
        let fresh = person.phone.wallet.fresh_credentials(&town.party(place));
        count += fresh;
        step.expect(fresh == BATCH, "a batch of five fresh credentials for each linked party");
    }
    step.fact("credentials", count);
    step.say("demo-link-login", &[]);
    step.say("demo-link-credentials", &[("count", &count.to_string()), ("batch", &BATCH.to_string())]);
    Ok(person)
}

/// Each of them sees its own credential once.
pub(super) async fn bind(town: &Town, person: &Person, step: &mut Step) -> Result<(), DemoError> {
    for place in LINKED {
        let asked = person.bind(town, place).await?;
        step.expect(
            asked == [town.party(place)],
            "a first-party request names the party itself and nobody else",
        );
        let left = person.phone.wallet.fresh_credentials(&town.party(place));
        step.expect(left == BATCH - 1, "one credential is used up");
        step.say(
            &format!("demo-bind-{}", place.slug()),
            &[("number", person.resident.account(place).number)],
        );
    }
    Ok(())
}

/// The portal asks for check-up data; the wallet reads the request and checks everything it can.
pub(super) async fn ask(town: &Town, person: &Person, step: &mut Step) -> Result<Request, DemoError> {
    let request = person.asked(town).await?;
    step.fact("client_id", request.client_id());
    let parties = [town.party(Place::Portal), town.party(Place::Health)];
    step.expect(request.parties() == parties, "the request names the portal and the health section");
    let items: Vec<_> =
        request.terms().iter().flat_map(|terms| &terms.items).map(|item| item.id.clone()).collect();
    step.expect(items == ASKED_ITEMS, "the terms name what the portal asked for");
    step.fact("items", items);
    step.say("demo-ask-portal", &[]);
    step.say("demo-ask-wallet", &[("client", &request.client_id())]);
    Ok(request)
}

/// What the resident reads before deciding.
pub(super) fn terms(
    person: &Person,
    request: &Request,
    words: Words,
    step: &mut Step,
) -> Result<(), DemoError> {
    let prompt = request.prompt(words.0, &person.phone.wallet)?;
    step.expect(prompt.lines.len() >= 10, "the prompt tells everything that the terms hold");
    step.fact("lines", prompt.lines.len());
    step.tell(prompt.title);
    for line in prompt.lines {
        step.tell(format!("  {}", line.text));
    }
    step.tell(format!("  [{}] [{}] [{}]", prompt.agree, prompt.decline, prompt.later));
    Ok(())
}

/// The resident agrees; the portal hears of it and compares whose consent it is.
pub(super) async fn agree(
    town: &Town,
    person: &Person,
    request: &Request,
    step: &mut Step,
) -> Result<String, DemoError> {
    let grant = person.approve(request).await?;
    let grant = grant.ok_or_else(|| DemoError::Wallet("there is no grant after agreeing".to_owned()))?;
    let shown = person.at_portal(town, &grant).await?;
    step.expect(text(&shown, "state") == "granted", "the portal found its own account behind the consent");
    step.say("demo-agree-proof", &[]);
    step.say("demo-agree-portal", &[]);
    Ok(grant)
}

/// The portal fetches through the gateway; what was not agreed stays where it is.
pub(super) async fn fetch(
    town: &Town,
    person: &Person,
    grant: &str,
    step: &mut Step,
) -> Result<(), DemoError> {
    let form = person.fetch_form(town, grant).await?;
    let shown = person.fetch(town, &form, grant).await?;
    let data = shown.get("data").cloned().unwrap_or_default();
    step.expect(last_fetch(&shown).0 == "fetched", "the data was fetched");
    let came = members(&data);
    let held = sample::checkups().into_iter().next().map(|(_, record)| members(&record)).unwrap_or_default();
    let kept: Vec<_> = held.into_iter().filter(|name| !came.contains(name)).collect();
    step.expect(came == ["blood_pressure", "taken_on", "weight"], "only the agreed items arrive");
    step.expect(data.pointer("/blood_pressure/systolic").is_some(), "an agreed item arrives whole");
    step.fact("arrived", came.clone());
    step.fact("stayed", kept.clone());
    step.say("demo-fetch-gateway", &[]);
    step.say("demo-fetch-arrived", &[("what", &came.join(", ")), ("data", &data.to_string())]);
    step.say("demo-fetch-stayed", &[("what", &kept.join(", "))]);
    Ok(())
}

/// What the wallet can look up about the grant.
pub(super) async fn history(person: &Person, grant: &str, step: &mut Step) -> Result<(), DemoError> {
    // The gateway's report of the release travels on its own.
    let events = until(PATIENCE, async || {
        let events = person.phone.wallet.grant_events(grant).await?.events;
        Ok(events.iter().any(|event| event.event == "released").then_some(events))
    });
    let events = match events.await? {
        Some((events, _)) => events,
        None => person.phone.wallet.grant_events(grant).await?.events,
    };
    for wanted in ["granted", "link_issued", "released"] {
        step.expect(
            events.iter().any(|event| event.event == wanted),
            &format!("the history tells of `{wanted}`"),
        );
    }
    for event in &events {
        let by = serde_json::to_value(event.by).ok();
        let by = by.as_ref().and_then(Value::as_str).unwrap_or_default();
        let items = event.items.join(", ");
        step.say("demo-history-line", &[("event", &event.event), ("by", by), ("items", &items)]);
    }
    step.fact("events", events.len());
    Ok(())
}

/// What somebody keeps who does not want to stop.
pub(super) struct Kept {
    /// A tab of the portal that was opened before.
    tab: Form,
    /// A data link that was minted before, and not used.
    link: MintedLink,
    /// Since the withdrawal was sent.
    since: Stopwatch,
}

/// The resident withdraws.
pub(super) async fn withdraw(
    town: &Town,
    person: &Person,
    grant: &str,
    step: &mut Step,
) -> Result<Kept, DemoError> {
    let tab = person.fetch_form(town, grant).await?;
    let link = town.portal.hoard(grant).await?;
    let since = Stopwatch::start();
    let withdrawn = person.phone.wallet.withdraw(grant).await?;
    let millis = since.millis();
    step.expect(!withdrawn.acknowledgement.is_empty(), "the verifier acknowledges with its signature");
    step.fact("acknowledged_ms", millis);
    step.say("demo-withdraw-kept", &[]);
    step.say("demo-withdraw-acknowledged", &[("millis", &millis.to_string())]);
    // The delay is measured: nobody is asked what he knows before the next step is over.
    step.ask_nobody();
    Ok(Kept { tab, link, since })
}

/// Nothing works any more: no new link, not even a link from before, and the data is erased.
pub(super) async fn refused(
    town: &Town,
    person: &Person,
    grant: &str,
    kept: &Kept,
    step: &mut Step,
) -> Result<(), DemoError> {
    let shown = person.fetch(town, &kept.tab, grant).await?;
    let (by, code) = last_fetch(&shown);
    step.expect(by == "verifier" && code == "grant_not_active", "no new data link is minted");
    let millis = kept.since.millis();
    step.fact("minting_refused_ms", millis);
    step.fact("minting_refused_code", code.clone());
    step.say("demo-refused-mint", &[("millis", &millis.to_string()), ("code", &code)]);

    let refusal = until(PATIENCE, async || {
        let answer = town.portal.use_anyway(grant, &kept.link).await?;
        Ok((answer.status != 200).then(|| (answer.status, answer.refusal())))
    });
    let Some(((status, refusal), _)) = refusal.await? else {
        step.expect(false, "the gateway refuses a link from before the withdrawal");
        return Ok(());
    };
    let (millis, code) = (kept.since.millis(), refusal.code().to_owned());
    step.expect((400..500).contains(&status), "the gateway refuses and does not fail");
    step.fact("gateway_refused_ms", millis);
    step.fact("gateway_refused_code", code.clone());
    step.say("demo-refused-gateway", &[("millis", &millis.to_string()), ("code", &code)]);

    let erased = until(PATIENCE, async || {
        let shown = person.at_portal(town, grant).await?;
        Ok(shown.get("data").is_none_or(Value::is_null).then_some(()))
    });
    let erased = erased.await?.is_some();
    step.expect(erased, "the portal erased what it had received");
    let millis = kept.since.millis();
    step.fact("erased_ms", millis);
    step.say("demo-refused-erased", &[("millis", &millis.to_string())]);
    Ok(())
}

/// Who answered the last fetch, and with which code.
fn last_fetch(shown: &Value) -> (String, String) {
    let last = shown.get("fetches").and_then(Value::as_array).and_then(|fetches| fetches.last());
    let last = last.cloned().unwrap_or_default();
    (text(&last, "outcome"), text(&last, "code"))
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn members(value: &Value) -> Vec<String> {
    let mut names: Vec<_> = value.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect();
    names.sort();
    names
}
