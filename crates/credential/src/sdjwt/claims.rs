//! The registered claims of a processed payload (RFC 7519 §4.1, SD-JWT VC §2.2.2).

use serde_json::{Map, Value};

use super::fault;
use super::policy::{ExpectedVct, Validation};
use crate::jose::header::Repeated;
use crate::jose::jwk::Jwk;
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// Checks who issued what, and for whom; returns the holder's key.
pub(super) fn check_identity(claims: &Map<String, Value>, validation: &Validation) -> Verdict<Option<Jwk>> {
    check_shapes(claims)?;
    if let Some(issuer) = &validation.issuer
        && claims.get("iss").and_then(Value::as_str) != Some(issuer)
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

/// Registered claims have the JSON types that their specifications give them, also where nobody looks at them here
/// (RFC 7519 §4.1, Token Status List §6, SD-JWT VC §2.2.2).
pub(super) fn check_shapes(claims: &Map<String, Value>) -> Verdict<()> {
    for name in ["iss", "sub", "jti", "vct#integrity"] {
        if claims.get(name).is_some_and(|value| !value.is_string()) {
            return Err(wrong_type(name, "a string"));
        }
    }
    if claims.get("status").is_some_and(|value| !value.is_object()) {
        return Err(wrong_type("status", "an object"));
    }
    ["iat", "nbf", "exp"].into_iter().try_for_each(|name| date(claims, name).map(drop))
}

fn wrong_type(name: &str, wanted: &str) -> Failure {
    fault("claim_type", format!("`{name}` is not {wanted}")).at(format!("/{name}"))
}

/// A header may repeat `iss`, `sub` and `aud` (RFC 7519 §5.3), for those who look for a key. What it says must then be
/// what the claims say.
pub(super) fn check_header(repeated: &Repeated, claims: &Map<String, Value>) -> Verdict<()> {
    for (name, value) in repeated {
        if value.is_some() && claims.get(*name) != value.as_ref() {
            let detail = format!("the header names another `{name}` than the claims");
            return Err(fault("header_claim_mismatch", detail).at(format!("/{name}")));
        }
    }
    Ok(())
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

/// `iat`, `nbf` and `exp` as dates that fit together.
pub(super) fn dates(claims: &Map<String, Value>) -> Verdict<Dates> {
    let dates = Dates { iat: date(claims, "iat")?, nbf: date(claims, "nbf")?, exp: date(claims, "exp")? };
    if dates.exp.is_some_and(|exp| dates.nbf.max(dates.iat).is_some_and(|from| exp <= from)) {
        return Err(fault("validity_contradictory", "`exp` is not after `nbf` and `iat`").at("/exp"));
    }
    Ok(dates)
}

/// The times of a credential.
pub(super) struct Dates {
    iat: Option<UnixTime>,
    nbf: Option<UnixTime>,
    exp: Option<UnixTime>,
}

/// The credential holds now.
pub(super) fn check_times(claims: &Map<String, Value>, validation: &Validation) -> Verdict<()> {
    let Dates { iat, nbf, exp } = dates(claims)?;
    match exp {
        None if validation.require_exp => return Err(fault("exp_missing", "there is no `exp`").at("/exp")),
        Some(exp) if validation.now >= exp.plus(validation.leeway) => {
            return Err(fault("expired", "the credential has expired").at("/exp"));
        }
        _ => {}
    }
    let latest = validation.now.plus(validation.leeway);
    if nbf.is_some_and(|nbf| latest < nbf) {
        return Err(fault("not_yet_valid", "the credential is not valid yet").at("/nbf"));
    }
    if iat.is_some_and(|iat| latest < iat) {
        return Err(fault("issued_in_the_future", "the credential will only be issued").at("/iat"));
    }
    Ok(())
}

/// `cnf.jwk` (RFC 7800 §3.2). Another confirmation method is no error, but gives no key; two keys are one too many (§3.1).
pub(super) fn holder_key(claims: &Map<String, Value>) -> Verdict<Option<Jwk>> {
    let Some(cnf) = claims.get("cnf") else { return Ok(None) };
    let cnf = cnf.as_object().ok_or_else(|| fault("cnf_invalid", "`cnf` is not an object").at("/cnf"))?;
    if ["jwk", "jwe", "jku"].into_iter().filter(|name| cnf.contains_key(*name)).count() > 1 {
        return Err(fault("cnf_invalid", "`cnf` names more than one key").at("/cnf"));
    }
    let jwk = cnf.get("jwk").map(Jwk::from_value).transpose();
    jwk.map_err(|error| fault("cnf_invalid", error.to_string()).at("/cnf/jwk"))
}

/// A key that is to bind a presentation is one that signs.
pub(super) fn check_holder_key(key: &Jwk) -> Verdict<()> {
    if key.algorithm().is_none() || key.key_use.as_deref() == Some("enc") {
        return Err(fault("cnf_invalid", "the key in `cnf` cannot sign").at("/cnf/jwk"));
    }
    Ok(())
}

fn check_audience(claims: &Map<String, Value>, reader: Option<&str>) -> Verdict<()> {
    let mismatch = || fault("audience_mismatch", "`aud` does not name this reader").at("/aud");
    match claims.get("aud") {
        None => Ok(()),
        Some(Value::String(aud)) if Some(aud.as_str()) == reader => Ok(()),
        Some(Value::Array(list))
            if list.iter().all(Value::is_string)
                && list.iter().any(|aud| aud.as_str().is_some_and(|aud| Some(aud) == reader)) =>
        {
            Ok(())
        }
        Some(_) => Err(mismatch()),
    }
}

/// The `NumericDate` (RFC 7519 §2) in the claim `name`, in whole seconds.
fn date(claims: &Map<String, Value>, name: &str) -> Verdict<Option<UnixTime>> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    numeric_date(value).map(Some).ok_or_else(|| wrong_type(name, "a number of seconds"))
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
