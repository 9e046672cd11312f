//! Whose key counts: how a reader finds an issuer's key (SD-JWT VC §2.5, HAIP 1.0 §6.1.1).
//!
//! For every trusted issuer the configuration says by which one [`Mechanism`] its key is found. Nothing that a sender
//! writes changes that: a certificate from an issuer that publishes metadata is not looked at, nor a `kid` from one that
//! is known by its certificate, nor ever a key in the header (SD-JWT VC §7.3).
//!
//! ```text
//! IssuerTrust ─ search(iss, key hint) ─▶ KeySearch ─ needs(): nothing, metadata of X, or the DID document of Y
//!                                             └ key(hint, material, now) ─▶ IssuerKey ─ bind ─▶ Validation
//!                                                                              └ key() ─▶ UnverifiedSdJwt::verify
//! ```
//!
//! Nothing is fetched here. What is fetched is fetched for issuers that the configuration names, and for nobody else.
//!
//! - **Metadata**: `iss` is the issuer's URL, and `kid` names a key in the JWK Set that the issuer publishes there. Without
//!   `kid` there must be one signing key and no more.
//! - **Certificate**: `x5c` in the protected header leads to an anchor that is configured for this issuer. The leaf is the
//!   issuer's: a URI among its alternative names is the issuer's id, or the id is `https://` and one of its DNS names, without
//!   port and path (others could be at other paths of one host). `iss` may be absent; where it is present, it is that id.
//! - **DID**: `iss` is the DID, and `kid` a DID URL of it under `assertionMethod`. `did:jwk` and `did:key` need no document.
//!
//! ```
//! # use enishi_credential::{crypto::*, entropy::SeededEntropy, jose::jwk::*, sdjwt::*, time::UnixTime};
//! # use enishi_credential::issuer_key::*;
//! # use serde_json::json;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (entropy, now) = (SeededEntropy::new("an example"), UnixTime::from_secs(1_800_000_000));
//! # let key = PrivateJwk::generate_p256(&entropy).map_public(|public| public.with_kid("1"));
//! # let issuer = SoftwareSigner::new(key).ok_or("a signing key")?;
//! # let fetched = JwkSet { keys: vec![issuer.public_jwk().clone()] };
//! # let claims = json!({"iss": "https://issuer.example", "vct": "urn:example:card:1"});
//! # let text = SdJwtBuilder::new(claims.as_object().cloned().ok_or("")?).sign(&issuer, &entropy).await?;
//! let trust = IssuerTrust::new(Profile::Any).with("https://issuer.example", Mechanism::Metadata)?;
//!
//! let credential = UnverifiedSdJwt::parse(&text)?;
//! let claimed = credential.claimed_issuer();
//! let search = trust.search(claimed.as_deref(), &credential.key_hint())?;
//! assert_eq!(search.needs(), Needs::Metadata("https://issuer.example"));
//! let key = search.key(&credential.key_hint(), Material::Keys(&fetched), now)?;
//!
//! let mut validation = Validation::credential(key.issuer(), "urn:example:card:1", now);
//! key.bind(&mut validation);
//! let verified = credential.verify(&RustCryptoVerifier, key.key(), &validation, &KeyBindingPolicy::NotRequired)?;
//! assert_eq!(verified.issuer(), Some("https://issuer.example"));
//! # Ok(()) }
//! ```
//!
//! # Codes
//! | code | check | meaning |
//! |---|---|---|
//! | `issuer_mechanism_unfit` | issuer-trust | configuration: the mechanism does not fit the issuer or the profile |
//! | `issuer_untrusted` | issuer-trusted | no configured issuer is meant, or it has no name |
//! | `issuer_ambiguous` | issuer-trusted | the certificate names several configured issuers, and `iss` none |
//! | `issuer_mechanism` | issuer-trusted | another mechanism than this is configured for the issuer |
//! | `x5c_issuer_mismatch` | issuer-key | the certificate is another's than that of `iss` |
//! | `did_url_foreign` | issuer-key | `kid` is not a DID URL of the DID in `iss` |
//! | `issuer_key_unavailable` | issuer-key | what the mechanism needs could not be had |
//! | `kid_missing` | issuer-key | without `kid` it is open which key is meant |
//! | `kid_repeated` | issuer-key | two published keys have this `kid` |
//! | `issuer_key_unknown` | issuer-key | the issuer publishes no such key |
//! | `issuer_key_unfit` | issuer-key | the named key is not for such signatures |
//!
//! And those of [`crate::x509`] and [`crate::did`].

mod choose;
mod search;
#[cfg(test)]
mod tests;
mod trust;

pub use choose::choose_key;
pub use search::{Fetched, IssuerKey, KeySearch, Material, Needs};
pub use trust::{IssuerTrust, Mechanism, Profile};

use crate::verdict::Failure;

/// A failure with the check and the remedy that belong to its code.
fn fault(code: &'static str, detail: &'static str) -> Failure {
    let (check, pointer, remedy) = match code {
        "issuer_mechanism_unfit" => (
            "issuer-trust",
            "",
            "configure metadata for https ids, certificates with anchors, and `did` for DIDs; under HAIP certificates only",
        ),
        "issuer_untrusted" | "issuer_ambiguous" | "issuer_mechanism" => (
            "issuer-trusted",
            "/iss",
            "use a credential of an issuer that is trusted here, identified in the way that is configured for it",
        ),
        "x5c_issuer_mismatch" => {
            ("issuer-key", "/x5c", "sign with a certificate that names `iss` as URI or DNS name")
        }
        "did_url_foreign" => {
            ("issuer-key", "/kid", "let `kid` be the DID URL of a method of the DID in `iss`")
        }
        "issuer_key_unavailable" => ("issuer-key", "", "try again later; the issuer must publish its keys"),
        "kid_repeated" => ("issuer-key", "/kid", "publish every key under a `kid` of its own"),
        _ => (
            "issuer-key",
            "/kid",
            "sign with a key that the issuer publishes for signatures, and name it in `kid`",
        ),
    };
    Failure::new(check, code, detail).at(pointer).remedy(remedy)
}
