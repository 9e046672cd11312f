//! The identity provider's service: linkage credentials over OpenID4VCI
