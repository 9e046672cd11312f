//! Answers to the request for a status list (Token Status List §8.2): a JWT under its media type, and nothing else where the
//! credential is an SD-JWT VC.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::deflate::compress_to_vec_zlib;

use super::Family;
use super::craft::*;
use super::policy::{Policy, StatusListPolicy};
use super::status::{List, URI, lister};

const JWT: &str = "application/statuslist+jwt";
const CWT: &str = "application/statuslist+cwt";
const IS_CWT: (&str, &str, &str) = ("status-list-media-type", "status_list_cwt", "");
const MEDIA_TYPE: (&str, &str, &str) = ("status-list-media-type", "status_list_media_type", "");

pub(super) fn all(family: &mut Family, policy: StatusListPolicy) {
    family.demand("response", Policy::StatusListResponse(policy));
    let list = List::new().text();
    family.accept("tsl-response", "response", "A sound list under its media type.", answer(JWT, &list));
    family.accept(
        "tsl-response-parameters",
        "response",
        "The media type has a parameter and is written in capitals.",
        answer("Application/StatusList+JWT; charset=utf-8", &list),
    );
    let cwt = cwt();
    let untagged = cwt.get(1..).expect("what follows the tag");
    family
        .beside("tsl-response")
        .refuse("tsl-n12-cwt", "The list is a CWT, and says so.", answer(CWT, &cwt), IS_CWT)
        .refuse("tsl-n12-cwt-as-jwt", "The list is a CWT under the type of a JWT.", answer(JWT, &cwt), IS_CWT)
        .refuse(
            "tsl-n12-cwt-with-its-tag",
            "The list is a CWT with the tag of CWTs, under the type of a JWT.",
            answer(JWT, [&[0xd8, 0x3d], cwt.as_slice()].concat()),
            IS_CWT,
        )
        .refuse(
            "tsl-n12-cwt-without-tags",
            "The list is a CWT without a tag, under the type of a JWT.",
            answer(JWT, untagged),
            ("jws-form", "jws_malformed", ""),
        )
        .refuse(
            "tsl-n12-jwt-as-cwt",
            "The list is a JWT under the type of a CWT.",
            answer(CWT, &list),
            IS_CWT,
        )
        .refuse("tsl-n8-html", "The media type is that of a page.", answer("text/html", &list), MEDIA_TYPE)
        .refuse(
            "tsl-n8-jwt",
            "The media type is that of any JWT.",
            answer("application/jwt", &list),
            MEDIA_TYPE,
        )
        .refuse("tsl-n8-no-media-type", "There is no media type.", answer("", &list), MEDIA_TYPE)
        .refuse(
            "tsl-n8-page",
            "The body is a page under the type of a list.",
            answer(JWT, "<html></html>"),
            ("jws-form", "jws_malformed", ""),
        );
}

fn answer(media_type: &str, body: impl AsRef<[u8]>) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(body))
}

/// The list of [`List::new`] as a CWT (Token Status List §5.2) that its issuer signed: `COSE_Sign1` with its tag.
fn cwt() -> Vec<u8> {
    let list = [(text("bits"), head(0, 2)), (text("lst"), bytes(&compress_to_vec_zlib(&[0; 3], 10)))];
    let now = u64::try_from(NOW).expect("after 1970");
    let claims = map(&[
        (head(0, 2), text(URI)),
        (head(0, 4), head(0, now + 3600)),
        (head(0, 6), head(0, now - 60)),
        (head(0, 65_533), map(&list)),
        (head(0, 65_534), head(0, 600)),
    ]);
    // `alg` is ES256, -7, and `typ` is parameter 16.
    let protected = bytes(&map(&[(head(0, 1), head(1, 6)), (head(0, 16), text(CWT))]));
    let payload = bytes(&claims);
    let signed = [head(4, 4), text("Signature1"), protected.clone(), bytes(&[]), payload.clone()].concat();
    let signature = lister().sign_now(&signed).expect("software signs");
    [head(6, 18), head(4, 4), protected, map(&[]), payload, bytes(&signature)].concat()
}

/// The head of a CBOR item in its shortest form (RFC 8949 §3).
fn head(major: u8, argument: u64) -> Vec<u8> {
    let all = argument.to_be_bytes();
    let (low, length) = match argument {
        0..24 => return vec![major << 5 | all[7]],
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    [&[major << 5 | low], &all[8 - length..]].concat()
}

fn of_length(major: u8, content: &[u8]) -> Vec<u8> {
    [&head(major, content.len().try_into().expect("short")), content].concat()
}

fn bytes(content: &[u8]) -> Vec<u8> {
    of_length(2, content)
}

fn text(content: &str) -> Vec<u8> {
    of_length(3, content.as_bytes())
}

fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let items = entries.iter().flat_map(|(name, value)| [name.as_slice(), value].concat());
    head(5, entries.len().try_into().expect("few")).into_iter().chain(items).collect()
}
