//! What is in the sample town: two residents, three relying parties, and records that are nobody's.

use serde_json::{Value, json};

use crate::rp::SampleAccount;

/// A resident: the logins at every place, which have nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resident {
    /// Short name in the story.
    pub(crate) slug: &'static str,
    /// Login name at まちのID.
    pub(crate) login: &'static str,
    /// PIN at まちのID.
    pub(crate) pin: &'static str,
    /// A piece of the check-up record that the portal asks for, as JSON writes it.
    pub(crate) agreed_data: &'static str,
    /// A piece that nobody asks for.
    pub(crate) other_data: &'static str,
    /// Login at the portal, the health section and the bank.
    at: [Account; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Account {
    login: &'static str,
    number: &'static str,
}

/// The relying parties, in the order of `Resident::account`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The portal.
    Portal,
    /// The health section.
    Health,
    /// The bank.
    Bank,
}

impl Place {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Portal, Self::Health, Self::Bank];

    /// Folder, cookie, message keys.
    pub(crate) const fn slug(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Health => "health",
            Self::Bank => "bank",
        }
    }

    /// The names that people see.
    pub(crate) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Portal => ("まちのコンシェルジュ", "Town Concierge"),
            Self::Health => ("まちの健康増進課", "Town Health Section"),
            Self::Bank => ("まちの銀行", "Town Bank"),
        }
    }
}

/// The first resident, who plays the main part.
pub(crate) const RESIDENT_A: Resident = Resident {
    slug: "resident-a",
    login: "resident-a",
    pin: "271828",
    agreed_data: "\"systolic\":132",
    other_data: "sample-drug-1",
    at: [
        Account { login: "portal-a", number: "P-1002-7741" },
        Account { login: "health-a", number: "KENSHIN-40117" },
        Account { login: "bank-a", number: "0031442" },
    ],
};

/// The second resident, who is there to be mixed up with the first.
pub(crate) const RESIDENT_B: Resident = Resident {
    slug: "resident-b",
    login: "resident-b",
    pin: "314159",
    agreed_data: "\"systolic\":118",
    other_data: "sample-drug-2",
    at: [
        Account { login: "portal-b", number: "P-1002-8306" },
        Account { login: "health-b", number: "KENSHIN-58823" },
        Account { login: "bank-b", number: "0047718" },
    ],
};

/// Everybody who lives here.
pub(crate) const RESIDENTS: [Resident; 2] = [RESIDENT_A, RESIDENT_B];

impl Resident {
    /// This resident at まちのID, with somebody else's accounts everywhere else: for tests of what happens then.
    #[cfg(test)]
    pub(crate) const fn with_accounts_of(self, other: Self, slug: &'static str) -> Self {
        Self { at: other.at, slug, ..self }
    }

    /// Login name and number at `place`.
    pub(crate) const fn account(&self, place: Place) -> SampleAccount {
        let [portal, health, bank] = self.at;
        let account = match place {
            Place::Portal => portal,
            Place::Health => health,
            Place::Bank => bank,
        };
        SampleAccount { login: account.login, number: account.number }
    }
}

/// The path of the health section's API.
pub(crate) const CHECKUPS: &str = "/checkups";
/// The path of the bank's API.
pub(crate) const BALANCE: &str = "/balance";

/// What the health section holds: more than anybody in the story is asked for.
pub(crate) fn checkups() -> Vec<(&'static str, Value)> {
    let record = |number, systolic, weight, medication| {
        json!({
            "number": number,
            "taken_on": "2026-10-03",
            "blood_pressure": {"systolic": systolic, "diastolic": 84, "unit": "mmHg"},
            "weight": {"value": weight, "unit": "kg"},
            "medication": [{"name": medication, "since": "2024-04-01"}],
            "doctors_note": "経過を見る / to be watched",
        })
    };
    let (a, b) = (RESIDENT_A.account(Place::Health).number, RESIDENT_B.account(Place::Health).number);
    vec![(a, record(a, 132, 61.5, "sample-drug-1")), (b, record(b, 118, 74.0, "sample-drug-2"))]
}

/// What the bank holds.
pub(crate) fn balances() -> Vec<(&'static str, Value)> {
    let record = |number, balance| json!({"number": number, "balance": {"value": balance, "currency": "JPY"}, "overdraft": 0});
    let (a, b) = (RESIDENT_A.account(Place::Bank).number, RESIDENT_B.account(Place::Bank).number);
    vec![(a, record(a, 184_220)), (b, record(b, 96_005))]
}
