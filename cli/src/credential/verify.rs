//! `enishi credential verify`: says whether an SD-JWT holds, and if not, which check failed, where, and what to do.

use std::path::{Path, PathBuf};

use enishi_credential::crypto::{Algorithm, RustCryptoVerifier};
use enishi_credential::encoding::json;
use enishi_credential::issuer_key::Profile;
use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::sdjwt::{
    ExpectedVct, KeyBindingPolicy, TYP_SD_JWT_VC, UnverifiedSdJwt, Validation, VerifiedSdJwt,
};
use enishi_credential::status::{self, Status, StatusReference, UnverifiedStatusListToken};
use enishi_credential::time::UnixTime;
use enishi_credential::type_metadata::{IssuedClaims, Resolution, Source};
use enishi_credential::verdict::{Checks, Failure, Verdict};
use enishi_credential::x509::TrustAnchors;
use serde_json::Value;

use super::keys::KeySource;

/// The check that the type's rules are kept.
pub(crate) const TYPE_CHECK: &str = "type-metadata";
/// The check that the status list says that the credential holds.
pub(crate) const STATUS_CHECK: &str = "credential-status";

/// What the credential must satisfy; decided on the command line, before it is read.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("key_binding").required(true).args(["require_kb", "no_kb"]),
    group = clap::ArgGroup::new("keys").args(["issuer_jwk", "issuer_jwks", "issuer_metadata", "issuer_did_document", "x5c_anchor"]),
)]
pub(crate) struct VerifyArgs {
    /// The issuer's public key, a JWK. With none of these five the issuer must be a did:jwk or did:key.
    #[arg(long, value_name = "FILE", help_heading = "Issuer's key")]
    issuer_jwk: Option<PathBuf>,
    /// The issuer's public keys, a JWK Set; `kid` names the one.
    #[arg(long, value_name = "FILE", help_heading = "Issuer's key")]
    issuer_jwks: Option<PathBuf>,
    /// The issuer's JWT VC Issuer Metadata with its keys, as fetched; needs --issuer.
    #[arg(long, value_name = "FILE", requires = "issuer", help_heading = "Issuer's key")]
    issuer_metadata: Option<PathBuf>,
    /// The issuer's DID document, as `enishi did resolve` prints it; needs --issuer.
    #[arg(long, value_name = "FILE", requires = "issuer", help_heading = "Issuer's key")]
    issuer_did_document: Option<PathBuf>,
    /// Trust anchors (PEM) at which the certificate chain in `x5c` must end.
    #[arg(long, value_name = "FILE", help_heading = "Issuer's key")]
    x5c_anchor: Option<PathBuf>,
    /// The issuer (`iss`) that is expected.
    #[arg(long, value_name = "ISSUER", help_heading = "Issuer's key")]
    issuer: Option<String>,
    /// Rules about issuers: `haip` takes certificates only (HAIP 1.0 §6.1.1), and needs --x5c-anchor.
    #[arg(long, value_enum, default_value = "any", help_heading = "Issuer's key")]
    profile: ProfileName,

    /// The credential type (`vct`) that is expected; any type if left out.
    #[arg(long, help_heading = "Credential")]
    vct: Option<String>,
    /// The `typ` that is expected.
    #[arg(long, default_value = TYP_SD_JWT_VC, help_heading = "Credential")]
    typ: String,
    /// Also take `vc+sd-jwt`, the `typ` of drafts before 2024-11.
    #[arg(long, help_heading = "Credential")]
    legacy_typ: bool,
    /// An algorithm that issuer and holder may sign with: ES256, ES384 or EdDSA; once for each.
    #[arg(long, value_name = "ALG", value_parser = algorithm, default_values = ["ES256", "EdDSA"], help_heading = "Credential")]
    algorithm: Vec<Algorithm>,
    /// Demand `exp`.
    #[arg(long, help_heading = "Credential")]
    require_exp: bool,
    /// A type metadata document that you trust, child first; once for each. The credential must follow their rules.
    #[arg(long, value_name = "FILE", help_heading = "Credential")]
    type_metadata: Vec<PathBuf>,
    /// The status list token that `status` refers to, as fetched. Its key is found as the issuer's is.
    #[arg(long, value_name = "FILE", help_heading = "Credential")]
    status_list: Option<PathBuf>,
    /// The key of whoever signs the status list, a JWK, if it is not the issuer.
    #[arg(long, value_name = "FILE", requires = "status_list", help_heading = "Credential")]
    status_list_jwk: Option<PathBuf>,

