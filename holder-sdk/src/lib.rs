//! The wallet library: hold linkage credentials, understand requests, consent, look back, withdraw
