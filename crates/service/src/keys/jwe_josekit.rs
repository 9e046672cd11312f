//! JWE by josekit (OpenSSL): encrypted responses and everything else that is not in the hot path.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwe::{
    JweBackend, JweError, JweHeader, KeyManagement, OpenedJwe, RESERVED, UnopenedJwe,
};
use enishi_credential::jose::jwk::{Jwk, PrivateJwk, PublicKey};
use josekit::jwe::alg::ecdh_es::{EcdhEsJweAlgorithm, EcdhEsJweDecrypter, EcdhEsJweEncrypter};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// Key objects of recipients that are kept; with more, all are forgotten and made again.
const MAX_RECIPIENTS: usize = 256;

/// Seals and opens with josekit. Making a key object costs more than using it, so those of recipients are kept, and those
/// of the server's own long-lived keys are made at the start. Keys that live for one request are never kept.
pub struct JoseJwe {
    own: HashMap<(KeyManagement, PublicKey), EcdhEsJweDecrypter>,
    recipients: Mutex<HashMap<(KeyManagement, PublicKey), EcdhEsJweEncrypter>>,
}

impl JoseJwe {
    /// A backend without keys of its own.
    pub fn new() -> Self {
        Self { own: HashMap::new(), recipients: Mutex::default() }
    }

    /// A backend that holds the objects of these keys ready, for all that they may be used for.
    ///
    /// # Errors
    /// [`JweError::WrongKey`] if one of them is not for key agreement.
    pub fn with_keys<'a>(keys: impl IntoIterator<Item = &'a PrivateJwk>) -> Result<Self, JweError> {
        let mut own = HashMap::new();
        for key in keys {
            let before = own.len();
            for algorithm in KeyManagement::ALL.into_iter().filter(|it| key.public().may_agree(*it)) {
                own.insert((algorithm, key.public().key.clone()), decrypter(key, algorithm)?);
            }
            if own.len() == before {
                return Err(JweError::WrongKey);
            }
        }
        Ok(Self { own, ..Self::new() })
    }

    fn encrypter(&self, recipient: &Jwk, algorithm: KeyManagement) -> Result<EcdhEsJweEncrypter, JweError> {
        if !recipient.may_agree(algorithm) {
            return Err(JweError::WrongKey);
        }
        let name = (algorithm, recipient.key.clone());
        let mut recipients = self.recipients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encrypter) = recipients.get(&name) {
            return Ok(encrypter.clone());
        }
        let encrypter = jose_algorithm(algorithm)
            .encrypter_from_jwk(&jose_key(Jwk::new(recipient.key.clone()).to_value())?)
            .map_err(|_| JweError::WrongKey)?;
        if recipients.len() >= MAX_RECIPIENTS {
            recipients.clear();
        }
        recipients.insert(name, encrypter.clone());
        Ok(encrypter)
    }
}

impl Default for JoseJwe {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for JoseJwe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JoseJwe({} keys)", self.own.len())
    }
}

impl JweBackend for JoseJwe {
    /// The ephemeral key and the initialization vector come from OpenSSL's own generator, not from `entropy`.
    fn seal(
        &self,
        recipient: &Jwk,
        header: &JweHeader,
        plaintext: &[u8],
        _entropy: &dyn Entropy,
    ) -> Result<String, JweError> {
        let encrypter = self.encrypter(recipient, header.algorithm)?;
        let mut members: Map<String, Value> = header.extra.clone();
        members.retain(|name, _| !RESERVED.contains(&name.as_str()));
        members.insert("enc".to_owned(), header.encryption.as_str().into());
        if let Some(kid) = &header.kid {
            members.insert("kid".to_owned(), kid.as_str().into());
        }
        let members = josekit::jwe::JweHeader::from_map(members).map_err(|_| JweError::Malformed)?;
        josekit::jwe::serialize_compact(plaintext, &members, &encrypter).map_err(|_| {
            // A key that is a point of its curve can still be one of low order.
            if matches!(recipient.key, PublicKey::X25519(_)) {
                JweError::WrongKey
            } else {
                JweError::Malformed
            }
        })
    }

