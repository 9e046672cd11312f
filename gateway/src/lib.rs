//! In front of a data provider's API: enforces data links
