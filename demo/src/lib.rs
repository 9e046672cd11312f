//! A whole town in one process, with a scripted resident