    /// Demand a Key Binding JWT; needs --aud and --nonce.
    #[arg(long, requires = "aud", requires = "nonce", help_heading = "Presentation")]
    require_kb: bool,
    /// Demand that there is no Key Binding JWT: the credential as its issuer wrote it.
    #[arg(long, help_heading = "Presentation")]
    no_kb: bool,
    /// The verifier that the Key Binding JWT must be for.
    #[arg(long, help_heading = "Presentation")]
    aud: Option<String>,
    /// The nonce that the Key Binding JWT must have.
    #[arg(long, help_heading = "Presentation")]
    nonce: Option<String>,
    /// How old the Key Binding JWT may be.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, help_heading = "Presentation")]
    kb_max_age: i64,

    /// The time to check against, in seconds since 1970; now if left out.
    #[arg(long, value_name = "UNIX", help_heading = "Time")]
    now: Option<i64>,
    /// How much clocks may differ.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(i64).range(0..=3600), help_heading = "Time")]
    leeway: i64,

    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(name).ok_or_else(|| "expected ES256, ES384 or EdDSA".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ProfileName {
    Any,
    Haip,
}

/// A command line that cannot be carried out: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

/// A credential of which everything held that was demanded.
pub(crate) struct Valid {
    pub(crate) credential: VerifiedSdJwt,
    pub(crate) checks: Checks,
    /// Whether its status was checked, or how it would have to be.
    pub(crate) status: StatusSeen,
}

/// What is known of the status.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusSeen {
    /// The credential has none.
    None,
    /// The list says that it holds.
    Valid,
    /// It has one, and no list was passed.
    NotChecked,
}

/// The files of the command line, read.
struct Material {
    keys: KeySource,
    types: Vec<Vec<u8>>,
    status_list: Option<String>,
    status_key: Option<Jwk>,
}

/// Verifies `text`: the verdict, or what is wrong with the command line.
///
/// # Errors
/// [`Usage`] if a file cannot be read.
pub(crate) fn verify(args: &VerifyArgs, text: &str, now: UnixTime) -> Result<Verdict<Valid>, Usage> {
    let material = Material {
        keys: key_source(args)?,
        types: args.type_metadata.iter().map(|file| read(file)).collect::<Result<_, _>>()?,
        status_list: args.status_list.as_deref().map(read_text).transpose()?,
        status_key: args.status_list_jwk.as_deref().map(parse).transpose()?,
    };
    let now = args.now.map_or(now, UnixTime::from_secs);
    Ok(judge(args, &material, text, now))
}

fn key_source(args: &VerifyArgs) -> Result<KeySource, Usage> {
    let profile = match args.profile {
        ProfileName::Any => Profile::Any,
        // clap lets a required argument go that conflicts with one that is there.
        ProfileName::Haip if args.x5c_anchor.is_none() => {
            return Err(Usage(
                "under --profile haip issuers are known by certificates: pass --x5c-anchor".to_owned(),
            ));
        }
        ProfileName::Haip => Profile::Haip,
    };
    if let Some(file) = &args.issuer_jwk {
        return Ok(KeySource::One(parse::<Jwk>(file)?));
    }
    if let Some(file) = &args.issuer_jwks {
        return Ok(KeySource::Set(parse::<JwkSet>(file)?));
    }
    if let (Some(file), Some(issuer)) = (&args.issuer_metadata, &args.issuer) {
        return KeySource::metadata(&read(file)?, issuer).map_err(|failure| in_file(file, &failure.detail));
    }
    if let (Some(file), Some(issuer)) = (&args.issuer_did_document, &args.issuer) {
        return KeySource::did_document(&read(file)?, issuer)
            .map_err(|failure| in_file(file, &failure.detail));
    }
    if let Some(file) = &args.x5c_anchor {
        let anchors =
            TrustAnchors::from_pem(&read_text(file)?).map_err(|failure| in_file(file, &failure.detail))?;
        let issuer = args.issuer.as_deref();
        return KeySource::certificate(profile, issuer, anchors).map_err(|failure| Usage(failure.detail));
    }
    Ok(KeySource::Did)
}

fn judge(args: &VerifyArgs, material: &Material, text: &str, now: UnixTime) -> Verdict<Valid> {
    // The JWS JSON serialization (RFC 9901 §8) is an object; no compact text begins like one.
    let credential = if text.trim_start().starts_with('{') {
        UnverifiedSdJwt::parse_json(text)?
    } else {
        UnverifiedSdJwt::parse(text)?
    };
    let claimed = credential.claimed_issuer();
    let mut validation = Validation {
        now,
        leeway: args.leeway,
        typ: args.typ.clone(),
        legacy_typ: args.legacy_typ,
        vct: args.vct.clone().map_or(ExpectedVct::Any, |vct| ExpectedVct::OneOf(vec![vct])),
        issuer: args.issuer.clone(),
        audience: None,
        require_exp: args.require_exp,
        algorithms: args.algorithm.clone(),
        holder_algorithms: args.algorithm.clone(),
    };
    let key = material.keys.find(claimed.as_deref(), &credential.key_hint(), now, Some(&mut validation))?;
    let policy = match (&args.aud, &args.nonce) {
        (Some(aud), Some(nonce)) if args.require_kb => KeyBindingPolicy::Required {
            aud: aud.clone(),
            nonce: nonce.clone(),
            max_age: args.kb_max_age,
            leeway: args.leeway,
        },
        _ => KeyBindingPolicy::NotRequired,
    };
    let credential = credential.verify(&RustCryptoVerifier, &key, &validation, &policy)?;
    let mut checks = credential.checks().clone();
    let status = checks.record(|checks| {
        if !material.types.is_empty() {
            check_type(&credential, &material.types)?;
            checks.passed(TYPE_CHECK);
        }
        let status = check_status(&credential, material, now)?;
        if status == StatusSeen::Valid {
            checks.passed(STATUS_CHECK);
        }
        Ok(status)
    })?;
    Ok(Valid { credential, checks, status })
}

fn check_type(credential: &VerifiedSdJwt, documents: &[Vec<u8>]) -> Verdict<()> {
    let mut resolution = Resolution::of(credential)?;
    for document in documents {
        resolution = resolution.supply(document, Source::Configured)?;
    }
    resolution.finish()?.check(&IssuedClaims::presented(credential))
}

/// Last, as Token Status List §8.3 has it: the status of what does not hold anyway is nobody's business.
fn check_status(credential: &VerifiedSdJwt, material: &Material, now: UnixTime) -> Verdict<StatusSeen> {
    /// Until when a list without `exp` and `ttl` is taken: a list in a file has no fetch to be fresh from.
    const MAX_TTL: u32 = 86_400;
    let fault = |code, detail: &str| {
        Failure::new(STATUS_CHECK, code, detail)
            .at("/status")
            .remedy("pass the list that `status.status_list` names, or get a new credential")
    };
    let Some(list) = &material.status_list else {
        let open = credential.claims().contains_key("status");
        return Ok(if open { StatusSeen::NotChecked } else { StatusSeen::None });
    };
    let reference = StatusReference::of_credential(credential)?
        .ok_or_else(|| fault("status_missing", "the credential has no `status` to look up"))?;
    let token = UnverifiedStatusListToken::parse(list.trim_end())?;
    let key = if let Some(key) = &material.status_key {
        key.clone()
    } else {
        let source = token.key_source();
        let issuer = source.issuer.as_deref().or_else(|| credential.issuer());
        material.keys.find(issuer, &source.hint, now, None)?
    };
    let expected = status::Expected { uri: &reference.uri, now, max_ttl: MAX_TTL, max_age: None };
    match token.verify(&RustCryptoVerifier, &key, &expected)?.get(reference.idx)? {
        Status::Valid => Ok(StatusSeen::Valid),
        Status::Invalid => Err(fault("status_not_valid", "the issuer has revoked the credential")),
        Status::Suspended => Err(fault("status_not_valid", "the issuer has suspended the credential")),
        Status::Other(_) => Err(fault("status_not_valid", "the status is one that means nothing here")),
    }
}

fn in_file(file: &Path, what: &dyn std::fmt::Display) -> Usage {
    Usage(format!("{}: {what}", file.display()))
}

fn read(file: &Path) -> Result<Vec<u8>, Usage> {
    std::fs::read(file).map_err(|error| in_file(file, &error))
}

fn read_text(file: &Path) -> Result<String, Usage> {
    String::from_utf8(read(file)?).map_err(|_| in_file(file, &"not a text"))
}

fn parse<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, Usage> {
    json::from_slice(&read(file)?).map_err(|error| in_file(file, &error))
}

/// The claims of the Key Binding JWT, where one was demanded.
pub(crate) fn binding(valid: &Valid) -> Option<&serde_json::Map<String, Value>> {
    valid.credential.key_binding().map(|binding| &binding.claims)
}
