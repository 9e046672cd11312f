//! The JSON Canonicalization Scheme (RFC 8785), which `did:webvh` hashes and signs over.
//!
//! Small enough to be ours (docs/adr/0006): `serde_json` escapes strings as §3.2.2.2 says, and `{:e}` of an `f64` has the
//! shortest digits, as §3.2.2.3 (ECMAScript) asks for. `serde_json` may read a number with more digits than a double
//! carries one unit in the last place off; its hash then differs, and the document is refused.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// The canonical text of `value`.
pub(super) fn canonicalize(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => number(value, out),
        Value::String(value) => string(value, out),
        Value::Array(all) => {
            out.push('[');
            for (at, value) in all.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            // By UTF-16 code units, not by code points (§3.2.3).
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                string(name, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn string(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

/// A number as ECMAScript's `Number::toString` writes it: every JSON number is a double.
fn number(number: &Number, out: &mut String) {
    let value = number.as_f64().unwrap_or_default();
    if value == 0.0 {
        // Also for a negative zero.
        out.push('0');
        return;
    }
    let shortest = shortest(value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // The place of the decimal point, counted from the first digit.
    let point = exponent + 1;
    if value < 0.0 {
        out.push('-');
    }
    let size = digits.len();
    let whole = usize::try_from(point).unwrap_or_default();
    // Writing to a `String` cannot fail.
    let _ = match point {
        1..=21 if size <= whole => write!(out, "{digits}{}", "0".repeat(whole - size)),
        1..=21 => {
            let (before, after) = digits.split_at(whole);
            write!(out, "{before}.{after}")
        }
        -5..=0 => write!(out, "0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            write!(out, "{first}{dot}{rest}e{exponent:+}")
        }
    };
}

/// The shortest digits that are read as `value`, and among these the closest; of two that are equally close, the even.
fn shortest(value: f64) -> String {
    let shortest = format!("{value:e}");
    let digits = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    // With a precision, Rust rounds exactly and to even; without, it leaves such a tie open.
    let closest = format!("{value:.*e}", digits.saturating_sub(1));
    if closest.parse() == Ok(value) { closest } else { shortest }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::encoding::json as strict_json;

    fn of(text: &str) -> String {
        // Not by the strict reader, which refuses some of the RFC's numbers.
        canonicalize(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn rfc8785_3_2_2_strings_numbers_and_literals() {
        // The RFC's first number is 333333333.33333329, which `serde_json` reads one unit off: see the module's words.
        let text = r#"{"numbers":[333333333.3333333,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
                        \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(of(text), expected);
    }

    #[test]
    fn rfc8785_3_2_3_members_are_sorted_by_utf16() {
        let text = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let sorted: Vec<_> =
            ["Carriage Return", "One", "Control", "Latin Small", "Euro Sign", "Emoji", "Hebrew"]
                .iter()
                .map(|value| of(text).find(value).unwrap())
                .collect();
        assert!(sorted.is_sorted());
    }

    /// Appendix B, by bits, so that no reader of decimal numbers stands between.
    #[test]
    fn rfc8785_appendix_b_numbers() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(canonicalize(&json!(f64::from_bits(bits))), expected);
        }
        assert_eq!(
            of("[9007199254740993, 18446744073709551615, -1, 10, 1.0]"),
            "[9007199254740992,18446744073709552000,-1,10,1]"
        );
    }

    proptest! {
        #[test]
        fn every_double_comes_back(bits: u64) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                let back: f64 = canonicalize(&json!(value)).parse().unwrap();
                // A negative zero comes back as zero.
                prop_assert_eq!(back.to_bits(), (value + 0.0).to_bits());
            }
        }

        #[test]
        fn canonical_text_is_canonical(members in prop::collection::btree_map(".{0,4}", (".{0,6}", any::<i32>()), 0..6)) {
            let value: Value = members.into_iter().map(|(name, (text, number))| (name, json!([text, number]))).collect();
            let text = canonicalize(&value);
            prop_assert_eq!(of(&text), text.clone());
            prop_assert_eq!(strict_json::parse(text.as_bytes()).unwrap(), value);
        }
    }
}
