//! The HTTP chassis: two listeners with limits, and errors that say which check failed and what to do.
//!
//! A server builds axum routers and hands them to a [`Chassis`]:
//!
//! ```ignore
//! let running = Chassis::new(&config.server, Arc::new(SystemEntropy))?
//!     .public(routes(app.clone()))
//!     .admin(admin_routes(app.clone()))
//!     .ready_when(move || { let store = store.clone(); async move { store.ping().await.is_ok() } })
//!     .serve(Listeners::bind(&config.server).await?);
//! running.shutdown().await;
//! ```
//!
//! Handlers extract bodies with [`Json`], [`Form`] and [`Query`] of this module, not with those of axum, and answer
//! errors with a [`Problem`] or with an error type of their endpoint. Whatever slips through as plain text (an unknown
//! path, a wrong method, a framework's rejection) becomes a `Problem` on its way out.

mod access_log;
mod body;
mod chassis;
mod client_address;
mod cors;
mod extract;
mod layers;
mod listener;
mod negotiation;
mod problem;
mod rate_limit;

pub use access_log::RequestId;
pub(crate) use body::is_type;
pub use body::{BodyError, TooLarge, read_body};
pub use chassis::{Chassis, Running, ShutdownSignal, StartError};
pub use client_address::ClientAddress;
pub use cors::wallet_cors;
pub use extract::{Form, Json, Query};
pub use layers::Verbatim;
pub use listener::Listeners;
pub use negotiation::{accepts, is_current};
pub use problem::Problem;
pub use rate_limit::RateLimit;

#[cfg(test)]
mod tests;
