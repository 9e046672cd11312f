//! The steps of a request, in order (linkage protocol §9).

pub(crate) mod evidence;
pub(crate) mod filter;
pub(crate) mod release;
pub(crate) mod scope;
pub(crate) mod sender;
pub(crate) mod status;
pub(crate) mod subject;
pub(crate) mod token;
pub(crate) mod upstream;
pub(crate) mod uses;
