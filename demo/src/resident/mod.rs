//! The scripted resident: a browser and a wallet, which use public interfaces only.

pub(crate) mod browser;
pub(crate) mod page;
pub(crate) mod person;
pub(crate) mod wallet;
