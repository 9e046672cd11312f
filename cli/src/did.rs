//! `enishi did resolve`: what a DID resolves to, by the rules and with the guarded client of the services.

use std::sync::Arc;

use enishi_credential::did::DidReference;
use enishi_credential::verdict::Verdict;
use enishi_service::client::{ClientConfig, GuardedClient};
use enishi_service::clock::SystemClock;
use enishi_service::config::Development;
use enishi_service::keys::AwsVerifier;
use enishi_service::trust::{DidPolicy, DidResolver};
use serde_json::Value;

use crate::serve::runtime;

/// What is to be resolved.
#[derive(Debug, clap::Args)]
pub(crate) struct ResolveArgs {
    /// A did:jwk, did:key, did:peer, did:web or did:webvh. With a fragment (`#key-1`) its verification method is shown
    /// instead of the document. A did:webvh may have `?versionId=…`, `?versionTime=…` or `?versionNumber=…`.
    #[arg(value_name = "DID")]
    did: String,
    /// For development: call this machine, by plain http, where the DID names localhost.
    #[arg(long)]
    development: bool,
    /// Print one JSON object, also when it does not resolve.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The document, or the verification method that the fragment names. Whether a key in it may be used for anything is not
/// judged.
///
/// # Errors
/// A sentence if this machine cannot make calls at all.
pub(crate) fn resolve(args: &ResolveArgs) -> Result<Verdict<Value>, String> {
    let development = Development(args.development);
    let client =
        GuardedClient::new(&ClientConfig::default(), development).map_err(|error| error.to_string())?;
    // Whoever names the DID here is the one whose machine makes the call.
    let policy = DidPolicy::default().and_peer().and_any_published();
    let resolver =
        DidResolver::new(client, Arc::new(SystemClock), Arc::new(AwsVerifier), policy, development);
    let found = runtime()?.block_on(look_up(&resolver, &args.did));
    Ok(found.map_err(|failure| match failure.code {
        // The resolver's own advice is for whoever runs a service and has a configuration.
        "did_unavailable" if !args.development => {
            failure.remedy("try again later; the host must be public, or be localhost with --development")
        }
        _ => failure,
    }))
}

async fn look_up(resolver: &DidResolver, text: &str) -> Verdict<Value> {
    let reference = DidReference::parse(text)?;
    let document = resolver.resolve(&reference.did, &reference.version).await?;
    match &reference.method {
        None => Ok(document.as_value().clone()),
        Some(url) => document.method(url).cloned(),
    }
}
