//! What a browser reads of a page: its forms and links. Small and strict: it is for the pages of this project, and a page
//! that is not well-formed is a fault of the page.

use url::Url;

/// A page that was read.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// Where it came from.
    pub(crate) url: Url,
    /// Its forms, in order.
    pub(crate) forms: Vec<Form>,
    /// The `href`s of its links, in order, as written.
    pub(crate) links: Vec<String>,
    /// Its text without markup, spaces collapsed.
    pub(crate) text: String,
}

/// A form of a page.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    /// Where it is sent to.
    pub(crate) action: Url,
    /// Whether by POST (else GET).
    pub(crate) post: bool,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    kind: Kind,
    name: String,
    value: String,
    /// Whether it is sent.
    on: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Sent as it is.
    Fixed,
    /// A person types it.
    Text,
    /// A person ticks it.
    Choice,
    /// A person presses it.
    Button,
}

/// Why a page could not be read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PageError {
    /// Markup that is not well-formed.
    #[error("the page is not well-formed: {0}")]
    Malformed(&'static str),
    /// A form's action is not a URL.
    #[error("a form of the page has an action that is not a URL")]
    Action,
    /// The page has no such form.
    #[error("the page has no form with a field `{0}`")]
    NoForm(String),
    /// The form has no such field.
    #[error("the form has no field `{0}` that can be set like this")]
    NoField(String),
}

impl Page {
    /// Reads `html` that came from `url`.
    pub(crate) fn read(url: Url, html: &str) -> Result<Self, PageError> {
        let mut page = Self { url, forms: Vec::new(), links: Vec::new(), text: String::new() };
        let mut rest = html;
        let mut in_form = false;
        while let Some(at) = rest.find('<') {
            let (text, markup) = rest.split_at(at);
            page.add_text(text)?;
            if let Some(comment) = markup.strip_prefix("<!--") {
                rest = after(comment, "-->").ok_or(PageError::Malformed("a comment does not end"))?;
                continue;
            }
            let (tag, remainder) = Tag::read(markup)?;
            rest = remainder;
            match (tag.name.as_str(), tag.closing) {
                ("style" | "script", false) => {
                    let end = format!("</{}>", tag.name);
                    rest = after(rest, &end).ok_or(PageError::Malformed("style or script does not end"))?;
                }
                ("form", false) => {
                    let action = tag.attribute("action").unwrap_or_default();
                    let action = page.url.join(action).map_err(|_| PageError::Action)?;
                    let post =
                        tag.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                    page.forms.push(Form { action, post, fields: Vec::new() });
                    in_form = true;
                }
                ("form", true) => in_form = false,
                ("input" | "button" | "textarea", false) if in_form => {
                    if let (Some(form), Some(field)) = (page.forms.last_mut(), tag.field()) {
                        form.fields.push(field);
                    }
                }
                ("a", false) => page.links.extend(tag.attribute("href").map(str::to_owned)),
                _ => {}
            }
        }
        page.add_text(rest)?;
        Ok(page)
    }

    fn add_text(&mut self, text: &str) -> Result<(), PageError> {
        for word in unescape(text)?.split_whitespace() {
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(word);
        }
        Ok(())
    }

    /// The first form that has a field `name`.
    pub(crate) fn form_with(&self, name: &str) -> Result<Form, PageError> {
        let form = self.forms.iter().find(|form| form.fields.iter().any(|field| field.name == name));
        form.cloned().ok_or_else(|| PageError::NoForm(name.to_owned()))
    }

    /// The form whose action ends with `path`.
    pub(crate) fn form_to(&self, path: &str) -> Result<Form, PageError> {
        let form = self.forms.iter().find(|form| form.action.path().ends_with(path));
        form.cloned().ok_or_else(|| PageError::NoForm(path.to_owned()))
    }

    /// The first link that begins with `prefix`.
    pub(crate) fn link(&self, prefix: &str) -> Option<&str> {
        self.links.iter().map(String::as_str).find(|link| link.starts_with(prefix))
    }
}

impl Form {
    /// Types `value` into the field `name`.
    pub(crate) fn fill(&mut self, name: &str, value: &str) -> Result<(), PageError> {
        let field = self.fields.iter_mut().find(|field| field.kind == Kind::Text && field.name == name);
        let field = field.ok_or_else(|| PageError::NoField(name.to_owned()))?;
        value.clone_into(&mut field.value);
        Ok(())
    }

    /// Ticks the box `name` with `value`, and unticks none.
    pub(crate) fn tick(&mut self, name: &str, value: &str) -> Result<(), PageError> {
        self.switch(Kind::Choice, name, value)
    }

    /// Presses the button `name` with `value`.
    pub(crate) fn press(&mut self, name: &str, value: &str) -> Result<(), PageError> {
        self.switch(Kind::Button, name, value)
    }

    fn switch(&mut self, kind: Kind, name: &str, value: &str) -> Result<(), PageError> {
        let wanted = |field: &&mut Field| field.kind == kind && field.name == name && field.value == value;
        let field = self.fields.iter_mut().find(wanted);
        field.ok_or_else(|| PageError::NoField(format!("{name}={value}")))?.on = true;
        Ok(())
    }

    /// The values that the boxes or buttons `name` can have.
    pub(crate) fn choices(&self, name: &str) -> Vec<&str> {
        let choices = self.fields.iter().filter(|field| matches!(field.kind, Kind::Choice | Kind::Button));
        choices.filter(|field| field.name == name).map(|field| field.value.as_str()).collect()
    }

    /// What is sent.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        let sent = self.fields.iter().filter(|field| field.on && !field.name.is_empty());
        sent.map(|field| (field.name.as_str(), field.value.as_str())).collect()
    }
}

