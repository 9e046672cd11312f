//! Mediated linking (linkage protocol §6 to §11).

mod store;
