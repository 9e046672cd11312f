//! The services of the town, from the configuration files that an operator would write: here in this process, or each as
//! a process of its own, `enishi issuer | verifier | gateway --config FILE`.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use enishi_service::config::{ConfigError, load};
use enishi_service::http::Running;
use http::Method;
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::DemoError;
use crate::net::{Call, Net};
use crate::plan::{Plan, ServicePorts};
use crate::story::until;

/// A service of the town.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The issuer of linkage credentials.
    Issuer,
    /// The linking verifier.
    Verifier,
    /// The portal's own verifier.
    PortalVerifier,
    /// The health section's own verifier.
    HealthVerifier,
    /// The bank's own verifier.
    BankVerifier,
    /// The gateway in front of the health section's API.
    HealthGateway,
    /// The gateway in front of the bank's API.
    BankGateway,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Issuer,
        Self::Verifier,
        Self::PortalVerifier,
        Self::HealthVerifier,
        Self::BankVerifier,
        Self::HealthGateway,
        Self::BankGateway,
    ];

    /// The party that runs it: its folder.
    pub(crate) const fn party(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Verifier => "verifier",
            Self::PortalVerifier => "portal",
            Self::HealthVerifier | Self::HealthGateway => "health",
            Self::BankVerifier | Self::BankGateway => "bank",
        }
    }

    /// What its files in that folder are called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Verifier => "verifier",
            Self::PortalVerifier | Self::HealthVerifier | Self::BankVerifier => "first-party",
            Self::HealthGateway | Self::BankGateway => "gateway",
        }
    }

    /// The command of the binary that runs it.
    const fn command(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Verifier | Self::PortalVerifier | Self::HealthVerifier | Self::BankVerifier => "verifier",
            Self::HealthGateway | Self::BankGateway => "gateway",
        }
    }

    /// Its ports.
    pub(crate) const fn ports(self, plan: &Plan) -> ServicePorts {
        match self {
            Self::Issuer => plan.issuer,
            Self::Verifier => plan.verifier,
            Self::PortalVerifier => plan.portal.first_party,
            Self::HealthVerifier => plan.health.rp.first_party,
            Self::BankVerifier => plan.bank.rp.first_party,
            Self::HealthGateway => plan.health.gateway,
            Self::BankGateway => plan.bank.gateway,
        }
    }
}

/// Where a service runs.
enum Hosted {
    Here(Running),
    Process(Child),
}

/// The running services. Those that are processes are killed when this is dropped, also by a panic.
pub(crate) struct Services {
    plan: Plan,
    net: Net,
    binary: Option<PathBuf>,
    hosted: Mutex<BTreeMap<Service, Hosted>>,
}

impl Services {
    /// None yet. With `binary`, each becomes a process of it.
    pub(super) fn new(plan: &Plan, net: Net, binary: Option<PathBuf>) -> Self {
        Self { plan: plan.clone(), net, binary, hosted: Mutex::default() }
    }

    /// Where the log of `service` goes when it is a process.
    pub(crate) fn log(&self, service: Service) -> PathBuf {
        self.plan.dir.join(service.party()).join(format!("{}.log", service.name()))
    }

    /// Starts `service` from its configuration file, and waits until it is ready.
    ///
    /// # Errors
    /// What the service says about why it does not start.
    pub(crate) async fn start(&self, service: Service) -> Result<(), DemoError> {
        let config = self.plan.file(service.party(), &format!("{}.toml", service.name()))?;
        let hosted = match &self.binary {
            Some(binary) => Hosted::Process(self.spawn(service, binary, &config).await?),
            None => Hosted::Here(run_here(service, &config).await?),
        };
        self.hosted.lock().await.insert(service, hosted);
        Ok(())
    }

    /// Ends `service` where it stands: SIGKILL for a process, a stop for one in this process.
    pub(crate) async fn kill(&self, service: Service) -> Result<(), DemoError> {
        let hosted = self.hosted.lock().await.remove(&service);
        match hosted {
            Some(hosted) => hosted.end().await,
            None => Ok(()),
        }
    }

    /// Whether `service` is running.
    pub(crate) async fn is_alive(&self, service: Service) -> bool {
        match self.hosted.lock().await.get_mut(&service) {
            Some(Hosted::Process(child)) => matches!(child.try_wait(), Ok(None)),
            Some(Hosted::Here(_)) => true,
            None => false,
        }
    }

    /// Ends all of them.
    pub(super) async fn stop(self) {
        for (service, hosted) in self.hosted.into_inner() {
            if let Err(error) = hosted.end().await {
                tracing::warn!(?service, %error, "a service did not stop");
            }
        }
    }

    async fn spawn(&self, service: Service, binary: &Path, config: &Path) -> Result<Child, DemoError> {
        let log: File = OpenOptions::new().create(true).append(true).open(self.log(service))?;
        let mut command = Command::new(binary);
        command.arg(service.command()).arg("--config").arg(config);
        // The town's files stand as they are, whatever an operator has set for services of their own.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ENISHI__") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let mut child = command.spawn()?;
        let ready = format!("{}/health/ready", service.ports(&self.plan).internal.url());
        let waited = until(PATIENCE, async || {
            if child.try_wait()?.is_some() {
                return Ok(Some(false));
            }
            let answer = self.net.send(Call::new(Method::GET, &ready)).await;
            Ok(answer.is_ok_and(|answer| (200..300).contains(&answer.status)).then_some(true))
        })
        .await?;
        if matches!(waited, Some((true, _))) {
            return Ok(child);
        }
        let log = std::fs::read_to_string(self.log(service)).unwrap_or_default();
        let reason = log.lines().last().unwrap_or("it says nothing").to_owned();
        Err(DemoError::Start { service: service.name(), reason })
    }
}

impl Hosted {
    async fn end(self) -> Result<(), DemoError> {
        match self {
            Self::Here(running) => running.shutdown().await,
            Self::Process(mut child) => child.kill().await?,
        }
        Ok(())
    }
}

/// How long a process may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(30);

async fn run_here(service: Service, config: &Path) -> Result<Running, DemoError> {
    let name = service.name();
    match service {
        Service::Issuer => enishi_issuer::run(read(name, config)?).await,
        Service::Verifier | Service::PortalVerifier | Service::HealthVerifier | Service::BankVerifier => {
            enishi_verifier::run(read(name, config)?).await
        }
        Service::HealthGateway | Service::BankGateway => enishi_gateway::run(read(name, config)?).await,
    }
    .map_err(|error| DemoError::Start { service: name, reason: error.to_string() })
}

/// Reads a file. The environment overrides an operator's files; the town's stand as they are.
fn read<T: DeserializeOwned>(service: &'static str, path: &Path) -> Result<T, DemoError> {
    load(path, []).map_err(|error: ConfigError| DemoError::Start { service, reason: error.to_string() })
}
