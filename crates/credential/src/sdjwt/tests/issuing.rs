//! Inputs of the generators of RFC 9901 and of sd-jwt-python, issued, presented and verified by ours: what comes out is what
//! their authors expect.

use yaml_rust2::parser::{Event, EventReceiver, Parser, Tag};
use yaml_rust2::scanner::TScalarStyle;

use super::*;
use crate::test_vectors;

/// A YAML value, and whether its author tagged it `!sd`.
#[derive(Debug, Clone)]
struct Node {
    concealed: bool,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Scalar(Value),
    List(Vec<Node>),
    /// A key may be tagged `!sd`; its value then counts as tagged.
    Map(Vec<(String, Node)>),
}

#[derive(Default)]
struct Builder {
    open: Vec<(Node, Option<Key>)>,
    root: Option<Node>,
}

/// The key that waits for its value.
#[derive(Debug, Clone)]
struct Key {
    name: String,
    concealed: bool,
}

impl Builder {
    fn put(&mut self, mut node: Node, text: &str) {
        let Some((parent, key)) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut parent.content {
            Content::List(list) => list.push(node),
            Content::Map(map) => match key.take() {
                None => *key = Some(Key { name: text.to_owned(), concealed: node.concealed }),
                Some(key) => {
                    node.concealed |= key.concealed;
                    map.push((key.name, node));
                }
            },
            Content::Scalar(_) => unreachable!("a scalar contains nothing"),
        }
    }
}

impl EventReceiver for Builder {
    fn on_event(&mut self, event: Event) {
        let concealed = |tag: &Option<Tag>| tag.as_ref().is_some_and(|tag| tag.suffix == "sd");
        let node = |tag: &Option<Tag>, content| Node { concealed: concealed(tag), content };
        match event {
            Event::Scalar(text, style, _, tag) => {
                let content = Content::Scalar(scalar(&text, style));
                self.put(node(&tag, content), &text);
            }
            Event::SequenceStart(_, tag) => self.open.push((node(&tag, Content::List(Vec::new())), None)),
            Event::MappingStart(_, tag) => self.open.push((node(&tag, Content::Map(Vec::new())), None)),
            Event::SequenceEnd | Event::MappingEnd => {
                let (node, _) = self.open.pop().unwrap();
                self.put(node, "");
            }
            _ => {}
        }
    }
}

/// The plain scalars that occur in these files.
fn scalar(text: &str, style: TScalarStyle) -> Value {
    if style != TScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" | "True" => true.into(),
        "false" | "False" => false.into(),
        _ => {
            let number = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
            serde_json::from_str(text).ok().filter(|_| number).unwrap_or_else(|| text.into())
        }
    }
}

impl Node {
    fn parse(text: &str) -> Self {
        let mut builder = Builder::default();
        Parser::new_from_str(text).load(&mut builder, false).unwrap();
        builder.root.unwrap()
    }

    fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(list) => list.iter().map(Self::value).collect(),
            Content::Map(map) => {
                Value::Object(map.iter().map(|(name, node)| (name.clone(), node.value())).collect())
            }
        }
    }

    fn get(&self, name: &str) -> Option<&Self> {
        let Content::Map(map) = &self.content else { return None };
        map.iter().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    /// The paths of everything that is tagged.
    fn concealed(&self, at: &ClaimPath, out: &mut Vec<ClaimPath>) {
        if self.concealed {
            out.push(at.clone());
        }
        self.each(at, |at, node| node.concealed(at, out));
    }

    /// The paths of every `true`: what the holder discloses.
    fn disclosed(&self, at: &ClaimPath, out: &mut Vec<ClaimPath>) {
        if matches!(&self.content, Content::Scalar(Value::Bool(true))) {
            out.push(at.clone());
        }
        self.each(at, |at, node| node.disclosed(at, out));
    }

    fn each(&self, at: &ClaimPath, mut visit: impl FnMut(&ClaimPath, &Self)) {
        match &self.content {
            Content::Scalar(_) => {}
            Content::List(list) => {
                for (index, node) in list.iter().enumerate() {
                    visit(&at.clone().element(index), node);
                }
            }
            Content::Map(map) => {
                for (name, node) in map {
                    visit(&at.clone().member(name), node);
                }
            }
        }
    }
}

fn plain(now: UnixTime) -> Validation {
    let mut validation = Validation::credential(ISSUER, "", now);
    validation.vct = ExpectedVct::NotACredential;
    "example+sd-jwt".clone_into(&mut validation.typ);
    validation
}

