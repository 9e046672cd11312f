//! Who is who in the town: keys, certificates, declarations.

pub(crate) mod authority;
pub(crate) mod declarations;
pub(crate) mod keys;
