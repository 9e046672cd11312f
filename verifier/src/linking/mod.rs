//! Mediated linking (linkage protocol §6 to §11): requests of SPs, consent of people, grants, data links, evidence.
//!
//! ```text
//! http/            one endpoint per file
//! auth             who is calling
//! given            an answer becomes a grant: the checks of linkage protocol §7, then one transaction
//! change, sweep    what happens to grants afterwards, by somebody or by time alone
//! notices, status  how SP, DP and gateways hear of it
//! store/           the tables
//! ```

mod auth;
mod change;
mod declarations;
mod given;
mod http;
mod notices;
mod status;
mod store;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use enishi_protocol::declaration::DeclarationSet;
use enishi_service::http::{Chassis, StartError};

use crate::config::LinkingConfig;
use crate::context::Context;
use notices::Notices;
use status::StatusLists;

/// A mediating verifier.
pub(crate) struct Linking {
    context: Context,
    declarations: DeclarationSet,
    status_lists: StatusLists,
    notices: Notices,
    link_lifetime: i64,
    link_uses: u32,
}

/// Where the evidence of a grant stands, for [`crate::at_rest::StoreKey`].
fn evidence_place(grant_id: &str) -> String {
    format!("evidence/{grant_id}")
}

impl Linking {
    /// Reads and verifies the declarations.
    pub(crate) fn new(context: Context, config: &LinkingConfig) -> Result<Self, StartError> {
        let declarations = declarations::load(config, &context)?;
        Ok(Self {
            notices: Notices::new(&context.store),
            context,
            declarations,
            status_lists: StatusLists::default(),
            link_lifetime: config.link_lifetime_seconds,
            link_uses: config.link_uses,
        })
    }
}

/// Adds the routes and the work in the background.
pub(crate) fn serve(linking: &Arc<Linking>, config: &LinkingConfig, chassis: Chassis) -> Chassis {
    let interval = Duration::from_secs(config.sweep_interval_seconds);
    let (sweeper, messenger) = (Arc::clone(linking), Arc::clone(linking));
    chassis
        .public(public_routes(linking))
        .admin(http::admin_routes(Arc::clone(linking)))
        .background(move |signal| sweep::run(sweeper, interval, signal))
        .background(move |signal| notices::run(messenger, signal))
}

/// The routes of the public listener.
fn public_routes(linking: &Arc<Linking>) -> Router {
    http::routes(Arc::clone(linking)).merge(crate::wallet::routes(Arc::clone(linking)))
}
