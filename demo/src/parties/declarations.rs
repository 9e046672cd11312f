//! The town's declarations (linkage protocol §3): three parties, the services of the two data providers, and one purpose
//! of the portal with the health section's approval.

use enishi_credential::time::{DAY, UnixTime};
use enishi_credential::verdict::Failure;
use enishi_protocol::declaration::{
    self, ItemPointer, LocalText, Notice, OnWithdrawal, Party, PartySigner, Purpose, PurposeApproval,
    Retention, Service, ServiceItem,
};
use enishi_protocol::grant::access::{Access, Period};
use enishi_protocol::grant::messages::DeclarationRef;

use super::keys::{PartyKeys, signer};
use crate::DemoError;

/// A party as it declares itself.
pub(crate) struct PartyFacts<'a> {
    /// Party id.
    pub(crate) id: &'a str,
    /// Names in Japanese and English.
    pub(crate) names: (&'a str, &'a str),
    /// Its keys.
    pub(crate) keys: &'a PartyKeys,
    /// Where notices go.
    pub(crate) notice_uri: String,
}

const VERSION: &str = "1";
/// Most links that any grant may have in a day.
const DAILY: u32 = 10;

/// The id of the health section's service.
pub(crate) const CHECKUP_SERVICE: &str = "checkup";
/// The id of the bank's service.
pub(crate) const BALANCE_SERVICE: &str = "balance";
/// The id of the portal's purpose.
pub(crate) const ADVICE_PURPOSE: &str = "health-advice";
/// What the portal asks for.
pub(crate) const ASKED_ITEMS: [&str; 2] = ["blood_pressure", "weight"];

/// A reference to version 1 of `id`.
pub(crate) fn reference(id: &str) -> DeclarationRef {
    DeclarationRef { id: id.to_owned(), version: VERSION.to_owned() }
}

/// The party declaration of `party`, signed with its legal-entity certificate.
pub(crate) async fn party(party: &PartyFacts<'_>, now: UnixTime) -> Result<String, DemoError> {
    let body = Party {
        iss: party.id.to_owned(),
        name: LocalText::new(party.names.0, party.names.1),
        corporate_number: None,
        xroad_member: None,
        contact: format!("{}/contact", party.id),
        jwks: party.keys.jwks(),
        notice_uri: Some(party.notice_uri.clone()),
        withdraw_uri: Some(format!("{}/", party.id)),
        iat: now,
        exp: now.plus(365 * DAY),
    };
    let how = PartySigner::Certificate(vec![party.keys.certificate.clone()]);
    Ok(declaration::sign_party(&signer(&party.keys.legal)?, &how, &body).await?)
}

/// What one item of a service is: id, labels, DPV term, whether it is sensitive, where it is in the response.
type ItemFacts = (&'static str, (&'static str, &'static str), &'static str, bool, &'static [&'static str]);

const CHECKUP_ITEMS: [ItemFacts; 4] = [
    (
        "blood_pressure",
        ("血圧", "Blood pressure"),
        "dpv-pd:PhysicalHealth",
        true,
        &["/taken_on", "/blood_pressure"],
    ),
    ("weight", ("体重", "Weight"), "dpv-pd:Weight", true, &["/taken_on", "/weight"]),
    ("medication", ("服薬", "Medication"), "dpv-pd:Prescription", true, &["/medication/*/name"]),
    ("doctors_note", ("医師の所見", "Doctor's note"), "dpv-pd:HealthRecord", true, &["/doctors_note"]),
];

const BALANCE_ITEMS: [ItemFacts; 1] =
    [("balance", ("預金残高", "Balance"), "dpv-pd:BankAccount", false, &["/balance"])];

/// The health section's service, on the resource `resource`.
pub(crate) async fn checkup_service(
    provider: &PartyFacts<'_>,
    resource: String,
    acr: &str,
    now: UnixTime,
) -> Result<String, DemoError> {
    let name = LocalText::new("健診情報", "Check-up data");
    service(provider, CHECKUP_SERVICE, name, &CHECKUP_ITEMS, resource, acr, now).await
}

/// The bank's service.
pub(crate) async fn balance_service(
    provider: &PartyFacts<'_>,
    resource: String,
    acr: &str,
    now: UnixTime,
) -> Result<String, DemoError> {
    let name = LocalText::new("口座の残高", "Account balance");
    service(provider, BALANCE_SERVICE, name, &BALANCE_ITEMS, resource, acr, now).await
}

async fn service(
    provider: &PartyFacts<'_>,
    id: &str,
    name: LocalText,
    items: &[ItemFacts],
    resource: String,
    acr: &str,
    now: UnixTime,
) -> Result<String, DemoError> {
    let item = |(id, (ja, en), term, special, pointers): &ItemFacts| {
        let pointers: Result<Vec<_>, Failure> =
            pointers.iter().map(|text| ItemPointer::parse(text)).collect();
        Ok::<_, Failure>(ServiceItem {
            id: (*id).to_owned(),
            label: LocalText::new(ja, en),
            term: Some((*term).to_owned()),
            special: *special,
            optional: false,
            pointers: pointers?,
        })
    };
    let body = Service {
        iss: provider.id.to_owned(),
        id: id.to_owned(),
        version: VERSION.to_owned(),
        name,
        resource,
        items: items.iter().map(item).collect::<Result<_, _>>()?,
        max_grant_days: 365,
        max_access: Some(Access::periodic(DAILY, Period::Day)),
        acr_values: vec![acr.to_owned()],
        evidence: true,
        iat: now,
        exp: now.plus(180 * DAY),
    };
    Ok(declaration::sign_service(&provider.keys.signer()?, &body).await?)
}

/// The portal's purpose, and the health section's approval of it.
pub(crate) async fn advice_purpose(
    recipient: &PartyFacts<'_>,
    provider: &PartyFacts<'_>,
    now: UnixTime,
) -> Result<(String, String), DemoError> {
    let exp = now.plus(180 * DAY);
    let body = Purpose {
        iss: recipient.id.to_owned(),
        id: ADVICE_PURPOSE.to_owned(),
        version: VERSION.to_owned(),
        provider: provider.id.to_owned(),
        service: reference(CHECKUP_SERVICE),
        items: ASKED_ITEMS.map(str::to_owned).to_vec(),
        code: "dpv:ServicePersonalisation".to_owned(),
        text: LocalText::new("健康アドバイスと見守りのため", "health advice and watch-over"),
        effect_of_refusal: LocalText::new(
            "同意しなくても、ほかの町のサービスは使えます",
            "You can refuse and still use other town services",
        ),
        retention: Retention { period: "P1Y".to_owned(), on_withdrawal: OnWithdrawal::Erase },
        onward_transfer: Vec::new(),
        countries: vec!["JP".to_owned()],
        legal_basis: "dpv:Consent".to_owned(),
        notice: Notice { uri: format!("{}/privacy", recipient.id), sha256: None, lang: "ja".to_owned() },
        contact: format!("{}/contact", recipient.id),
        iat: now,
        exp,
    };
    let purpose = declaration::sign_purpose(&recipient.keys.signer()?, &body).await?;
    let purpose_sha256 = declaration::sha256(&purpose);
    let approval = PurposeApproval { iss: provider.id.to_owned(), purpose_sha256, iat: now, exp };
    let approval = declaration::sign_approval(&provider.keys.signer()?, &approval).await?;
    Ok((purpose, approval))
}
