//! Status List Tokens (Token Status List §4, §5, §8.3).

use enishi_credential::encoding::b64;
use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use serde_json::{Value, json};

use super::Family;
use super::craft::*;
use super::policy::{Policy, StatusListPolicy};
use super::status_response;

pub(super) const URI: &str = "https://issuer.example/status/1";
const TIME: &str = "status-list-time";
const CLAIMS: (&str, &str) = ("status-list-claims", "status_list_malformed");

pub(super) fn family() -> Family {
    let mut family = Family::new(
        "status-list",
        "Status List Tokens that are broken, or say that a credential does not hold, and sound ones.",
    );
    let at = |idx: u64| StatusListPolicy {
        now: NOW,
        uri: URI.to_owned(),
        idx,
        key: public(&lister()),
        max_age: None,
    };
    for (name, idx) in [("first", 0), ("last", 11)] {
        family.demand(name, Policy::StatusList(at(idx)));
    }
    family.demand("fresh", Policy::StatusList(StatusListPolicy { max_age: Some(600), ..at(0) }));
    family.accept(
        "tsl-list",
        "first",
        "A sound list of twelve statuses of two bits, all valid.",
        List::new().text(),
    );
    family.accept("tsl-last", "last", "The last place of the same list.", List::new().text());
    family.accept(
        "tsl-fresh",
        "fresh",
        "The same list for a reader who takes none that is older than ten minutes.",
        List::new().text(),
    );
    for bits in [1, 4, 8] {
        let about = format!("A list with statuses of {bits} bits.");
        family.accept(
            &format!("tsl-{bits}-bits"),
            "first",
            &about,
            List::new().list("bits", json!(bits)).text(),
        );
    }
    let optional = List::new()
        .list("aggregation_uri", json!("https://issuer.example/status"))
        .without("ttl")
        .without("exp")
        .claim("iss", json!(ISSUER))
        .claim("x", json!(1));
    family.accept(
        "tsl-optional",
        "first",
        "Without `ttl` and `exp`, with `aggregation_uri`, `iss` and a claim that nobody knows.",
        optional.text(),
    );
    // Statuses are counted from the least significant bit: the example of §4.1 in another order of reading.
    let others = List::new().bytes(&[0b1111_1100, 0xff, 0xff]);
    family.accept(
        "tsl-1-least-significant-bit-first",
        "first",
        "The first place is valid and all others are not.",
        others.text(),
    );
    signed(&mut family);
    claims(&mut family);
    encoding(&mut family);
    values(&mut family);
    status_response::all(&mut family, at(0));
    family
}

pub(super) fn lister() -> enishi_credential::crypto::SoftwareSigner {
    p256("status")
}

pub(super) struct List {
    header: Value,
    claims: Value,
}

impl List {
    pub(super) fn new() -> Self {
        let claims = json!({
            "sub": URI, "iat": NOW - 60, "exp": NOW + 3600, "ttl": 600,
            "status_list": {"bits": 2, "lst": b64::encode(compress_to_vec_zlib(&[0; 3], 10))},
        });
        Self { header: json!({"alg": "ES256", "kid": "status-1", "typ": "statuslist+jwt"}), claims }
    }

