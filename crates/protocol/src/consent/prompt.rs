//! What a wallet shows before it asks for agreement: everything, in facts, without words or layout.

use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};

use crate::declaration::{
    DeclarationSet, KeepFor, LocalText, NamedParty, OnWithdrawal, Party, TermsDeclarations,
};
use crate::grant::access::Access;

use super::{ConsentTerms, TermsItem};

/// Terms whose declarations were checked: the only thing that a wallet may show.
#[derive(Debug, Clone, Copy)]
pub struct Prompt<'a> {
    terms: &'a ConsentTerms,
    declarations: TermsDeclarations<'a>,
}

impl<'a> Prompt<'a> {
    /// Checks the terms against the declarations and the time to answer.
    ///
    /// # Errors
    /// As [`DeclarationSet::for_terms`]; `answer_too_late` when the time to answer is over.
    pub fn new(terms: &'a ConsentTerms, set: &'a DeclarationSet, now: UnixTime) -> Verdict<Self> {
        if terms.answer_by <= now {
            return Err(Failure::new("consent-time", "answer_too_late", "the time to answer is over")
                .at("/answer_by")
                .remedy("start again at the service"));
        }
        Ok(Self { terms, declarations: set.for_terms(terms, now)? })
    }

    /// The terms.
    pub const fn terms(&self) -> &'a ConsentTerms {
        self.terms
    }

    /// Who gets the data.
    pub const fn recipient(&self) -> &'a Party {
        &self.declarations.recipient.body
    }

    /// Who gives it.
    pub const fn provider(&self) -> &'a Party {
        &self.declarations.provider.body
    }

    /// The name of the service.
    pub const fn service_name(&self) -> &'a LocalText {
        &self.declarations.service.body.name
    }

    /// What it is for.
    pub const fn purpose(&self) -> &'a LocalText {
        &self.declarations.purpose.body.text
    }

    /// What happens when the person refuses.
    pub const fn effect_of_refusal(&self) -> &'a LocalText {
        &self.declarations.purpose.body.effect_of_refusal
    }

    /// What is given, in the terms' order.
    pub fn items(&self) -> &'a [TermsItem] {
        &self.terms.items
    }

    /// Whether anything of it is sensitive data.
    pub fn has_special(&self) -> bool {
        self.terms.items.iter().any(|item| item.special)
    }

    /// From when and until when.
    pub const fn period(&self) -> (UnixTime, UnixTime) {
        (self.terms.not_before, self.terms.not_after)
    }

    /// Once or how often.
    pub const fn access(&self) -> &'a Access {
        &self.terms.access
    }

    /// How long it is kept, and what happens to it on withdrawal.
    pub fn retention(&self) -> (Option<KeepFor>, OnWithdrawal) {
        (self.terms.retention.keep_for(), self.terms.retention.on_withdrawal)
    }

    /// Who else gets it; empty for nobody.
    pub fn onward_transfer(&self) -> &'a [NamedParty] {
        &self.terms.onward_transfer
    }

    /// Where it is handled.
    pub fn countries(&self) -> &'a [String] {
        &self.terms.countries
    }

    /// Where the privacy notice is.
    pub fn notice_uri(&self) -> &'a str {
        &self.terms.notice.uri
    }

    /// Within how many seconds a withdrawal takes effect.
    pub const fn withdrawal_effect_within(&self) -> u32 {
        self.terms.withdraw.effect_within
    }
}
