//! The resident's wallet: the holder SDK on this machine, and a look over its shoulder for the attacks.

use std::sync::{Arc, Mutex, PoisonError};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use async_trait::async_trait;
use enishi_credential::commitment::Opening;
use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::entropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::linkage::HeldLinkage;
use enishi_credential::x509::TrustAnchors;
use enishi_holder_sdk::{
    FileVault, HttpRequest, HttpResponse, KnownVerifier, Seed, Transport, TransportError, Trust, Vault as _,
    VaultKey, Wallet, WalletParts,
};
use enishi_protocol::declaration::DeclarationTrust;
use http::Method;
use http::header::HeaderName;
use serde::Deserialize;
use serde_json::Value;

use crate::DemoError;
use crate::net::{Call, Net};
use crate::sample::{Place, Resident};
use crate::town::{Town, WALLET_CLIENT, WALLET_REDIRECT};

/// A wallet and what belongs to the phone that it is on.
pub(crate) struct Phone {
    /// The wallet.
    pub(crate) wallet: Wallet,
    /// What it sent.
    pub(crate) wire: Arc<Wire>,
    vault: FileVault,
    vault_key: [u8; 32],
}

/// The SDK's transport, which remembers the last form that was posted: what a listener on the line could repeat if there
/// were no TLS.
pub(crate) struct Wire {
    net: Net,
    last_form: Mutex<Option<HttpRequest>>,
    cut: Mutex<Cut>,
}

/// The line can break before a request: for what happens when somebody dies just then.
#[derive(Default)]
struct Cut {
    /// The end of the URL's path.
    before: Option<&'static str>,
    /// What could not be sent.
    lost: Option<HttpRequest>,
}

impl Wire {
    /// The last form that was posted.
    pub(crate) fn last_form(&self) -> Option<HttpRequest> {
        self.last_form.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Breaks before the next request to a path that ends with `path`.
    pub(crate) fn cut_before(&self, path: &'static str) {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = Cut { before: Some(path), lost: None };
    }

    /// The request that could not be sent.
    pub(crate) fn lost(&self) -> Option<HttpRequest> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).lost.clone()
    }

    fn breaks_at(&self, request: &HttpRequest) -> bool {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let path = request.url.split('?').next().unwrap_or_default();
        let breaks = cut.before.is_some_and(|end| path.ends_with(end));
        if breaks {
            *cut = Cut { before: None, lost: Some(request.clone()) };
        }
        breaks
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let fault = |text: String| TransportError(text);
        if self.breaks_at(&request) {
            return Err(fault("the line is broken".to_owned()));
        }
        let form = request
            .headers
            .iter()
            .any(|(name, value)| *name == "content-type" && value == "application/x-www-form-urlencoded");
        if form {
            *self.last_form.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.clone());
        }
        let method =
            Method::from_bytes(request.method.as_bytes()).map_err(|error| fault(error.to_string()))?;
        let mut call = Call::new(method, request.url).body(request.body);
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| fault(error.to_string()))?;
            call = call.header(name, value).map_err(|error| fault(error.to_string()))?;
        }
        let answer = self.net.send(call).await.map_err(|error| fault(error.to_string()))?;
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers = answer.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
        Ok(HttpResponse { status: answer.status, headers: headers.collect(), body: answer.body })
    }
}

/// A credential taken out of a wallet by somebody who controls the phone.
pub(crate) struct Taken {
    /// The credential.
    pub(crate) credential: HeldLinkage,
    /// The same as the wallet keeps it.
    pub(crate) text: String,
    /// Its instance key.
    pub(crate) signer: SoftwareSigner,
    /// The opening of its commitment.
    pub(crate) opening: Opening,
}

/// What the vault holds, as far as the attacks need it.
#[derive(Deserialize)]
struct Loot {
    credentials: Vec<LootedCredential>,
}

#[derive(Deserialize)]
struct LootedCredential {
    rp: String,
    shown: bool,
    sd_jwt: String,
    key: Value,
    opening: Opening,
}

/// What the SDK binds its vault to.
const VAULT_FORMAT: &[u8] = b"enishi/wallet/vault/1";

impl Phone {
    /// A new phone for `resident` in `town`.
    pub(crate) fn new(town: &Town, resident: Resident) -> Result<Self, DemoError> {
        let world = &town.world;
        let anchors = || TrustAnchors::from_der([town.anchor.clone()]);
        let vault = FileVault::new(town.plan.file("residents", resident.slug)?);
        let vault_key: [u8; 32] = entropy::bytes(&*world.entropy);
        let wire =
            Arc::new(Wire { net: world.net.clone(), last_form: Mutex::new(None), cut: Mutex::default() });
        let host = Some("localhost".to_owned());
        let known = |client_id: String, rp| KnownVerifier { client_id, response_host: host.clone(), rp };
        let wallet = Wallet::open(WalletParts {
            seed: Seed::generate(&*world.entropy),
            vault: Arc::new(vault.clone()),
            vault_key: VaultKey::from_bytes(vault_key),
            transport: Arc::clone(&wire) as Arc<dyn Transport>,
            clock: Arc::clone(&world.clock),
            entropy: Arc::clone(&world.entropy),
            trust: Trust {
                issuers: vec![town.plan.issuer.public.url()],
                verifier_anchors: anchors()?,
                verifiers: Some(vec![
                    known("x509_san_dns:localhost".to_owned(), None),
                    known(town.health_verifier.clone(), Some(town.party(Place::Health))),
                ]),
                parties: DeclarationTrust { anchors: anchors()?, pinned: Vec::new() },
            },
            client_id: WALLET_CLIENT.to_owned(),
            redirect_uri: WALLET_REDIRECT.to_owned(),
            development: true,
        })
        .map_err(|error| DemoError::Wallet(error.to_string()))?;
        Ok(Self { wallet, wire, vault, vault_key })
    }

    /// Takes a credential for `rp` that was not shown yet: what the owner of a phone can always do.
    pub(crate) fn take(&self, rp: &str) -> Result<Taken, DemoError> {
        let fault = |what: &str| DemoError::Wallet(format!("the vault could not be broken into: {what}"));
        let document =
            self.vault.read().map_err(|error| fault(&error.to_string()))?.ok_or_else(|| fault("empty"))?;
        let (nonce, sealed) = document.split_first_chunk::<12>().ok_or_else(|| fault("too short"))?;
        let payload = Payload { msg: sealed, aad: VAULT_FORMAT };
        let plain = Aes256Gcm::new(&self.vault_key.into()).decrypt(&Nonce::from(*nonce), payload);
        let loot: Loot =
            plain.ok().and_then(|plain| serde_json::from_slice(&plain).ok()).ok_or_else(|| fault("form"))?;
        let found = loot.credentials.into_iter().find(|held| held.rp == rp && !held.shown);
        let found = found.ok_or_else(|| fault("no fresh credential"))?;
        let key = PrivateJwk::from_value(&found.key).map_err(|error| fault(&error.to_string()))?;
        Ok(Taken {
            credential: HeldLinkage::from_storage(&found.sd_jwt)?,
            text: found.sd_jwt,
            signer: SoftwareSigner::new(key).ok_or_else(|| fault("key"))?,
            opening: found.opening,
        })
    }
}
