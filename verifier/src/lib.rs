//! Presentations, consent, grants and data links
