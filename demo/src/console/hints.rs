//! Where everything is, and what to try.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Console;
use crate::rp::PASSWORD;
use crate::sample::{Place, RESIDENTS};
use crate::town::Town;
use crate::words::Words;

pub(super) async fn index(State(console): State<Console>) -> Json<Value> {
    Json(console.0.places.clone())
}

/// Every public place of the town.
pub(crate) fn places(town: &Town) -> Value {
    let plan = &town.plan;
    json!({
        "console": plan.console.url(),
        "idp": plan.idp.url(),
        "issuer": plan.issuer.public.url(),
        "verifier": plan.verifier.public.url(),
        "portal": town.party(Place::Portal),
        "health": town.party(Place::Health),
        "bank": town.party(Place::Bank),
        "health_gateway": plan.health.gateway.public.url(),
        "bank_gateway": plan.bank.gateway.public.url(),
        "ca": plan.dir.join("town").join("ca.pem"),
    })
}

/// What to try, for people, line by line.
pub(crate) fn hints(town: &Town, words: Words) -> Vec<String> {
    let places = places(town);
    let url = |name: &str| places.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut lines = vec![words.t("demo-serving"), String::new()];
    for name in ["idp", "issuer", "verifier", "portal", "health", "bank"] {
        lines.push(format!("  {}  {}", url(name), words.t(&format!("demo-party-{name}"))));
    }
    lines.push(format!("  {}  {}", url("console"), words.t("demo-party-console")));
    lines.push(String::new());
    for resident in RESIDENTS {
        let logins = Place::ALL.map(|place| resident.account(place).login).join(", ");
        let args = [
            ("login", resident.login),
            ("pin", resident.pin),
            ("logins", logins.as_str()),
            ("password", PASSWORD),
        ];
        lines.push(words.with("demo-hint-login", &args));
    }
    let console = url("console");
    lines.push(words.t("demo-hint-try"));
    for command in [
        format!("curl -s {console}/offers"),
        format!("curl -s '{console}/session?client=did&post=1'"),
        format!("curl -s {}/.well-known/openid-credential-issuer", url("issuer")),
        format!("AUTHORIZE_CMD='sh -c '\\''curl -s -G {console}/authorize --data-urlencode \"url=$0\"'\\'''"),
    ] {
        lines.push(format!("  {command}"));
    }
    lines.push(words.t("demo-hint-stop"));
    lines
}
