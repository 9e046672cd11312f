//! Founding the town: keys, declarations, configuration files, and then every server, in the order in which they need
//! each other.

use std::path::Path;
use std::sync::Arc;

use enishi_credential::did::Did;
use enishi_credential::entropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::secret::Secret;
use enishi_protocol::grant::access::{Access, Period};
use enishi_protocol::grant::messages::LinkRequest;
use enishi_service::keys::{KeyEntry, KeyFile, KeyState, KeyUse};
use enishi_service::store::Store;

use super::configs::{self, Common, GatewayFacts, IssuerFacts, Linked};
use super::deeds::Deeds;
use super::tap::Tap;
use super::{Service, Services, Staging, Town, World, party};
use crate::DemoError;
use crate::idp::{self, ACR, Account, Idp, IdpConfig};
use crate::parties::authority::{Authority, Subject};
use crate::parties::declarations::{ADVICE_PURPOSE, ASKED_ITEMS, CHECKUP_SERVICE, reference};
use crate::parties::keys::{signer, signing_key};
use crate::plan::{Plan, ProviderPorts, RpPorts, ServicePorts};
use crate::rp::portal::{Portal, PortalConfig, Wish};
use crate::rp::provider::Provider;
use crate::rp::{Accounts, FirstParty, Profile, Rp};
use crate::sample::{self, BALANCE, CHECKUPS, Place, RESIDENTS};
use crate::web::Served;

/// The wallet's client id and redirect URI at the issuer.
pub(crate) const WALLET_CLIENT: &str = "town-wallet";
/// Nothing listens there: the resident's browser hands such URLs to the wallet.
pub(crate) const WALLET_REDIRECT: &str = "http://localhost:9/wallet/callback";
/// The client id and redirect URI that independent test wallets come with.
const TEST_WALLET: &str = "harness-wallet";
/// Nothing listens there either.
pub(crate) const TEST_WALLET_REDIRECT: &str = "http://localhost:9/cb";
/// The issuer's client id at まちのID.
const ISSUER_CLIENT: &str = "enishi-issuer";

/// What is needed while the town is being founded.
struct Founding {
    plan: Plan,
    world: World,
    authority: Authority,
    deeds: Deeds,
    token: String,
    health_verifier: String,
    staging: Staging,
    services: Services,
    served: Vec<Served>,
}

impl Town {
    /// Founds a town on `plan`. `progress` hears what is being started.
    ///
    /// # Errors
    /// [`DemoError`] with what did not start and why.
    pub(crate) async fn found(
        plan: Plan,
        world: World,
        staging: Staging,
        progress: &dyn Fn(&str),
    ) -> Result<Self, DemoError> {
        let plan = if staging.tap { plan.tapped()? } else { plan };
        let authority = Authority::new()?;
        let deeds = Deeds::draw_up(&plan, &authority, &*world.entropy, world.clock.now()).await?;
        let token = entropy::token(&*world.entropy);
        let services = Services::new(&plan, world.net.clone(), staging.binary.clone());
        let tap = Tap::on(&plan).await?;
        let mut founding = Founding {
            plan,
            world,
            authority,
            deeds,
            token,
            health_verifier: String::new(),
            staging,
            services,
            served: Vec::new(),
        };
        progress("idp");
        founding.idp().await?;
        progress("issuer");
        founding.issuer().await?;
        progress("verifier");
        let verifier_key = founding.linking_verifier().await?;
        progress("portal");
        let portal = founding.portal(&verifier_key).await?;
        progress("health");
        founding.provider(Place::Health).await?;
        progress("bank");
        founding.provider(Place::Bank).await?;
        let Founding { plan, world, authority, token, health_verifier, services, served, .. } = founding;
        let anchor = authority.anchor().to_vec();
        Ok(Self {
            plan,
            world,
            anchor,
            portal,
            verifier_key,
            health_verifier,
            internal_token: token,
            services,
            served,
            _tap: tap,
        })
    }
}

impl Founding {
    async fn idp(&mut self) -> Result<(), DemoError> {
        let issuer = self.plan.idp.url();
        let key = signing_key("machi-id-1", &*self.world.entropy);
        let idp = Idp::new(IdpConfig {
            clients: vec![idp::Client {
                id: ISSUER_CLIENT.to_owned(),
                secret: self.token.clone(),
                redirect_uri: format!("{}/callback", self.plan.issuer.public.url()),
            }],
            accounts: RESIDENTS
                .iter()
                .map(|resident| Account::new(&issuer, resident.login, resident.pin))
                .collect(),
            signer: Arc::new(signer(&key)?),
            clock: Arc::clone(&self.world.clock),
            entropy: Arc::clone(&self.world.entropy),
            issuer,
        });
        self.served.push(Served::start(self.plan.idp.address(), idp.routes()).await?);
        Ok(())
    }

