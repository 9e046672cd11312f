//! Where a reader of claims is, as a chain of steps on its stack: nothing is allocated before somebody asks.

use std::ops::Range;

use super::NEVER_CONCEALED;
use super::path::{ClaimPath, PathStep};

/// A place in the claims.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    above: Option<&'p Place<'p>>,
    step: Step<'p>,
    depth: usize,
    fixed: bool,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Top,
    Member(&'p str),
    Element(usize),
}

impl<'p> Place<'p> {
    /// The claims as a whole.
    pub(super) const TOP: Self = Self { above: None, step: Step::Top, depth: 0, fixed: false };

    /// The member `name` of the object at this place.
    pub(super) fn member(&'p self, name: &'p str) -> Self {
        let fixed = self.fixed || (self.is_top() && NEVER_CONCEALED.contains(&name));
        Self { above: Some(self), step: Step::Member(name), depth: self.depth + 1, fixed }
    }

    /// The element number `index` of the array at this place.
    pub(super) const fn element(&'p self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Element(index), depth: self.depth + 1, fixed: self.fixed }
    }

    /// Whether these are the claims as a whole.
    pub(super) const fn is_top(&self) -> bool {
        self.depth == 0
    }

    /// The number of steps from the top.
    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Whether this is a claim that may not be concealed, or a part of one.
    pub(super) const fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// The place as a path.
    pub(super) fn to_path(self) -> ClaimPath {
        self.to_path_of(self.depth)
    }

    fn to_path_of(self, depth: usize) -> ClaimPath {
        let mut path = match self.above {
            Some(above) => above.to_path_of(depth),
            None => ClaimPath::new(Vec::with_capacity(depth)),
        };
        match self.step {
            Step::Top => {}
            Step::Member(name) => path.push(PathStep::Name(name.to_owned())),
            Step::Element(index) => path.push(PathStep::Index(index)),
        }
        path
    }

    /// The place as a JSON Pointer.
    pub(super) fn to_pointer(self) -> String {
        self.to_path().to_pointer()
    }
}

/// Many places, in a few pieces of memory however many they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The names of all members, one after the other.
    names: String,
    steps: Vec<KeptStep>,
    /// For each place, its steps.
    spans: Vec<Range<usize>>,
}

#[derive(Clone, Debug)]
enum KeptStep {
    /// Where the name stands in [`Places::names`].
    Member(Range<usize>),
    Element(usize),
}

impl Places {
    /// `count` places, all of them the top until they are set.
    pub(super) fn with_room(count: usize) -> Self {
        // A name has some twelve characters, and most claims stand at the top.
        let (names, steps) = (String::with_capacity(16 * count), Vec::with_capacity(count));
        Self { names, steps, spans: vec![0..0; count] }
    }

    /// Number `at` is `place`.
    pub(super) fn set(&mut self, at: usize, place: &Place<'_>) {
        let start = self.steps.len();
        self.keep(place);
        if let Some(kept) = self.spans.get_mut(at) {
            *kept = start..self.steps.len();
        }
    }

    fn keep(&mut self, place: &Place<'_>) {
        if let Some(above) = place.above {
            self.keep(above);
        }
        self.steps.push(match place.step {
            Step::Top => return,
            Step::Element(index) => KeptStep::Element(index),
            Step::Member(name) => {
                let start = self.names.len();
                self.names.push_str(name);
                KeptStep::Member(start..self.names.len())
            }
        });
    }

    /// The places as paths, in the order of their numbers.
    pub(super) fn paths(&self) -> impl Iterator<Item = ClaimPath> {
        self.spans.iter().map(|steps| {
            let steps = self.steps.get(steps.clone()).unwrap_or_default();
            let step = |step: &KeptStep| match step {
                KeptStep::Element(index) => PathStep::Index(*index),
                KeptStep::Member(name) => {
                    PathStep::Name(self.names.get(name.clone()).unwrap_or_default().to_owned())
                }
            };
            ClaimPath::new(steps.iter().map(step).collect())
        })
    }
}
