//! The wallet itself: what it is made of, and whom it trusts.

use std::sync::Arc;

use enishi_credential::crypto::{RustCryptoVerifier, SignatureVerifier};
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwe::JweBackend;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::time::{Clock, UnixTime};
use enishi_credential::x509::TrustAnchors;
use enishi_protocol::declaration::DeclarationTrust;
use enishi_protocol::web::UrlPolicy;

use crate::error::WalletError;
use crate::seed::Seed;
use crate::state::{Keeper, StoredCredential};
use crate::transport::Transport;
use crate::vault::{Vault, VaultKey};

/// Whom the wallet believes. Nothing is trusted that is not listed here.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Credential issuers, by identifier. Offers of others are refused before anything is fetched (threat 10).
    pub issuers: Vec<String>,
    /// Certificates under which verifiers (`x509_san_dns`) prove who they are.
    pub verifier_anchors: TrustAnchors,
    /// The verifiers that are answered. `None` answers every verifier with a certificate under an anchor; one that proves
    /// itself by a DID is answered only if it is listed.
    pub verifiers: Option<Vec<KnownVerifier>>,
    /// Whose declarations are believed.
    pub parties: DeclarationTrust,
}

/// A verifier that the wallet was told about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownVerifier {
    /// The full client id.
    pub client_id: String,
    /// The host that answers go to, where the client id does not name one (`decentralized_identifier`).
    pub response_host: Option<String>,
    /// The relying party that runs it for itself: it may ask for that party's identifiers, and for no other's.
    pub rp: Option<String>,
}

/// What a [`Wallet`] is made of. Every part that touches the world comes from the platform.
pub struct WalletParts {
    /// The seed of the long-lived keys.
    pub seed: Seed,
    /// Where the wallet keeps its things.
    pub vault: Arc<dyn Vault>,
    /// The key that seals them.
    pub vault_key: VaultKey,
    /// How requests are sent.
    pub transport: Arc<dyn Transport>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Whom to believe.
    pub trust: Trust,
    /// The OAuth client id of this wallet product, shared by all its instances.
    pub client_id: String,
    /// Where the authorization server sends the person's browser back to.
    pub redirect_uri: String,
    /// Allows plain http to this machine. For development only.
    pub development: bool,
}

/// A person's wallet: holds linkage credentials, explains requests, answers them, keeps grants.
///
/// One wallet object per vault; all methods take `&self` and may run at the same time.
pub struct Wallet {
    pub(crate) parts: WalletParts,
    pub(crate) keeper: Keeper,
    pub(crate) signatures: Arc<dyn SignatureVerifier>,
    pub(crate) jwe: Arc<dyn JweBackend>,
    pub(crate) utc_offset: i64,
}

/// Japan, in seconds east of Greenwich.
const JAPAN: i64 = 9 * 3600;

/// What a wallet shows of a credential that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialSummary {
    /// The wallet's own name for it.
    pub id: String,
    /// Who issued it.
    pub issuer: String,
    /// For which organisation.
    pub rp: String,
    /// When it ends.
    pub expires: UnixTime,
    /// Whether it was already shown, and so will not be used again.
    pub shown: bool,
}

impl From<&StoredCredential> for CredentialSummary {
    fn from(stored: &StoredCredential) -> Self {
        Self {
            id: stored.id.clone(),
            issuer: stored.issuer.clone(),
            rp: stored.rp.clone(),
            expires: stored.expires,
            shown: stored.shown,
        }
    }
}

impl Wallet {
    /// Opens the wallet in `parts.vault`, or begins a new one there.
    ///
    /// # Errors
    /// [`WalletError::Vault`] if the vault cannot be read, or was sealed with another key.
    pub fn open(parts: WalletParts) -> Result<Self, WalletError> {
        let keeper = Keeper::open(parts.vault.clone(), parts.vault_key.clone(), parts.entropy.clone())?;
        let (signatures, jwe) = (Arc::new(RustCryptoVerifier), Arc::new(RustCryptoJwe));
        Ok(Self { parts, keeper, signatures, jwe, utc_offset: JAPAN })
    }

    /// Shows dates as they are where the person lives, `seconds` east of Greenwich; Japan's unless this is called.
    #[must_use]
    pub const fn at_utc_offset(mut self, seconds: i32) -> Self {
        self.utc_offset = seconds as i64;
        self
    }

    /// Every credential in the wallet, in the order in which they came.
    pub fn credentials(&self) -> Vec<CredentialSummary> {
        self.keeper.read(|state| state.credentials.iter().map(CredentialSummary::from).collect())
    }

    /// How many credentials for `rp` can still be shown. At a low number it is time to refill.
    pub fn fresh_credentials(&self, rp: &str) -> usize {
        let now = self.now();
        self.keeper.read(|state| state.credentials.iter().filter(|held| held.is_fresh(rp, now)).count())
    }

    /// Removes credentials that were shown or have ended. They are of no more use and only tell stories.
    ///
    /// # Errors
    /// [`WalletError::Vault`]; then nothing was removed.
    pub fn forget_used_credentials(&self) -> Result<usize, WalletError> {
        let now = self.now();
        Ok(self.keeper.change(|state| {
            let before = state.credentials.len();
            state.credentials.retain(|held| !held.shown && now < held.expires);
            before - state.credentials.len()
        })?)
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.parts.clock.now()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.parts.entropy.as_ref()
    }

    pub(crate) const fn urls(&self) -> UrlPolicy {
        if self.parts.development { UrlPolicy::LoopbackHttpToo } else { UrlPolicy::HttpsOnly }
    }
}