    async fn issuer(&mut self) -> Result<(), DemoError> {
        let common = self.common("issuer", "issuer", self.plan.issuer)?;
        let ids = Place::ALL.map(|place| party(&self.plan, place));
        let linked: Vec<_> = Place::ALL
            .iter()
            .zip(&ids)
            .map(|(place, id)| Linked {
                id,
                names: place.names(),
                sealing_key: self.deeds.keys(*place).seal.public(),
            })
            .collect();
        let facts = IssuerFacts {
            idp: self.plan.idp.url(),
            client: (ISSUER_CLIENT, &self.token),
            acr: ACR,
            linked: &linked,
            wallets: &[(WALLET_CLIENT, WALLET_REDIRECT), (TEST_WALLET, TEST_WALLET_REDIRECT)],
        };
        let file = self.plan.file("issuer", "issuer.toml")?;
        configs::write("issuer", &file, &configs::issuer(&common, &facts))?;
        self.services.start(Service::Issuer).await
    }

    async fn linking_verifier(&mut self) -> Result<PrivateJwk, DemoError> {
        let common = self.common("verifier", "verifier", self.plan.verifier)?;
        let key = self.verifier_keys(&common)?;
        let issuer = self.plan.issuer.public.url();
        let config = configs::linking_verifier(
            &common,
            &issuer,
            self.staging.answer_seconds,
            &self.deeds.declarations,
            &self.deeds.anchor,
        );
        let file = self.plan.file("verifier", "verifier.toml")?;
        configs::write("verifier", &file, &config)?;
        self.services.start(Service::Verifier).await?;
        Ok(key)
    }

    /// A relying party's own verifier, and its app's way to it.
    async fn first_party(&mut self, place: Place, ports: RpPorts) -> Result<FirstParty, DemoError> {
        let common = self.common(place.slug(), "first-party", ports.first_party)?;
        let key = self.verifier_keys(&common)?;
        // The health section names its verifier by DID, the others by certificate, so that both kinds are seen.
        let by_did = place == Place::Health;
        if by_did {
            self.health_verifier = format!("decentralized_identifier:{}", Did::jwk(key.public()).as_str());
        }
        let issuer = self.plan.issuer.public.url();
        let config = configs::first_party_verifier(&common, &issuer, &party(&self.plan, place), ACR, by_did);
        let file = self.plan.file(place.slug(), "first-party.toml")?;
        configs::write(place.slug(), &file, &config)?;
        self.services.start(first_party_of(place)).await?;
        let (net, token) = (self.world.net.clone(), Secret::new(self.token.clone()));
        Ok(FirstParty::new(net, ports.first_party.internal.url(), token))
    }

    async fn app(&mut self, place: Place, ports: RpPorts) -> Result<Rp, DemoError> {
        let first_party = self.first_party(place, ports).await?;
        let store = self.open(place.slug()).await?;
        let samples: Vec<_> = RESIDENTS.iter().map(|resident| resident.account(place)).collect();
        let accounts = Accounts::open(store, &samples).await?;
        let (ja, en) = place.names();
        let profile = Profile { slug: place.slug(), id: party(&self.plan, place), ja, en };
        let (clock, entropy) = (Arc::clone(&self.world.clock), Arc::clone(&self.world.entropy));
        Ok(Rp::new(profile, accounts, first_party, clock, entropy))
    }

    async fn portal(&mut self, verifier_key: &PrivateJwk) -> Result<Portal, DemoError> {
        let ports = self.plan.portal;
        let rp = self.app(Place::Portal, ports).await?;
        let keys = self.deeds.keys(Place::Portal);
        let config = PortalConfig {
            signer: keys.signer()?,
            sealing_key: keys.seal.clone(),
            issuer: self.plan.issuer.public.url(),
            verifier: self.plan.verifier.public.url(),
            verifier_key: verifier_key.public().clone(),
            dpop_secret: Secret::new(entropy::bytes(&*self.world.entropy)),
            wish: Wish {
                request: LinkRequest {
                    service: reference(CHECKUP_SERVICE),
                    purpose: reference(ADVICE_PURPOSE),
                    items: ASKED_ITEMS.map(str::to_owned).to_vec(),
                    access: Access::periodic(5, Period::Day),
                    not_after: None,
                    sp_session: String::new(),
                    redirect_uri: None,
                    dpop_jkt: keys.sign.public().thumbprint(),
                },
            },
        };
        let portal = Portal::open(rp, self.world.net.clone(), config).await?;
        self.served.push(Served::start(ports.app.address(), portal.clone().routes()).await?);
        Ok(portal)
    }

