//! `enishi credential verify`: says whether an SD-JWT holds, and if not, which check failed, where, and what to do.

use std::path::{Path, PathBuf};

use enishi_credential::crypto::{Algorithm, RustCryptoVerifier};
use enishi_credential::did::{self, Did, DidUrl, Relationship};
use enishi_credential::encoding::json;
use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::sdjwt::{
    CHECKS, ExpectedVct, KeyBindingPolicy, TYP_SD_JWT_VC, UnverifiedSdJwt, Validation, VerifiedSdJwt,
};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Outcome, Report, Verdict};
use serde_json::{Value, json};

/// What the credential must satisfy; decided on the command line, before it is read.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("key_binding").required(true).args(["require_kb", "no_kb"]))]
pub(crate) struct VerifyArgs {
    /// The issuer's public key, a JWK in a file. Without this and --issuer-jwks the issuer must be a did:jwk or did:key.
    #[arg(long, value_name = "FILE", conflicts_with = "issuer_jwks")]
    issuer_jwk: Option<PathBuf>,
    /// The issuer's public keys, a JWK Set in a file; the key is chosen by `kid`.
    #[arg(long, value_name = "FILE")]
    issuer_jwks: Option<PathBuf>,
    /// The issuer (`iss`) that is expected.
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
    /// The credential type (`vct`) that is expected; any type if left out.
    #[arg(long)]
    vct: Option<String>,
    /// The `typ` that is expected.
    #[arg(long, default_value = TYP_SD_JWT_VC)]
    typ: String,
    /// Demand a Key Binding JWT; needs --aud and --nonce.
    #[arg(long, requires = "aud", requires = "nonce")]
    require_kb: bool,
    /// Demand that there is no Key Binding JWT: the credential as its issuer wrote it.
    #[arg(long)]
    no_kb: bool,
    /// The verifier that the Key Binding JWT must be for.
    #[arg(long)]
    aud: Option<String>,
    /// The nonce that the Key Binding JWT must have.
    #[arg(long)]
    nonce: Option<String>,
    /// How old the Key Binding JWT may be.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    kb_max_age: i64,
    /// The time to check against, in seconds since 1970; now if left out.
    #[arg(long, value_name = "UNIX")]
    now: Option<i64>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A command line that cannot be carried out: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

/// Where the issuer's key comes from.
enum KeySource {
    One(Jwk),
    Set(JwkSet),
    Did,
}

/// Verifies `text`: the verdict, or what is wrong with the command line.
///
/// # Errors
/// [`Usage`] if a key file cannot be read.
pub(crate) fn verify(args: &VerifyArgs, text: &str, now: UnixTime) -> Result<Verdict<VerifiedSdJwt>, Usage> {
    let source = match (&args.issuer_jwk, &args.issuer_jwks) {
        (Some(file), _) => KeySource::One(read(file)?),
        (None, Some(file)) => KeySource::Set(read(file)?),
        (None, None) => KeySource::Did,
    };
    let now = args.now.map_or(now, UnixTime::from_secs);
    Ok(judge(args, &source, text, now))
}

fn judge(args: &VerifyArgs, source: &KeySource, text: &str, now: UnixTime) -> Verdict<VerifiedSdJwt> {
    let credential = UnverifiedSdJwt::parse(text)?;
    let claimed = credential.claimed_issuer();
    let (key, issuer) = match source {
        KeySource::One(key) => (key.clone(), args.issuer.clone()),
        KeySource::Set(set) => (from_set(set, credential.key_hint().kid)?, args.issuer.clone()),
        // Who signs by a DID is that DID: `iss` and the key are one thing.
        KeySource::Did => {
            (from_did(claimed.as_deref(), credential.key_hint().kid)?, args.issuer.clone().or(claimed))
        }
    };
    let validation = Validation {
        now,
        leeway: 60,
        typ: args.typ.clone(),
        legacy_typ: false,
        vct: args.vct.clone().map_or(ExpectedVct::Any, |vct| ExpectedVct::OneOf(vec![vct])),
        issuer,
        audience: None,
        require_exp: false,
        algorithms: vec![Algorithm::Es256, Algorithm::EdDsa],
        holder_algorithms: vec![Algorithm::Es256, Algorithm::EdDsa],
    };
    let policy = match (&args.aud, &args.nonce) {
        (Some(aud), Some(nonce)) if args.require_kb => KeyBindingPolicy::Required {
            aud: aud.clone(),
            nonce: nonce.clone(),
            max_age: args.kb_max_age,
            leeway: 60,
        },
        _ => KeyBindingPolicy::NotRequired,
    };
    credential.verify(&RustCryptoVerifier, &key, &validation, &policy)
}

fn from_set(set: &JwkSet, kid: Option<&str>) -> Verdict<Jwk> {
    let found = match (kid, set.keys.as_slice()) {
        (Some(kid), _) => set.find(kid),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.cloned().ok_or_else(|| {
        Failure::new("issuer-key", "issuer_key_unknown", "the key set has no single key with this `kid`")
            .at("/kid")
            .remedy("pass the issuer's current key set")
    })
}

fn from_did(issuer: Option<&str>, kid: Option<&str>) -> Verdict<Jwk> {
    let fault = |detail: &str| {
        Failure::new("issuer-key", "issuer_key_unknown", detail)
            .remedy("pass --issuer-jwk or --issuer-jwks, or have the issuer be a did:jwk or did:key")
    };
    let issuer = issuer.ok_or_else(|| fault("the credential names no issuer, and no key was passed"))?;
    let did = Did::parse(issuer).map_err(|_| fault("the issuer is not a did:jwk or did:key"))?;
    match kid.filter(|kid| kid.starts_with("did:")) {
        None => did.resolve_key(Relationship::AssertionMethod),
        Some(kid) => {
            let url = DidUrl::parse(kid)?;
            if url.did() != did {
                return Err(fault("`kid` is a key of another DID than `iss`").at("/kid"));
            }
            did::resolve_key(&url, Relationship::AssertionMethod)
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, Usage> {
    let bytes = std::fs::read(file).map_err(|error| Usage(format!("{}: {error}", file.display())))?;
    json::from_slice(&bytes).map_err(|error| Usage(format!("{}: {error}", file.display())))
}

/// The verdict as one JSON object.
pub(crate) fn to_json(verdict: &Verdict<VerifiedSdJwt>) -> Value {
    match verdict {
        Ok(verified) => json!({
            "valid": true,
            "checks": report(verdict),
            "header": verified.header(),
            "claims": verified.claims(),
            "key_binding": verified.key_binding().map(|binding| &binding.claims),
        }),
        Err(failure) => json!({
            "valid": false,
            "code": failure.code,
            "check": failure.check,
            "pointer": failure.pointer,
            "detail": failure.detail,
            "remedy": failure.remedy,
            "checks": report(verdict),
        }),
    }
}

/// Every check with its outcome, also those that were not reached.
fn report(verdict: &Verdict<VerifiedSdJwt>) -> Report {
    match verdict {
        Ok(verified) => Report::from(verified.checks()),
        Err(failure) => Report::from(failure).planned(&CHECKS),
    }
}

/// The report for a person: one line per check.
fn lines(report: &Report) -> String {
    let line = |it: &enishi_credential::verdict::CheckReport| {
        let outcome = match it.outcome {
            Outcome::Passed => "ok",
            Outcome::Failed => "FAILED",
            Outcome::NotReached => "not reached",
        };
        format!("  {:<18} {outcome}\n", it.check)
    };
    report.checks().iter().map(line).collect()
}

/// The verdict for a person at a terminal.
pub(crate) fn render(verdict: &Verdict<VerifiedSdJwt>) -> String {
    match verdict {
        Ok(verified) => {
            let claims = serde_json::to_string_pretty(verified.claims()).unwrap_or_default();
            format!("VALID\n{}{claims}\n", lines(&report(verdict)))
        }
        Err(failure) => {
            let pointer = if failure.pointer.is_empty() { "(whole document)" } else { &failure.pointer };
            format!(
                "INVALID\n{}code:    {}\ncheck:   {}\nwhere:   {pointer}\nfound:   {}\nremedy:  {}\n",
                lines(&report(verdict)),
                failure.code,
                failure.check,
                failure.detail,
                failure.remedy
            )
        }
    }
}
