//! Where a reader of claims is, as a chain of steps on its stack: nothing is allocated before somebody asks.

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