    async fn provider(&mut self, place: Place) -> Result<(), DemoError> {
        let (ports, path, records) = match place {
            Place::Bank => (self.plan.bank, BALANCE, sample::balances()),
            _ => (self.plan.health, CHECKUPS, sample::checkups()),
        };
        let rp = self.app(place, ports.rp).await?;
        let provider = Provider::open(rp, path, &records).await?;
        self.served.push(Served::start(ports.rp.app.address(), provider.clone().routes()).await?);
        self.served.push(Served::start(ports.api.address(), provider.api()).await?);
        self.gateway(place, ports, path).await
    }

    async fn gateway(&mut self, place: Place, ports: ProviderPorts, path: &str) -> Result<(), DemoError> {
        let common = self.common(place.slug(), "gateway", ports.gateway)?;
        let keys = self.deeds.keys(place);
        write_keys(
            "gateway",
            &common.keys,
            vec![entry(&keys.sign, Vec::new()), entry(&keys.seal, Vec::new())],
            &[],
        )?;
        let (public, id) = (ports.gateway.public.url(), party(&self.plan, place));
        let facts = GatewayFacts {
            party: &id,
            resource: (format!("{public}{path}"), format!("{}{path}", ports.api.url())),
            verifier: self.plan.verifier.public.url(),
            issuer: self.plan.issuer.public.url(),
            declarations: &self.deeds.declarations,
            anchor: &self.deeds.anchor,
        };
        let file = self.plan.file(place.slug(), "gateway.toml")?;
        configs::write("gateway", &file, &configs::gateway(&common, &facts))?;
        let service = if place == Place::Bank { Service::BankGateway } else { Service::HealthGateway };
        self.services.start(service).await
    }

    fn common(&self, folder: &str, name: &str, ports: ServicePorts) -> Result<Common, DemoError> {
        Ok(Common {
            ports,
            token: self.token.clone(),
            database: self.plan.database(folder, name)?,
            keys: self.plan.file(folder, &format!("{name}.keys.json"))?,
            log: self.staging.log.clone(),
        })
    }

    /// Writes a verifier's key file: a signing key certified for this host, and the key of its store.
    fn verifier_keys(&self, common: &Common) -> Result<PrivateJwk, DemoError> {
        let entropy = &*self.world.entropy;
        let key = signing_key("verifier-1", entropy);
        let certificate = self.authority.certify(Subject::Host("localhost"), &key)?;
        write_keys(
            "verifier",
            &common.keys,
            vec![entry(&key, vec![certificate])],
            &[("k_store", entropy::bytes(entropy))],
        )?;
        Ok(key)
    }

    async fn open(&self, slug: &'static str) -> Result<Store, DemoError> {
        let store = Store::connect(&self.plan.database(slug, slug)?).await;
        store.map_err(|error| DemoError::Start { service: slug, reason: error.to_string() })
    }
}

const fn first_party_of(place: Place) -> Service {
    match place {
        Place::Portal => Service::PortalVerifier,
        Place::Health => Service::HealthVerifier,
        Place::Bank => Service::BankVerifier,
    }
}

fn entry(key: &PrivateJwk, x5c: Vec<Vec<u8>>) -> KeyEntry {
    let sealing = key.public().key_use.as_deref() == Some("enc");
    let key_use = if sealing { KeyUse::Encryption } else { KeyUse::Signature };
    KeyEntry { key: key.clone(), key_use, state: KeyState::Active, x5c }
}

fn write_keys(
    service: &'static str,
    path: &Path,
    keys: Vec<KeyEntry>,
    secrets: &[(&str, [u8; 32])],
) -> Result<(), DemoError> {
    let secrets =
        secrets.iter().map(|(name, bytes)| ((*name).to_owned(), Secret::new(bytes.to_vec()))).collect();
    let written = KeyFile { keys, secrets }.create(path);
    written.map_err(|error| DemoError::Start { service, reason: error.to_string() })
}
