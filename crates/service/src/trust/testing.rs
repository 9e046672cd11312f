//! For the tests of services: what an example file must show of `trust.issuers`.
#![expect(clippy::missing_panics_doc, reason = "it panics when a test fails")]

use super::config::{IssuerConfig, KeySource};
use crate::config::ConfigError;

/// An example file trusts one issuer by its metadata, and shows in comments every other way to an issuer's keys, and the
/// profile. Uncommented, all of it must be a configuration that `read` reads and checks.
pub fn example_shows_every_way_to_an_issuers_keys(
    example: &str,
    read: impl Fn(&str) -> Result<Vec<IssuerConfig>, ConfigError>,
) {
    let uncommented = |text: &str, from: &str, to: &str| {
        let other = text.replace(from, to);
        assert_ne!(other, text, "`{from}` is in the example");
        other
    };
    let ways = |text: &str| match read(text) {
        Ok(issuers) => issuers.iter().map(way).collect(),
        Err(error) => vec![error.to_string()],
    };
    assert_eq!(ways(example), ["metadata"]);
    let shown = uncommented(example, "issuers = [\"https://issuer.example\"]\n", "");
    let shown = uncommented(&shown, "# issuers = [", "issuers = [");
    let shown = uncommented(&uncommented(&shown, "#   { id", "  { id"), "# ]", "]");
    assert_eq!(ways(&shown), ["x5c", "did:key", "did:web", "did:webvh"]);
    let haip = uncommented(&shown, "# profile = \"haip\"", "profile = \"haip\"");
    let refused = read(&haip).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("expected keys = \"x5c\""), "{refused}");
}

/// How the keys of an issuer are found: the method of the DID, or the mechanism.
fn way(issuer: &IssuerConfig) -> String {
    match issuer.keys {
        KeySource::Metadata => "metadata".to_owned(),
        KeySource::X5c => "x5c".to_owned(),
        KeySource::Did => issuer.id.splitn(3, ':').take(2).collect::<Vec<_>>().join(":"),
    }
}
