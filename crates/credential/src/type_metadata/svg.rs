//! SVG templates: where their placeholders are, and how values get in without becoming markup (SD-JWT VC §5.5.1.2.2).
//!
//! Nothing is rendered here. Whoever renders runs no script of the template, fetches nothing that it refers to, and does
//! both in a sandbox where it cannot be sure.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::check::IssuedClaims;
use super::claims::is_svg_id;
use super::fault;
use super::resolve::ResolvedType;
use crate::verdict::Verdict;

/// The largest template that is read, in bytes.
const MAX_TEMPLATE: usize = 1 << 20;

/// Elements whose text is code or a style sheet and not for people.
const NOT_TEXT: [&str; 4] = ["script", "style", "handler", "foreignObject"];

/// A template whose placeholders are all in text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SvgTemplate {
    text: String,
    /// Where each placeholder is, braces included, in order.
    placeholders: Vec<(Range<usize>, String)>,
}

impl SvgTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// `svg_malformed` for what is not XML, has a document type, or is too large; `svg_placeholder_misplaced` for `{{`
    /// outside of text, or in the text of a script or a style; `svg_placeholder_malformed` for `{{` without an id and
    /// `}}`.
    pub fn parse(template: &str) -> Verdict<Self> {
        let malformed = |detail| fault("svg_malformed", detail);
        if template.len() > MAX_TEMPLATE {
            return Err(malformed("the template is larger than is read"));
        }
        let mut reader = Reader::from_str(template);
        reader.config_mut().check_comments = true;
        let mut placeholders = Vec::new();
        // How many of the open elements hold no text for people, and how many are open at all.
        let (mut quiet, mut open, mut roots) = (0_usize, 0_usize, 0_usize);
        let mut from = 0;
        loop {
            let event = reader.read_event().map_err(|_| malformed("the template is not well-formed XML"))?;
            let to = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let raw = template.get(from..to).unwrap_or_default();
            match event {
                Event::Eof => break,
                Event::DocType(_) => return Err(malformed("the template has a document type")),
                Event::Text(_) if open > 0 && quiet == 0 => find_placeholders(raw, from, &mut placeholders)?,
                _ if raw.contains("{{") => {
                    return Err(fault(
                        "svg_placeholder_misplaced",
                        "a placeholder is not in the text of an element",
                    ));
                }
                Event::Start(start) => {
                    roots += usize::from(open == 0);
                    open += 1;
                    quiet += usize::from(quiet > 0 || is_not_text(&start));
                }
                Event::End(_) => {
                    open = open.saturating_sub(1);
                    quiet = quiet.saturating_sub(1);
                }
                Event::Empty(_) => roots += usize::from(open == 0),
                _ => {}
            }
            from = to;
        }
        if open != 0 || roots != 1 {
            return Err(malformed("the template is not one whole element"));
        }
        Ok(Self { text: template.to_owned(), placeholders })
    }

    /// The ids of the placeholders, in order, as often as they occur.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.placeholders.iter().map(|(_, id)| id.as_str())
    }

    /// The template with the values of `claims`, escaped, in place of its placeholders. What is absent leaves nothing.
    ///
    /// # Errors
    /// `svg_placeholder_unknown` for an id that no claim of the type has: the template is then not to be shown.
    pub fn fill(&self, described: &ResolvedType, claims: &IssuedClaims<'_>) -> Verdict<String> {
        let mut filled = String::with_capacity(self.text.len());
        let mut from = 0;
        for (at, id) in &self.placeholders {
            let value = described.svg_text(id, claims).ok_or_else(|| {
                fault(
                    "svg_placeholder_unknown",
                    "the template has a placeholder that the type does not define",
                )
            })?;
            filled.push_str(self.text.get(from..at.start).unwrap_or_default());
            filled.push_str(&escape(&value));
            from = at.end;
        }
        filled.push_str(self.text.get(from..).unwrap_or_default());
        Ok(filled)
    }
}

fn is_not_text(start: &BytesStart<'_>) -> bool {
    NOT_TEXT.iter().any(|name| start.local_name().as_ref().eq_ignore_ascii_case(name))
}

/// Adds the placeholders of `text`, which begins at `offset` of the template.
fn find_placeholders(text: &str, offset: usize, found: &mut Vec<(Range<usize>, String)>) -> Verdict<()> {
    let mut rest = 0;
    while let Some(start) = text.get(rest..).and_then(|tail| tail.find("{{")).map(|at| rest + at) {
        let inner = text.get(start + 2..).unwrap_or_default();
        let id = inner.split_once("}}").map(|(id, _)| id).filter(|id| is_svg_id(id)).ok_or_else(|| {
            fault("svg_placeholder_malformed", "`{{` is not followed by the id of a claim and `}}`")
        })?;
        let end = start + 2 + id.len() + 2;
        found.push((offset + start..offset + end, id.to_owned()));
        rest = end;
    }
    Ok(())
}

/// `text` as XML text, and fit for an attribute in either kind of quotes. Characters that XML 1.0 cannot hold are replaced.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => out.push(character),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}