/// Issues what a specification describes, in every hash and form; returns the presentation's processed claims.
async fn round(specification: &Node, hash: HashAlgorithm, json: bool) -> (Value, Map<String, Value>) {
    let user = specification.get("user_claims").unwrap();
    let mut claims = object(user.value());
    let frame = object(json!({"iss": ISSUER, "iat": NOW.secs() - 10, "exp": NOW.secs() + 10,
        "cnf": {"jwk": holder().public_jwk()}}));
    claims.extend(frame.clone());
    let mut concealed = Vec::new();
    user.concealed(&ClaimPath::default(), &mut concealed);
    let mut builder = SdJwtBuilder::new(claims.clone()).typ("example+sd-jwt").hash(hash);
    if specification.get("add_decoy_claims").is_some() {
        builder = builder.decoys(2);
    }
    if let Some(header) = specification.get("extra_header_parameters") {
        for (name, value) in object(header.value()) {
            // The one value of these files is a `kid` that is a number, which RFC 7515 §4.1.4 does not allow.
            builder = builder.header(&name, value.to_string());
        }
    }
    let count = concealed.len();
    let builder = concealed.into_iter().fold(builder, SdJwtBuilder::conceal);
    let text = builder.sign(&issuer(), &SeededEntropy::new("salts")).await.unwrap();
    assert_eq!(text.matches('~').count(), count + 1);

    let held = HeldSdJwt::receive(&text, &RustCryptoVerifier, issuer().public_jwk(), &plain(NOW)).unwrap();
    assert_eq!(*held.claims(), claims, "disclosed whole, it is what was issued");
    let mut shown = Vec::new();
    if let Some(wanted) = specification.get("holder_disclosed_claims") {
        wanted.disclosed(&ClaimPath::default(), &mut shown);
    }
    let presentation = held.present(&shown).unwrap();
    let binding = KeyBindingClaims { aud: AUD.into(), nonce: NONCE.into(), iat: NOW, extra: Map::new() };
    let text = presentation.bind(&holder(), binding).await.unwrap();
    let form = if json { JsonForm::General } else { JsonForm::Flattened };
    let json = to_json(&text, form).unwrap();
    let read = |parsed: UnverifiedSdJwt<'_>| {
        parsed.verify(&RustCryptoVerifier, issuer().public_jwk(), &plain(NOW), &required()).unwrap()
    };
    let verified = read(UnverifiedSdJwt::parse(&text).unwrap());
    assert_eq!(read(UnverifiedSdJwt::parse_json(&json).unwrap()).claims(), verified.claims());
    let mut processed = verified.into_claims();
    for name in frame.keys() {
        processed.remove(name);
    }
    (Value::Object(processed), claims)
}

const PYTHON: [&str; 16] = [
    "array_data_types",
    "array_full_sd",
    "array_in_sd",
    "array_nested_in_plain",
    "array_none_disclosed",
    "array_of_nulls",
    "array_of_objects",
    "array_of_scalars",
    "array_recursive_sd",
    "array_recursive_sd_some_disclosed",
    "header_mod",
    "json_serialization_flattened",
    "json_serialization_general",
    "key_binding",
    "no_sd",
    "object_data_types",
];

#[tokio::test]
async fn issuing_vectors_of_sd_jwt_python() {
    for name in PYTHON.into_iter().chain(["recursions"]) {
        let Some(text) = test_vectors::text(&format!("sd-jwt-python-testcases/{name}.yml")) else { return };
        let specification = Node::parse(&text);
        let expected = specification.get("expect_verified_user_claims").unwrap().value();
        for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
            let (processed, _) = round(&specification, hash, name.contains("general")).await;
            assert_eq!(processed, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn issuing_vectors_of_rfc_9901_and_sd_jwt_vc() {
    let files = [
        (
            "ietf-sd-jwt",
            ["address_only_flat", "address_only_recursive", "address_only_structured"].as_slice(),
        ),
        (
            "ietf-sd-jwt",
            &["address_only_structured_one_open", "arf-pid", "complex_eidas", "complex_eidas_proposal"],
        ),
        (
            "ietf-sd-jwt",
            &["complex_ekyc", "json_serialization_flattened", "json_serialization_general", "jsonld"],
        ),
        ("ietf-sd-jwt", &["simple", "simple_structured", "w3c-vc", "w3c-vc_for_slide_deck"]),
        ("ietf-sd-jwt-vc", &["01", "02", "03-pid"]),
    ];
    for (folder, names) in files {
        for name in names {
            let Some(text) = test_vectors::text(&format!("{folder}/specifications/{name}.yml")) else {
                return;
            };
            // What the holder discloses is written in several ways there; that everything comes back is what counts.
            let mut specification = Node::parse(&text);
            if let Content::Map(map) = &mut specification.content {
                map.retain(|(key, _)| key != "holder_disclosed_claims" && key != "extra_header_parameters");
            }
            round(&specification, HashAlgorithm::Sha256, true).await;
        }
    }
}
