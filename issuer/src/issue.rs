//! Making linkage credentials (linkage protocol §4, §5).

use enishi_credential::commitment;
use enishi_credential::linkage::LinkageClaims;
use enishi_credential::sdjwt::IssueError;
use enishi_credential::sealed::{self, Binding, SealedSubject};
use enishi_credential::secret::Personal;
use enishi_protocol::oauth::{ErrorCode, OAuthError};
use enishi_protocol::vci::{BatchPlan, IssuedCredential};

use crate::app::App;
use crate::parties::{NoSealingKey, Party};
use crate::store::Subject;

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotIssued {
    /// The request is at fault: a DID that is too long to be sealed, for instance.
    #[error("{0}")]
    Refused(OAuthError),
    /// The relying party cannot be reached.
    #[error(transparent)]
    Party(#[from] NoSealingKey),
    /// The signer failed.
    #[error("the signer failed")]
    Signer,
}

/// Issues one credential per key of the batch, all for `party` and `subject`. Each is sealed, committed and salted
/// afresh, so that two of them share nothing but what linkage protocol §12.4 allows.
pub(crate) async fn issue(
    app: &App,
    subject: &Subject,
    party: &Party,
    plan: &BatchPlan,
) -> Result<Vec<IssuedCredential>, NotIssued> {
    let recipient = app.parties.sealing_key(party).await?;
    let issued_at = app.clock.now();
    let iss = app.url.as_str();
    let scalar = app.keys.k_link.scalar(&subject.account);
    let ppid = app.keys.k_ppid.derive(&subject.account, &party.sector);
    let refused = |failure| NotIssued::Refused(OAuthError::from_failure(ErrorCode::InvalidProof, &failure));
    let mut credentials = Vec::with_capacity(plan.items.len());
    for item in &plan.items {
        let (link, opening) = commitment::commit_fresh(&scalar, &*app.entropy);
        let sealed = SealedSubject {
            binding: Binding { iss: iss.to_owned(), rp: party.id.clone(), jkt: item.key.thumbprint() },
            ppid: ppid.clone(),
            sub: Personal::new(item.sub.as_str().to_owned()),
        };
        let sealed_sub = sealed::seal(&*app.jwe, &recipient, &sealed, &*app.entropy).map_err(refused)?;
        let claims = LinkageClaims {
            iss: iss.to_owned(),
            rp: party.id.clone(),
            acr: subject.acr.clone(),
            issued_at,
            valid_days: app.config.issuance.credential_days,
            cnf: item.key.clone(),
            link,
            status: None,
            sub: item.sub.clone(),
            ppid: ppid.clone(),
            sealed_sub,
        };
        let mut builder = claims.to_builder().map_err(refused)?;
        if !app.keys.x5c.is_empty() {
            builder = builder.header("x5c", app.keys.x5c.clone());
        }
        let credential =
            builder.sign(&*app.keys.signer, &*app.entropy).await.map_err(|error| match error {
                IssueError::Refused(failure) => refused(failure),
                IssueError::Signer(_) => NotIssued::Signer,
            })?;
        credentials.push(IssuedCredential { credential, link_opening: Some(opening) });
    }
    Ok(credentials)
}
