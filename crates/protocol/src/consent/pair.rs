//! The two transaction data strings that carry one set of terms.

use serde_json::{Map, Value};

use enishi_credential::verdict::{Failure, Verdict};

use crate::vp::TransactionData;

use super::{ConsentTerms, DP_LINK, SP_LINK, TYPE};

/// One set of terms as it travels: the same members twice, for the service provider's credential and for the data
/// provider's, so that both KB-JWTs carry a hash of the terms.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsentPair {
    sp: TransactionData,
    dp: TransactionData,
    terms: ConsentTerms,
}

impl ConsentPair {
    /// Writes both strings.
    ///
    /// # Errors
    /// `terms_malformed` for terms that a reader would refuse.
    pub fn write(terms: ConsentTerms) -> Verdict<Self> {
        terms.check()?;
        let Ok(Value::Object(members)) = serde_json::to_value(&terms) else {
            return Err(invalid("terms_malformed", "the terms cannot be written"));
        };
        Ok(Self {
            sp: TransactionData::new(TYPE, &[SP_LINK], members.clone()),
            dp: TransactionData::new(TYPE, &[DP_LINK], members),
            terms,
        })
    }

    /// Reads both strings, in the order in which they travel: `sp_link`, `dp_link`.
    ///
    /// # Errors
    /// `transaction_data_invalid`; `transaction_data_type_unknown`; `credential_ids_foreign`; `terms_differ` if the
    /// two are not equal but for `credential_ids`; `terms_malformed`, also for an unknown member. On the wire all are
    /// `invalid_transaction_data`.
    pub fn read<'a>(strings: impl IntoIterator<Item = &'a str>) -> Verdict<Self> {
        let entries = strings.into_iter().map(TransactionData::parse).collect::<Verdict<Vec<_>>>()?;
        let Ok([sp, dp]) = <[TransactionData; 2]>::try_from(entries) else {
            return Err(invalid("terms_malformed", "there are not exactly two transaction data entries"));
        };
        for (entry, id) in [(&sp, SP_LINK), (&dp, DP_LINK)] {
            if entry.kind() != TYPE {
                return Err(invalid("transaction_data_type_unknown", "the type is not known").at("/type"));
            }
            if entry.credential_ids() != [id] {
                let detail = "the entries do not belong to `sp_link` and `dp_link`, in this order";
                return Err(invalid("credential_ids_foreign", detail).at("/credential_ids"));
            }
        }
        if sp.members() != dp.members() {
            return Err(invalid("terms_differ", "the two entries differ in more than `credential_ids`"));
        }
        let terms = parse(dp.members())?;
        Ok(Self { sp, dp, terms })
    }

    /// The terms.
    pub const fn terms(&self) -> &ConsentTerms {
        &self.terms
    }

    /// The string for `sp_link`.
    pub fn sp(&self) -> &str {
        self.sp.encoded()
    }

    /// The string for `dp_link`.
    pub fn dp(&self) -> &str {
        self.dp.encoded()
    }

    /// Both strings in the order in which they travel.
    pub fn strings(&self) -> [String; 2] {
        [self.sp().to_owned(), self.dp().to_owned()]
    }

    /// The hash of the `sp_link` string.
    pub fn sp_hash(&self) -> String {
        self.sp.hash()
    }

    /// The hash of the `dp_link` string: `terms_sha256` everywhere.
    pub fn terms_sha256(&self) -> String {
        self.dp.hash()
    }
}

fn parse(members: &Map<String, Value>) -> Verdict<ConsentTerms> {
    let terms: ConsentTerms = serde_json::from_value(Value::Object(members.clone())).map_err(|error| {
        // serde's text can quote a string of the terms; its first words say which member it is about.
        let detail = error.to_string().split(": string \"").next().unwrap_or_default().to_owned();
        Failure::new("consent-terms", "terms_malformed", detail)
            .remedy("send exactly the members of linkage protocol §6")
    })?;
    terms.check()?;
    Ok(terms)
}

fn invalid(code: &'static str, detail: &'static str) -> Failure {
    Failure::new("consent-terms", code, detail)
        .remedy("send the terms twice, for `sp_link` and for `dp_link`, equal but for `credential_ids`")
}
