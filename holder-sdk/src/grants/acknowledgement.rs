//! The verifier's signed word that a grant has stopped, checked before anybody relies on it (threat 17).

use enishi_credential::encoding::json;
use enishi_credential::issuer_key::choose_key;
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::jose::jws::{KeyHint, UnverifiedJws};
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::grant::State;
use enishi_protocol::grant::acknowledgement::UnverifiedAcknowledgement;
use enishi_protocol::grant::messages::Withdrawn;
use enishi_protocol::issuer_keys::parse_jwks;
use enishi_protocol::web::well_known_url;
use serde::Deserialize;
use url::Url;

use crate::error::WalletError;
use crate::state::StoredGrant;
use crate::wallet::Wallet;

/// The name of the verifier's metadata below `/.well-known/`.
const METADATA: &str = "enishi-verifier";

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

fn mismatch(detail: &'static str) -> Failure {
    Failure::new("acknowledgement", "acknowledgement_mismatch", detail)
        .remedy("ask again; if it stays so, withdraw at the organisations themselves: the terms say where")
}

impl Wallet {
    /// Checks that the acknowledgement is the verifier's, for this grant and these terms, and says what the answer says.
    ///
    /// The key is the one that signed the request, by which the verifier proved who it is. A grant may live for a year and
    /// the verifier change its key meanwhile; then it is a key that the verifier publishes, on the origin that the
    /// request's proof covered.
    pub(super) async fn check_acknowledgement(
        &self,
        grant: &StoredGrant,
        withdrawn: &Withdrawn,
    ) -> Result<(), WalletError> {
        let compact = &withdrawn.acknowledgement;
        let jws = UnverifiedJws::parse(compact)?;
        // Whose it claims to be is believed only if that is the verifier at which the grant is.
        let issuer = jws.claimed("iss").filter(|issuer| is_below(&grant.grant_uri, issuer));
        let issuer = issuer.ok_or_else(|| mismatch("it is not the verifier's"))?;
        let verdict = match self.verify_acknowledgement(grant, withdrawn, &issuer, &grant.verifier_key) {
            Err(failure) if failure.code == "signature_invalid" => {
                let key = self.published_key(&issuer, &jws.key_hint()).await?;
                self.verify_acknowledgement(grant, withdrawn, &issuer, &key)
            }
            verdict => verdict,
        };
        Ok(verdict?)
    }

    fn verify_acknowledgement(
        &self,
        grant: &StoredGrant,
        withdrawn: &Withdrawn,
        issuer: &str,
        key: &Jwk,
    ) -> Verdict<()> {
        let acknowledgement = UnverifiedAcknowledgement::parse(&withdrawn.acknowledgement)?;
        let said = acknowledgement.verify(self.signatures.as_ref(), key, issuer, &grant.grant_id)?;
        if said.terms_sha256 != grant.terms_sha256 {
            return Err(mismatch("it is for other terms than were agreed to"));
        }
        if said.withdrawn_at != withdrawn.withdrawn_at || withdrawn.state != State::Withdrawn {
            return Err(mismatch("the answer says something else than its signed part"));
        }
        Ok(())
    }

    async fn published_key(&self, issuer: &str, hint: &KeyHint<'_>) -> Result<Jwk, WalletError> {
        let url = well_known_url(&self.urls().check_identifier(issuer)?, METADATA);
        let metadata: Metadata = json::from_slice(&self.fetch_json(&url).await?)
            .map_err(|_| mismatch("the verifier's metadata cannot be read"))?;
        if metadata.issuer != issuer {
            return Err(mismatch("the verifier's metadata are another one's").into());
        }
        let jwks_url = self.urls().check(&metadata.jwks_uri)?;
        let keys = parse_jwks(&self.fetch_json(&jwks_url).await?)?;
        let key = choose_key(&keys, hint).map_err(|_| {
            mismatch("it is signed by a key that the verifier does not publish for signatures")
        })?;
        Ok(key.clone())
    }
}

/// Whether `uri` lies below the identifier `issuer`: on its origin, and in its path.
fn is_below(uri: &str, issuer: &str) -> bool {
    let (Ok(uri), Ok(issuer)) = (Url::parse(uri), Url::parse(issuer)) else { return false };
    let below = uri.path().strip_prefix(issuer.path().trim_end_matches('/'));
    uri.origin() == issuer.origin() && below.is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_lies_below_its_verifier_and_no_other() {
        let uri = "https://v.example/tenant/grants/1";
        for own in ["https://v.example", "https://v.example/", "https://v.example/tenant"] {
            assert!(is_below(uri, own), "{own}");
        }
        for foreign in
            ["https://v.exam", "https://v.example/other", "https://w.example", "https://v.example/ten"]
        {
            assert!(!is_below(uri, foreign), "{foreign}");
        }
        assert!(!is_below("https://v.example.evil/grants/1", "https://v.example"));
        assert!(!is_below("https://v.example:8443/grants/1", "https://v.example"));
        assert!(!is_below("https://v.example/grants/1", "https:"), "an identifier has a host");
    }
}
