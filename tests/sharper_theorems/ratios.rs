//! How far bounds are above what they bound.

/// Ratios of one bound to what it bounds, over many runs.
#[derive(Default)]
pub(crate) struct Ratios(pub(crate) Vec<f64>);

impl Ratios {
    pub(crate) fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn most(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }

    /// `name  min  median  max  count`.
    pub(crate) fn print(&self, name: &str) {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
        println!(
            "{name:60} {:9.3e} {middle:9.3e} {:9.3e} {:4}",
            self.least(),
            self.most(),
            sorted.len()
        );
    }
}
