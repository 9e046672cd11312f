//! What holds of every log, and of every change to one.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every version that an author wrote comes back as it was written, whatever was rotated in between.
    #[test]
    fn create_and_resolve_are_the_identity(steps in prop::collection::vec((any::<bool>(), any::<bool>(), "[a-z]{0,6}"), 0..4)) {
        let mut signer = "k0".to_owned();
        let start = json!({ "updateKeys": [mb("k0")] });
        let mut states = vec![json!({ "id": PLACE, "note": "first" })];
        let mut entries = vec![wait(Author::new(&key("k0")).unwrap().first(START, &start, &states[0])).unwrap()];
        states[0]["id"] = json!(entries[0].did.as_str());
        let mut promised: Option<String> = None;
        for (at, (rotate, pre_rotate, note)) in steps.into_iter().enumerate() {
            let new = format!("k{}", at + 1);
            let mut parameters = json!({});
            if let Some(next) = promised.take() {
                signer = next;
                parameters["updateKeys"] = json!([mb(&signer)]);
                parameters["nextKeyHashes"] = json!([]);
            } else if rotate {
                parameters["updateKeys"] = json!([mb(&new)]);
            }
            if pre_rotate {
                parameters["nextKeyHashes"] = json!([promise(&format!("n{at}"))]);
                promised = Some(format!("n{at}"));
            }
            let previous = entries.last().unwrap();
            let state = json!({ "id": previous.did.as_str(), "note": note });
            let time = START.plus(i64::try_from(at).unwrap() + 1);
            entries.push(next_with(previous, time, &signer, &parameters, &state));
            states.push(state);
            if parameters["updateKeys"][0] == json!(mb(&new)) {
                signer = new;
            }
        }
        let log = read(&text(&entries.iter().collect::<Vec<_>>()), &entries[0].did).unwrap();
        for (entry, state) in entries.iter().zip(states) {
            let version = Version::from_query(&format!("versionId={}", entry.version_id)).unwrap();
            let mut document = log.resolve(&version).unwrap().document.as_value().clone();
            document.as_object_mut().unwrap().remove("service");
            prop_assert_eq!(document, state);
        }
        prop_assert!(log.resolve(&Version::LATEST).is_ok());
    }
}

proptest! {
    #[test]
    fn reading_never_panics(bytes: Vec<u8>, at: prop::sample::Index) {
        let entry = first(&json!({}));
        let _ = read(&bytes, &entry.did);
        // And with something of a real log in front.
        let mut log = text(&[&entry]);
        log.truncate(at.index(log.len()));
        log.extend(bytes);
        let _ = read(&log, &entry.did).map(|log| log.resolve(&Version::LATEST));
    }

    #[test]
    fn a_changed_byte_is_refused(at: prop::sample::Index, flip in 1u8..=255) {
        let entry = first(&json!({}));
        let mut log = entry.line.clone().into_bytes();
        let at = at.index(log.len());
        log[at] ^= flip;
        prop_assert!(read(&log, &entry.did).and_then(|log| log.resolve(&Version::LATEST)).is_err());
    }
}
