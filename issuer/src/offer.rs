//! Making credential offers (OpenID4VCI 1.0 §4). Everything secret in an offer is derived from its id, so that the offer can be
//! shown again by reference and the database holds none of it.

use enishi_credential::entropy;
use enishi_credential::secret::Secret;
use enishi_protocol::vci::{
    AuthorizationCodeOffer, CredentialOffer, LINKAGE_SD_JWT, OfferGrants, PreAuthorizedOffer, TxCode,
    TxCodeInput,
};
use enishi_service::store::StoreError;
use url::Url;

use crate::app::App;
use crate::store::{NewOffer, OfferFor};

/// Digits of a transaction code.
const TX_DIGITS: u32 = 6;
/// Wrong transaction codes before an offer is dead (OpenID4VCI 1.0 §13.6.3).
pub(crate) const TX_TRIES: i64 = 5;

/// An offer that was made and stored.
pub(crate) struct MadeOffer {
    pub(crate) by_value: String,
    pub(crate) by_reference: String,
    /// Told to the person on another way than the offer.
    pub(crate) tx_code: Option<Secret<String>>,
    pub(crate) expires_in: u32,
}

fn code_of(app: &App, id: &str) -> String {
    app.keys.k_state.derive("offer-code", &[id])
}

fn issuer_state_of(app: &App, id: &str) -> String {
    app.keys.k_state.derive("offer-issuer-state", &[id])
}

/// The keyed hash of a transaction code under which a try is compared.
pub(crate) fn tx_code_mac(app: &App, code: &str, tx_code: &str) -> String {
    app.keys.k_state.derive("tx-code", &[code, tx_code])
}

/// The offer that belongs to `id`.
pub(crate) fn offer_of(app: &App, id: &str, content: &OfferFor) -> CredentialOffer {
    let tx_code = content.tx_code_length.map(|length| TxCode {
        input_mode: TxCodeInput::Numeric,
        length: Some(length),
        description: None,
    });
    CredentialOffer {
        credential_issuer: app.url.as_str().to_owned(),
        credential_configuration_ids: vec![LINKAGE_SD_JWT.to_owned()],
        grants: OfferGrants {
            authorization_code: content.authorization_code.then(|| AuthorizationCodeOffer {
                issuer_state: Some(issuer_state_of(app, id)),
                authorization_server: None,
            }),
            pre_authorized: content.pre_authorized.then(|| PreAuthorizedOffer {
                code: Secret::new(code_of(app, id)),
                tx_code,
                authorization_server: None,
            }),
        },
    }
}

/// How a pre-authorized code is protected that somebody else might see.
pub(crate) enum TxCodeWish {
    /// Not at all: the offer goes to the right person by itself.
    None,
    /// By a code that is made now.
    Fresh,
    /// By a code that the caller has told the person already.
    Given(Secret<String>),
}

/// Makes and stores an offer.
pub(crate) async fn make_offer(
    app: &App,
    mut content: OfferFor,
    wish: TxCodeWish,
) -> Result<MadeOffer, StoreError> {
    let id = entropy::token(&*app.entropy);
    let code = code_of(app, &id);
    let tx_code = match wish {
        TxCodeWish::None => None,
        TxCodeWish::Fresh => {
            let number = u64::from_be_bytes(entropy::bytes(&*app.entropy)) % 10_u64.pow(TX_DIGITS);
            Some(Secret::new(format!("{number:0width$}", width = TX_DIGITS as usize)))
        }
        TxCodeWish::Given(code) => Some(code),
    };
    let tx_code = tx_code.filter(|_| content.pre_authorized);
    content.tx_code_length = tx_code.as_ref().and_then(|code| u32::try_from(code.expose().len()).ok());
    let mac = tx_code.as_ref().map(|tx_code| tx_code_mac(app, &code, tx_code.expose()));
    let expires_in = app.config.lifetimes.offer;
    app.offers
        .insert(NewOffer {
            id: &id,
            code: &code,
            issuer_state: &issuer_state_of(app, &id),
            grant_id: &entropy::token(&*app.entropy),
            tx_code_mac: mac.as_deref(),
            content: &content,
            expires_at: app.clock.now().plus(i64::from(expires_in)),
        })
        .await?;
    let reference = app.url.join(&format!("/offers/{id}"));
    let by_reference =
        Url::parse(&reference).map(|url| CredentialOffer::reference_uri(&url)).unwrap_or_default();
    Ok(MadeOffer { by_value: offer_of(app, &id, &content).to_uri(), by_reference, tx_code, expires_in })
}
