//! The one binary: `enishi issuer | verifier | gateway | demo | credential inspect | credential verify | did
//! resolve`.

mod credential;
mod demo;
mod did;
mod failure;
mod serve;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use enishi_credential::verdict::Report;

use serve::serve;

/// Links a person's accounts at two organisations, with consent, without a table of identifiers.
#[derive(Parser)]
#[command(name = "enishi", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the identity provider's service: linkage credentials.
    Issuer(ServiceArgs),
    /// Run the verifier: presentations, consent, grants and data links.
    Verifier(ServiceArgs),
    /// Run the gateway in front of a data provider's API.
    Gateway(ServiceArgs),
    /// Raise a small town and walk a resident through linking, consent, a fetch, withdrawal and four attacks.
    Demo(demo::DemoArgs),
    /// Look into a credential, or verify one. Reads an SD-JWT on standard input, compact or (to verify) in JSON.
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Look up a DID.
    #[command(subcommand)]
    Did(DidCommand),
}

#[derive(clap::Args)]
struct ServiceArgs {
    /// The configuration, a TOML file; `ENISHI__SECTION__KEY` in the environment overrides it.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Subcommand)]
enum CredentialCommand {
    /// Show header, claims and disclosures. Verifies nothing.
    Inspect {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Say whether it holds: exit code 0 if it does, 1 if not, 2 for a wrong command line.
    Verify(Box<credential::verify::VerifyArgs>),
}

#[derive(Subcommand)]
enum DidCommand {
    /// Print its DID document: exit code 0 if it resolves, 1 if not, 2 for a wrong command line.
    Resolve(did::ResolveArgs),
}

/// Exit code for a command line that cannot be carried out, as clap has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Issuer(args) => {
            serve(&args.config, |config: &enishi_issuer::Config| &config.log, enishi_issuer::run)
        }
        Command::Verifier(args) => {
            serve(&args.config, |config: &enishi_verifier::Config| &config.log, enishi_verifier::run)
        }
        Command::Gateway(args) => {
            serve(&args.config, |config: &enishi_gateway::Config| &config.log, enishi_gateway::run)
        }
        Command::Demo(args) => demo::demo(args),
        Command::Credential(CredentialCommand::Inspect { json }) => Ok(inspect(json)),
        Command::Credential(CredentialCommand::Verify(args)) => Ok(verify(&args)),
        Command::Did(DidCommand::Resolve(args)) => resolve(&args),
    };
    ended.unwrap_or_else(|message| complain(&message, 1))
}

fn inspect(json: bool) -> ExitCode {
    let found = credential::read_input().and_then(|text| credential::inspect::inspect(&text));
    match found {
        Ok(found) if json => print(&format!("{found:#}\n"), ExitCode::SUCCESS),
        Ok(found) => print(&credential::inspect::render(&found), ExitCode::SUCCESS),
        Err(message) => complain(&message, 1),
    }
}

fn verify(args: &credential::verify::VerifyArgs) -> ExitCode {
    let text = match credential::read_input() {
        Ok(text) => text,
        Err(message) => return complain(&message, USAGE),
    };
    let now = enishi_credential::time::Clock::now(&enishi_service::clock::SystemClock);
    match credential::verify::verify(args, &text, now) {
        Err(usage) => complain(&usage.0, USAGE),
        Ok(verdict) => {
            let text = if args.json {
                format!("{:#}\n", credential::answer::to_json(&verdict))
            } else {
                credential::answer::render(&verdict)
            };
            print(&text, if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
    }
}

fn resolve(args: &did::ResolveArgs) -> Result<ExitCode, String> {
    Ok(match did::resolve(args)? {
        Ok(found) => print(&format!("{found:#}\n"), ExitCode::SUCCESS),
        Err(failure) => {
            let report = Report::from(&failure);
            let text = if args.json {
                format!("{:#}\n", failure::to_json("resolved", &failure, &report))
            } else {
                failure::render("NOT RESOLVED", "(the DID)", &failure, &report)
            };
            print(&text, ExitCode::from(1))
        }
    })
}

/// Writes the answer. A reader that went away (a closed pipe) is no fault of the command.
fn print(text: &str, code: ExitCode) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    code
}

fn complain(message: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "enishi: {message}");
    ExitCode::from(code)
}
