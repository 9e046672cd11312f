//! Reads a DCQL query and refuses everything that breaks a rule of OpenID4VP 1.0 §6.

use std::collections::HashSet;

use serde_json::{Map, Value};

use enishi_credential::verdict::{Failure, Verdict};

use super::{
    ClaimQuery, ClaimValue, ClaimsPath, CredentialQuery, CredentialSet, FormatQuery, PathElement, Query,
    SD_JWT_VC, TrustedAuthority,
};

fn invalid(pointer: &str, detail: impl Into<String>) -> Failure {
    Failure::new("dcql-form", "dcql_invalid", detail)
        .at(pointer)
        .remedy("write the query as OpenID4VP 1.0 §6 says")
}

fn object<'a>(value: &'a Value, at: &str) -> Verdict<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| invalid(at, "not an object"))
}

/// A member that must be a non-empty array if it is there.
fn list<'a>(object: &'a Map<String, Value>, name: &str, at: &str) -> Verdict<Option<&'a Vec<Value>>> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::Array(array)) if !array.is_empty() => Ok(Some(array)),
        Some(_) => Err(invalid(&format!("{at}/{name}"), "not a non-empty array")),
    }
}

fn texts(array: &[Value], at: &str) -> Verdict<Vec<String>> {
    array
        .iter()
        .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| invalid(at, "not a string")))
        .collect()
}

fn flag(object: &Map<String, Value>, name: &str, default: bool, at: &str) -> Verdict<bool> {
    match object.get(name) {
        None => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(invalid(&format!("{at}/{name}"), "not a boolean")),
    }
}

