//! Keys and declarations of the relying parties, made when the town is founded.

use std::path::PathBuf;

use enishi_credential::entropy::Entropy;
use enishi_credential::time::UnixTime;

use crate::DemoError;
use crate::idp::ACR;
use crate::parties::authority::Authority;
use crate::parties::declarations::{self, PartyFacts};
use crate::parties::keys::{PartyKeys, write_private};
use crate::plan::Plan;
use crate::sample::{BALANCE, CHECKUPS, Place};

/// Keys of the three relying parties, and where the declarations are.
pub(super) struct Deeds {
    portal: PartyKeys,
    health: PartyKeys,
    bank: PartyKeys,
    /// The folder with the declarations.
    pub(super) declarations: PathBuf,
    /// The certificate authority's PEM file.
    pub(super) anchor: PathBuf,
}

impl Deeds {
    /// The keys of `place`.
    pub(super) const fn keys(&self, place: Place) -> &PartyKeys {
        match place {
            Place::Portal => &self.portal,
            Place::Health => &self.health,
            Place::Bank => &self.bank,
        }
    }

    /// Makes keys, signs declarations, writes both down.
    pub(super) async fn draw_up(
        plan: &Plan,
        authority: &Authority,
        entropy: &dyn Entropy,
        now: UnixTime,
    ) -> Result<Self, DemoError> {
        let keys = |place| PartyKeys::generate(&super::party(plan, place), authority, entropy);
        let anchor = plan.file("town", "ca.pem")?;
        write_private(&anchor, authority.anchor_pem().as_bytes())?;
        let declarations = plan.file("town", "declarations")?;
        std::fs::create_dir_all(&declarations)?;
        let deeds = Self {
            portal: keys(Place::Portal)?,
            health: keys(Place::Health)?,
            bank: keys(Place::Bank)?,
            declarations,
            anchor,
        };
        for (name, compact) in deeds.sign(plan, now).await? {
            write_private(&deeds.declarations.join(format!("{name}.jwt")), compact.as_bytes())?;
        }
        Ok(deeds)
    }

    async fn sign(&self, plan: &Plan, now: UnixTime) -> Result<Vec<(&'static str, String)>, DemoError> {
        let ids = Place::ALL.map(|place| super::party(plan, place));
        let [portal_id, health_id, bank_id] = &ids;
        let facts = |place: Place, id, notice_uri| PartyFacts {
            id,
            names: place.names(),
            keys: self.keys(place),
            notice_uri,
        };
        let (health_gateway, bank_gateway) =
            (plan.health.gateway.public.url(), plan.bank.gateway.public.url());
        let portal = facts(Place::Portal, portal_id, format!("{portal_id}/enishi/notices"));
        let health = facts(Place::Health, health_id, format!("{health_gateway}/enishi/notices"));
        let bank = facts(Place::Bank, bank_id, format!("{bank_gateway}/enishi/notices"));
        let (purpose, approval) = declarations::advice_purpose(&portal, &health, now).await?;
        let (checkups, balance) = (format!("{health_gateway}{CHECKUPS}"), format!("{bank_gateway}{BALANCE}"));
        Ok(vec![
            ("party-portal", declarations::party(&portal, now).await?),
            ("party-health", declarations::party(&health, now).await?),
            ("party-bank", declarations::party(&bank, now).await?),
            ("service-checkup", declarations::checkup_service(&health, checkups, ACR, now).await?),
            ("service-balance", declarations::balance_service(&bank, balance, ACR, now).await?),
            ("purpose-advice", purpose),
            ("approval-advice", approval),
        ])
    }
}
