//! What a caller takes, and what it has already (RFC 9110 §12.5.1, §13.1.2).

use http::{HeaderMap, HeaderName, header};

/// Whether the `Accept` headers allow an answer of the type `media_type`, such as `application/statuslist+jwt`. The most
/// specific range that fits decides; no `Accept` at all allows everything. A range that cannot be read allows nothing.
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    if !headers.contains_key(header::ACCEPT) {
        return true;
    }
    let kind = media_type.split('/').next().unwrap_or_default();
    let mut best = (0, false);
    for range in elements(headers, header::ACCEPT) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let specific = match name.split_once('/') {
            Some(("*", "*")) => 1,
            Some((of, "*")) if of.eq_ignore_ascii_case(kind) => 2,
            _ if name.eq_ignore_ascii_case(media_type) => 3,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let wanted = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0));
        if specific > best.0 {
            best = (specific, wanted);
        }
    }
    best.1
}

/// Whether the caller says with `If-None-Match` that it has `etag`, which is written with its quotes: the answer is then
/// "not modified".
pub fn is_current(headers: &HeaderMap, etag: &str) -> bool {
    elements(headers, header::IF_NONE_MATCH)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// The elements of a list header. Ours have no commas within them.
fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const JWT: &str = "application/statuslist+jwt";

    fn with(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_most_specific_range_decides() {
        assert!(accepts(&HeaderMap::new(), JWT));
        for fine in [
            &[JWT][..],
            &["*/*"],
            &["application/*"],
            &["text/html, application/statuslist+JWT;q=0.1"],
            &["application/statuslist+cwt", "application/statuslist+jwt"],
            &["application/statuslist+jwt; q=1, */*;q=0"],
            &["application/*;q=0, application/statuslist+jwt"],
        ] {
            assert!(accepts(&with(header::ACCEPT, fine), JWT), "{fine:?}");
        }
        for not in [
            &["application/statuslist+cwt"][..],
            &["text/*"],
            &[""],
            &["*"],
            &["application/statuslist+jwt;q=0, */*"],
            &["application/statuslist+jwt;q=0.000"],
            &["application/statuslist+jwt;q=x"],
            &["application/statuslist+jwtx"],
        ] {
            assert!(!accepts(&with(header::ACCEPT, not), JWT), "{not:?}");
        }
    }

    #[test]
    fn a_validator_is_compared_as_a_whole() {
        for same in [&["\"a\""][..], &["*"], &["W/\"a\""], &["\"b\", \"a\""], &["\"b\"", "\"a\""]] {
            assert!(is_current(&with(header::IF_NONE_MATCH, same), "\"a\""), "{same:?}");
        }
        for other in [&[][..], &["\"b\""], &["a"], &["\"A\""], &["\"a"], &[""]] {
            assert!(!is_current(&with(header::IF_NONE_MATCH, other), "\"a\""), "{other:?}");
        }
    }
}
