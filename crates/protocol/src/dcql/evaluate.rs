//! The wallet's side of DCQL (OpenID4VP 1.0 §6.4): which held credentials answer a query, and with which claims.

use serde_json::Value;

use super::{ClaimQuery, ClaimsPath, CredentialQuery, FormatQuery, Query, SD_JWT_VC};

/// A credential that a wallet holds, as far as a query looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The format identifier, e.g. `dc+sd-jwt`.
    pub format: &'a str,
    /// `vct` of an SD-JWT VC.
    pub vct: &'a str,
    /// All claims that could be disclosed, after processing (RFC 9901 §7.1).
    pub claims: &'a Value,
    /// Whether the wallet has the key that the credential is bound to.
    pub holder_bound: bool,
    /// What is known of the issuer's authorities, as (`type`, `value`) of §6.1.1.
    pub authorities: &'a [(String, String)],
}

/// A credential that answers a Credential Query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its place among the candidates.
    pub candidate: usize,
    /// The claims to disclose, each once; empty when only what is always visible is wanted.
    pub claims: Vec<ClaimsPath>,
}

/// The answers to every part of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation<'q> {
    query: &'q Query,
    matches: Vec<Vec<Match>>,
}

/// One part of a query together with the credentials that answer it, of which the holder may choose one.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice<'q> {
    /// The Credential Query.
    pub query: &'q CredentialQuery,
    /// At least one match.
    pub matches: Vec<Match>,
}

impl Query {
    /// Finds the candidates that answer each part of this query.
    pub fn evaluate(&self, candidates: &[Candidate<'_>]) -> Evaluation<'_> {
        let matches_of = |query: &CredentialQuery| {
            let found = candidates.iter().enumerate().filter_map(|(index, candidate)| {
                claims_to_disclose(query, candidate).map(|claims| Match { candidate: index, claims })
            });
            found.collect()
        };
        Evaluation { query: self, matches: self.credentials().iter().map(matches_of).collect() }
    }
}

impl<'q> Evaluation<'q> {
    /// What to present: every part of the query, or the first satisfiable option of every required credential set.
    /// `None` if something required cannot be answered: then nothing at all is presented (§6.4.2).
    /// Optional sets are left out, since a wallet shows no more than it must.
    pub fn choices(&self) -> Option<Vec<Choice<'q>>> {
        if self.query.credential_sets().is_empty() {
            return self.query.credentials().iter().map(|query| self.choice(&query.id)).collect();
        }
        let mut out: Vec<Choice<'q>> = Vec::new();
        for set in self.query.credential_sets().iter().filter(|set| set.required) {
            let option = set
                .options
                .iter()
                .find_map(|option| option.iter().map(|id| self.choice(id)).collect::<Option<Vec<_>>>())?;
            for choice in option {
                if !out.iter().any(|chosen| chosen.query.id == choice.query.id) {
                    out.push(choice);
                }
            }
        }
        Some(out)
    }

    /// The matches of the Credential Query named `id`, if there are any.
    pub fn choice(&self, id: &str) -> Option<Choice<'q>> {
        let mut parts = self.query.credentials().iter().zip(&self.matches);
        let (query, matches) = parts.find(|(query, _)| query.id == id)?;
        (!matches.is_empty()).then(|| Choice { query, matches: matches.clone() })
    }
}

fn claims_to_disclose(query: &CredentialQuery, candidate: &Candidate<'_>) -> Option<Vec<ClaimsPath>> {
    let FormatQuery::SdJwtVc { vct_values } = &query.format else { return None };
    let right_type = candidate.format == SD_JWT_VC && vct_values.iter().any(|vct| vct == candidate.vct);
    let bound = candidate.holder_bound || !query.require_holder_binding;
    let authorised = query.trusted_authorities.is_empty()
        || query.trusted_authorities.iter().any(|wanted| {
            candidate
                .authorities
                .iter()
                .any(|(kind, value)| *kind == wanted.kind && wanted.values.contains(value))
        });
    if !(right_type && bound && authorised) {
        return None;
    }
    select_claims(query, candidate.claims)
}

/// The claims of the first satisfiable set (§6.4.1), or `None` if no set can be satisfied.
pub(super) fn select_claims(query: &CredentialQuery, claims: &Value) -> Option<Vec<ClaimsPath>> {
    if query.claim_sets.is_empty() {
        return all_of(query.claims.iter(), claims);
    }
    query.claim_sets.iter().find_map(|set| {
        let wanted = query.claims.iter().filter(|claim| claim.id.as_ref().is_some_and(|id| set.contains(id)));
        all_of(wanted, claims)
    })
}

fn all_of<'c>(wanted: impl Iterator<Item = &'c ClaimQuery>, claims: &Value) -> Option<Vec<ClaimsPath>> {
    let mut paths = Vec::new();
    for claim in wanted {
        let selected = claim.path.select(claims).ok()?;
        // A claim with another value counts as absent (§6.4.1).
        let acceptable = claim.values.is_empty()
            || selected.iter().any(|value| claim.values.iter().any(|wanted| wanted.matches(value)));
        if !acceptable {
            return None;
        }
        if !paths.contains(&claim.path) {
            paths.push(claim.path.clone());
        }
    }
    Some(paths)
}
