//! Signed notices of a verifier to a party about a grant (linkage protocol §10): withdrawn, suspended, resumed,
//! expired. Sent with `POST` to the `notice_uri` of the party declaration; any 2xx answer acknowledges.

use enishi_credential::crypto::{ES256_OR_EDDSA, SignatureVerifier, Signer, SignerError};
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::jose::jws::{self, KeyHint, UnverifiedJws};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};

/// The `typ` of a notice.
pub const TYP: &str = "enishi-notice+jwt";

/// The media type of a notice's body.
pub const MEDIA_TYPE: &str = "application/enishi-notice+jwt";

/// How long after it was signed a notice is accepted, in seconds: a verifier repeats it for 24 h, and clocks differ.
pub const MAX_AGE: i64 = 24 * 3600 + 300;

const CLOCK_SKEW: i64 = 60;
const CHECK: &str = "notice";

/// What happened to a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// The consent was withdrawn: stop, and delete as the terms say.
    Withdrawn,
    /// The grant is paused; it may be resumed.
    Suspended,
    /// The grant is active again.
    Resumed,
    /// The consent's time is over.
    Expired,
}

impl NoticeEvent {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::Expired => "expired",
        }
    }
}

/// The claims of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The verifier's issuer id.
    pub iss: String,
    /// The party that is told.
    pub aud: String,
    /// Unique per notice and party; a repetition of the same notice has the same `jti`.
    pub jti: String,
    /// When the notice was signed.
    pub iat: UnixTime,
    /// What happened.
    pub event: NoticeEvent,
    /// To which grant.
    pub grant_id: String,
}

/// Signs a notice.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn create(signer: &dyn Signer, notice: &Notice) -> Result<String, SignerError> {
    let claims = serde_json::to_value(notice).map_err(|error| SignerError(error.to_string()))?;
    jws::sign(signer, jws::header(TYP, signer), &claims).await
}

/// A notice whose signature has not been checked: only its claimed issuer and key can be read.
#[derive(Clone)]
pub struct UnverifiedNotice(UnverifiedJws);

impl UnverifiedNotice {
    /// Splits a notice.
    ///
    /// # Errors
    /// As [`UnverifiedJws::parse`].
    pub fn parse(compact: &str) -> Verdict<Self> {
        UnverifiedJws::parse(compact).map(Self)
    }

    /// The verifier that the notice claims to be from, to look up its key if it is a trusted one.
    pub fn claimed_issuer(&self) -> Option<String> {
        self.0.claimed("iss")
    }

    /// What the sender says about the key.
    pub fn key_hint(&self) -> KeyHint<'_> {
        self.0.key_hint()
    }

    /// Checks that `issuer` signed this notice with `key` for the party `audience`.
    ///
    /// # Errors
    /// `typ_not_allowed`, `signature_invalid`, `claims_malformed`, `issuer_mismatch`, `audience_mismatch`,
    /// `not_yet_valid`, `expired`.
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        issuer: &str,
        audience: &str,
        now: UnixTime,
    ) -> Verdict<Notice> {
        let notice: Notice =
            self.0.verify(verifier, key, &jws::Expected::new(TYP, ES256_OR_EDDSA))?.parse_claims()?;
        let fail = |code, at: &str, detail: &str| {
            Err(Failure::new(CHECK, code, detail)
                .at(at)
                .remedy("send the notice to the party it was signed for"))
        };
        if notice.iss != issuer {
            return fail("issuer_mismatch", "/iss", "the notice is not from the verifier whose key this is");
        }
        if notice.aud != audience {
            return fail("audience_mismatch", "/aud", "the notice is for another party");
        }
        if notice.iat.since(now) > CLOCK_SKEW {
            return fail("not_yet_valid", "/iat", "the notice is from the future");
        }
        if now.since(notice.iat) > MAX_AGE {
            return fail(
                "expired",
                "/iat",
                "the notice is older than the time for which notices are repeated",
            );
        }
        Ok(notice)
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::crypto::{RustCryptoVerifier, SoftwareSigner};
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwk::PrivateJwk;
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_000_000);

    fn signer() -> SoftwareSigner {
        SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new("notice"))).unwrap()
    }

    fn notice() -> Notice {
        Notice {
            iss: "https://verifier.example".to_owned(),
            aud: "https://dp.example".to_owned(),
            jti: "n1".to_owned(),
            iat: NOW,
            event: NoticeEvent::Withdrawn,
            grant_id: "g1".to_owned(),
        }
    }

    fn check(compact: &str, issuer: &str, audience: &str, now: UnixTime) -> Verdict<Notice> {
        let key = signer().public_jwk().clone();
        UnverifiedNotice::parse(compact)?.verify(&RustCryptoVerifier, &key, issuer, audience, now)
    }

    #[tokio::test]
    async fn only_the_addressee_accepts_a_notice_and_only_for_a_day() {
        let compact = create(&signer(), &notice()).await.unwrap();
        let (iss, aud) = ("https://verifier.example", "https://dp.example");
        assert_eq!(check(&compact, iss, aud, NOW).unwrap(), notice());
        assert_eq!(check(&compact, iss, "https://sp.example", NOW).unwrap_err().code, "audience_mismatch");
        assert_eq!(check(&compact, "https://x.example", aud, NOW).unwrap_err().code, "issuer_mismatch");
        assert_eq!(check(&compact, iss, aud, NOW.plus(-61)).unwrap_err().code, "not_yet_valid");
        assert!(check(&compact, iss, aud, NOW.plus(MAX_AGE)).is_ok());
        assert_eq!(check(&compact, iss, aud, NOW.plus(MAX_AGE + 1)).unwrap_err().code, "expired");
        assert_eq!(UnverifiedNotice::parse(&compact).unwrap().claimed_issuer().as_deref(), Some(iss));
    }

    #[tokio::test]
    async fn an_unknown_event_and_another_type_are_refused() {
        let mut claims = serde_json::to_value(notice()).unwrap();
        claims["event"] = "forgotten".into();
        let compact = jws::sign(&signer(), jws::header(TYP, &signer()), &claims).await.unwrap();
        let (iss, aud) = ("https://verifier.example", "https://dp.example");
        assert_eq!(check(&compact, iss, aud, NOW).unwrap_err().code, "claims_malformed");
        let claims = serde_json::to_value(notice()).unwrap();
        let compact = jws::sign(&signer(), jws::header("at+jwt", &signer()), &claims).await.unwrap();
        assert_eq!(check(&compact, iss, aud, NOW).unwrap_err().code, "typ_not_allowed");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text: String) {
            let _ = UnverifiedNotice::parse(&text);
        }
    }
}
