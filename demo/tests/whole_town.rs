//! The whole town in this process: every step of the story is as expected.

use enishi_demo::{DemoOptions, run};

const STEPS: [&str; 14] = [
    "link",
    "bind",
    "ask",
    "terms",
    "agree",
    "fetch",
    "history",
    "withdraw",
    "refused",
    "attack-scene",
    "attack-pooling",
    "attack-replay",
    "attack-theft",
    "attack-swap",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_is_as_expected() {
    let outcome = run(DemoOptions { json: true, ..DemoOptions::default() }).await.unwrap();
    for step in &outcome.steps {
        assert!(step.ok, "{}: {:?} {:?}", step.step, step.unexpected, step.happened);
    }
    let steps: Vec<_> = outcome.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, STEPS);
    assert!(outcome.ok);
}
