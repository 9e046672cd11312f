//! The signed list as its issuer makes it: a Status List Token as JWT (Token Status List §5.1).

use base64::Engine as _;
use serde_json::{Value, json};

use super::{StatusList, TYP};
use crate::crypto::{Signer, SignerError};
use crate::jose::jws;
use crate::time::UnixTime;

/// A list about to be signed.
#[derive(Debug, Clone, Copy)]
pub struct StatusListToken<'a> {
    /// `sub`: the URI under which the list is served, exactly as in the references to it.
    pub uri: &'a str,
    /// `iss`, if the token names its issuer.
    pub issuer: Option<&'a str>,
    /// `iat`.
    pub issued_at: UnixTime,
    /// `exp`: the token must not be used from then on.
    pub expires_at: Option<UnixTime>,
    /// `ttl`: for how many seconds a reader may use its copy. It must be positive; zero is left out.
    pub ttl: Option<u32>,
    /// `aggregation_uri`: where all lists of the issuer are named, if anywhere.
    pub aggregation_uri: Option<&'a str>,
    /// The list.
    pub list: &'a StatusList,
}

impl StatusListToken<'_> {
    /// Signs the list. `x5c` is the signer's certificate chain as DER, leaf first and without the anchor, for profiles
    /// that want it (HAIP 1.0 §6.1.1); empty to name the key by `kid` only.
    ///
    /// # Errors
    /// [`SignerError`] if the signer fails.
    pub async fn sign(&self, signer: &dyn Signer, x5c: &[Vec<u8>]) -> Result<String, SignerError> {
        let mut header = jws::header(TYP, signer);
        if !x5c.is_empty() {
            let encode = |der: &Vec<u8>| Value::String(base64::engine::general_purpose::STANDARD.encode(der));
            header.insert("x5c".to_owned(), x5c.iter().map(encode).collect());
        }
        let mut list = self.list.encode();
        list.aggregation_uri = self.aggregation_uri.map(str::to_owned);
        let mut claims = json!({"sub": self.uri, "iat": self.issued_at});
        if let Some(claims) = claims.as_object_mut() {
            let mut optional = |name: &str, value: Option<Value>| {
                if let Some(value) = value {
                    claims.insert(name.to_owned(), value);
                }
            };
            optional("status_list", Some(list.into()));
            optional("iss", self.issuer.map(Value::from));
            optional("exp", self.expires_at.map(|exp| exp.secs().into()));
            optional("ttl", self.ttl.filter(|ttl| *ttl > 0).map(Value::from));
        }
        jws::sign(signer, header, &claims).await
    }
}
