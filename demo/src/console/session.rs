//! `GET /session` and `GET /result/{id}`: requests for presentations.

use axum::Json;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Console, Trouble};

/// How the request is to be made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    /// Only `direct_post.jwt` is spoken here.
    mode: Option<String>,
    /// `x509_san_dns` or `did`.
    client: Option<String>,
    /// `1`: with transaction data, which here is the portal's request for check-up data.
    td: Option<String>,
    /// `1`: the wallet fetches the request object by POST.
    post: Option<String>,
}

pub(super) async fn session(
    State(console): State<Console>,
    Query(wish): Query<Wish>,
) -> Result<Json<Value>, Trouble> {
    let refuse = |what: &str| Err(Trouble(StatusCode::BAD_REQUEST, what.to_owned()));
    if wish.mode.as_deref().is_some_and(|mode| !mode.is_empty() && mode != "direct_post.jwt") {
        return refuse("answers are always encrypted here: mode=direct_post.jwt");
    }
    let prefix = match wish.client.as_deref() {
        None | Some("" | "x509_san_dns") => "x509_san_dns",
        Some("did") => "decentralized_identifier",
        Some(_) => return refuse("client is x509_san_dns or did"),
    };
    let by_post = wish.post.as_deref() == Some("1");
    if wish.td.as_deref() == Some("1") {
        let (id, mut uri) = console.0.portal.ask_in_the_blue().await?;
        if by_post {
            uri.push_str("&request_uri_method=post");
        }
        return Ok(Json(json!({"id": id, "uri": uri})));
    }
    let method = if by_post { "post" } else { "get" };
    let body = json!({"client_id_prefix": prefix, "request_uri_method": method});
    let asked = console.0.portal.first_party().ask_for(&body).await?;
    Ok(Json(json!({"id": asked.presentation_id, "uri": asked.wallet_uri})))
}

pub(super) async fn result(
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Trouble> {
    let answer = console.0.portal.first_party().raw_result(&id).await?;
    Ok(Json(answer.ok()?))
}
