//! What an experiment must show: a number found, the paper's beside it, and the band that it must lie in.

/// One number held against the paper's.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What it is, in words.
    pub quantity: String,
    /// The paper's number, where it has one.
    pub paper: Option<f64>,
    /// Least and largest value that count as the same result.
    pub allowed: (f64, f64),
    /// Ours.
    pub found: f64,
}

impl Check {
    /// A number that must lie in `allowed`.
    pub(crate) fn new(
        quantity: impl Into<String>,
        paper: impl Into<Option<f64>>,
        allowed: (f64, f64),
        found: f64,
    ) -> Self {
        Check { quantity: quantity.into(), paper: paper.into(), allowed, found }
    }

    /// The paper's number up to the part `tolerance` of it.
    pub(crate) fn near(
        quantity: impl Into<String>,
        paper: f64,
        tolerance: f64,
        found: f64,
    ) -> Self {
        let (a, b) = (paper * (1.0 - tolerance), paper * (1.0 + tolerance));
        Check::new(quantity, paper, (a.min(b), a.max(b)), found)
    }

    /// Whether it lies in its band; a missing number does not.
    ///
    /// ```
    /// use gradflow::experiment::Check;
    /// let check = |found| Check { quantity: "end".into(), paper: Some(3.1), allowed: (2.6, 3.6), found };
    /// assert!(check(3.0).passes() && !check(4.0).passes() && !check(f64::NAN).passes());
    /// ```
    pub fn passes(&self) -> bool {
        self.allowed.0 <= self.found && self.found <= self.allowed.1
    }

    /// `passes`, or `differs` with the distance to the band's nearer end as a part of that end.
    pub fn verdict(&self) -> String {
        if self.passes() {
            return "passes".into();
        }
        if self.found.is_nan() {
            return "missing".into();
        }
        let end = if self.found < self.allowed.0 { self.allowed.0 } else { self.allowed.1 };
        format!("differs, {:+.0} %", 100.0 * (self.found - end) / end.abs().max(f64::MIN_POSITIVE))
    }
}
