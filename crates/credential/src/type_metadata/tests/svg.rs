//! T-9: placeholders, and values that would like to be markup.

use proptest::prelude::*;

use super::*;

fn svg(inner: &str) -> String {
    format!(r#"<svg xmlns="http://www.w3.org/2000/svg"><text x="10">{inner}</text></svg>"#)
}

fn parsed(template: &str) -> &'static str {
    SvgTemplate::parse(template).map_or_else(|failure| failure.code, |_| "fine")
}

fn described() -> ResolvedType {
    resolve(&[&claims(json!([
        {"path": ["name"], "svg_id": "name"}, {"path": ["langs", null], "svg_id": "langs"},
        {"path": ["age"], "svg_id": "age"}, {"path": ["box"], "svg_id": "box"},
    ]))])
    .unwrap()
}

async fn filled(template: &str, claims: Value) -> Verdict<String> {
    let held = held(claims, &[]).await;
    SvgTemplate::parse(template)?.fill(&described(), &IssuedClaims::held(&held))
}

#[tokio::test]
async fn sd_t9_values_are_escaped() {
    let hostile = r#"</text><script>alert("1")</script>&'{{age}}"#;
    let out = filled(&svg("A {{name}}!"), json!({"name": hostile, "age": 7})).await.unwrap();
    let expected = "A &lt;/text&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&apos;{{age}}!";
    assert_eq!(out, svg(expected), "and what is filled in is not a template again");
    assert_eq!(escape("a\u{0}b\u{1b}\n\u{fffe}"), "a\u{fffd}b\u{fffd}\n\u{fffd}");
}

#[tokio::test]
async fn sd_t9_an_absent_claim_leaves_nothing_and_an_unknown_id_is_refused() {
    let template = svg("[{{name}}][{{langs}}][{{age}}][{{box}}]");
    let out = filled(&template, json!({"langs": ["ja", "en"], "age": 7, "box": {"x": 1}})).await.unwrap();
    assert_eq!(out, svg("[][ja, en][7][]"));
    assert_eq!(code(filled(&svg("{{nobody}}"), json!({})).await), "svg_placeholder_unknown");
    let ids: Vec<String> = SvgTemplate::parse(&template).unwrap().ids().map(str::to_owned).collect();
    assert_eq!(ids, ["name", "langs", "age", "box"]);
}

#[test]
fn sd_t9_placeholders_are_in_text_only() {
    for bad in [
        r#"<svg><text x="{{name}}">a</text></svg>"#,
        r#"<svg><text x='>' y="{{name}}">a</text></svg>"#,
        r#"<svg><image href="{{name}}"/></svg>"#,
        "<svg><!-- {{name}} --></svg>",
        "<svg><![CDATA[{{name}}]]></svg>",
        "<svg><?pi {{name}}?></svg>",
        "<svg><{{name}}/></svg>",
        "<svg><script>{{name}}</script></svg>",
        "<svg><svg:script>let a = '{{name}}'</svg:script></svg>",
        "<svg><STYLE>{{name}}</STYLE></svg>",
        "<svg><style><g>{{name}}</g></style></svg>",
        "<svg><foreignObject><p>{{name}}</p></foreignObject></svg>",
        "<svg></svg>{{name}}",
        "{{name}}<svg></svg>",
    ] {
        let failure = SvgTemplate::parse(bad).unwrap_err();
        assert!(["svg_placeholder_misplaced", "svg_malformed"].contains(&failure.code), "{bad}: {failure}");
    }
    assert_eq!(parsed(r#"<svg><text x="{{name}}">a</text></svg>"#), "svg_placeholder_misplaced");
    assert_eq!(parsed("<svg><style>a{}</style><text>{{name}}</text></svg>"), "fine");
}

#[test]
fn sd_t9_a_brace_pair_is_a_placeholder_or_refused() {
    for bad in
        ["{{", "{{name", "{{name}", "{{}}", "{{ name }}", "{{1}}", "{{a-b}}", "{{{name}}}", "{{name&amp;}}"]
    {
        assert_eq!(parsed(&svg(bad)), "svg_placeholder_malformed", "{bad}");
    }
    for good in ["{name}", "}}", "{ {name}}", "&amp;{{name}}&lt;"] {
        assert_eq!(parsed(&svg(good)), "fine", "{good}");
    }
}

#[test]
fn sd_t9_what_is_not_one_whole_element_is_refused() {
    for bad in [
        "",
        "text",
        "<svg>",
        "<svg></g>",
        "<svg/><svg/>",
        "</svg>",
        "<!DOCTYPE svg [<!ENTITY a '<script/>'>]><svg>&a;</svg>",
        "<svg><!-- a -- b --></svg>",
        "<svg a='",
    ] {
        assert_eq!(parsed(bad), "svg_malformed", "{bad}");
    }
    assert_eq!(parsed("<?xml version=\"1.0\"?>\n<!-- a --><svg/>\n"), "fine");
    assert_eq!(parsed(&svg(&" ".repeat(1 << 20))), "svg_malformed");
}

proptest! {
    #[test]
    fn escaped_text_has_no_markup(text: String) {
        let escaped = escape(&text);
        prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
        let plain = escaped.replace("&lt;", "").replace("&gt;", "").replace("&quot;", "").replace("&apos;", "");
        prop_assert!(!plain.replace("&amp;", "").contains('&'));
    }

    #[test]
    fn parsing_never_panics_and_finds_every_brace_pair(inner in "[a-z<>/&;\"'={}! -]{0,40}") {
        let template = svg(&inner);
        if let Ok(parsed) = SvgTemplate::parse(&template) {
            let pairs = template.matches("{{").count();
            prop_assert_eq!(parsed.ids().count(), pairs);
        }
        let _ = SvgTemplate::parse(&inner);
    }
}
