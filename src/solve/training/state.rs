//! What is kept of a run between epochs, and its file.
//!
//! One npy array of doubles, which hold every number exactly: the run's fingerprint, the number of epochs, whether it
//! diverged, three numbers per epoch, then u, then V.

use super::Trainer;
use crate::data::npy;
use crate::{Error, Result};
use nalgebra::DMatrix;
use std::path::Path;

/// What one pass over the images found on the way, on the images as they were drawn.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Epoch {
    /// η.
    pub step: f64,
    /// Mean of R(y) over the batches, each at the weights before its step.
    pub loss: f64,
    /// Share of images right, likewise, between 0 and 1.
    pub accuracy: f64,
}

/// A run so far.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// u = α (w − w₀).
    pub(super) displacement: Vec<f64>,
    /// V.
    pub(super) velocity: Vec<f64>,
    pub(super) epochs: Vec<Epoch>,
    pub(super) diverged: bool,
}

impl State {
    pub(super) fn new(p: usize) -> Self {
        let (displacement, velocity) = (vec![0.0; p], vec![0.0; p]);
        State { displacement, velocity, epochs: Vec::new(), diverged: false }
    }

    /// u = α (w − w₀), of length p.
    pub fn displacement(&self) -> &[f64] {
        &self.displacement
    }

    /// The epochs done.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// Whether the loss stopped being finite; u and V are then 0.
    pub fn diverged(&self) -> bool {
        self.diverged
    }
}

impl Trainer<'_> {
    /// Keeps the run so far in a file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let State { displacement, velocity, epochs, diverged } = &self.state;
        let mut numbers = self.fingerprint();
        numbers.extend([epochs.len() as f64, f64::from(u8::from(*diverged))]);
        numbers.extend(epochs.iter().flat_map(|e| [e.step, e.loss, e.accuracy]));
        numbers.extend(displacement.iter().chain(velocity));
        npy::write(path, &DMatrix::from_vec(1, numbers.len(), numbers))
    }

    /// Goes on from where [`Trainer::save`] left a run of the same settings, start and images; a run that was to have
    /// fewer epochs may be prolonged.
    ///
    /// # Errors
    /// As [`npy::read`]; [`Error::Data`] for a file of another run, or of none.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        let numbers = npy::read(path)?;
        let problem = |problem: &str| Error::Data {
            path: path.to_path_buf(),
            place: "numbers".into(),
            problem: problem.into(),
        };
        let own = self.fingerprint();
        let Some(rest) = numbers.as_slice().strip_prefix(&own[..]) else {
            return Err(problem(
                "a run of other settings, another start or other images; give another file or remove this one",
            ));
        };
        let [epochs, diverged, rest @ ..] = rest else {
            return Err(problem("the file is too short for a run"));
        };
        let p = self.start.len();
        let fitting = (0..=rest.len() / 3).find(|n| *n as f64 == *epochs);
        let fitting = fitting.filter(|n| rest.len() == 3 * n + 2 * p);
        let Some(done) = fitting else {
            return Err(problem("as many numbers as its epochs and weights need are wanted"));
        };
        let (epochs, weights) = rest.split_at(3 * done);
        let (displacement, velocity) = weights.split_at(p);
        let epoch = |e: &[f64]| Epoch { step: e[0], loss: e[1], accuracy: e[2] };
        self.resume(State {
            displacement: displacement.to_vec(),
            velocity: velocity.to_vec(),
            epochs: epochs.chunks_exact(3).map(epoch).collect(),
            diverged: *diverged != 0.0,
        })
    }
}
