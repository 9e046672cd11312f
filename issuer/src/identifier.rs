//! Credential identifiers (OpenID4VCI 1.0 §6.2): one per relying party, the same for everybody. Wallets treat them as opaque.

/// The identifier of linkage credentials for `rp`.
pub(crate) fn of(rp: &str) -> String {
    format!("linkage:{rp}")
}

/// The relying party that an identifier is about.
pub(crate) fn rp(identifier: &str) -> Option<&str> {
    identifier.strip_prefix("linkage:")
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_identifier_names_its_party() {
        assert_eq!(super::rp(&super::of("https://rp.example")), Some("https://rp.example"));
        assert_eq!(super::rp("https://rp.example"), None);
    }
}
