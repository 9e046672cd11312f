//! A verified bundle of declarations, and the check of consent terms against it.

use std::collections::BTreeMap;

use enishi_credential::crypto::{ES256_OR_EDDSA, SignatureVerifier};
use enishi_credential::jose::jws::{Expected, UnverifiedJws, VerifiedJws};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};

use crate::grant::messages::DeclarationRef;
use crate::party::find_key;

use super::{
    APPROVAL_TYP, CLOCK_SKEW, DeclarationTrust, PARTY_TYP, PURPOSE_TYP, Party, Purpose, PurposeApproval,
    SERVICE_TYP, Service, malformed, sha256,
};

/// A verified declaration with its name and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared<T> {
    /// Its name: [`sha256`] of the text.
    pub sha256: String,
    /// The compact JWS.
    pub compact: String,
    /// What it says.
    pub body: T,
}

/// Declarations whose signatures hold from the parties' certificates down. Whether one is still valid is checked when it is
/// used, because a set lives longer than some of its members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeclarationSet {
    parties: BTreeMap<String, Declared<Party>>,
    services: BTreeMap<String, Declared<Service>>,
    purposes: BTreeMap<String, Declared<Purpose>>,
    approvals: Vec<Declared<PurposeApproval>>,
}

impl DeclarationSet {
    /// Verifies a bundle: parties by their certificates or DIDs, everything else by keys of the party that it is from.
    ///
    /// # Errors
    /// The first declaration that does not hold, with its place as pointer: `jws_malformed`, `typ_not_allowed`,
    /// `party_untrusted`, `key_unknown`, `signature_invalid`, `claims_malformed`, `declaration_malformed`,
    /// `declaration_from_future`.
    pub fn verify<'c>(
        compacts: impl IntoIterator<Item = &'c str>,
        trust: &DeclarationTrust,
        verifier: &dyn SignatureVerifier,
        now: UnixTime,
    ) -> Verdict<Self> {
        let mut set = Self::default();
        let mut later = Vec::new();
        for (index, compact) in compacts.into_iter().enumerate() {
            let place = |failure: Failure| {
                let pointer = format!("/declarations/{index}{}", failure.pointer);
                failure.at(pointer)
            };
            let jws = UnverifiedJws::parse(compact).map_err(place)?;
            if jws.key_hint().typ == Some(PARTY_TYP) {
                set.add_party(compact, jws, trust, verifier, now).map_err(place)?;
            } else {
                later.push((index, compact, jws));
            }
        }
        for (index, compact, jws) in later {
            set.add(compact, jws, verifier, now).map_err(|failure| {
                let pointer = format!("/declarations/{index}{}", failure.pointer);
                failure.at(pointer)
            })?;
        }
        Ok(set)
    }

    fn add_party(
        &mut self,
        compact: &str,
        jws: UnverifiedJws,
        trust: &DeclarationTrust,
        verifier: &dyn SignatureVerifier,
        now: UnixTime,
    ) -> Verdict<()> {
        let id = jws.claimed("iss").ok_or_else(|| malformed("there is no `iss`"))?;
        let key = trust.party_key(&jws, &id, now)?;
        let party: Party =
            jws.verify(verifier, &key, &Expected::new(PARTY_TYP, ES256_OR_EDDSA))?.parse_claims()?;
        party.check()?;
        not_from_future(party.iat, now)?;
        insert(&mut self.parties, compact, party);
        Ok(())
    }

    fn add(
        &mut self,
        compact: &str,
        jws: UnverifiedJws,
        verifier: &dyn SignatureVerifier,
        now: UnixTime,
    ) -> Verdict<()> {
        let typ = jws.key_hint().typ.map(str::to_owned);
        match typ.as_deref() {
            Some(SERVICE_TYP) => {
                let service: Service = self.verify_by_party(jws, verifier, SERVICE_TYP)?.parse_claims()?;
                service.check()?;
                not_from_future(service.iat, now)?;
                insert(&mut self.services, compact, service);
            }
            Some(PURPOSE_TYP) => {
                let purpose: Purpose = self.verify_by_party(jws, verifier, PURPOSE_TYP)?.parse_claims()?;
                purpose.check()?;
                not_from_future(purpose.iat, now)?;
                insert(&mut self.purposes, compact, purpose);
            }
            Some(APPROVAL_TYP) => {
                let body: PurposeApproval =
                    self.verify_by_party(jws, verifier, APPROVAL_TYP)?.parse_claims()?;
                not_from_future(body.iat, now)?;
                self.approvals.push(Declared { sha256: sha256(compact), compact: compact.to_owned(), body });
            }
            _ => {
                return Err(Failure::new(
                    "declaration-type",
                    "typ_not_allowed",
                    "`typ` is no declaration's type",
                )
                .at("/typ")
                .remedy("send party, service, purpose and purpose-approval declarations only"));
            }
        }
        Ok(())
    }

    /// Verifies a text with a key of the party that it claims to be from; more than one declaration of that party may
    /// be at hand while keys are rotated.
    fn verify_by_party(
        &self,
        jws: UnverifiedJws,
        verifier: &dyn SignatureVerifier,
        typ: &str,
    ) -> Verdict<VerifiedJws> {
        let id = jws.claimed("iss").ok_or_else(|| malformed("there is no `iss`"))?;
        let mut failure = Failure::new(
            "declaration-party",
            "party_untrusted",
            "the declaration of the party that this one is from is missing",
        )
        .remedy("send the party declaration too");
        for party in self.parties.values().filter(|party| party.body.iss == id) {
            let outcome = find_key(&party.body.jwks, &jws.key_hint())
                .and_then(|key| jws.clone().verify(verifier, key, &Expected::new(typ, ES256_OR_EDDSA)));
            match outcome {
                Ok(verified) => return Ok(verified),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The party declaration with this hash.
    pub fn party(&self, sha256: &str) -> Option<&Declared<Party>> {
        self.parties.get(sha256)
    }

    /// The newest declaration of the party `id` that is valid now.
    pub fn party_by_id(&self, id: &str, now: UnixTime) -> Option<&Declared<Party>> {
        let valid = self.parties.values().filter(|party| party.body.iss == id && party.body.exp > now);
        valid.max_by_key(|party| party.body.iat)
    }

    /// The service declaration with this hash.
    pub fn service(&self, sha256: &str) -> Option<&Declared<Service>> {
        self.services.get(sha256)
    }

    /// The newest declaration of this service that is valid now.
    pub fn find_service(
        &self,
        provider: &str,
        wanted: &DeclarationRef,
        now: UnixTime,
    ) -> Option<&Declared<Service>> {
        let same =
            |body: &Service| body.iss == provider && body.id == wanted.id && body.version == wanted.version;
        let valid = self.services.values().filter(|one| same(&one.body) && one.body.exp > now);
        valid.max_by_key(|one| one.body.iat)
    }

    /// The purpose declaration with this hash.
    pub fn purpose(&self, sha256: &str) -> Option<&Declared<Purpose>> {
        self.purposes.get(sha256)
    }

    /// The newest declaration of this purpose that is valid now.
    pub fn find_purpose(
        &self,
        recipient: &str,
        wanted: &DeclarationRef,
        now: UnixTime,
    ) -> Option<&Declared<Purpose>> {
        let same =
            |body: &Purpose| body.iss == recipient && body.id == wanted.id && body.version == wanted.version;
        let valid = self.purposes.values().filter(|one| same(&one.body) && one.body.exp > now);
        valid.max_by_key(|one| one.body.iat)
    }

    /// The approval of `purpose` by its data provider that is valid now.
    pub fn approval(&self, purpose: &Declared<Purpose>, now: UnixTime) -> Option<&Declared<PurposeApproval>> {
        self.approvals.iter().find(|approval| {
            approval.body.iss == purpose.body.provider
                && approval.body.purpose_sha256 == purpose.sha256
                && approval.body.exp > now
        })
    }

    /// Name and text of every declaration, for publishing them.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        fn pair<T>(one: &Declared<T>) -> (&str, &str) {
            (one.sha256.as_str(), one.compact.as_str())
        }
        let parties = self.parties.values().map(pair);
        let services = self.services.values().map(pair);
        let purposes = self.purposes.values().map(pair);
        parties.chain(services).chain(purposes).chain(self.approvals.iter().map(pair))
    }

    /// Every verified party.
    pub fn parties(&self) -> impl Iterator<Item = &Declared<Party>> {
        self.parties.values()
    }

    /// Every verified service.
    pub fn services(&self) -> impl Iterator<Item = &Declared<Service>> {
        self.services.values()
    }

    /// Every verified purpose.
    pub fn purposes(&self) -> impl Iterator<Item = &Declared<Purpose>> {
        self.purposes.values()
    }
}

fn insert<T>(map: &mut BTreeMap<String, Declared<T>>, compact: &str, body: T) {
    let sha256 = sha256(compact);
    map.insert(sha256.clone(), Declared { sha256, compact: compact.to_owned(), body });
}

fn not_from_future(iat: UnixTime, now: UnixTime) -> Verdict<()> {
    if iat.since(now) > CLOCK_SKEW {
        return Err(Failure::new("declaration-time", "declaration_from_future", "`iat` is in the future")
            .at("/iat")
            .remedy("check the clock of the signer"));
    }
    Ok(())
}
