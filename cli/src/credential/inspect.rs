//! `enishi credential inspect`: shows what is written in an SD-JWT. It checks nothing and says so.

use enishi_credential::encoding::{b64, json};
use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// What an SD-JWT says, as JSON, or a sentence about what could not be read.
///
/// # Errors
/// A sentence that names the part that is not readable.
pub(crate) fn inspect(text: &str) -> Result<Value, String> {
    let mut parts = text.split('~');
    let jwt = parts.next().unwrap_or_default();
    let mut rest: Vec<&str> = parts.collect();
    let key_binding = rest.pop().filter(|last| !last.is_empty());
    let (header, payload) = read_jwt(jwt, "the issuer-signed JWT")?;
    let algorithm = payload.get("_sd_alg").and_then(Value::as_str).unwrap_or("sha-256").to_owned();
    let disclosures = rest
        .iter()
        .enumerate()
        .map(|(at, disclosure)| read_disclosure(at, disclosure, &algorithm, &payload))
        .collect::<Result<Vec<_>, _>>()?;
    let key_binding = match key_binding {
        None => Value::Null,
        Some(jwt) => {
            let (header, payload) = read_jwt(jwt, "the key binding JWT")?;
            json!({"header": header, "claims": payload})
        }
    };
    Ok(json!({
        "verified": false,
        "note": "This is what is written, not what is true: nothing was verified. Use `enishi credential verify`.",
        "header": header,
        "claims": payload,
        "disclosures": disclosures,
        "key_binding": key_binding,
    }))
}

fn read_jwt(jwt: &str, name: &str) -> Result<(Value, Value), String> {
    let mut parts = jwt.split('.');
    let (Some(header), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(format!("{name} does not have three parts separated by dots"));
    };
    let read = |part: &str, what: &str| {
        let bytes = b64::decode(part).map_err(|error| format!("{what} of {name}: {error}"))?;
        json::parse(&bytes).map_err(|error| format!("{what} of {name}: {error}"))
    };
    Ok((read(header, "the header")?, read(payload, "the payload")?))
}

fn read_disclosure(at: usize, disclosure: &str, algorithm: &str, payload: &Value) -> Result<Value, String> {
    let name = format!("disclosure {}", at + 1);
    let bytes = b64::decode(disclosure).map_err(|error| format!("{name}: {error}"))?;
    let value = json::parse(&bytes).map_err(|error| format!("{name}: {error}"))?;
    let digest = match algorithm {
        "sha-256" => Some(b64::encode(Sha256::digest(disclosure))),
        "sha-384" => Some(b64::encode(Sha384::digest(disclosure))),
        "sha-512" => Some(b64::encode(Sha512::digest(disclosure))),
        _ => None,
    };
    let referenced = digest.as_deref().map(|digest| {
        let mut places = vec![payload];
        while let Some(place) = places.pop() {
            match place {
                Value::String(text) if text == digest => return "in the payload",
                Value::Array(items) => places.extend(items),
                Value::Object(members) => places.extend(members.values()),
                _ => {}
            }
        }
        "not in the payload (perhaps in another disclosure)"
    });
    let (claim, value) = match value.as_array().map(Vec::as_slice) {
        Some([_, name, value]) => (name.clone(), value.clone()),
        Some([_, value]) => (Value::Null, value.clone()),
        _ => (Value::Null, value),
    };
    Ok(json!({"claim": claim, "value": value, "digest": digest, "digest_found": referenced}))
}

/// The same for a person at a terminal.
pub(crate) fn render(found: &Value) -> String {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let mut out = String::from("NOT VERIFIED: this is what is written, not what is true.\n");
    for (title, member) in [("Header", "header"), ("Claims", "claims")] {
        let _ = write!(out, "\n{title}\n{}\n", pretty(found.get(member).unwrap_or(&Value::Null)));
    }
    let disclosures = found.get("disclosures").and_then(Value::as_array).cloned().unwrap_or_default();
    let _ = write!(out, "\nDisclosures ({})\n", disclosures.len());
    for disclosure in disclosures {
        let member = |name: &str| disclosure.get(name).cloned().unwrap_or_default();
        let claim = match member("claim") {
            Value::String(name) => name,
            _ => "(array element)".to_owned(),
        };
        let found = member("digest_found").as_str().unwrap_or("digest algorithm unknown").to_owned();
        let _ = writeln!(out, "  {claim} = {}   [digest {found}]", member("value"));
    }
    match found.get("key_binding") {
        Some(Value::Null) | None => out.push_str("\nNo key binding JWT\n"),
        Some(binding) => {
            let _ = write!(out, "\nKey binding JWT\n{}\n", pretty(binding));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> String {
        let disclosure = b64::encode(r#"["salt","ppid","x"]"#);
        let digest = b64::encode(Sha256::digest(&disclosure));
        let part = |value: Value| b64::encode(value.to_string());
        format!(
            "{}.{}.AA~{disclosure}~",
            part(json!({"alg": "ES256", "typ": "dc+sd-jwt"})),
            part(json!({"vct": "urn:enishi:linkage:1", "_sd": [digest]}))
        )
    }

    #[test]
    fn it_shows_what_is_written_and_never_claims_validity() {
        let found = inspect(&sample()).unwrap();
        assert_eq!(found["verified"], false);
        assert_eq!(found["disclosures"][0]["claim"], "ppid");
        assert_eq!(found["disclosures"][0]["digest_found"], "in the payload");
        let text = render(&found);
        assert!(text.starts_with("NOT VERIFIED"), "{text}");
        assert!(!text.to_lowercase().contains("valid"), "{text}");
    }

    #[test]
    fn it_names_the_part_that_it_cannot_read() {
        assert!(inspect("a.b~").unwrap_err().contains("issuer-signed JWT"));
        assert!(inspect(&sample().replace('~', "~!!~")).unwrap_err().contains("disclosure"));
        assert!(inspect(&format!("{}e30", sample())).unwrap_err().contains("key binding JWT"));
    }
}
