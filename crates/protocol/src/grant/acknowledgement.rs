//! The verifier's signed answer to a withdrawal (linkage protocol §10, threat 17): what the wallet keeps as its proof.

use enishi_credential::crypto::{ES256_OR_EDDSA, SignatureVerifier, Signer, SignerError};
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::jose::jws::{self, KeyHint, UnverifiedJws};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};

use super::State;

/// The `typ` of an acknowledgement.
pub const TYP: &str = "enishi-acknowledgement+jwt";

/// What a verifier acknowledges: the grant is withdrawn since this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The verifier's issuer id.
    pub iss: String,
    /// When the acknowledgement was signed.
    pub iat: UnixTime,
    /// The grant.
    pub grant_id: String,
    /// Hash of the terms that were consented to.
    pub terms_sha256: String,
    /// Where the grant stands: `withdrawn`.
    pub state: State,
    /// When minting stopped.
    pub withdrawn_at: UnixTime,
}

/// Signs an acknowledgement.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn create(signer: &dyn Signer, acknowledgement: &Acknowledgement) -> Result<String, SignerError> {
    let claims = serde_json::to_value(acknowledgement).map_err(|error| SignerError(error.to_string()))?;
    jws::sign(signer, jws::header(TYP, signer), &claims).await
}

/// An acknowledgement whose signature has not been checked.
#[derive(Clone)]
pub struct UnverifiedAcknowledgement(UnverifiedJws);

impl UnverifiedAcknowledgement {
    /// Splits an acknowledgement.
    ///
    /// # Errors
    /// As [`UnverifiedJws::parse`].
    pub fn parse(compact: &str) -> Verdict<Self> {
        UnverifiedJws::parse(compact).map(Self)
    }

    /// What the sender says about the key.
    pub fn key_hint(&self) -> KeyHint<'_> {
        self.0.key_hint()
    }

    /// Checks that `issuer` acknowledges with `key` that `grant_id` is withdrawn.
    ///
    /// # Errors
    /// `typ_not_allowed`, `signature_invalid`, `claims_malformed`; `acknowledgement_mismatch` for another verifier,
    /// another grant or another state.
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        issuer: &str,
        grant_id: &str,
    ) -> Verdict<Acknowledgement> {
        let claims: Acknowledgement =
            self.0.verify(verifier, key, &jws::Expected::new(TYP, ES256_OR_EDDSA))?.parse_claims()?;
        if claims.iss != issuer || claims.grant_id != grant_id || claims.state != State::Withdrawn {
            return Err(Failure::new(
                "acknowledgement",
                "acknowledgement_mismatch",
                "the acknowledgement is for something else",
            )
            .remedy("ask the verifier for the state of the grant"));
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::crypto::{RustCryptoVerifier, SoftwareSigner};
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwk::PrivateJwk;

    use super::*;

    #[tokio::test]
    async fn threat_17_an_acknowledgement_is_for_one_grant_of_one_verifier() {
        let signer = SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new("ack"))).unwrap();
        let made = Acknowledgement {
            iss: "https://verifier.example".to_owned(),
            iat: UnixTime::from_secs(10),
            grant_id: "g1".to_owned(),
            terms_sha256: "t".to_owned(),
            state: State::Withdrawn,
            withdrawn_at: UnixTime::from_secs(10),
        };
        let check = |compact: &str, issuer: &str, grant: &str| {
            UnverifiedAcknowledgement::parse(compact)
                .and_then(|ack| ack.verify(&RustCryptoVerifier, signer.public_jwk(), issuer, grant))
        };
        let compact = create(&signer, &made).await.unwrap();
        assert_eq!(check(&compact, &made.iss, "g1").unwrap(), made);
        assert_eq!(check(&compact, &made.iss, "g2").unwrap_err().code, "acknowledgement_mismatch");
        assert_eq!(check(&compact, "https://x.example", "g1").unwrap_err().code, "acknowledgement_mismatch");
        let active = Acknowledgement { state: State::Active, ..made.clone() };
        let compact = create(&signer, &active).await.unwrap();
        assert_eq!(check(&compact, &made.iss, "g1").unwrap_err().code, "acknowledgement_mismatch");
    }
}
