//! T-1 … T-9 and N15 of the checklist, with real documents and real credentials.

mod credentials;
mod documents;
mod inheritance;
mod svg;
mod vectors;

use serde_json::{Map, Value, json};

use super::*;
use crate::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use crate::entropy::SeededEntropy;
use crate::jose::jwk::PrivateJwk;
use crate::sdjwt::{
    ClaimPath, ExpectedVct, HeldSdJwt, KeyBindingPolicy, SdJwtBuilder, UnverifiedSdJwt, Validation,
    VerifiedSdJwt,
};
use crate::time::UnixTime;
use crate::verdict::Verdict;

const ISSUER: &str = "https://issuer.example";
const CARD: &str = "urn:example:card:1";

/// A document for the type [`CARD`] with these further members.
fn card(more: Value) -> Vec<u8> {
    document(CARD, more)
}

fn document(vct: &str, more: Value) -> Vec<u8> {
    let mut all = json!({ "vct": vct });
    for (name, value) in more.as_object().unwrap() {
        all[name.as_str()] = value.clone();
    }
    all.to_string().into_bytes()
}

/// A document with these claims.
fn claims(claims: Value) -> Vec<u8> {
    card(json!({ "claims": claims }))
}

fn reference(vct: &str, integrity: Option<&str>) -> TypeReference {
    TypeReference {
        vct: vct.to_owned(),
        integrity: integrity.map(|integrity| Integrity::parse(integrity).unwrap()),
    }
}

/// The type of configured documents, child first.
fn resolve(documents: &[&[u8]]) -> Verdict<ResolvedType> {
    let vct = TypeDocument::parse(documents[0])?.vct;
    let mut resolution = Resolution::new(reference(&vct, None));
    for document in documents {
        resolution = resolution.supply(document, Source::Configured)?;
    }
    resolution.finish()
}

fn code<T: std::fmt::Debug>(verdict: Verdict<T>) -> &'static str {
    verdict.unwrap_err().code
}

fn issuer() -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new("issuer"))).unwrap()
}

fn validation() -> Validation {
    let mut validation = Validation::credential(ISSUER, CARD, UnixTime::from_secs(1_800_000_000));
    validation.vct = ExpectedVct::Any;
    validation
}

/// What a holder has of a credential with these claims, of which these can be concealed.
async fn held(more: Value, concealed: &[Value]) -> HeldSdJwt {
    let mut claims = Map::from_iter([("iss".to_owned(), ISSUER.into()), ("vct".to_owned(), CARD.into())]);
    claims.extend(more.as_object().unwrap().clone());
    let builder = concealed.iter().fold(SdJwtBuilder::new(claims), |builder, path| {
        builder.conceal(serde_json::from_value::<ClaimPath>(path.clone()).unwrap())
    });
    let issued = builder.sign(&issuer(), &SeededEntropy::new("salts")).await.unwrap();
    HeldSdJwt::receive(&issued, &RustCryptoVerifier, issuer().public_jwk(), &validation()).unwrap()
}

/// What a verifier sees of it when these paths are disclosed.
fn shown(held: &HeldSdJwt, paths: &[Value]) -> VerifiedSdJwt {
    let paths: Vec<ClaimPath> =
        paths.iter().map(|path| serde_json::from_value(path.clone()).unwrap()).collect();
    let text = held.present(&paths).unwrap().into_unbound();
    UnverifiedSdJwt::parse(&text)
        .unwrap()
        .verify(&RustCryptoVerifier, issuer().public_jwk(), &validation(), &KeyBindingPolicy::NotRequired)
        .unwrap()
}

/// The codes of the table in the module docs, each with its check.
fn documented() -> Vec<(&'static str, &'static str)> {
    let rows = include_str!("../mod.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.flat_map(|row| {
        let mut cells = row.split(" | ");
        let (codes, check) = (cells.next().unwrap(), cells.next().unwrap());
        codes.split(", ").map(move |code| (code.trim_matches('`'), check))
    })
    .collect()
}

#[test]
fn every_code_is_documented_with_its_check_and_has_a_remedy() {
    for (code, check) in documented() {
        let failure = fault(code, "");
        assert_eq!(failure.check, check, "{code}");
        assert!(!failure.remedy.is_empty());
    }
    let sources = [
        include_str!("../check.rs"),
        include_str!("../claims.rs"),
        include_str!("../document.rs"),
        include_str!("../integrity.rs"),
        include_str!("../resolve.rs"),
        include_str!("../svg.rs"),
    ];
    let calls = sources.iter().flat_map(|source| {
        source
            .split("fault(")
            .skip(1)
            .chain(source.split("refused(").skip(1))
            .chain(source.split("with_code(").skip(1))
    });
    let used: Vec<&str> =
        calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next()).collect();
    assert!(used.len() > 25, "{}", used.len());
    for code in used.into_iter().filter(|code| !code.contains(' ')) {
        assert!(documented().iter().any(|(documented, _)| *documented == code), "{code}");
    }
}
