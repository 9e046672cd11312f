//! How a type is shown (SD-JWT VC §5.5). Everything in here is for people, and is to be escaped wherever it is shown.

use url::Url;

use super::integrity::Integrity;
use super::read::At;
use crate::verdict::Verdict;

/// How to show a type in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDisplay {
    /// A language tag (RFC 5646).
    pub locale: String,
    /// The name of the type.
    pub name: String,
    /// A description.
    pub description: Option<String>,
    /// Without SVG: logo, background and colours.
    pub simple: Option<SimpleRendering>,
    /// SVG templates, of which a wallet chooses one by its properties.
    pub svg_templates: Vec<SvgTemplateReference>,
}

/// Rendering without SVG (§5.5.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleRendering {
    /// The logo.
    pub logo: Option<ResourceReference>,
    /// The text that stands for the logo.
    pub logo_alt_text: Option<String>,
    /// The image in the background.
    pub background_image: Option<ResourceReference>,
    /// The colour of the background: an RGB colour of CSS.
    pub background_color: Option<String>,
    /// The colour of text: an RGB colour of CSS.
    pub text_color: Option<String>,
}

/// Where an image or template is: an `https` or a `data` URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceReference {
    /// The URI.
    pub uri: String,
    /// What the resource hashes to, as it is written: a fault in it spoils the resource and not the type.
    pub integrity: Option<String>,
}

/// An SVG template and what it is made for (§5.5.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SvgTemplateReference {
    /// Where the template is.
    pub resource: ResourceReference,
    /// `portrait` or `landscape`.
    pub orientation: Option<String>,
    /// `light` or `dark`.
    pub color_scheme: Option<String>,
    /// `normal` or `high`.
    pub contrast: Option<String>,
}

impl TypeDisplay {
    pub(super) fn read(entry: &At<'_>) -> Verdict<Self> {
        let rendering = entry.member("rendering")?;
        let (mut simple, mut svg_templates) = (None, Vec::new());
        if let Some(rendering) = rendering {
            simple = rendering.member("simple")?.map(|simple| SimpleRendering::read(&simple)).transpose()?;
            let templates =
                rendering.optional_list("svg_templates", |entry| SvgTemplateReference::read(&entry))?;
            if let Some(templates) = templates {
                if templates.len() > 1 && templates.iter().any(|template| !template.has_properties()) {
                    return Err(rendering.fault("of several SVG templates each must have `properties`"));
                }
                svg_templates = templates;
            }
        }
        Ok(Self {
            locale: locale(entry)?,
            name: entry.required("name")?.text()?.to_owned(),
            description: entry.optional_text("description")?,
            simple,
            svg_templates,
        })
    }
}

impl SimpleRendering {
    fn read(entry: &At<'_>) -> Verdict<Self> {
        let logo = entry.member("logo")?;
        let color = |name| {
            let Some(color) = entry.member(name)? else { return Ok(None) };
            let text = color.text()?;
            if is_color(text) {
                Ok(Some(text.to_owned()))
            } else {
                Err(color.fault("not an RGB colour of CSS"))
            }
        };
        Ok(Self {
            logo_alt_text: match &logo {
                Some(logo) => logo.optional_text("alt_text")?,
                None => None,
            },
            logo: logo.map(|logo| ResourceReference::read(&logo)).transpose()?,
            background_image: entry
                .member("background_image")?
                .map(|image| ResourceReference::read(&image))
                .transpose()?,
            background_color: color("background_color")?,
            text_color: color("text_color")?,
        })
    }
}

impl ResourceReference {
    /// Checks the octets of the resource. Without `uri#integrity` there is nothing to check them by.
    ///
    /// # Errors
    /// `integrity_malformed`, `integrity_unsupported`, `integrity_mismatch`: the resource is not to be shown (§6).
    pub fn check(&self, octets: &[u8]) -> Verdict<()> {
        self.integrity.as_deref().map_or(Ok(()), |integrity| Integrity::parse(integrity)?.check(octets))
    }

