//! JWE by josekit (OpenSSL).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use enishi_credential::encoding::{b64, json};
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwe::{JweBackend, JweError, JweHeader, OpenedJwe, RESERVED};
use enishi_credential::jose::jwk::{Jwk, PrivateJwk, PublicKey, Thumbprint};
use josekit::jwe::alg::ecdh_es::{EcdhEsJweAlgorithm, EcdhEsJweDecrypter, EcdhEsJweEncrypter};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The longest compact JWE that is opened.
const MAX_LENGTH: usize = 1 << 20;
/// Key objects of recipients that are kept; with more, all are forgotten and made again.
const MAX_RECIPIENTS: usize = 256;
/// Lengths in base64url characters of the initialization vector (12 bytes) and the tag (16 bytes) of AES-GCM.
const IV_CHARS: usize = 16;
const TAG_CHARS: usize = 22;

/// Seals and opens with josekit. Making a key object costs more than using it, so those of recipients are kept, and those
/// of the server's own long-lived keys are made at the start. Keys that live for one request are never kept.
pub struct JoseJwe {
    own: HashMap<Thumbprint, EcdhEsJweDecrypter>,
    recipients: Mutex<HashMap<Thumbprint, EcdhEsJweEncrypter>>,
}

impl JoseJwe {
    /// A backend without keys of its own.
    pub fn new() -> Self {
        Self { own: HashMap::new(), recipients: Mutex::default() }
    }

    /// A backend that holds the objects of these keys ready.
    pub fn with_keys<'a>(keys: impl IntoIterator<Item = &'a PrivateJwk>) -> Result<Self, JweError> {
        let own = keys
            .into_iter()
            .map(|key| Ok((key.public().thumbprint(), decrypter(key)?)))
            .collect::<Result<_, JweError>>()?;
        Ok(Self { own, ..Self::new() })
    }

    fn encrypter(&self, recipient: &Jwk) -> Result<EcdhEsJweEncrypter, JweError> {
        if !is_for_agreement(recipient) {
            return Err(JweError::WrongKey);
        }
        let thumbprint = recipient.thumbprint();
        let mut recipients = self.recipients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encrypter) = recipients.get(&thumbprint) {
            return Ok(encrypter.clone());
        }
        let encrypter = EcdhEsJweAlgorithm::EcdhEs
            .encrypter_from_jwk(&jose_key(Jwk::new(recipient.key.clone()).to_value())?)
            .map_err(|_| JweError::WrongKey)?;
        if recipients.len() >= MAX_RECIPIENTS {
            recipients.clear();
        }
        recipients.insert(thumbprint, encrypter.clone());
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
        let encrypter = self.encrypter(recipient)?;
        let mut members: Map<String, Value> = header.extra.clone();
        members.retain(|name, _| !RESERVED.contains(&name.as_str()));
        members.insert("enc".to_owned(), header.encryption.as_str().into());
        if let Some(kid) = &header.kid {
            members.insert("kid".to_owned(), kid.as_str().into());
        }
        let members = josekit::jwe::JweHeader::from_map(members).map_err(|_| JweError::Malformed)?;
        josekit::jwe::serialize_compact(plaintext, &members, &encrypter).map_err(|_| JweError::Malformed)
    }

    fn open(&self, key: &PrivateJwk, compact: &str) -> Result<OpenedJwe, JweError> {
        // josekit accepts duplicate header members, and OpenSSL shortened tags: the form is judged before it sees the text.
        let header = JweHeader::peek(compact)?;
        check_form(compact)?;
        let epk = ephemeral_key(compact)?;
        if !is_for_agreement(key.public()) || !same_curve(&key.public().key, &epk.key) {
            return Err(JweError::WrongKey);
        }
        let made;
        let decrypter = if let Some(own) = self.own.get(&key.public().thumbprint()) {
            own
        } else {
            made = decrypter(key)?;
            &made
        };
        let (plaintext, _) =
            josekit::jwe::deserialize_compact(compact, decrypter).map_err(|_| JweError::NotForThisKey)?;
        Ok(OpenedJwe { header, plaintext: Zeroizing::new(plaintext) })
    }
}

fn decrypter(key: &PrivateJwk) -> Result<EcdhEsJweDecrypter, JweError> {
    if !is_for_agreement(key.public()) {
        return Err(JweError::WrongKey);
    }
    // Without `kid`, so that josekit leaves the choice of the key to the caller.
    let bare = key.clone().map_public(|public| Jwk::new(public.key));
    EcdhEsJweAlgorithm::EcdhEs
        .decrypter_from_jwk(&jose_key(bare.to_secret_value())?)
        .map_err(|_| JweError::WrongKey)
}

