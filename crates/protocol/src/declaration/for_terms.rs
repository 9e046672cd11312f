//! Consent terms against the declarations that they name: nothing in the terms that the declarations do not say.

use enishi_credential::time::{DAY, UnixTime};
use enishi_credential::verdict::{Failure, Verdict};

use crate::consent::ConsentTerms;

use super::{DeclarationSet, Declared, Party, Purpose, PurposeApproval, Service};

/// The declarations that a set of consent terms names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TermsDeclarations<'a> {
    /// The service provider.
    pub recipient: &'a Declared<Party>,
    /// The data provider.
    pub provider: &'a Declared<Party>,
    /// The service.
    pub service: &'a Declared<Service>,
    /// The purpose.
    pub purpose: &'a Declared<Purpose>,
    /// The data provider's approval of the purpose.
    pub approval: &'a Declared<PurposeApproval>,
}

impl<'a> TermsDeclarations<'a> {
    /// The texts, for `verifier_info`.
    pub fn compacts(&self) -> Vec<&'a str> {
        vec![
            &self.recipient.compact,
            &self.provider.compact,
            &self.service.compact,
            &self.purpose.compact,
            &self.approval.compact,
        ]
    }
}

impl DeclarationSet {
    /// Checks consent terms against the declarations that they name by hash: all known, valid at `now`, approved, and
    /// nothing in the terms that the declarations do not say (linkage protocol §6, §7).
    ///
    /// # Errors
    /// `declaration_unknown`, `declaration_expired`, `purpose_not_approved`, `items_not_declared`,
    /// `terms_differ_from_declaration`, `grant_too_long`, `access_invalid`, `access_too_frequent`.
    pub fn for_terms(&self, terms: &ConsentTerms, now: UnixTime) -> Verdict<TermsDeclarations<'_>> {
        let unknown = |what: &'static str, at: &str| {
            Failure::new(
                "declarations",
                "declaration_unknown",
                format!("the {what} declaration is not known"),
            )
            .at(at)
            .remedy("name a registered declaration by the hash of its text")
        };
        let recipient =
            self.party(&terms.recipient.sha256).ok_or_else(|| unknown("recipient's", "/recipient"))?;
        let provider =
            self.party(&terms.provider.sha256).ok_or_else(|| unknown("provider's", "/provider"))?;
        let service = self.service(&terms.service.sha256).ok_or_else(|| unknown("service", "/service"))?;
        let purpose = self.purpose(&terms.purpose.sha256).ok_or_else(|| unknown("purpose", "/purpose"))?;
        for (exp, at) in [
            (recipient.body.exp, "/recipient"),
            (provider.body.exp, "/provider"),
            (service.body.exp, "/service"),
            (purpose.body.exp, "/purpose"),
        ] {
            if exp <= now {
                return Err(Failure::new("declarations", "declaration_expired", "a declaration has expired")
                    .at(at)
                    .remedy("register a renewed declaration; live grants wait for it"));
            }
        }
        let approval = self.approval(purpose, now).ok_or_else(|| {
            Failure::new(
                "declarations",
                "purpose_not_approved",
                "the data provider has not approved the purpose",
            )
            .at("/purpose")
            .remedy("have the data provider countersign the purpose declaration")
        })?;
        let found = TermsDeclarations { recipient, provider, service, purpose, approval };
        found.check_says(terms)?;
        found.check_items(terms)?;
        found.check_limits(terms)?;
        Ok(found)
    }
}

impl TermsDeclarations<'_> {
    /// Every word of the terms that a declaration also says is the declaration's word.
    fn check_says(&self, terms: &ConsentTerms) -> Verdict<()> {
        let (recipient, provider) = (&self.recipient.body, &self.provider.body);
        let (service, purpose) = (&self.service.body, &self.purpose.body);
        let same = |holds: bool, at: &str| {
            if holds {
                return Ok(());
            }
            Err(Failure::new(
                "declarations",
                "terms_differ_from_declaration",
                "the terms say something else than the declaration",
            )
            .at(at)
            .remedy(
                "take names, texts, retention, onward transfer and countries from the declarations unchanged",
            ))
        };
        same(terms.recipient.id == recipient.iss, "/recipient/id")?;
        same(terms.recipient.name == recipient.name, "/recipient/name")?;
        same(terms.provider.id == provider.iss, "/provider/id")?;
        same(terms.provider.name == provider.name, "/provider/name")?;
        same(service.iss == provider.iss, "/service")?;
        same(terms.service.id == service.id && terms.service.version == service.version, "/service")?;
        same(purpose.iss == recipient.iss && purpose.provider == provider.iss, "/purpose")?;
        same(purpose.service.id == service.id && purpose.service.version == service.version, "/purpose")?;
        same(terms.purpose.id == purpose.id && terms.purpose.version == purpose.version, "/purpose")?;
        same(terms.purpose.code == purpose.code, "/purpose/code")?;
        same(terms.purpose.text == purpose.text, "/purpose/text")?;
        same(terms.retention == purpose.retention, "/retention")?;
        same(terms.onward_transfer == purpose.onward_transfer, "/onward_transfer")?;
        same(terms.countries == purpose.countries, "/countries")?;
        same(terms.legal_basis == purpose.legal_basis, "/legal_basis")?;
        same(terms.notice == purpose.notice, "/notice")
    }

    fn check_items(&self, terms: &ConsentTerms) -> Verdict<()> {
        for (index, item) in terms.items.iter().enumerate() {
            let at = format!("/items/{index}");
            let refuse = |code, detail: &'static str| {
                Err(Failure::new("declarations", code, detail)
                    .at(at.clone())
                    .remedy("ask only for items that the purpose names, with the service's own labels"))
            };
            if terms.items.iter().take(index).any(|other| other.id == item.id) {
                return refuse("items_not_declared", "an item occurs twice");
            }
            if !self.purpose.body.items.contains(&item.id) {
                return refuse("items_not_declared", "the purpose does not name this item");
            }
            let Some(declared) = self.service.body.item(&item.id) else {
                return refuse("items_not_declared", "the service does not have this item");
            };
            if item.label != declared.label
                || item.special != declared.special
                || item.required == declared.optional
            {
                return refuse(
                    "terms_differ_from_declaration",
                    "label, sensitivity or being required differ from the service's declaration",
                );
            }
        }
        Ok(())
    }

    fn check_limits(&self, terms: &ConsentTerms) -> Verdict<()> {
        terms.access.check()?;
        let most = i64::from(self.service.body.max_grant_days).saturating_mul(DAY);
        if terms.not_after.since(terms.not_before) > most {
            return Err(Failure::new(
                "declarations",
                "grant_too_long",
                "the grant is longer than the service allows",
            )
            .at("/not_after")
            .remedy("ask for a shorter time"));
        }
        if self.service.body.max_access.as_ref().is_some_and(|limit| !terms.access.is_within(limit)) {
            return Err(Failure::new(
                "declarations",
                "access_too_frequent",
                "the access is more frequent than the service allows",
            )
            .at("/access")
            .remedy("ask for less frequent access"));
        }
        Ok(())
    }
}