    fn read(entry: &At<'_>) -> Verdict<Self> {
        let uri = entry.required("uri")?;
        let fits = Url::parse(uri.text()?).is_ok_and(|url| match url.scheme() {
            "https" => url.has_host(),
            scheme => scheme == "data",
        });
        if !fits {
            return Err(uri.fault("neither an https URL nor a data URI"));
        }
        Ok(Self { uri: uri.text()?.to_owned(), integrity: entry.optional_text("uri#integrity")? })
    }
}

impl SvgTemplateReference {
    fn read(entry: &At<'_>) -> Verdict<Self> {
        let resource = ResourceReference::read(entry)?;
        let Some(properties) = entry.member("properties")? else {
            return Ok(Self { resource, orientation: None, color_scheme: None, contrast: None });
        };
        let one_of = |name, values: [&str; 2]| {
            let Some(property) = properties.member(name)? else { return Ok(None) };
            let text = property.text()?;
            if values.contains(&text) {
                Ok(Some(text.to_owned()))
            } else {
                Err(property.fault("not a known value"))
            }
        };
        let read = Self {
            resource,
            orientation: one_of("orientation", ["portrait", "landscape"])?,
            color_scheme: one_of("color_scheme", ["light", "dark"])?,
            contrast: one_of("contrast", ["normal", "high"])?,
        };
        if read.has_properties() {
            Ok(read)
        } else {
            Err(properties.fault("none of the properties is there"))
        }
    }

    const fn has_properties(&self) -> bool {
        self.orientation.is_some() || self.color_scheme.is_some() || self.contrast.is_some()
    }
}

/// Something that is there once for each language.
pub trait Localized {
    /// The language tag.
    fn locale(&self) -> &str;
}

impl Localized for TypeDisplay {
    fn locale(&self) -> &str {
        &self.locale
    }
}

/// The entry for the first of `wanted` for which there is one, by the look-up of RFC 4647 §3.4: `de-CH` finds `de-CH`,
/// then `de`; then any entry of that language. Without one, the first entry.
pub fn in_language<'a, T: Localized>(entries: &'a [T], wanted: &[&str]) -> Option<&'a T> {
    let equal = |tag: &str| entries.iter().find(|entry| entry.locale().eq_ignore_ascii_case(tag));
    let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let find = |tag: &&str| {
        let mut shorter = Some(*tag);
        while let Some(tag) = shorter {
            if let Some(entry) = equal(tag) {
                return Some(entry);
            }
            shorter = tag.rsplit_once('-').map(|(shorter, _)| shorter);
        }
        entries.iter().find(|entry| language(entry.locale()) == language(tag))
    };
    wanted.iter().find_map(find).or_else(|| entries.first())
}

/// The `locale` of an entry: the form of RFC 5646 §2.1, without its registry.
pub(super) fn locale(entry: &At<'_>) -> Verdict<String> {
    let tag = entry.required("locale")?;
    let text = tag.text()?;
    let mut subtags = text.split('-');
    let is_subtag =
        |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = subtags
        .next()
        .is_some_and(|first| is_subtag(first) && first.bytes().all(|b| b.is_ascii_alphabetic()));
    if first && subtags.all(is_subtag) && text.len() <= 64 {
        return Ok(text.to_owned());
    }
    Err(tag.fault("not a language tag"))
}

/// `#rgb`, `#rrggbb`, both with alpha, or `rgb(…)`, `rgba(…)` of numbers (CSS Color 4 §5): nothing that could say more
/// in a style sheet than a colour.
fn is_color(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix('#') {
        return matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let inner = text
        .strip_prefix("rgb(")
        .or_else(|| text.strip_prefix("rgba("))
        .and_then(|rest| rest.strip_suffix(')'));
    inner.is_some_and(|inner| {
        text.len() <= 64 && inner.bytes().all(|b| b.is_ascii_digit() || b" .,%/".contains(&b))
    })
}