fn jose_key(value: Value) -> Result<josekit::jwk::Jwk, JweError> {
    match value {
        Value::Object(members) => josekit::jwk::Jwk::from_map(members).map_err(|_| JweError::WrongKey),
        _ => Err(JweError::WrongKey),
    }
}

/// Whether the key's own members allow ECDH-ES with it (RFC 7517 §4.2, §4.4).
fn is_for_agreement(key: &Jwk) -> bool {
    matches!(key.key, PublicKey::P256 { .. } | PublicKey::X25519(_))
        && key.key_use.as_deref().is_none_or(|it| it == "enc")
        && key.alg.as_deref().is_none_or(|it| it == "ECDH-ES")
}

fn same_curve(one: &PublicKey, other: &PublicKey) -> bool {
    matches!(
        (one, other),
        (PublicKey::P256 { .. }, PublicKey::P256 { .. }) | (PublicKey::X25519(_), PublicKey::X25519(_))
    )
}

/// Five strict base64url parts: no encrypted key (RFC 7516 §5.2 step 10), an initialization vector and a tag of full length.
fn check_form(compact: &str) -> Result<(), JweError> {
    if compact.len() > MAX_LENGTH {
        return Err(JweError::Malformed);
    }
    let mut parts = compact.split('.');
    let (Some(_), Some(""), Some(iv), Some(ciphertext), Some(tag), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JweError::Malformed);
    };
    let strict = iv.len() == IV_CHARS
        && tag.len() == TAG_CHARS
        && [iv, ciphertext, tag].into_iter().all(|part| b64::decode(part).is_ok());
    if strict { Ok(()) } else { Err(JweError::Malformed) }
}

