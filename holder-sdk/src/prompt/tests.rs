//! Words for declarations that are not the usual ones; the usual ones are in `tests/wallet/prompt.rs`.

use enishi_credential::crypto::RustCryptoVerifier;
use enishi_credential::time::DAY;
use enishi_protocol::consent::{ConsentTerms, TermsRequest};
use enishi_protocol::declaration::{
    DeclarationSet, NamedParty, Purpose, PurposeApproval, sha256, sign_approval, sign_purpose,
};
use enishi_protocol::fixture::{Ids, Town};
use enishi_protocol::grant::messages::DeclarationRef;
use proptest::prelude::*;

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_795_352_400);

/// The words for a purpose that is changed by `declare`, with terms that are changed by `agree`.
async fn words(
    lang: Lang,
    declare: impl FnOnce(&mut Purpose),
    agree: impl FnOnce(&mut ConsentTerms),
) -> Vec<Line> {
    let town = Town::new(Ids::default(), NOW).await;
    let mut purpose = town.purpose();
    declare(&mut purpose);
    let items = purpose.items.clone();
    let purpose = sign_purpose(&town.sp.signer, &purpose).await.unwrap();
    let approval = PurposeApproval {
        iss: town.ids.dp.clone(),
        purpose_sha256: sha256(&purpose),
        iat: NOW,
        exp: NOW.plus(DAY),
    };
    let approval = sign_approval(&town.dp.signer, &approval).await.unwrap();
    let texts = town.declarations[..3].iter().chain([&purpose, &approval]).map(String::as_str);
    let set = DeclarationSet::verify(texts, &town.trust, &RustCryptoVerifier, NOW).unwrap();
    let reference = |id: &str| DeclarationRef { id: id.to_owned(), version: "1".to_owned() };
    let request = TermsRequest {
        terms_id: "terms",
        grant_id: "grant",
        now: NOW,
        answer_by: NOW.plus(600),
        recipient: &town.ids.sp,
        service: &reference("checkup"),
        purpose: &reference("advice"),
        items: &items,
        access: Access::one_time(),
        not_after: None,
        sp_session: "session",
        withdraw_uri: "https://verifier.example/grants/grant",
        effect_within: 90,
    };
    let mut terms = ConsentTerms::build(&set, &request).unwrap();
    agree(&mut terms);
    let facts = consent::Prompt::new(&terms, &set, NOW).unwrap();
    super::consent(Reader { lang, utc_offset: 0 }, &facts).lines
}

fn about<'a>(lines: &'a [Line], about: &str) -> Vec<&'a str> {
    lines.iter().filter(|line| line.about == about).map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn sensitive_data_is_named_and_nobody_is_promised_a_choice() {
    let all = |purpose: &mut Purpose| {
        purpose.items = ["blood_pressure", "medication"].map(str::to_owned).to_vec();
    };
    let ja = words(Lang::Ja, all, |_| {}).await;
    assert_eq!(about(&ja, "consent-special"), ["要配慮個人情報(病歴など)を含みます:服薬"]);
    assert_eq!(about(&ja, "consent-item-required"), ["血圧(必須)"]);
    assert_eq!(
        about(&ja, "consent-item-optional"),
        ["服薬(なくてもよい情報ですが、同意するといっしょに渡されます)"]
    );
    let en = words(Lang::En, all, |_| {}).await;
    assert_eq!(about(&en, "consent-special"), ["Includes sensitive data: Medication"]);
    assert_eq!(
        about(&en, "consent-item-optional"),
        ["Medication (not needed for this, but given too if you agree)"]
    );
    for lines in [ja, en] {
        assert!(!lines.iter().any(|line| line.text.contains("選べ") || line.text.contains("choice")));
    }
    let without = words(Lang::En, |_| {}, |_| {}).await;
    assert!(about(&without, "consent-special").is_empty(), "and is not mentioned where there is none");
}

#[tokio::test]
async fn from_when_to_when_the_data_is() {
    let times = |terms: &mut ConsentTerms| {
        terms.items[1].from = Some(UnixTime::from_secs(0));
        terms.items[1].to = Some(NOW);
    };
    let ja = words(Lang::Ja, |_| {}, times).await;
    assert_eq!(about(&ja, "consent-item-from"), ["体重:1970年1月1日以降のもの"]);
    assert_eq!(about(&ja, "consent-item-to"), ["体重:2026年11月22日までのもの"]);
    let en = words(Lang::En, |_| {}, times).await;
    assert_eq!(about(&en, "consent-item-from"), ["Weight: from 1970-01-01 on"]);
    assert_eq!(about(&en, "consent-item-to"), ["Weight: until 2026-11-22"]);
}

