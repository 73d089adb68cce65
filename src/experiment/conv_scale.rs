//! A convolutional network trained at one scale α: one run, from its settings to its record (Chizat et al. 2019,
//! figures 3a and 7a, table 3b).

use crate::Result;
use crate::data::images::Images;
use crate::model::{Architecture, FilterInitialization};
use crate::random::Generator;
use crate::solve::training::{Epoch, Measured, Trainer, Training};
use std::path::Path;

/// One run: a network, how its weights are drawn, how it is trained.
#[derive(Debug, Clone)]
pub struct ConvRun {
    /// The network.
    pub architecture: Architecture,
    /// Of w₀; biases are 0.
    pub initialization: FilterInitialization,
    /// α, epochs, steps; its seed is also that of w₀, by another stream.
    pub training: Training,
}

/// What a run found at its end.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ConvRecord {
    /// α; ∞ for the exact linearization.
    pub alpha: f64,
    /// Loss and accuracy on the way, on augmented images, as the authors report their training accuracy.
    pub epochs: Vec<Epoch>,
    /// The end; nothing for a run that diverged.
    pub end: Option<ConvEnd>,
}

/// The end of a run, on images as they are.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ConvEnd {
    /// On the images trained with.
    pub train: Measured,
    /// On the others.
    pub test: Measured,
    /// Share of units of unchanged sign, on the others, averaged over layers.
    pub stability: f64,
}

impl ConvRun {
    /// Trains on `train`, measures on both. `progress` sees the run after every epoch. Where a file is given for its
    /// `state`, the run goes on from what it finds there and keeps itself there after every epoch: killed and started
    /// again it ends with the same record.
    ///
    /// # Errors
    /// As [`Training::begin`], [`Trainer::load`] and [`Trainer::save`], and what `progress` returns.
    pub fn run(
        &self,
        train: &Images,
        test: &Images,
        state: Option<&Path>,
        progress: &mut dyn FnMut(&Trainer<'_>) -> Result<()>,
    ) -> Result<ConvRecord> {
        let mut chance = Generator::seeded(self.training.seed).split("weights");
        let start = self.initialization.weights(&self.architecture, &mut || chance.gaussian())?;
        let mut trainer = self.training.begin(self.architecture.clone(), &start, train)?;
        if let Some(path) = state.filter(|path| path.exists()) {
            trainer.load(path)?;
        }
        while !trainer.is_finished() {
            trainer.epoch()?;
            if let Some(path) = state {
                trainer.save(path)?;
            }
            progress(&trainer)?;
        }
        let end = if trainer.state().diverged() {
            None
        } else {
            let (on_train, on_test) = (trainer.measure(train)?, trainer.measure(test)?);
            let stability = trainer.stability(test)?;
            on_train.zip(on_test).map(|(train, test)| ConvEnd { train, test, stability })
        };
        let epochs = trainer.state().epochs().to_vec();
        Ok(ConvRecord { alpha: self.training.alpha, epochs, end })
    }
}