    fn head(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    fn list(mut self, name: &str, value: Value) -> Self {
        self.claims["status_list"][name] = value;
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().expect("an object").remove(name).expect("it is there");
        self
    }

    fn without_in_list(mut self, name: &str) -> Self {
        self.claims["status_list"].as_object_mut().expect("an object").remove(name).expect("it is there");
        self
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        self.list("lst", json!(b64::encode(compress_to_vec_zlib(bytes, 10))))
    }

    pub(super) fn text(&self) -> String {
        sign(&text_of(&self.header), text_of(&self.claims), &lister())
    }
}

fn signed(family: &mut Family) {
    const TYP: (&str, &str, &str) = ("jws-type", "typ_not_allowed", "/typ");
    const SIGNATURE: (&str, &str, &str) = ("jws-signature", "signature_invalid", "");
    let list = List::new();
    let without_typ = {
        let mut list = List::new();
        list.header.as_object_mut().expect("an object").remove("typ");
        list.text()
    };
    let none = format!(
        "{}.{}.",
        b64::encode(r#"{"alg":"none","typ":"statuslist+jwt"}"#),
        b64::encode(text_of(&list.claims))
    );
    let stranger = sign(&text_of(&list.header), text_of(&list.claims), &p256("stranger"));
    let sound = list.text();
    let (input, signature) = sound.rsplit_once('.').expect("three parts");
    let mut bytes = b64::decode(signature).expect("base64url");
    bytes[40] ^= 1;
    let twice = format!(r#"{{"iat":1,{}"#, &text_of(&list.claims)[1..]);
    family
        .beside("tsl-list")
        .refuse("tsl-n1-typ-jwt", "`typ` is `JWT`.", List::new().head("typ", json!("JWT")).text(), TYP)
        .refuse("tsl-n1-typ-absent", "There is no `typ`.", without_typ, TYP)
        .refuse(
            "tsl-n1-typ-cwt",
            "`typ` is that of a list as CWT.",
            List::new().head("typ", json!("statuslist+cwt")).text(),
            TYP,
        )
        .refuse(
            "tsl-n1-typ-with-application",
            "`typ` has the prefix `application/`.",
            List::new().head("typ", json!("application/statuslist+jwt")).text(),
            TYP,
        )
        .refuse("tsl-n1-alg-none", "`alg` is `none`.", none, ("jws-algorithm", "alg_not_allowed", "/alg"))
        .refuse(
            "tsl-n1-key-of-a-stranger",
            "The list is signed with another key than the one that counts.",
            stranger,
            SIGNATURE,
        )
        .refuse(
            "tsl-n1-signature-altered",
            "One bit of the signature is another.",
            format!("{input}.{}", b64::encode(bytes)),
            SIGNATURE,
        )
        .refuse(
            "tsl-n1-crit",
            "The header has `crit`.",
            List::new().head("crit", json!(["exp"])).text(),
            ("jws-critical", "crit_not_supported", "/crit"),
        )
        .refuse(
            "tsl-n1-claim-twice",
            "The token has `iat` twice.",
            sign(&text_of(&list.header), twice, &lister()),
            ("jws-payload", "payload_not_json", ""),
        );
}

fn claims(family: &mut Family) {
    const URI_MISMATCH: (&str, &str, &str) = ("status-list-uri", "status_list_uri", "/sub");
    let claim = |name: &str, value: Value| List::new().claim(name, value).text();
    let sub = |sub: &str| claim("sub", json!(sub));
    let malformed = |pointer: &'static str| (CLAIMS.0, CLAIMS.1, pointer);
    family
        .beside("tsl-list")
        .refuse(
            "tsl-n2-sub-other",
            "`sub` is the URI of another list.",
            sub("https://issuer.example/status/2"),
            URI_MISMATCH,
        )
        .refuse(
            "tsl-n2-sub-trailing-slash",
            "`sub` has a slash at its end.",
            sub("https://issuer.example/status/1/"),
            URI_MISMATCH,
        )
        .refuse(
            "tsl-n2-sub-query",
            "`sub` has a query.",
            sub("https://issuer.example/status/1?x=1"),
            URI_MISMATCH,
        )
        .refuse(
            "tsl-n2-sub-empty-query",
            "`sub` has an empty query.",
            sub("https://issuer.example/status/1?"),
            URI_MISMATCH,
        )
        .refuse(
            "tsl-n2-sub-upper-case",
            "The host in `sub` is written in capitals.",
            sub("https://ISSUER.example/status/1"),
            URI_MISMATCH,
        )
        .refuse(
            "tsl-n2-sub-port",
            "`sub` names the port that is the default.",
            sub("https://issuer.example:443/status/1"),
            URI_MISMATCH,
        )
        .refuse(
            "tsl-n3-sub-missing",
            "There is no `sub`.",
            List::new().without("sub").text(),
            malformed("/sub"),
        )
        .refuse("tsl-n3-sub-number", "`sub` is a number.", claim("sub", json!(1)), malformed("/sub"))
        .refuse(
            "tsl-n3-iat-missing",
            "There is no `iat`.",
            List::new().without("iat").text(),
            malformed("/iat"),
        )
        .refuse(
            "tsl-n3-iat-string",
            "`iat` is a string.",
            claim("iat", json!("1795300000")),
            malformed("/iat"),
        )
        .refuse(
            "tsl-n3-list-missing",
            "There is no `status_list`.",
            List::new().without("status_list").text(),
            malformed("/status_list"),
        )
        .refuse(
            "tsl-n3-list-array",
            "`status_list` is an array.",
            claim("status_list", json!([])),
            malformed("/status_list"),
        )
        .refuse(
            "tsl-n3-lst-missing",
            "There is no `lst`.",
            List::new().without_in_list("lst").text(),
            malformed("/status_list/lst"),
        )
        .refuse(
            "tsl-n3-lst-array",
            "`lst` is an array.",
            List::new().list("lst", json!([0])).text(),
            malformed("/status_list/lst"),
        )
        .refuse(
            "tsl-n3-bits-missing",
            "There is no `bits`.",
            List::new().without_in_list("bits").text(),
            malformed("/status_list/bits"),
        )
        .refuse(
            "tsl-n3-bits-three",
            "`bits` is 3.",
            List::new().list("bits", json!(3)).text(),
            malformed("/status_list/bits"),
        )
        .refuse(
            "tsl-n3-bits-zero",
            "`bits` is 0.",
            List::new().list("bits", json!(0)).text(),
            malformed("/status_list/bits"),
        )
        .refuse(
            "tsl-n3-bits-sixteen",
            "`bits` is 16.",
            List::new().list("bits", json!(16)).text(),
            malformed("/status_list/bits"),
        )
        .refuse(
            "tsl-n3-bits-string",
            "`bits` is a string.",
            List::new().list("bits", json!("2")).text(),
            malformed("/status_list/bits"),
        )
        .refuse(
            "tsl-n3-bits-negative",
            "`bits` is negative.",
            List::new().list("bits", json!(-2)).text(),
            malformed("/status_list/bits"),
        );
    family
        .beside("tsl-list")
        .refuse(
            "tsl-n4-exp-past",
            "`exp` has passed.",
            claim("exp", json!(NOW - 1)),
            (TIME, "status_list_expired", "/exp"),
        )
        .refuse(
            "tsl-n4-exp-now",
            "`exp` is now.",
            claim("exp", json!(NOW)),
            (TIME, "status_list_expired", "/exp"),
        )
        .refuse("tsl-n4-exp-string", "`exp` is a string.", claim("exp", json!("never")), malformed("/exp"))
        .refuse(
            "tsl-n4-iat-future",
            "`iat` is in the future.",
            claim("iat", json!(NOW + 3600)),
            (TIME, "status_list_not_yet_valid", "/iat"),
        )
        .refuse("tsl-n4-ttl-zero", "`ttl` is 0.", claim("ttl", json!(0)), malformed("/ttl"))
        .refuse("tsl-n4-ttl-negative", "`ttl` is negative.", claim("ttl", json!(-60)), malformed("/ttl"))
        .refuse("tsl-n4-ttl-string", "`ttl` is a string.", claim("ttl", json!("600")), malformed("/ttl"));
    family.beside("tsl-fresh").refuse(
        "tsl-6-too-old",
        "The list was signed longer ago than this reader takes.",
        claim("iat", json!(NOW - 601)),
        (TIME, "status_list_too_old", "/iat"),
    );
}

fn encoding(family: &mut Family) {
    const ENCODING: (&str, &str, &str) = ("status-list-encoding", "status_list_encoding", "/status_list/lst");
    let lst = |lst: &str| List::new().list("lst", json!(lst)).text();
    let bytes = |bytes: &[u8]| lst(&b64::encode(bytes));
    let zlib = compress_to_vec_zlib(&[0; 3], 10);
    let deflated = compress_to_vec(&[0; 3], 10);
    // RFC 1952: header, deflated data, CRC-32 of three zeros, length.
    let gzip = [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
        deflated.as_slice(),
        &[0xd9, 0x6f, 0xc1, 0xff],
        &[3, 0, 0, 0],
    ]
    .concat();
    let mut checksum = zlib.clone();
    *checksum.last_mut().expect("not empty") ^= 1;
    let bomb = compress_to_vec_zlib(&vec![0; (2 << 20) + 1], 10);
    family
        .beside("tsl-list")
        .refuse(
            "tsl-n3-lst-padded",
            "`lst` is base64url with padding.",
            lst(&format!("{}=", b64::encode(&zlib))),
            ENCODING,
        )
        .refuse(
            "tsl-n3-lst-standard-base64",
            "`lst` is in the alphabet of standard base64.",
            lst(&b64::encode(&zlib).replace(['A', '-', '_'], "+")),
            ENCODING,
        )
        .refuse(
            "tsl-n3-lst-raw-deflate",
            "The list is deflated without the ZLIB format around it.",
            bytes(&deflated),
            ENCODING,
        )
        .refuse("tsl-n3-lst-gzip", "The list is compressed with gzip.", bytes(&gzip), ENCODING)
        .refuse("tsl-n3-lst-not-compressed", "The list is not compressed.", bytes(&[0; 3]), ENCODING)
        .refuse(
            "tsl-n3-lst-cut-off",
            "The compressed list is cut off.",
            bytes(&zlib[..zlib.len() - 5]),
            ENCODING,
        )
        .refuse(
            "tsl-n3-lst-checksum",
            "The checksum of the compressed list is wrong.",
            bytes(&checksum),
            ENCODING,
        )
        .refuse("tsl-n3-lst-empty", "`lst` is empty.", lst(""), ENCODING)
        .refuse(
            "tsl-n6-bomb",
            "A few kilobytes inflate to more than two mebibytes.",
            bytes(&bomb),
            ("status-list-size", "status_list_too_large", "/status_list/lst"),
        );
}

fn values(family: &mut Family) {
    const STATUS: (&str, &str, &str) = ("credential-status", "status_not_valid", "");
    let eight = |value: u8| List::new().list("bits", json!(8)).bytes(&[value, 0, 0]).text();
    family
        .beside("tsl-8-bits")
        .refuse("tsl-n9-invalid", "The status is 1: revoked.", eight(1), STATUS)
        .refuse("tsl-n9-suspended", "The status is 2: suspended.", eight(2), STATUS)
        .refuse(
            "tsl-n9-application-specific",
            "The status is 3, which has no meaning here.",
            eight(3),
            STATUS,
        )
        .refuse("tsl-n9-reserved", "The status is 12.", eight(0x0c), STATUS)
        .refuse("tsl-n9-largest", "The status is 255.", eight(0xff), STATUS);
    family.beside("tsl-1-bits").refuse(
        "tsl-n9-one-bit",
        "The only bit of the status is set.",
        List::new().list("bits", json!(1)).bytes(&[1, 0, 0]).text(),
        STATUS,
    );
    family.beside("tsl-last").refuse(
        "tsl-1-least-significant-bit",
        "The last status is 2: the most significant bit of the last byte.",
        List::new().bytes(&[0, 0, 0b1000_0000]).text(),
        STATUS,
    );
    family
        .beside("tsl-last")
        .refuse(
            "tsl-n5-index-is-length",
            "The list has eight places, and the last place asked for is the twelfth.",
            List::new().bytes(&[0, 0]).text(),
            ("status-index", "status_index_out_of_range", "/status/status_list/idx"),
        )
        .refuse(
            "tsl-n5-empty-list",
            "The list has no place at all.",
            List::new().bytes(&[]).text(),
            ("status-index", "status_index_out_of_range", "/status/status_list/idx"),
        );
}
