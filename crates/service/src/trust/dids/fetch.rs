//! The fetches: `did.json` of a `did:web`; `did.jsonl`, and `did-witness.json` where it is needed, of a `did:webvh`.

use std::sync::Arc;
use std::time::Duration;

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::did::webvh::{self, MAX_LOG, MAX_WITNESS_FILE, UnwitnessedLog, Version, WebvhLog};
use enishi_credential::did::{Did, DidDocument, Location, MAX_DOCUMENT};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use http::StatusCode;

use crate::client::{ClientError, ClientResponse, GuardedClient};
use crate::config::{Development, is_loopback_host};
use crate::trust::issuer_metadata::fresh_for;

/// Time for one answer.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Media types of DID documents (DID 1.1 §6, did:web).
const DOCUMENT_TYPES: [&str; 5] = [
    "application/did",
    "application/did+json",
    "application/did+ld+json",
    "application/ld+json",
    "application/json",
];
/// Media types of logs. A log verifies itself; this only keeps pages of errors apart from it.
const LOG_TYPES: [&str; 5] =
    ["text/jsonl", "application/jsonl", "application/json", "text/plain", "application/octet-stream"];

/// What was published for a DID.
#[derive(Clone)]
pub(super) enum Published {
    /// A document, and for how many seconds it may be used, if its host says so.
    Document(Arc<DidDocument>, Option<i64>),
    /// A log, which says that itself.
    Log(Arc<WebvhLog>),
}

/// Fetches what is published for a `did:web` or `did:webvh`. Whom to ask for is the caller's to decide, and what is
/// fetched the caller's to keep.
#[derive(Clone)]
pub(in crate::trust) struct DidFetcher {
    client: GuardedClient,
    verifier: Arc<dyn SignatureVerifier>,
    development: Development,
}

impl DidFetcher {
    pub(in crate::trust) const fn new(
        client: GuardedClient,
        verifier: Arc<dyn SignatureVerifier>,
        development: Development,
    ) -> Self {
        Self { client, verifier, development }
    }

    /// The document of `did` at this moment, and for how many seconds it may be used, if its owner says so.
    pub(in crate::trust) async fn document(
        &self,
        did: &Did,
        now: UnixTime,
    ) -> Verdict<(DidDocument, Option<i64>)> {
        match self.fetch(did, now).await? {
            Published::Document(document, fresh_for) => Ok((Arc::unwrap_or_clone(document), fresh_for)),
            Published::Log(log) => Ok((log.resolve(&Version::LATEST)?.document, Some(i64::from(log.ttl())))),
        }
    }

    /// The origin on which `did` is published; none for other methods.
    pub(in crate::trust) fn origin(&self, did: &Did) -> Option<String> {
        let location = Location::of(did).ok()?;
        let url = location.url(scheme(&location, self.development), "did.json");
        Some(self.development.url_policy().check(&url).ok()?.origin().ascii_serialization())
    }

    /// What is published for `did` at this moment.
    pub(super) async fn fetch(&self, did: &Did, now: UnixTime) -> Verdict<Published> {
        if did.method() == "web" {
            return self.fetch_document(did).await;
        }
        self.fetch_log(did, now).await.map(|log| Published::Log(Arc::new(log)))
    }

    async fn fetch_document(&self, did: &Did) -> Verdict<Published> {
        let location = Location::of(did)?;
        let answer = self.get(&location, "did.json", MAX_DOCUMENT, &DOCUMENT_TYPES).await?;
        let document = DidDocument::read(&answer.body, did)?;
        Ok(Published::Document(Arc::new(document), fresh_for(&answer)))
    }

    async fn fetch_log(&self, did: &Did, now: UnixTime) -> Verdict<WebvhLog> {
        let location = webvh::check(did)?;
        let answer = self.get(&location, "did.jsonl", MAX_LOG, &LOG_TYPES).await?;
        let log = UnwitnessedLog::read(&answer.body, did, now, self.verifier.as_ref())?;
        if !log.needs_witnesses() {
            return log.witnessed(None, self.verifier.as_ref());
        }
        let file = self.get(&location, "did-witness.json", MAX_WITNESS_FILE, &["application/json"]).await;
        match file {
            Ok(answer) => log.witnessed(Some(&answer.body), self.verifier.as_ref()),
            // Without the file nobody has approved; a log that cannot be judged just now is another matter.
            Err(failure) if failure.code == "did_not_found" => log.witnessed(None, self.verifier.as_ref()),
            Err(failure) => Err(failure),
        }
    }

    async fn get(
        &self,
        location: &Location,
        file: &str,
        limit: usize,
        types: &[&str],
    ) -> Verdict<ClientResponse> {
        let url = location.url(scheme(location, self.development), file);
        let client = self.client.clone().with_limits(limit, TIMEOUT);
        let answer = client.get(&url, &types.join(", ")).await.map_err(not_called)?;
        if [StatusCode::NOT_FOUND, StatusCode::GONE].contains(&answer.status) {
            return Err(Failure::new("did-resolution", "did_not_found", "nothing is published for this DID")
                .remedy("publish what the method prescribes at the place that the DID names"));
        }
        answer.ok().and_then(|answer| answer.of_any_type(types)).map_err(unavailable)
    }
}

/// How the host of a DID is called: by https, and in development this machine by plain http.
fn scheme(location: &Location, development: Development) -> &'static str {
    if development.is_on() && is_loopback_host(location.host()) { "http" } else { "https" }
}

fn not_called(error: ClientError) -> Failure {
    match error {
        ClientError::NotPublic => unavailable("the host has no public address")
            .remedy("publish it on a public host, or allow its network in `client.allowed_networks`"),
        other => unavailable(other),
    }
}

pub(super) fn unavailable(why: impl std::fmt::Display) -> Failure {
    Failure::new(
        "did-resolution",
        "did_unavailable",
        format!("what is published for the DID cannot be had: {why}"),
    )
    .remedy("try again later; the host must be public and answer by itself, within its limits")
}