fn identifier(value: Option<&Value>, at: &str) -> Verdict<String> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if text.is_empty() || !text.chars().all(good) {
        return Err(invalid(
            &format!("{at}/id"),
            "`id` is not a non-empty string of letters, digits, `_`, `-`",
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn query(value: &Value) -> Verdict<Query> {
    let root = object(value, "")?;
    let array = list(root, "credentials", "")?.ok_or_else(|| invalid("/credentials", "missing"))?;
    let mut ids = HashSet::new();
    let mut credentials = Vec::with_capacity(array.len());
    for (index, value) in array.iter().enumerate() {
        let at = format!("/credentials/{index}");
        let query = credential(object(value, &at)?, &at)?;
        if !ids.insert(query.id.clone()) {
            return Err(invalid(&format!("{at}/id"), "the id occurs twice"));
        }
        credentials.push(query);
    }
    let mut credential_sets = Vec::new();
    for (index, value) in list(root, "credential_sets", "")?.into_iter().flatten().enumerate() {
        let at = format!("/credential_sets/{index}");
        let set = object(value, &at)?;
        let options = list(set, "options", &at)?.ok_or_else(|| invalid(&at, "`options` is missing"))?;
        let options = options
            .iter()
            .map(|option| id_list(option, &ids, &format!("{at}/options")))
            .collect::<Verdict<Vec<_>>>()?;
        credential_sets.push(CredentialSet { options, required: flag(set, "required", true, &at)? });
    }
    Ok(Query { credentials, credential_sets })
}

fn id_list(value: &Value, known: &HashSet<String>, at: &str) -> Verdict<Vec<String>> {
    let array = value.as_array().filter(|array| !array.is_empty());
    let list = texts(array.ok_or_else(|| invalid(at, "not a non-empty array"))?, at)?;
    if list.iter().any(|id| !known.contains(id)) {
        return Err(invalid(at, "names an id that the query does not have"));
    }
    Ok(list)
}

fn credential(object: &Map<String, Value>, at: &str) -> Verdict<CredentialQuery> {
    let id = identifier(object.get("id"), at)?;
    let format = object.get("format").and_then(Value::as_str).filter(|text| !text.is_empty());
    let format = format.ok_or_else(|| invalid(&format!("{at}/format"), "`format` is not a string"))?;
    let meta = object.get("meta").and_then(Value::as_object);
    let meta = meta.ok_or_else(|| invalid(&format!("{at}/meta"), "`meta` is not an object"))?;
    let format = format_query(format, meta, &format!("{at}/meta"))?;

    let claims_at = format!("{at}/claims");
    let with_sets = object.contains_key("claim_sets");
    let mut claims = Vec::new();
    let mut ids = HashSet::new();
    for (index, value) in list(object, "claims", at)?.into_iter().flatten().enumerate() {
        let at = format!("{claims_at}/{index}");
        let claim = claim(self::object(value, &at)?, with_sets, &format, &at)?;
        if claim.id.as_ref().is_some_and(|id| !ids.insert(id.clone())) {
            return Err(invalid(&format!("{at}/id"), "the id occurs twice"));
        }
        claims.push(claim);
    }
    if with_sets && claims.is_empty() {
        return Err(invalid(&format!("{at}/claim_sets"), "`claim_sets` without `claims`"));
    }
    let claim_sets = list(object, "claim_sets", at)?
        .into_iter()
        .flatten()
        .map(|set| id_list(set, &ids, &format!("{at}/claim_sets")))
        .collect::<Verdict<_>>()?;
    let mut trusted_authorities = Vec::new();
    for value in list(object, "trusted_authorities", at)?.into_iter().flatten() {
        trusted_authorities.push(authority(value, &format!("{at}/trusted_authorities"))?);
    }
    Ok(CredentialQuery {
        id,
        format,
        multiple: flag(object, "multiple", false, at)?,
        trusted_authorities,
        require_holder_binding: flag(object, "require_cryptographic_holder_binding", true, at)?,
        claims,
        claim_sets,
    })
}

fn format_query(format: &str, meta: &Map<String, Value>, at: &str) -> Verdict<FormatQuery> {
    match format {
        SD_JWT_VC => {
            let values = list(meta, "vct_values", at)?;
            let values = values.ok_or_else(|| invalid(at, "`vct_values` is missing"))?;
            return Ok(FormatQuery::SdJwtVc { vct_values: texts(values, at)? });
        }
        "mso_mdoc" if !meta.get("doctype_value").is_some_and(Value::is_string) => {
            return Err(invalid(at, "`doctype_value` is not a string"));
        }
        "ldp_vc" | "jwt_vc_json" => {
            let values = list(meta, "type_values", at)?;
            for set in values.ok_or_else(|| invalid(at, "`type_values` is missing"))? {
                let set = set.as_array().filter(|set| !set.is_empty());
                texts(set.ok_or_else(|| invalid(at, "`type_values` holds no non-empty arrays"))?, at)?;
            }
        }
        _ => {}
    }
    Ok(FormatQuery::Other { format: format.to_owned(), meta: meta.clone() })
}

fn claim(
    object: &Map<String, Value>,
    with_sets: bool,
    format: &FormatQuery,
    at: &str,
) -> Verdict<ClaimQuery> {
    let id = match object.get("id") {
        None if with_sets => return Err(invalid(at, "`claim_sets` needs an `id` for every claim")),
        None => None,
        id => Some(identifier(id, at)?),
    };
    let path = object.get("path").ok_or_else(|| invalid(at, "`path` is missing"))?;
    let path = ClaimsPath::parse(path).map_err(|failure| {
        let pointer = format!("{at}/path");
        failure.at(pointer)
    })?;
    if matches!(format, FormatQuery::Other { format, .. } if format == "mso_mdoc")
        && !matches!(path.elements(), [PathElement::Key(_), PathElement::Key(_)])
    {
        return Err(invalid(&format!("{at}/path"), "a path into an mdoc has exactly two strings"));
    }
    let values = list(object, "values", at)?.into_iter().flatten().map(|value| {
        ClaimValue::from_value(value)
            .ok_or_else(|| invalid(&format!("{at}/values"), "a value is no string, integer or boolean"))
    });
    Ok(ClaimQuery { id, path, values: values.collect::<Verdict<_>>()? })
}

fn authority(value: &Value, at: &str) -> Verdict<TrustedAuthority> {
    let object = object(value, at)?;
    let kind = object.get("type").and_then(Value::as_str);
    let kind = kind.ok_or_else(|| invalid(at, "`type` is not a string"))?;
    let values = list(object, "values", at)?.ok_or_else(|| invalid(at, "`values` is missing"))?;
    Ok(TrustedAuthority { kind: kind.to_owned(), values: texts(values, at)? })
}