struct Tag {
    name: String,
    closing: bool,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// Reads the tag that `markup` begins with; gives what follows it.
    fn read(markup: &str) -> Result<(Self, &str), PageError> {
        let body = markup.strip_prefix('<').ok_or(PageError::Malformed("no tag"))?;
        let (closing, body) = body.strip_prefix('/').map_or((false, body), |body| (true, body));
        let body = body.strip_prefix('!').unwrap_or(body);
        let end = body.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(body.len());
        let (name, mut rest) = body.split_at(end);
        if name.is_empty() {
            return Err(PageError::Malformed("`<` without a name"));
        }
        let mut tag = Self { name: name.to_ascii_lowercase(), closing, attributes: Vec::new() };
        loop {
            rest = rest.trim_start();
            rest = rest.strip_prefix('/').unwrap_or(rest);
            if let Some(rest) = rest.strip_prefix('>') {
                return Ok((tag, rest));
            }
            let end = rest.find(|c: char| c.is_whitespace() || "=>/<\"'".contains(c));
            let end = end.filter(|end| *end > 0).ok_or(PageError::Malformed("a tag does not end"))?;
            let (name, remainder) = rest.split_at(end);
            let (value, remainder) = match remainder.strip_prefix('=') {
                None => (String::new(), remainder),
                Some(quoted) => {
                    let inner =
                        quoted.strip_prefix('"').ok_or(PageError::Malformed("an unquoted attribute"))?;
                    let (value, remainder) =
                        inner.split_once('"').ok_or(PageError::Malformed("an attribute does not end"))?;
                    (unescape(value)?, remainder)
                }
            };
            if tag.attributes.iter().any(|(known, _)| known == name) {
                return Err(PageError::Malformed("an attribute occurs twice"));
            }
            tag.attributes.push((name.to_ascii_lowercase(), value));
            rest = remainder;
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn field(&self) -> Option<Field> {
        if self.attribute("disabled").is_some() {
            return None;
        }
        let default = if self.name == "button" { "submit" } else { "text" };
        let kind = match self.attribute("type").unwrap_or(default) {
            "hidden" => Kind::Fixed,
            "checkbox" | "radio" => Kind::Choice,
            "submit" => Kind::Button,
            "button" | "reset" | "image" | "file" => return None,
            _ => Kind::Text,
        };
        let on = match kind {
            Kind::Fixed | Kind::Text => true,
            Kind::Choice => self.attribute("checked").is_some(),
            Kind::Button => false,
        };
        let default = if kind == Kind::Choice { "on" } else { "" };
        let value = self.attribute("value").unwrap_or(default).to_owned();
        Some(Field { kind, name: self.attribute("name").unwrap_or_default().to_owned(), value, on })
    }
}

fn after<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.split_once(end).map(|(_, rest)| rest)
}

fn unescape(text: &str) -> Result<String, PageError> {
    let mut pieces = text.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once(';').ok_or(PageError::Malformed("`&` without `;`"))?;
        let character = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some(' '),
            _ => numbered(name),
        };
        out.push(character.ok_or(PageError::Malformed("an unknown character reference"))?);
        out.push_str(rest);
    }
    Ok(out)
}

fn numbered(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(html: &str) -> Result<Page, PageError> {
        Page::read(Url::parse("http://localhost:1/a/b?c").unwrap(), html)
    }

    #[test]
    fn a_form_is_read_filled_and_sent() {
        let page = read(
            r#"<!DOCTYPE html><html><head><style>a{b:"<c>"}</style></head><body><!-- <form> -->
            <a class="x" href="openid4vp://?a=1&amp;b=%20">Open &#x3042;</a>
            <form method="post" action="/go"><input type="hidden" name="h" value="1&quot;2">
            <input name="login" required><input type="checkbox" name="rp" value="a"><input type="checkbox"
            name="rp" value="b" checked/><button name="do" value="yes">Yes</button><button name="do" value="no">No</button>
            </form></body></html>"#,
        )
        .unwrap();
        assert_eq!(page.link("openid4vp:"), Some("openid4vp://?a=1&b=%20"));
        assert_eq!(page.text, "Open あ Yes No");
        let mut form = page.form_with("login").unwrap();
        assert_eq!((form.action.as_str(), form.post), ("http://localhost:1/go", true));
        assert_eq!(form.choices("rp"), ["a", "b"]);
        form.fill("login", "resident-a").unwrap();
        form.press("do", "yes").unwrap();
        form.tick("rp", "a").unwrap();
        assert_eq!(
            form.pairs(),
            [("h", "1\"2"), ("login", "resident-a"), ("rp", "a"), ("rp", "b"), ("do", "yes")]
        );
        assert!(form.fill("h", "x").is_err(), "nobody types into a hidden field");
        assert!(form.press("do", "maybe").is_err());
        assert!(page.form_to("/elsewhere").is_err());
    }

    #[test]
    fn markup_that_is_not_well_formed_is_refused() {
        for html in [
            "<",
            "<form",
            "<a href=x>",
            "<a href=\"x>",
            "<a href=\"1\" href=\"2\">",
            "<!-- ",
            "<style>",
            "a & b",
            "&unknown;",
            "&#xD800;",
            "< a>",
        ] {
            assert!(matches!(read(html), Err(PageError::Malformed(_))), "{html}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(html: String) {
            let _ = read(&html);
        }

        #[test]
        fn what_a_template_escapes_is_read_back(value in "[^\u{0}]*") {
            let escaped = value.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
            let page = read(&format!("<form action=\"/\"><input type=\"hidden\" name=\"v\" value=\"{escaped}\"></form>"));
            let form = page.unwrap().form_with("v").unwrap();
            prop_assert_eq!(form.pairs(), [("v", value.as_str())]);
        }
    }
}
