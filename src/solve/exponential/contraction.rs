//! How fast the corrector contracts, and when that is a reason to take the tangent afresh.

/// A factor measured this many steps ago is measured again.
const STALE: usize = 12;

/// Above this factor a fresh tangent is worth its price, once this many evaluations were spent on correcting again.
const SLOW: f64 = 0.3;
const SPENT: usize = 3;

/// A tangent that leaves more than this of the factor was of no use, and is not taken again for so many steps: then it
/// is the curvature of the model that the step is too long for.
const USELESS: f64 = 0.6;
const PAUSE: usize = 4;

/// The factor by which g = f + L x changes with x over a step, as last measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contraction {
    factor: f64,
    /// The length of the step at which it was measured.
    length: f64,
    /// Steps since.
    age: usize,
    /// Evaluations spent on correcting again since the tangent was taken.
    spent: usize,
    /// The factor before the tangent was taken, until it is measured anew.
    before: Option<f64>,
    /// Steps for which no tangent is to be taken.
    pause: usize,
}

impl Contraction {
    /// Nothing is known yet.
    pub(super) fn unknown() -> Self {
        Contraction { factor: 1.0, length: 0.0, age: STALE, spent: 0, before: None, pause: 0 }
    }

    /// The factor to expect of a step of that length: it grows in proportion at most. Infinite where it must be measured.
    pub(super) fn expected(&self, length: f64) -> f64 {
        if self.age >= STALE {
            return f64::INFINITY;
        }
        self.factor * (length / self.length).max(1.0)
    }

    /// Whether a step of that length should begin with a fresh tangent.
    pub(super) fn wants_tangent(&self, length: f64) -> bool {
        let expected = self.expected(length);
        expected.is_finite() && expected > SLOW && self.spent >= SPENT
    }

    /// Whether a tangent may be taken.
    pub(super) fn allows_tangent(&self) -> bool {
        self.pause == 0
    }

    /// The tangent has been taken.
    pub(super) fn tangent_taken(&mut self) {
        *self = Contraction { before: Some(self.factor), age: STALE, spent: 0, ..*self };
    }

    /// An evaluation was spent on correcting again.
    pub(super) fn spend(&mut self) {
        self.spent += 1;
    }

    /// A measurement.
    pub(super) fn measured(&mut self, factor: f64, length: f64) {
        if let Some(before) = self.before.take() {
            self.pause = if factor > USELESS * before { PAUSE } else { 0 };
        }
        (self.factor, self.length, self.age) = (factor, length, 0);
    }

    /// A step has been made.
    pub(super) fn step(&mut self) {
        self.age += 1;
        self.pause = self.pause.saturating_sub(1);
    }
}
