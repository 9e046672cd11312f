//! The story: steps that happen for real, told with what each party then knows.

pub(crate) mod attacks;
pub(crate) mod knowledge;
pub(crate) mod probe;
pub(crate) mod report;
mod steps;
pub(crate) mod teller;
mod wait;

pub(crate) use self::wait::until;

use self::knowledge::ask_everybody;
use self::report::Outcome;
use self::teller::{Step, Teller};
use crate::DemoError;
use crate::sample::RESIDENT_A;
use crate::town::Town;

/// The story while it is being told.
pub(crate) struct Story<'a> {
    town: &'a Town,
    teller: Teller,
}

impl<'a> Story<'a> {
    /// A story in `town`, told by `teller`.
    pub(crate) const fn new(town: &'a Town, teller: Teller) -> Self {
        Self { town, teller }
    }

    /// Tells it to the end, or to where it cannot go on.
    pub(crate) async fn tell(mut self) -> Outcome {
        let complete = self.all().await.is_some();
        self.teller.finish(complete)
    }

    /// Everything in order; `None` where a step could not be finished.
    async fn all(&mut self) -> Option<()> {
        let (town, words) = (self.town, self.teller.words());
        let a = self.step("link", async |step| steps::link(town, step).await).await?;
        self.step("bind", async |step| steps::bind(town, &a, step).await).await?;
        let request = self.step("ask", async |step| steps::ask(town, &a, step).await).await?;
        self.step("terms", async |step| steps::terms(&a, &request, words, step)).await?;
        let grant = self.step("agree", async |step| steps::agree(town, &a, &request, step).await).await?;
        self.step("fetch", async |step| steps::fetch(town, &a, &grant, step).await).await?;
        self.step("history", async |step| steps::history(&a, &grant, step).await).await?;
        let kept = self.step("withdraw", async |step| steps::withdraw(town, &a, &grant, step).await).await?;
        self.step("refused", async |step| steps::refused(town, &a, &grant, &kept, step).await).await?;

        let scene = self.step("attack-scene", async |step| attacks::scene(town, a, step).await).await?;
        self.step("attack-pooling", async |step| attacks::pooling(town, &scene, step).await).await?;
        self.step("attack-replay", async |step| attacks::replay(town, &scene, step).await).await?;
        self.step("attack-theft", async |step| attacks::theft(town, &scene, step).await).await?;
        self.step("attack-swap", async |step| attacks::swap(town, &scene, step).await).await
    }

    /// One step: what happens, and then what everybody knows. A step that fails half-way is told as far as it went.
    async fn step<T>(
        &mut self,
        name: &str,
        act: impl AsyncFnOnce(&mut Step) -> Result<T, DemoError>,
    ) -> Option<T> {
        let mut step = self.teller.begin(name);
        let result = act(&mut step).await;
        step.stop();
        if let Err(error) = &result {
            step.expect(false, &error.to_string());
        }
        if step.is_quiet() {
            self.teller.end(step, Vec::new());
            return result.ok();
        }
        let knows = match ask_everybody(self.town, RESIDENT_A, &mut step).await {
            Ok(knows) => knows,
            Err(error) => {
                step.expect(false, &error.to_string());
                Vec::new()
            }
        };
        self.teller.end(step, knows);
        result.ok()
    }
}
