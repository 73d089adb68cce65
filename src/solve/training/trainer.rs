//! A run of training, epoch by epoch.

use super::measure::right;
use super::{Epoch, State, Training};
use crate::data::images::Images;
use crate::model::{Architecture, ConvNet, Differentiable};
use crate::random::Generator;
use crate::{Error, Result};
use nalgebra::DMatrix;

/// A network being trained on some images.
#[derive(Debug)]
pub struct Trainer<'a> {
    pub(super) training: Training,
    images: &'a Images,
    pub(super) net: ConvNet,
    /// w₀.
    pub(super) start: Vec<f64>,
    /// w = w₀ + u/α.
    pub(super) moved: Vec<f64>,
    gradient: Vec<f64>,
    pub(super) state: State,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(
        training: Training,
        architecture: Architecture,
        start: &[f64],
        images: &'a Images,
    ) -> Result<Self> {
        let p = architecture.params();
        let found = (start.len(), images.numbers(), images.classes());
        let wanted = (p, architecture.input().numbers(), architecture.outputs());
        if found != wanted {
            return Err(Error::Shape {
                what: "weights, numbers per image, classes".into(),
                found: format!("{found:?}"),
                wanted: format!("{wanted:?}, the network's"),
                remedy: "draw the weights and read the images for this network",
            });
        }
        let blank = DMatrix::zeros(images.numbers(), 1);
        Ok(Trainer {
            training,
            images,
            net: architecture.on(blank)?,
            start: start.to_vec(),
            moved: start.to_vec(),
            gradient: vec![0.0; p],
            state: State::new(p),
        })
    }

    /// What there is to be kept of the run so far.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How it is trained.
    pub fn training(&self) -> &Training {
        &self.training
    }

    /// w = w₀ + u/α; w₀ for a linearization.
    pub fn weights(&self) -> &[f64] {
        &self.moved
    }

    /// Whether nothing is left to do: all epochs done, or the loss no longer finite.
    pub fn is_finished(&self) -> bool {
        self.state.diverged || self.state.epochs.len() >= self.training.epochs
    }

    /// Goes on from there; `state` must be of a run of these settings (see [`Trainer::load`]).
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of parameters.
    pub fn resume(&mut self, state: State) -> Result<()> {
        let (found, wanted) = (state.displacement.len(), self.start.len());
        if found != wanted || state.velocity.len() != wanted {
            return Err(Error::Shape {
                what: "weights of the state".into(),
                found: found.to_string(),
                wanted: wanted.to_string(),
                remedy: "resume a run of the same network",
            });
        }
        self.state = state;
        self.displace();
        Ok(())
    }

    /// One pass over the images; where the loss stops being finite, the run is over: `diverged` is set, its weights
    /// are given up. Does nothing to a run that is finished.
    ///
    /// # Errors
    /// None that a run well begun can meet; those of [`ConvNet::replace`].
    pub fn epoch(&mut self) -> Result<()> {
        if self.is_finished() {
            return Ok(());
        }
        let e = self.state.epochs.len();
        let mut chance = Generator::seeded(self.training.seed).split("epochs").stream(e as u64);
        let (n, numbers) = (self.images.len(), self.images.numbers());
        let order = chance.permutation(n);
        let step = self.training.step_in(e);
        let (mut loss, mut hits) = (0.0, 0);
        let mut pixels = Vec::new();
        for batch in order.chunks(self.training.batch) {
            pixels.resize(batch.len() * numbers, 0.0);
            for (i, out) in batch.iter().zip(pixels.chunks_exact_mut(numbers)) {
                if self.training.augmented {
                    self.images.augmented(*i, &mut chance, out);
                } else {
                    out.copy_from_slice(self.images.image(*i));
                }
            }
            self.net.replace(&pixels)?;
            let labels: Vec<usize> = batch.iter().map(|i| self.images.label(*i)).collect();
            let (batch_loss, batch_hits) = self.differentiate(&labels)?;
            if !batch_loss.is_finite() {
                self.give_up();
                return Ok(());
            }
            loss += batch_loss * batch.len() as f64 / n as f64;
            hits += batch_hits;
            self.advance(step);
        }
        if !self.moved.iter().chain(&self.state.displacement).all(|w| w.is_finite()) {
            self.give_up();
            return Ok(());
        }
        self.state.epochs.push(Epoch { step, loss, accuracy: hits as f64 / n as f64 });
        Ok(())
    }

    /// R of the batch, how many images are right, and `gradient` ← Dhᵀ ∇R(y).
    fn differentiate(&mut self, labels: &[usize]) -> Result<(f64, usize)> {
        let objective = self.training.objective.of(labels, self.images.classes())?;
        let (alpha, n) = (self.training.alpha, self.net.shape().outputs);
        let mut y = vec![0.0; n];
        if alpha.is_infinite() {
            let mut v = vec![0.0; n];
            self.net.jvp(&self.start, &self.state.displacement, &mut y);
            objective.gradient(&y, &mut v);
            self.net.vjp(&self.start, &v, &mut self.gradient);
        } else {
            let mut frozen = vec![0.0; n];
            self.net.value(&self.start, &mut frozen);
            let mut seed = |h: &[f64], v: &mut [f64]| {
                let pairs = h.iter().zip(&frozen);
                y.iter_mut().zip(pairs).for_each(|(y, (h, h0))| *y = alpha * (h - h0));
                objective.gradient(&y, v);
            };
            self.net.gradient(&self.moved, &mut seed, &mut self.gradient);
        }
        Ok((objective.value(&y), right(&y, labels)))
    }

    /// V ← μ V + gradient, u ← u − η V.
    fn advance(&mut self, step: f64) {
        let State { displacement, velocity, .. } = &mut self.state;
        let momentum = self.training.momentum;
        for ((u, v), g) in displacement.iter_mut().zip(velocity).zip(&self.gradient) {
            *v = momentum * *v + g;
            *u -= step * *v;
        }
        self.displace();
    }

    fn displace(&mut self) {
        let alpha = self.training.alpha;
        let pairs = self.start.iter().zip(&self.state.displacement);
        self.moved.iter_mut().zip(pairs).for_each(|(w, (w0, u))| *w = w0 + u / alpha);
    }

    fn give_up(&mut self) {
        self.state.diverged = true;
        self.state.displacement.fill(0.0);
        self.state.velocity.fill(0.0);
        self.displace();
    }

    /// Numbers that tell this run from any other: settings (all but the number of epochs), layers, w₀, images.
    pub(super) fn fingerprint(&self) -> Vec<f64> {
        let Training { alpha, objective, epochs: _, batch, momentum, step, decay, augmented, seed } =
            self.training;
        let mut numbers = vec![
            if alpha.is_infinite() { -1.0 } else { alpha },
            f64::from(u8::from(objective == super::Objective::CrossEntropy)),
            batch as f64,
            momentum,
            step,
            decay,
            f64::from(u8::from(augmented)),
            self.images.len() as f64,
        ];
        let mut pixels = (0..self.images.len()).flat_map(|i| self.images.image(i));
        let (start, pixels) = (mixed(&mut self.start.iter()), mixed(&mut pixels));
        // Poolings differ without a parameter to tell them apart.
        let layers = format!("{:?}", self.net.architecture().layers());
        let layers: Vec<f64> = layers.bytes().map(f64::from).collect();
        for hash in [seed, mixed(&mut layers.iter()), start, pixels] {
            // Halves, which doubles hold exactly.
            numbers.extend([(hash >> 32) as f64, (hash & 0xffff_ffff) as f64]);
        }
        numbers
    }
}

/// FNV-1a over the bits of numbers, word by word.
fn mixed(numbers: &mut dyn Iterator<Item = &f64>) -> u64 {
    numbers.fold(0xcbf2_9ce4_8422_2325, |hash, x| {
        (hash ^ x.to_bits()).wrapping_mul(0x0100_0000_01b3).rotate_left(29)
    })
}
