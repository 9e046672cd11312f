//! A negative corpus: signed texts that each break exactly one rule, with the accepted text beside each.
//!
//! The corpus is data that other implementations can use: `schemas/corpus/*.json`, one file per [`Family`], explained in
//! the README.md there. What is here makes it, deterministically (RFC 6979 signatures, salts and keys from names), and
//! judges a text by a policy of the corpus with the library. Broken texts are put together byte by byte and then signed
//! with the right key, so that nothing but the one rule is broken.
//!
//! ```no_run
//! use enishi_credential::crypto::RustCryptoVerifier;
//! use enishi_tests::corpus;
//!
//! for family in corpus::families() {
//!     for case in &family.refused {
//!         let failure = corpus::judge(family.policy(&case.policy), &case.text, &RustCryptoVerifier).unwrap_err();
//!         assert_eq!(failure.code, case.expect.code);
//!     }
//! }
//! ```

mod claims;
mod craft;
mod dids;
mod digests;
mod disclosures;
mod form;
mod issuer_dids;
mod issuer_keys;
mod jose;
mod jose_text;
mod json_form;
mod judge;
mod key_binding;
mod key_binding_claims;
mod linkage;
mod policy;
mod status;
mod status_response;
mod type_metadata;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use judge::judge;
pub use policy::{CredentialPolicy, Keys, Policy, PresenterPolicy};

/// Cases about one subject: one file of the corpus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// The name of the family and of its file.
    pub family: String,
    /// What its texts are.
    pub about: String,
    /// What the reader demands, by name. Decided before a text is looked at.
    pub policies: BTreeMap<String, Policy>,
    /// Texts in which nothing is broken.
    pub accepted: Vec<Accepted>,
    /// Texts in which exactly one rule is broken.
    pub refused: Vec<Refused>,
}

/// A text that must be accepted: a control of broken ones, or something that too strict a reader would refuse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Its name.
    pub id: String,
    /// What it is.
    pub about: String,
    /// The policy under which it is accepted.
    pub policy: String,
    /// The text.
    pub text: String,
}

/// A text that must be refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Its name, which begins with the requirement.
    pub id: String,
    /// The requirement that it breaks, as the README of the corpus lists them.
    pub requirement: String,
    /// What is broken, in one sentence.
    pub broken: String,
    /// The accepted text that differs from this one by the broken rule only. The same policy accepts it.
    pub control: String,
    /// The policy.
    pub policy: String,
    /// The text.
    pub text: String,
    /// Why it is refused.
    pub expect: Expect,
}

/// How this project names a refusal. Others may name it otherwise; that they refuse is what counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The stable code.
    pub code: String,
    /// The check that fails.
    pub check: String,
    /// JSON Pointer to the broken place; empty for the whole document.
    pub pointer: String,
}

/// Every family, made anew.
pub fn families() -> Vec<Family> {
    vec![
        jose::family(),
        form::family(),
        json_form::family(),
        disclosures::family(),
        claims::family(),
        key_binding::family(),
        issuer_keys::family(),
        type_metadata::family(),
        status::family(),
        dids::family(),
        linkage::family(),
    ]
}

impl Family {
    /// The policy of this name.
    pub fn policy(&self, name: &str) -> &Policy {
        self.policies.get(name).unwrap_or_else(|| panic!("{}: no policy {name}", self.family))
    }

    /// The accepted text of this name.
    pub fn control(&self, id: &str) -> &Accepted {
        let found = self.accepted.iter().find(|accepted| accepted.id == id);
        found.unwrap_or_else(|| panic!("{}: no control {id}", self.family))
    }

    /// The file of the corpus.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("the corpus is JSON");
        text.push('\n');
        text
    }

    fn new(family: &str, about: &str) -> Self {
        let (accepted, refused) = (Vec::new(), Vec::new());
        Self {
            family: family.to_owned(),
            about: about.to_owned(),
            policies: BTreeMap::new(),
            accepted,
            refused,
        }
    }

    fn demand(&mut self, name: &str, policy: impl Into<Policy>) {
        self.policies.insert(name.to_owned(), policy.into());
    }

    fn accept(&mut self, id: &str, policy: &str, about: &str, text: impl Into<String>) {
        let (id, policy, about) = (id.to_owned(), policy.to_owned(), about.to_owned());
        self.accepted.push(Accepted { id, about, policy, text: text.into() });
    }

    /// The broken texts that follow are controlled by the accepted text `control`, under its policy.
    fn beside(&mut self, control: &str) -> Beside<'_> {
        let policy = self.control(control).policy.clone();
        Beside { control: control.to_owned(), policy, family: self }
    }
}

/// Adds broken texts to a family beside one control.
struct Beside<'a> {
    family: &'a mut Family,
    control: String,
    policy: String,
}

impl Beside<'_> {
    /// `id` begins with the requirement in lower case: `sd-n3-…`. `expect` is check, code and pointer.
    fn refuse(
        &mut self,
        id: &str,
        broken: &str,
        text: impl Into<String>,
        expect: (&str, &str, &str),
    ) -> &mut Self {
        let requirement = id.splitn(3, '-').take(2).collect::<Vec<_>>().join("-").to_uppercase();
        let (check, code, pointer) = expect;
        self.family.refused.push(Refused {
            id: id.to_owned(),
            requirement,
            broken: broken.to_owned(),
            control: self.control.clone(),
            policy: self.policy.clone(),
            text: text.into(),
            expect: Expect { code: code.to_owned(), check: check.to_owned(), pointer: pointer.to_owned() },
        });
        self
    }
}
