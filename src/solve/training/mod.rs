//! Stochastic gradient descent as practice does it: minibatches, momentum, augmentation (Chizat et al. 2019, §3.2).
//!
//! The model is y = α [h(w) − h(w₀)], a network less a frozen copy of itself; the objective R(y)/α², R the mean over the
//! images of a batch of the square over k classes, 1/(k n) ‖y − one-hot‖² (without ½: torch's `MSELoss`), or of the
//! cross-entropy. **The unknown is u = α (w − w₀)**: with V = α v for torch's velocity v, one step is
//!
//! ```text
//! V ← μ V + Dh(w₀ + u/α)ᵀ ∇R(y),    u ← u − η V,
//! ```
//!
//! in which α appears in w alone, and no digit of a move of size 1/α is lost. At α = ∞ it is, with y = Dh(w₀) u and
//! Dh(w₀)ᵀ, the *exact* linearization trained the same way. (The difference h(w) − h(w₀) is formed in f64: its error in y
//! is α 10⁻¹⁶, 10⁻⁹ at α = 10⁷.)
//!
//! The step is η₀/(1 + β e) in epoch e = 0, 1, …; images are visited in a new random order each epoch and drawn anew by
//! [`Images::augmented`]. Chance depends on the seed and the number of the epoch alone, so that a run which is stopped
//! and resumed from its [`State`] ends with the same bytes.

mod measure;
mod state;
mod trainer;

pub use measure::Measured;
pub use state::{Epoch, State};
pub use trainer::Trainer;

use crate::data::images::Images;
use crate::loss::{CrossEntropy, Loss, Reduction, Square, SquareScale};
use crate::model::Architecture;
use crate::{Error, Result};

/// R, of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Objective {
    /// 1/(k n) ‖y − one-hot‖².
    #[default]
    Square,
    /// The mean over images of softmax cross-entropy.
    CrossEntropy,
}

impl Objective {
    /// R for images of these classes.
    pub(crate) fn of(self, labels: &[usize], classes: usize) -> Result<Box<dyn Loss>> {
        Ok(match self {
            Objective::Square => {
                let mut target = vec![0.0; labels.len() * classes];
                let rows = target.chunks_exact_mut(classes).zip(labels);
                rows.for_each(|(row, label)| row[*label] = 1.0);
                Box::new(Square::to(target).scaled(SquareScale::Mean))
            }
            Objective::CrossEntropy => {
                Box::new(CrossEntropy::new(labels, classes)?.reduced(Reduction::Mean))
            }
        })
    }
}

/// How to train. The default is the paper's for its figure 3a, but for α = 1 and the number of epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// α > 0; ∞ for the exact linearization.
    pub alpha: f64,
    /// R.
    pub objective: Objective,
    /// Passes over the images.
    pub epochs: usize,
    /// Images of a step; the last step of an epoch takes what is left.
    pub batch: usize,
    /// μ, 0 ≤ μ < 1.
    pub momentum: f64,
    /// η₀, the step of the first epoch.
    pub step: f64,
    /// β ≥ 0, by which steps become smaller.
    pub decay: f64,
    /// Whether images are cropped and mirrored at random.
    pub augmented: bool,
    /// Of the orders and the augmentation.
    pub seed: u64,
}

impl Default for Training {
    fn default() -> Self {
        Training {
            alpha: 1.0,
            objective: Objective::Square,
            epochs: 10,
            batch: 128,
            momentum: 0.9,
            step: 1.0,
            decay: 1.0 / 3.0,
            augmented: true,
            seed: 58,
        }
    }
}

impl Training {
    /// η in epoch `e`, counting from 0.
    ///
    /// ```
    /// use gradflow::solve::training::Training;
    /// assert_eq!(Training { step: 2.0, decay: 0.5, ..Training::default() }.step_in(2), 1.0); // 2/(1 + ½·2)
    /// ```
    pub fn step_in(&self, e: usize) -> f64 {
        self.step / (1.0 + self.decay * e as f64)
    }

    /// A trainer at the beginning: u = 0. `start` is w₀, of length p.
    ///
    /// # Errors
    /// [`Error::Value`] for settings out of their range; [`Error::Shape`] for a start of another length, or images of
    /// other sizes or classes than the network's.
    pub fn begin<'a>(
        &self,
        architecture: Architecture,
        start: &[f64],
        images: &'a Images,
    ) -> Result<Trainer<'a>> {
        self.check()?;
        Trainer::new(*self, architecture, start, images)
    }

    fn check(&self) -> Result<()> {
        let ranges = [
            ("α", self.alpha, self.alpha > 0.0, "a positive number or ∞"),
            ("momentum", self.momentum, (0.0..1.0).contains(&self.momentum), "0 ≤ μ < 1"),
            ("step", self.step, self.step > 0.0 && self.step.is_finite(), "a positive number"),
            ("decay", self.decay, self.decay >= 0.0 && self.decay.is_finite(), "a number ≥ 0"),
        ];
        for (name, value, fits, wanted) in ranges {
            if !fits {
                return Err(Error::value(name, value, wanted));
            }
        }
        if self.batch == 0 {
            return Err(Error::value("batch", 0, "at least one image"));
        }
        Ok(())
    }
}
