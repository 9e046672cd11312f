//! The same work by ours and by other people's libraries, in one run: how long each takes, and what each refuses by itself.
//!
//! `cargo xtask peers-rust bench` runs it. Nothing here is a claim from a manual: the second table is what the libraries
//! said to presentations with one fault each.

mod clock;
mod faults;
mod libraries;
mod node;

use clock::Job;
use enishi_native::AwsSigner;
use enishi_peers::{key, signer};
use libraries::{Aws, RustCrypto, issue, present, sd_jwt_rs, ssi};

/// A library, and whether it takes a presentation.
type Reader<'a> = (&'static str, &'a dyn Fn(&str) -> bool);

fn main() {
    let aws = AwsSigner::new(&key("issuer")).expect("a signing key");
    let software = signer("issuer");
    let claims = libraries::claims();
    let issued = issue(&aws, &claims);
    let shown = present(&issued);
    let faults = faults::all(&issued);

    let issuer = libraries::Issuers::new();
    let issuing: Vec<Job<'_>> = vec![
        ("ours, aws-lc-rs", Box::new(|| drop(issue(&aws, &claims)))),
        ("ours, RustCrypto", Box::new(|| drop(issue(&software, &claims)))),
        ("sd-jwt-rs 0.7.1, ring", Box::new(|| drop(issuer.sd_jwt_rs()))),
        ("ssi-sd-jwt 0.6.0, RustCrypto", Box::new(|| drop(issuer.ssi()))),
    ];
    let keys = libraries::Keys::new();
    let (by_aws, by_rust_crypto) = (Aws::new(), RustCrypto::new());
    let readers: [Reader<'_>; 4] = [
        ("ours, aws-lc-rs", &|text| by_aws.verify(text)),
        ("ours, RustCrypto", &|text| by_rust_crypto.verify(text)),
        ("sd-jwt-rs 0.7.1, ring", &|text| sd_jwt_rs(text, &keys)),
        ("ssi-sd-jwt 0.6.0, RustCrypto", &|text| ssi(text, &keys)),
    ];
    let verifying: Vec<Job<'_>> = readers
        .iter()
        .map(|(name, read)| (*name, Box::new(|| assert!(read(&shown))) as Box<dyn FnMut()>))
        .collect();

    let node = node::run(&faults, &shown);
    let mut verified = clock::measure(verifying);
    let mut made = clock::measure(issuing);
    if let Some(node) = &node {
        verified.push(("@sd-jwt, Node, OpenSSL", node.verify));
        made.push(("@sd-jwt, Node, OpenSSL", node.issue));
    }

    println!("\nProcessor time, medians, ES256. The jobs took turns; Node measured itself, before them.\n");
    println!(
        "| by | verify SD-JWT VC + KB-JWT, 8 disclosures | issue SD-JWT VC, 8 disclosable claims |\n|---|---|---|"
    );
    let (fastest, cheapest) = (verified[0].1, made[0].1);
    for ((name, verify), (_, issue)) in verified.iter().zip(&made) {
        println!(
            "| {name} | {verify:.1} µs (×{:.2}) | {issue:.1} µs (×{:.2}) |",
            verify / fastest,
            issue / cheapest
        );
    }

    println!(
        "\nWhat each does with a presentation in which one thing is wrong, called as it was measured:\n"
    );
    println!("| wrong | ours | sd-jwt-rs | ssi-sd-jwt | @sd-jwt |\n|---|---|---|---|---|");
    for (at, (fault, text)) in faults.iter().enumerate() {
        let word = |accepted: bool| if accepted { "accepts" } else { "refuses" };
        assert_eq!(by_aws.verify(text), by_rust_crypto.verify(text), "{fault}");
        let by_node = node.as_ref().map_or("-", |node| word(node.accepts[at]));
        let by = |at: usize| word(readers[at].1(text));
        println!("| {fault} | {} | {} | {} | {by_node} |", by(0), by(2), by(3));
    }
    println!(
        "\nFor ssi-sd-jwt, `aud`, `nonce`, `sd_hash` and taking the key out of `cnf` are code of the caller, in this bench."
    );
    if node.is_none() {
        println!("Node: skipped, ENISHI_PEERS_DIR names no folder with its libraries installed.");
    }
}
