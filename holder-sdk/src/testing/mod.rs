//! A small world in memory for the tests of wallets: an issuer, a verifier, the network between, and a clock.
//!
//! ```text
//! World ─┬─ issuer    offers, logins, tokens, credentials           IssuerFault: how it can misbehave
//!        ├─ verifier  requests, answers, grants, acknowledgements   Tampering, AcknowledgementFault
//!        ├─ network   what was sent; losses and foreign answers on demand
//!        └─ clock     stands still until it is moved
//! ```
//!
//! Both sides check what they get with the server's functions of `enishi_protocol`, so a wallet that pleases them pleases
//! the real services as far as the protocol goes. Keys come from names and runs repeat. Behind the feature `testing`;
//! nothing of it belongs into a product.
//!
//! [`World::wallet`] is a wallet of a resident in this world. A wallet of your own is made of [`World::parts`]:
//!
//! ```
//! # async fn example() -> Result<(), enishi_holder_sdk::WalletError> {
//! use enishi_holder_sdk::testing::World;
//! use enishi_holder_sdk::{Seed, Wallet, WalletParts};
//!
//! let world = World::new().await;
//! let wallet = Wallet::open(WalletParts { seed: Seed::from_bytes([9; 32]), ..world.parts() })?;
//! world.network.lose_answer("/token");
//! let offer = wallet.read_offer(&world.issuer.offer("resident-1", &[&world.town.ids.sp])).await?;
//! assert_eq!(wallet.redeem(&offer, None, 2).await.unwrap_err().code(), "unreachable");
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a fixture may panic: then a test fails")]

mod answer;
mod issuer;
mod network;
mod verifier;

use std::sync::Arc;

use async_trait::async_trait;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::time::{FixedClock, UnixTime};
use enishi_credential::x509::TrustAnchors;
use enishi_protocol::fixture::Ids;
pub use enishi_protocol::fixture::{TestParty, Town};

pub use issuer::{FakeIssuer, IssuerFault};
pub use network::Network;
pub use verifier::{AcknowledgementFault, FakeVerifier, LinkAsk, Received, Tampering};

use crate::{
    HttpRequest, HttpResponse, KnownVerifier, MemoryVault, Seed, Transport, TransportError, Trust, VaultKey,
    Wallet, WalletParts,
};

/// 2026-11-22T13:00:00Z.
pub const NOW: UnixTime = UnixTime::from_secs(1_795_352_400);
/// The OAuth client id of the wallets here.
pub const CLIENT_ID: &str = "https://wallet.example";
/// Where their browsers come back to.
pub const REDIRECT_URI: &str = "https://wallet.example/callback";

/// The world.
pub struct World {
    /// The parties, their keys and declarations.
    pub town: Arc<Town>,
    /// The time.
    pub clock: Arc<FixedClock>,
    /// The issuer, at `town.ids.issuer`.
    pub issuer: FakeIssuer,
    /// The verifier, at `town.ids.verifier`.
    pub verifier: FakeVerifier,
    /// What is between them and the wallet.
    pub network: Network,
}

impl World {
    /// The world at [`NOW`], in which everybody behaves.
    pub async fn new() -> Arc<Self> {
        let town = Arc::new(Town::new(Ids::default(), NOW).await);
        let clock = Arc::new(FixedClock::at(NOW));
        Arc::new(Self {
            issuer: FakeIssuer::new(town.clone(), clock.clone()),
            verifier: FakeVerifier::new(town.clone(), clock.clone()),
            network: Network::default(),
            town,
            clock,
        })
    }

    /// What a resident's wallet is made of: a fresh vault in memory, and trust in this world's parties.
    pub fn parts(self: &Arc<Self>) -> WalletParts {
        let verifier = KnownVerifier {
            client_id: self.verifier.client_id(),
            response_host: Some("verifier.example".to_owned()),
            rp: None,
        };
        WalletParts {
            seed: Seed::from_bytes([7; 32]),
            vault: Arc::new(MemoryVault::default()),
            vault_key: VaultKey::from_bytes([8; 32]),
            transport: self.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new("wallet")),
            trust: Trust {
                issuers: vec![self.town.ids.issuer.clone()],
                verifier_anchors: TrustAnchors::default(),
                verifiers: Some(vec![verifier]),
                parties: self.town.trust.clone(),
            },
            client_id: CLIENT_ID.to_owned(),
            redirect_uri: REDIRECT_URI.to_owned(),
            development: false,
        }
    }

    /// A resident's wallet without anything in it.
    pub fn wallet(self: &Arc<Self>) -> Wallet {
        Wallet::open(self.parts()).unwrap()
    }

    /// A wallet of `resident-1` with `batch` credentials for each of the two parties.
    pub async fn filled_wallet(self: &Arc<Self>, batch: usize) -> Wallet {
        let wallet = self.wallet();
        self.fill(&wallet, batch).await;
        wallet
    }

    /// Gives `wallet` a batch of credentials of `resident-1` for each of the two parties.
    pub async fn fill(&self, wallet: &Wallet, batch: usize) {
        let uri = self.issuer.offer("resident-1", &[&self.town.ids.sp, &self.town.ids.dp]);
        let offer = wallet.read_offer(&uri).await.unwrap();
        wallet.redeem(&offer, None, batch).await.unwrap();
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if let Some(instead) = self.network.before(&request)? {
            return Ok(instead);
        }
        let answer = if let Some(path) = below(&request.url, &self.town.ids.issuer) {
            self.issuer.handle(path, &request).await
        } else if let Some(path) = below(&request.url, &self.town.ids.verifier) {
            self.verifier.handle(path, &request).await
        } else {
            return Err(TransportError("no such host".to_owned()));
        };
        self.network.after(&request)?;
        Ok(answer)
    }
}

/// The path of `url` if it is on the host of `base`.
fn below<'a>(url: &'a str, base: &str) -> Option<&'a str> {
    url.strip_prefix(base).filter(|rest| rest.starts_with('/'))
}