    fn open(&self, key: &PrivateJwk, jwe: &UnopenedJwe<'_>) -> Result<OpenedJwe, JweError> {
        // josekit accepts duplicate header members, and OpenSSL shortened tags; `UnopenedJwe` does not.
        let algorithm = jwe.header().algorithm;
        let public = key.public();
        if !public.may_agree(algorithm) || !same_curve(&public.key, jwe.ephemeral_key()) {
            return Err(JweError::WrongKey);
        }
        let made;
        let decrypter = if let Some(own) = self.own.get(&(algorithm, public.key.clone())) {
            own
        } else {
            made = decrypter(key, algorithm)?;
            &made
        };
        let (plaintext, _) = josekit::jwe::deserialize_compact(jwe.compact(), decrypter)
            .map_err(|_| JweError::NotForThisKey)?;
        Ok(OpenedJwe { header: jwe.header().clone(), plaintext: Zeroizing::new(plaintext) })
    }
}

const fn jose_algorithm(algorithm: KeyManagement) -> EcdhEsJweAlgorithm {
    match algorithm {
        KeyManagement::EcdhEs => EcdhEsJweAlgorithm::EcdhEs,
        KeyManagement::EcdhEsA128Kw => EcdhEsJweAlgorithm::EcdhEsA128kw,
        KeyManagement::EcdhEsA256Kw => EcdhEsJweAlgorithm::EcdhEsA256kw,
    }
}

fn decrypter(key: &PrivateJwk, algorithm: KeyManagement) -> Result<EcdhEsJweDecrypter, JweError> {
    // Without `kid`, so that josekit leaves the choice of the key to the caller.
    let bare = key.clone().map_public(|public| Jwk::new(public.key));
    jose_algorithm(algorithm)
        .decrypter_from_jwk(&jose_key(bare.to_secret_value())?)
        .map_err(|_| JweError::WrongKey)
}

fn jose_key(value: Value) -> Result<josekit::jwk::Jwk, JweError> {
    match value {
        Value::Object(members) => josekit::jwk::Jwk::from_map(members).map_err(|_| JweError::WrongKey),
        _ => Err(JweError::WrongKey),
    }
}

fn same_curve(one: &PublicKey, other: &PublicKey) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwe_contract::{keys, open_each_others};
    use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
    use enishi_credential::jwe_contract;

    use super::*;
    use crate::keys::{AwsJwe, KeyType};

    jwe_contract!(JoseJwe::new());

    mod with_the_keys_at_hand {
        use enishi_credential::jose::jwe_contract::keys;
        use enishi_credential::jwe_contract;

        use super::JoseJwe;

        jwe_contract!(JoseJwe::with_keys(&keys()).unwrap());
    }

    #[test]
    fn all_backends_open_each_others_texts() {
        let (josekit, aws) = (JoseJwe::with_keys(&keys()).unwrap(), AwsJwe::with_keys(&keys()).unwrap());
        open_each_others(&[&RustCryptoJwe, &josekit, &JoseJwe::new(), &aws, &AwsJwe::new()]);
    }

    #[test]
    fn signature_keys_are_no_keys_of_a_backend() {
        for kind in [KeyType::Es256, KeyType::Ed25519] {
            let key = kind.generate(&SeededEntropy::new("sig"));
            assert!(JoseJwe::with_keys([&key]).is_err());
        }
    }

    #[test]
    fn key_objects_of_recipients_are_bounded() {
        let backend = JoseJwe::new();
        for n in 0..=MAX_RECIPIENTS {
            let key = KeyType::EcdhX25519.generate(&SeededEntropy::new(&n.to_string()));
            backend.encrypter(key.public(), KeyManagement::EcdhEs).unwrap();
        }
        assert!(backend.recipients.lock().unwrap().len() <= MAX_RECIPIENTS);
    }
}