#[tokio::test]
async fn who_else_gets_it_and_where() {
    let declare = |purpose: &mut Purpose| {
        let party = |ja, en| NamedParty { id: "x".to_owned(), name: LocalText::new(ja, en) };
        purpose.onward_transfer = vec![party("甲社", "First Inc."), party("乙社", "Second Inc.")];
        purpose.countries = vec!["JP".to_owned(), "IS".to_owned()];
        purpose.legal_basis = "dpv:LegalObligation".to_owned();
    };
    let ja = words(Lang::Ja, declare, |_| {}).await;
    let passed_on = ["これ以外の目的には使われません。次の相手に渡されます:甲社、乙社"];
    assert_eq!(about(&ja, "consent-passed-on"), passed_on);
    assert!(about(&ja, "consent-not-passed-on").is_empty());
    assert_eq!(about(&ja, "consent-countries"), ["情報を扱う国:日本、IS"]);
    let en = words(Lang::En, declare, |_| {}).await;
    assert_eq!(
        about(&en, "consent-passed-on"),
        ["Not used for anything else; passed on to: First Inc., Second Inc."]
    );
    assert_eq!(about(&en, "consent-legal-basis"), ["Basis: dpv:LegalObligation"]);
    for basis in ["consent", "dpv:Consent"] {
        let ja = words(Lang::Ja, |purpose| purpose.legal_basis = basis.to_owned(), |_| {}).await;
        assert_eq!(about(&ja, "consent-legal-basis"), ["根拠:あなたの同意"], "{basis}");
    }
    assert_eq!(
        about(&en, "consent-withdraw"),
        ["You can withdraw at any time. New sharing stops within 90 seconds"]
    );
}

#[tokio::test]
async fn how_long_it_is_kept_and_what_withdrawal_changes_about_that() {
    for (period, on_withdrawal, key, ja, en) in [
        ("P0D", OnWithdrawal::Erase, "consent-not-kept", "提供先では保管されません", "Not kept"),
        (
            "P30D",
            OnWithdrawal::Erase,
            "consent-retention",
            "提供先での保管:30日。取り消すと消去されます",
            "Kept for 30 days; deleted if you withdraw",
        ),
        (
            "P1M",
            OnWithdrawal::Keep,
            "consent-retention-kept",
            "提供先での保管:1か月。取り消しても、この期間は保管されます",
            "Kept for 1 month, also if you withdraw",
        ),
        (
            "P10Y",
            OnWithdrawal::Erase,
            "consent-retention",
            "提供先での保管:10年。取り消すと消去されます",
            "Kept for 10 years; deleted if you withdraw",
        ),
    ] {
        for (lang, expected) in [(Lang::Ja, ja), (Lang::En, en)] {
            let declare = |purpose: &mut Purpose| {
                purpose.retention.period = period.to_owned();
                purpose.retention.on_withdrawal = on_withdrawal;
            };
            assert_eq!(about(&words(lang, declare, |_| {}).await, key), [expected]);
        }
    }
}

#[test]
fn a_relying_party_that_asks_for_its_own_user_is_named_as_it_proved_itself() {
    let prompt = first_party(Reader { lang: Lang::Ja, utc_offset: 0 }, "https://portal.example");
    assert_eq!(prompt.title, "「https://portal.example」が、あなたを確認しようとしています");
    let prompt = first_party(Reader { lang: Lang::En, utc_offset: 0 }, "https://portal.example");
    assert_eq!(prompt.lines[0].text, "Shows your number at “https://portal.example”");
    assert_eq!(prompt.lines[1].text, "This number is for this organisation only; no other sees it");
}

#[test]
fn days_become_dates() {
    for (days, expected) in [
        (0, (1970, 1, 1)),
        (58, (1970, 2, 28)),
        (59, (1970, 3, 1)),
        (365, (1971, 1, 1)),
        (11_016, (2000, 2, 29)),
        (20_779, (2026, 11, 22)),
        (47_540, (2100, 2, 28)),
        (47_541, (2100, 3, 1)),
        (-1, (1969, 12, 31)),
        (-719_528, (0, 1, 1)),
    ] {
        assert_eq!(civil(days), expected, "{days}");
    }
    let time = UnixTime::from_secs(20_779 * 86_400 + 5);
    assert_eq!(date(Lang::Ja, time), "2026年11月22日");
    assert_eq!(date(Lang::En, time), "2026-11-22");
}

proptest! {
    /// Each day has a date, also in years that nobody will see, and the next day has the next date.
    #[test]
    fn dates_follow_each_other(seconds: i64) {
        let days = seconds.div_euclid(86_400);
        let (year, month, day) = civil(days);
        let next = civil(days + 1);
        prop_assert!(
            next == (year, month, day + 1)
                || (day >= 28 && (next == (year, month + 1, 1) || (month == 12 && next == (year + 1, 1, 1))))
        );
        prop_assert!((1..=12).contains(&month) && (1..=31).contains(&day));
    }
}
