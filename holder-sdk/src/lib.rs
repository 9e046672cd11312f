//! The wallet library: hold linkage credentials, understand requests, consent, look back, withdraw.
//!
//! It has no network, clock, storage or random source of its own: the platform hands them in as [`Transport`],
//! `Clock`, [`Vault`] and `Entropy`, so that the same code runs on a phone, in a browser and under test.
//!
//! # Start here
//!
//! A resident gets credentials, is asked for data, agrees, looks, and withdraws. Issuer and verifier are those of
//! [`testing`](#testing), which ship with this crate; in a product only [`WalletParts`] differs.
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! # async fn example() -> Result<(), enishi_holder_sdk::WalletError> {
//! use enishi_holder_sdk::testing::{LinkAsk, World};
//! use enishi_holder_sdk::{Lang, Wallet};
//!
//! let world = World::new().await;
//! let wallet = Wallet::open(world.parts())?; // in a product: your WalletParts
//!
//! // The person scanned an offer. Its issuer has to be a trusted one.
//! let scanned = world.issuer.offer("resident-1", &["https://portal.example", "https://health.example"]);
//! let offer = wallet.read_offer(&scanned).await?;
//! wallet.redeem(&offer, None, 5).await?;
//! assert_eq!(wallet.fresh_credentials("https://portal.example"), 5);
//!
//! // The person clicked a link of the portal, which wants data of the health section.
//! let clicked = world.verifier.ask(&LinkAsk::new("grant-1"));
//! let request = wallet.read_request(&clicked).await?;
//! let prompt = request.prompt(Lang::Ja, &wallet)?;
//! assert_eq!(prompt.title, "「まちのポータル」が、あなたの情報の提供を求めています");
//! // … show every line and both buttons, let the platform ask for a fingerprint, and only then:
//! let answered = wallet.approve(&request).await?; // or: wallet.decline(&request)
//! // … send the browser to `answered.redirect_uri`, if there is one.
//!
//! // Later, in the list of what is shared:
//! for grant in wallet.grants() {
//!     let history = wallet.grant_events(&grant.grant_id).await?;
//!     assert_eq!(history.events[0].event, "granted");
//!     wallet.withdraw(&grant.grant_id).await?; // the verifier's signed word is kept
//! }
//! assert!(wallet.grants()[0].acknowledgement.is_some());
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! With a login instead of a pre-authorized code: [`Wallet::begin_login`] gives the URL for the browser,
//! [`Wallet::finish_login`] takes the URL that the browser came back to. A wallet that lives in the browser itself ends
//! when the page is left: it calls [`Wallet::park_login`] before, and [`Wallet::resume_login`] when it is opened again.
//!
//! # The life of a credential
//!
//! ```text
//! received ──▶ fresh ──approve──▶ shown ──▶ forgotten        Wallet::forget_used_credentials
//!                └───────7 days───▶ ended ──┘
//! ```
//!
//! A linkage credential is for one organisation and is shown **once**: a second showing could be recognised as the same.
//! That is why they come in batches. Ask [`Wallet::fresh_credentials`] now and then, and refill below a mark of yours
//! with [`Wallet::ask_issuer`], on a schedule with jitter and with a constant batch size, so that the issuer cannot tell
//! from refills when credentials were used (threat 15). One that is used up is `no_credential`, and is never
//! silently replaced by one that was shown before (threat 14).
//!
//! What an issuer sends is checked as if it came from a stranger: signature by a key of the trusted issuer's own metadata,
//! the right organisation, the pairwise DID and a key that this wallet proved, no claim by which a person could be
//! recognised, nothing that is visible although it should be concealed. One credential that does not hold, and
//! nothing of its batch is kept.
//!
//! # What is disclosed to whom
//!
//! | who asks | gets | if |
//! |---|---|---|
//! | a verifier in the middle | `sealed_sub`, which it cannot open, and the proof that both are of one person | the terms say what the parties' signed declarations say, and the person agreed |
//! | an organisation itself | its own `sub` and `ppid` | its certificate names the organisation's host, or [`KnownVerifier::rp`] says so, and the person agreed |
//! | anybody else | an error, encrypted like an answer, or nothing | |
//!
//! A request for more than that is refused as a whole (`query_unexpected`, `not_the_party`), before the person is asked.
//! Terms are signed as they are: version 1 lets a person agree to all items or to none, and [`Prompt`] says so.
//!
//! # When something breaks
//!
//! Every change is in the vault before anybody hears of it. A crash
//!
//! - while credentials arrive, loses those of one organisation: ask again;
//! - between "agree" and the answer, uses up two credentials, and leaves a grant that is not
//!   [`confirmed`](GrantSummary::confirmed): [`Wallet::grant_status`] settles it, or approve once more;
//! - during a withdrawal, leaves it open whether it happened: withdraw again, twice is as good as once.
//!
//! No crash shows a credential twice, and none loses a consent that a verifier has. [`WalletError::Transport`] and a 5xx
//! mean "not known", a 4xx means "no". Every error has a [`code`](WalletError::code) for programs.
//!
//! # What the platform has to do
//!
//! - **Keys.** The [`Seed`] and the [`VaultKey`] live in the platform's key store. The seed belongs into the person's encrypted
//!   backup too: with it and a copy of the vault a restored wallet has the same pairwise DIDs and can still withdraw its
//!   grants. Never restore a vault beside the wallet it came from (see [`VaultError::ChangedElsewhere`]).
//! - **Consent.** Show the whole [`Prompt`]: no line left out, folded away or pre-decided; "agree" and "don't agree" of the
//!   same size. Let the platform authenticate the person (fingerprint, PIN) before [`Wallet::approve`].
//! - **Transport.** No redirects, no cookies, no cache, TLS with the platform's roots, limits on time and size
//!   ([`MAX_BODY`]), and no addresses of the local network (threat 10). A redirect is an error, not a way.
//! - **Links and QR codes.** Hand `openid-credential-offer://` to [`Wallet::read_offer`] and `openid4vp://` to
//!   [`Wallet::read_request`]. Prefer links on the same device; after a QR code from another screen the person may
//!   not be the one who started (threat 3): say whose request it is before anything else, as [`Prompt`] does.
//! - **Trust.** [`Trust`] is the whole of it: no issuer, verifier or party is believed that is not covered by it.
//! - **One wallet per vault.** [`FileVault`] locks; a vault of your own should too.
//!
//! # testing
//!
//! With the feature `testing`, the module `testing` holds an issuer and a verifier in memory that check a wallet as the real
//! ones do and misbehave on demand.

mod answer;
mod error;
mod grants;
mod issuance;
mod prompt;
mod request;
mod seed;
mod state;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
mod vault;
mod wallet;

pub use answer::Answered;
pub use enishi_schemas::messages::Lang;
pub use error::WalletError;
pub use grants::GrantSummary;
pub use issuance::{Login, Offer};
pub use prompt::{Line, Prompt};
pub use request::Request;
pub use seed::Seed;
pub use transport::{HttpRequest, HttpResponse, MAX_BODY, Transport, TransportError};
#[cfg(not(target_arch = "wasm32"))]
pub use vault::FileVault;
pub use vault::{MemoryVault, Vault, VaultError, VaultKey};
pub use wallet::{CredentialSummary, KnownVerifier, Trust, Wallet, WalletParts};
