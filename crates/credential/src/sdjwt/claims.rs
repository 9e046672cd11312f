//! The registered claims of a processed payload (RFC 7519 §4.1, SD-JWT VC §2.2.2).

use serde_json::{Map, Value};

use super::fault;
use super::policy::{ExpectedVct, Validation};
use crate::jose::jwk::Jwk;
use crate::time::UnixTime;
use crate::verdict::Verdict;

/// Checks who issued what, and for whom; returns the holder's key.
pub(super) fn check_identity(claims: &Map<String, Value>, validation: &Validation) -> Verdict<Option<Jwk>> {
    for name in ["iss", "sub"] {
        optional_text(claims, name)?;
    }
    if let Some(issuer) = &validation.issuer
        && optional_text(claims, "iss")? != Some(issuer)
    {
        return Err(fault("issuer_mismatch", "`iss` is not the issuer whose key was used").at("/iss"));
    }
    if validation.vct != ExpectedVct::NotACredential {
        let vct = check_type(claims)?;
        if let ExpectedVct::OneOf(types) = &validation.vct
            && !types.iter().any(|expected| expected == vct)
        {
            return Err(
                fault("vct_not_expected", "the credential is of another type than asked for").at("/vct")
            );
        }
    }
    check_audience(claims, validation.audience.as_deref())?;
    holder_key(claims)
}

/// `vct` and `aka_vcts` (V-2, V-7).
pub(super) fn check_type(claims: &Map<String, Value>) -> Verdict<&str> {
    let vct = claims.get("vct").and_then(Value::as_str).filter(|vct| !vct.is_empty()).ok_or_else(|| {
        fault("vct_missing", "there is no `vct`, or it is not a non-empty string").at("/vct")
    })?;
    if let Some(others) = claims.get("aka_vcts") {
        let fits = others.as_array().is_some_and(|others| {
            !others.is_empty() && others.iter().all(|other| other.as_str().is_some_and(|other| other != vct))
        });
        if !fits {
            return Err(fault("aka_vcts_invalid", "not a non-empty array of other types").at("/aka_vcts"));
        }
    }
    Ok(vct)
}

/// `exp`, `nbf` and the form of `iat`.
pub(super) fn check_times(claims: &Map<String, Value>, validation: &Validation) -> Verdict<()> {
    date(claims, "iat")?;
    match date(claims, "exp")? {
        None if validation.require_exp => return Err(fault("exp_missing", "there is no `exp`").at("/exp")),
        Some(exp) if validation.now >= exp.plus(validation.leeway) => {
            return Err(fault("expired", "the credential has expired").at("/exp"));
        }
        _ => {}
    }
    if date(claims, "nbf")?.is_some_and(|nbf| validation.now.plus(validation.leeway) < nbf) {
        return Err(fault("not_yet_valid", "the credential is not valid yet").at("/nbf"));
    }
    Ok(())
}

/// `cnf.jwk` (RFC 7800 §3.2). Another confirmation method is no error, but gives no key.
pub(super) fn holder_key(claims: &Map<String, Value>) -> Verdict<Option<Jwk>> {
    let Some(cnf) = claims.get("cnf") else { return Ok(None) };
    let cnf = cnf.as_object().ok_or_else(|| fault("cnf_invalid", "`cnf` is not an object").at("/cnf"))?;
    let jwk = cnf.get("jwk").map(Jwk::from_value).transpose();
    jwk.map_err(|error| fault("cnf_invalid", error.to_string()).at("/cnf/jwk"))
}

fn check_audience(claims: &Map<String, Value>, reader: Option<&str>) -> Verdict<()> {
    let mismatch = || fault("audience_mismatch", "`aud` does not name this reader").at("/aud");
    match claims.get("aud") {
        None => Ok(()),
        Some(Value::String(aud)) if Some(aud.as_str()) == reader => Ok(()),
        Some(Value::Array(list)) if list.iter().any(|aud| aud.is_string() && aud.as_str() == reader) => {
            Ok(())
        }
        Some(_) => Err(mismatch()),
    }
}

fn optional_text<'a>(claims: &'a Map<String, Value>, name: &str) -> Verdict<Option<&'a str>> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(fault("claim_type", format!("`{name}` is not a string")).at(format!("/{name}"))),
    }
}

/// The `NumericDate` (RFC 7519 §2) in the claim `name`, in whole seconds.
pub(super) fn date(claims: &Map<String, Value>, name: &str) -> Verdict<Option<UnixTime>> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    numeric_date(value).map(Some).ok_or_else(|| {
        fault("claim_type", format!("`{name}` is not a number of seconds")).at(format!("/{name}"))
    })
}

/// A number of seconds; fractions are dropped, as RFC 7519 allows them and nothing here needs them.
pub(super) fn numeric_date(value: &Value) -> Option<UnixTime> {
    if let Some(seconds) = value.as_i64() {
        return Some(UnixTime::from_secs(seconds));
    }
    let seconds = value.as_f64().filter(|seconds| seconds.abs() < 9e15)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded in the line above, and a fraction is to be dropped"
    )]
    Some(UnixTime::from_secs(seconds.floor() as i64))
}
