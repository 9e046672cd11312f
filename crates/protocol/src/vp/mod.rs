//! OpenID4VP 1.0 for both sides: the verifier's request object and its wallet-side checks, the wallet's encrypted
//! answer and its verifier-side checks. Redirect flow, signed requests, `direct_post.jwt`.

mod transaction_data;

pub use transaction_data::{HASH_ALG, TransactionData, hash};
