//! `enishi credential …`: look into a credential, and check one.

pub(crate) mod answer;
pub(crate) mod inspect;
mod keys;
pub(crate) mod verify;

use std::io::Read as _;

/// The longest credential that is read from standard input, in bytes.
const MAX_INPUT: u64 = 1 << 20;

/// What was on standard input, without the line break that a terminal or an editor adds.
///
/// # Errors
/// A sentence for the person who called: nothing there, too long, or not text.
pub(crate) fn read_input() -> Result<String, String> {
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_INPUT + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("standard input could not be read as text: {error}"))?;
    if text.len() as u64 > MAX_INPUT {
        return Err(format!("standard input is longer than {MAX_INPUT} bytes"));
    }
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err("standard input is empty: pipe an SD-JWT into this command".to_owned());
    }
    Ok(text.to_owned())
}
