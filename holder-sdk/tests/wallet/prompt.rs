//! What a person reads before deciding: every fact, in both languages, and nothing that is not so.

use std::sync::Arc;

use enishi_holder_sdk::testing::{LinkAsk, Tampering, World};
use enishi_holder_sdk::{Prompt, Wallet};
use enishi_protocol::grant::access::{Access, Period};
use enishi_schemas::messages::{Lang, has};

async fn prompt(world: &Arc<World>, wallet: &Wallet, ask: &LinkAsk, lang: Lang) -> Prompt {
    let request = wallet.read_request(&world.verifier.ask(ask)).await.unwrap();
    request.prompt(lang, wallet).unwrap()
}

fn texts(prompt: &Prompt) -> Vec<&str> {
    prompt.lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn every_fact_of_the_terms_in_japanese() {
    let world = World::new().await;
    let wallet = world.wallet();
    let prompt = prompt(&world, &wallet, &LinkAsk::new("grant-1"), Lang::Ja).await;
    assert_eq!(prompt.title, "「まちのポータル」が、あなたの情報の提供を求めています");
    assert_eq!(
        texts(&prompt),
        [
            "提供元:健康増進課(法人番号 1000020273228)(健診情報)",
            "提供先:まちのポータル(法人番号 1000020273228)",
            "使いみち:健康アドバイスのため",
            "これ以外の目的には使われません。ほかの会社には渡されません",
            "提供する情報:",
            "血圧(必須)",
            "体重(必須)",
            "期間:2026年11月22日から2027年11月22日まで",
            "1日1回まで",
            "提供先での保管:1年。取り消すと消去されます",
            "情報を扱う国:日本",
            "根拠:あなたの同意",
            "ほかのサービスは使えます",
            "いつでも取り消せます。1分以内に新しい提供が止まります",
            "ここでも取り消せます:https://portal.example/withdraw、https://health.example/withdraw",
            "くわしい説明:https://portal.example/privacy",
            "あなたの番号はお互いの会社に知らされません",
        ]
    );
    assert_eq!([prompt.agree, prompt.decline, prompt.later], ["同意する", "同意しない", "あとで決める"]);
}

#[tokio::test]
async fn every_fact_of_the_terms_in_english() {
    let world = World::new().await;
    let wallet = world.wallet();
    let prompt = prompt(&world, &wallet, &LinkAsk::new("grant-1"), Lang::En).await;
    assert_eq!(prompt.title, "“Town portal” asks for your information");
    assert_eq!(
        texts(&prompt),
        [
            "From: Health section (corporate number 1000020273228) (Check-up data)",
            "To: Town portal (corporate number 1000020273228)",
            "Used for: For health advice",
            "Not used for anything else; not passed on",
            "Items:",
            "Blood pressure (required)",
            "Weight (required)",
            "From 2026-11-22 until 2027-11-22",
            "At most 1 per day",
            "Kept for 1 year; deleted if you withdraw",
            "Handled in: Japan",
            "Basis: your consent",
            "Other services remain available",
            "You can withdraw at any time. New sharing stops within 1 minute",
            "You can also withdraw at: https://portal.example/withdraw, https://health.example/withdraw",
            "Details: https://portal.example/privacy",
            "The companies do not learn each other’s number for you",
        ]
    );
    assert_eq!([prompt.agree, prompt.decline, prompt.later], ["Agree", "Don’t agree", "Decide later"]);
}

#[tokio::test]
async fn how_often_is_said_in_the_words_of_the_access() {
    let world = World::new().await;
    let wallet = world.wallet();
    for (access, expected) in [
        (Access::one_time(), vec!["1回だけ"]),
        (Access::periodic(1, Period::Week), vec!["週1回まで"]),
        (
            Access { max_total: Some(3), ..Access::periodic(1, Period::Month) },
            vec!["月1回まで", "全部で3回まで"],
        ),
    ] {
        let ask = LinkAsk { access, ..LinkAsk::new("grant-1") };
        let prompt = prompt(&world, &wallet, &ask, Lang::Ja).await;
        let often = ["consent-once", "consent-at-most", "consent-total"];
        let lines =
            prompt.lines.iter().filter(|line| often.iter().any(|about| line.about.starts_with(about)));
        assert_eq!(lines.map(|line| line.text.as_str()).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn a_day_is_the_readers_day() {
    let world = World::new().await;
    // 2026-11-22T18:00Z is the 23rd in Japan; an end at midnight is not the next day's.
    world.clock.advance(5 * 3600);
    for (offset, expected) in [
        (None, "期間:2026年11月23日から2026年11月30日まで"),
        (Some(0), "期間:2026年11月22日から2026年11月30日まで"),
    ] {
        let wallet = match offset {
            None => world.wallet(),
            Some(offset) => world.wallet().at_utc_offset(offset),
        };
        let midnight = offset.map_or(-9 * 3600, i64::from);
        let end = enishi_credential::time::UnixTime::from_secs(1_795_996_800 + 86_400).plus(midnight);
        let uri = world.verifier.ask_tampered(
            &LinkAsk::new("grant-1"),
            Tampering::none().terms(move |terms| terms.not_after = end),
        );
        let request = wallet.read_request(&uri).await.unwrap();
        let prompt = request.prompt(Lang::Ja, &wallet).unwrap();
        let line = prompt.lines.iter().find(|line| line.about == "consent-period").unwrap();
        assert_eq!(line.text, expected);
    }
}

#[tokio::test]
async fn the_prompt_ends_with_the_time_to_answer() {
    let world = World::new().await;
    let wallet = world.wallet();
    let request = wallet.read_request(&world.verifier.ask(&LinkAsk::new("grant-1"))).await.unwrap();
    world.clock.advance(600);
    assert_eq!(request.prompt(Lang::Ja, &wallet).unwrap_err().code(), "answer_too_late");
}

#[tokio::test]
async fn what_a_line_is_about_is_a_key_of_the_catalogue() {
    let world = World::new().await;
    let wallet = world.wallet();
    for lang in Lang::ALL {
        let prompt = prompt(&world, &wallet, &LinkAsk::new("grant-1"), lang).await;
        for line in &prompt.lines {
            assert!(has(lang, line.about), "{}", line.about);
            assert!(!line.text.contains('{') && !line.text.contains("consent-"), "{}", line.text);
        }
    }
}