/// The sender's ephemeral key: public, and a point of its curve (RFC 7518 §4.6.1.1).
fn ephemeral_key(compact: &str) -> Result<Jwk, JweError> {
    let header64 = compact.split('.').next().unwrap_or_default();
    let bytes = b64::decode(header64).map_err(|_| JweError::Malformed)?;
    let header = json::parse(&bytes).map_err(|_| JweError::Malformed)?;
    Jwk::from_value(header.get("epk").ok_or(JweError::Malformed)?).map_err(|_| JweError::Malformed)
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwe::ContentEncryption;
    use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::keys::KeyType;

    fn keys() -> [PrivateJwk; 2] {
        [KeyType::EcdhP256, KeyType::EcdhX25519].map(|kind| kind.generate(&SeededEntropy::new("jwe")))
    }

    fn header(encryption: ContentEncryption, key: &PrivateJwk) -> JweHeader {
        JweHeader::new(encryption)
            .kid(key.public().kid.clone())
            .member("iss", "https://issuer.example")
            .member("rp", "http://localhost:8101")
            .member("jkt", "abc")
            .member("apv", "bm9uY2U")
    }

    /// `compact` with changed header members.
    fn with_header(compact: &str, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let (header, rest) = compact.split_once('.').unwrap();
        let Value::Object(mut members) = json::parse(&b64::decode(header).unwrap()).unwrap() else {
            panic!()
        };
        change(&mut members);
        format!("{}.{rest}", b64::encode(Value::Object(members).to_string()))
    }

    #[test]
    fn josekit_and_rustcrypto_open_each_others_texts_with_all_header_members() {
        for key in keys() {
            let cached = JoseJwe::with_keys([&key]).unwrap();
            let backends: [&dyn JweBackend; 3] = [&JoseJwe::new(), &cached, &RustCryptoJwe];
            for encryption in [ContentEncryption::A128Gcm, ContentEncryption::A256Gcm] {
                for sealer in backends {
                    let header = header(encryption, &key);
                    let text = sealer.seal(key.public(), &header, "平文".as_bytes(), &SystemEntropy).unwrap();
                    for opener in backends {
                        let opened = opener.open(&key, &text).unwrap();
                        assert_eq!(opened.plaintext.as_slice(), "平文".as_bytes());
                        assert_eq!(opened.header, header);
                    }
                }
            }
        }
    }

    #[test]
    fn threat_5_sealed_sub_a_changed_header_does_not_open() {
        for key in keys() {
            let backend = JoseJwe::with_keys([&key]).unwrap();
            let text = backend
                .seal(key.public(), &header(ContentEncryption::A256Gcm, &key), b"plain", &SystemEntropy)
                .unwrap();
            let changed = with_header(&text, |members| {
                members.insert("rp".into(), json!("https://other.example"));
            });
            assert_eq!(backend.open(&key, &changed).err(), Some(JweError::NotForThisKey));
            let other = KeyType::EcdhP256.generate(&SeededEntropy::new("other"));
            assert!(backend.open(&other, &text).is_err());
        }
    }

    #[test]
    fn the_form_is_judged_strictly() {
        let [key, _] = keys();
        let backend = JoseJwe::new();
        let text = backend
            .seal(key.public(), &header(ContentEncryption::A128Gcm, &key), b"plain", &SystemEntropy)
            .unwrap();
        let open = |text: &str| backend.open(&key, text).err();
        let parts: Vec<&str> = text.split('.').collect();
        let joined = |at: usize, part: &str| {
            let mut parts = parts.clone();
            parts[at] = part;
            parts.join(".")
        };
        assert_eq!(open(&text), None);
        assert_eq!(open(&joined(4, &parts[4][..16])), Some(JweError::Malformed), "a tag of twelve bytes");
        assert_eq!(open(&joined(1, "AAAA")), Some(JweError::Malformed), "an encrypted key");
        assert_eq!(open(&joined(3, &format!("{}=", parts[3]))), Some(JweError::Malformed), "padding");
        assert_eq!(open(&format!("{text}.")), Some(JweError::Malformed));
        let changed = |name: &str, value: Value| {
            open(&with_header(&text, |members| {
                members.insert(name.into(), value);
            }))
        };
        assert_eq!(changed("alg", json!("ECDH-ES+A256KW")), Some(JweError::NotAllowed));
        assert_eq!(changed("enc", json!("A128CBC-HS256")), Some(JweError::NotAllowed));
        assert_eq!(changed("zip", json!("DEF")), Some(JweError::NotAllowed));
        assert_eq!(changed("crit", json!(["x"])), Some(JweError::NotAllowed));
        assert_eq!(changed("apu", json!(1)), Some(JweError::NotForThisKey));
        let x25519 = KeyType::EcdhX25519.generate(&SeededEntropy::new("x")).public().to_value();
        assert_eq!(changed("epk", x25519), Some(JweError::WrongKey));
        let off_curve =
            json!({"kty": "EC", "crv": "P-256", "x": b64::encode([1; 32]), "y": b64::encode([1; 32])});
        assert_eq!(changed("epk", off_curve), Some(JweError::Malformed));
        let duplicate = format!(
            "{}.{}",
            b64::encode(String::from_utf8(b64::decode(parts[0]).unwrap()).unwrap().replacen(
                '{',
                "{\"enc\":\"A128GCM\",",
                1
            )),
            parts[1..].join(".")
        );
        assert_eq!(open(&duplicate), Some(JweError::Malformed));
    }

    #[test]
    fn an_x25519_point_of_low_order_opens_nothing() {
        let [_, key] = keys();
        let backend = JoseJwe::new();
        let text = backend
            .seal(key.public(), &JweHeader::new(ContentEncryption::A256Gcm), b"x", &SystemEntropy)
            .unwrap();
        let zero = json!({"kty": "OKP", "crv": "X25519", "x": b64::encode([0; 32])});
        let changed = with_header(&text, |members| {
            members.insert("epk".into(), zero.clone());
        });
        assert!(backend.open(&key, &changed).is_err());
        let recipient = Jwk::from_value(&zero).unwrap();
        assert!(
            backend
                .seal(&recipient, &JweHeader::new(ContentEncryption::A256Gcm), b"x", &SystemEntropy)
                .is_err()
        );
    }

    #[test]
    fn signature_keys_neither_seal_nor_open() {
        let [encryption, _] = keys();
        let header = JweHeader::new(ContentEncryption::A256Gcm);
        let text = JoseJwe::new().seal(encryption.public(), &header, b"x", &SystemEntropy).unwrap();
        for kind in [KeyType::Es256, KeyType::Ed25519] {
            let key = kind.generate(&SeededEntropy::new("sig"));
            let sealed = JoseJwe::new().seal(key.public(), &header, b"x", &SystemEntropy);
            assert_eq!(sealed, Err(JweError::WrongKey));
            assert_eq!(JoseJwe::new().open(&key, &text).err(), Some(JweError::WrongKey));
        }
    }

    #[test]
    fn key_objects_of_recipients_are_bounded() {
        let backend = JoseJwe::new();
        for n in 0..=MAX_RECIPIENTS {
            let key = KeyType::EcdhX25519.generate(&SeededEntropy::new(&n.to_string()));
            backend.encrypter(key.public()).unwrap();
        }
        assert!(backend.recipients.lock().unwrap().len() <= MAX_RECIPIENTS);
    }

    proptest! {
        #[test]
        fn opening_never_panics(text in "[A-Za-z0-9_.-]{0,200}") {
            let [key, _] = keys();
            let _ = JoseJwe::new().open(&key, &text);
        }
    }
}
