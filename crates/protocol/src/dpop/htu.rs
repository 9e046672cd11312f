//! The `htu` of a proof: the target URI without query and fragment, compared after normalisation (RFC 9449 §4.3).

use url::Url;

/// The URI as it is compared: scheme and host in lower case, default port left out, dot segments resolved, percent
/// encoding in upper case, no query, no fragment. `None` for what is not an absolute http(s) URL.
pub fn normalised_htu(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(normalise_escapes(url.as_str()))
}

/// `%7e` and `~` are the same character, `%2f` and `%2F` the same octet (RFC 3986 §6.2.2).
fn normalise_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let escape = after.split_at_checked(2).and_then(|(hex, tail)| {
            let digits = hex.bytes().all(|digit| digit.is_ascii_hexdigit());
            Some((hex, u8::from_str_radix(hex, 16).ok().filter(|_| digits)?, tail))
        });
        let Some((hex, byte, tail)) = escape else {
            out.push('%');
            rest = after;
            continue;
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex.to_ascii_uppercase());
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn d_8_the_same_resource_compares_equal() {
        let same = "https://server.example/a/~b/%2F";
        for text in [
            "https://server.example/a/~b/%2F",
            "HTTPS://Server.Example:443/a/x/../%7eb/%2f?query=1#f",
            "https://server.example/a/./~b/%2F?",
        ] {
            assert_eq!(normalised_htu(text).as_deref(), Some(same), "{text}");
        }
        for text in [
            "https://server.example/a/~b//",
            "https://server.example:444/a/~b/%2F",
            "http://server.example/a/~b/%2F",
        ] {
            assert_ne!(normalised_htu(text).as_deref(), Some(same), "{text}");
        }
        for text in ["", "/token", "ftp://h/", "https://u@h/", "urn:x"] {
            assert_eq!(normalised_htu(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn normalising_never_panics_and_is_stable(text in "(https://h/)?.{0,40}") {
            if let Some(once) = normalised_htu(&text) {
                prop_assert_eq!(normalised_htu(&once), Some(once.clone()));
            }
        }
    }
}
