//! Data from a seed: the paper's teacher and student, and two-class sets.
//!
//! Inputs, teacher and labels come from streams of their own, so that a larger training set begins with the smaller
//! one, and the test set does not depend on the size of the training set.

use super::{Dataset, matrix_size};
use crate::random::Generator;
use crate::{Error, Result};
use nalgebra::DMatrix;

/// The teacher f(x) = Σⱼ aⱼ relu(bⱼ·x), j ≤ m₀, with |bⱼ| = 1 uniform on the sphere of Rᵈ and aⱼ = ±1
/// (Chizat et al. 2019, §3.1, with m₀ = 3).
#[derive(Debug, Clone)]
pub struct Teacher {
    /// a, of length m₀.
    outer: Vec<f64>,
    /// b, d × m₀.
    inner: DMatrix<f64>,
    seed: u64,
}

impl Teacher {
    /// The paper's teacher of three neurons on Rᵈ.
    ///
    /// # Errors
    /// [`Error::Value`] for d = 0.
    ///
    /// ```
    /// use gradflow::data::synthetic::Teacher;
    /// let (train, test) = Teacher::seeded(100, 0)?.train_and_test(1000, 500)?;
    /// assert_eq!((train.samples(), test.samples(), train.inputs().nrows()), (1000, 500, 100));
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn seeded(d: usize, seed: u64) -> Result<Self> {
        Teacher::with_neurons(d, 3, seed)
    }

    /// A teacher of `m0` neurons on Rᵈ.
    ///
    /// # Errors
    /// [`Error::Value`] for d = 0 or m₀ = 0, [`Error::TooLarge`] for a d m₀ beyond memory.
    pub fn with_neurons(d: usize, m0: usize, seed: u64) -> Result<Self> {
        let mut draw = Teacher::stream(seed, "teacher");
        let inner = on_the_sphere(d, m0, &mut draw, "teacher neurons")?;
        let outer = (0..m0).map(|_| draw.sign()).collect();
        Ok(Teacher { outer, inner, seed })
    }

    /// a, of length m₀: ±1 each.
    pub fn outer(&self) -> &[f64] {
        &self.outer
    }
    /// b, d × m₀, a unit column per neuron.
    pub fn inner(&self) -> &DMatrix<f64> {
        &self.inner
    }
    /// f(x).
    pub fn value(&self, x: &[f64]) -> f64 {
        let neuron = |b: &[f64]| b.iter().zip(x).map(|(b, x)| b * x).sum::<f64>().max(0.0);
        let neurons = self.inner.column_iter().zip(&self.outer);
        neurons.map(|(b, a)| a * neuron(b.as_slice())).sum()
    }

    /// `n` inputs uniform on the unit sphere of Rᵈ with f at each, and `n_test` others.
    ///
    /// # Errors
    /// [`Error::Value`] for a size of 0, [`Error::TooLarge`] for one beyond memory.
    pub fn train_and_test(&self, n: usize, n_test: usize) -> Result<(Dataset, Dataset)> {
        Ok((self.sampled(n, "train")?, self.sampled(n_test, "test")?))
    }

    fn stream(seed: u64, part: &str) -> Generator {
        Generator::seeded(seed).split("teacher-student").split(part)
    }

    fn sampled(&self, n: usize, part: &str) -> Result<Dataset> {
        let d = self.inner.nrows();
        let inputs = on_the_sphere(d, n, &mut Teacher::stream(self.seed, part), "samples")?;
        let values: Vec<f64> = inputs.column_iter().map(|x| self.value(x.as_slice())).collect();
        let (m0, seed) = (self.outer.len(), self.seed);
        let source = format!(
            "teacher of {m0} relu neurons on the sphere of R^{d}, {n} {part} samples, seed {seed}"
        );
        Dataset::new(inputs, DMatrix::from_vec(1, n, values), source)
    }
}

/// Two Gaussian clouds of variance 1 around ±(separation/2) e, e a random unit vector of Rᵈ, labelled ±1 in turn.
///
/// # Errors
/// [`Error::Value`] for n = 0, d = 0 or a separation that is not finite and ≥ 0; [`Error::TooLarge`] for sizes beyond memory.
pub fn clusters(n: usize, d: usize, separation: f64, seed: u64) -> Result<Dataset> {
    if !(separation.is_finite() && separation >= 0.0) {
        return Err(Error::value("separation", separation, "a finite number, 0 or more"));
    }
    let count = entries(d, n, "samples")?;
    let mut draw = Generator::seeded(seed).split("clusters");
    let axis = draw.sphere(d);
    let labels: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let mut inputs = DMatrix::from_vec(d, n, draw.gaussians(count));
    for (mut x, label) in inputs.column_iter_mut().zip(&labels) {
        x.iter_mut().zip(&axis).for_each(|(x, e)| *x += 0.5 * separation * label * e);
    }
    let source = format!(
        "two Gaussian clusters in R^{d} at distance {separation}, {n} samples, seed {seed}"
    );
    Dataset::new(inputs, DMatrix::from_vec(1, n, labels), source)
}

/// Inputs uniform on the unit sphere of Rᵈ with labels ±1 by chance: nothing to learn, only to memorize.
///
/// # Errors
/// [`Error::Value`] for n = 0 or d = 0, [`Error::TooLarge`] for sizes beyond memory.
pub fn random_labels(n: usize, d: usize, seed: u64) -> Result<Dataset> {
    let generator = Generator::seeded(seed).split("random labels");
    let inputs = on_the_sphere(d, n, &mut generator.split("inputs"), "samples")?;
    let mut draw = generator.split("labels");
    let labels = (0..n).map(|_| draw.sign()).collect();
    let source = format!("random labels on the sphere of R^{d}, {n} samples, seed {seed}");
    Dataset::new(inputs, DMatrix::from_vec(1, n, labels), source)
}

/// d × n, columns uniform on the unit sphere.
fn on_the_sphere(d: usize, n: usize, draw: &mut Generator, what: &str) -> Result<DMatrix<f64>> {
    entries(d, n, what)?;
    let columns: Vec<f64> = (0..n).flat_map(|_| draw.sphere(d)).collect();
    Ok(DMatrix::from_vec(d, n, columns))
}

/// d n, refused where it is 0 or too large.
fn entries(d: usize, n: usize, what: &str) -> Result<usize> {
    if d == 0 {
        return Err(Error::value("input dimension", d, "at least one"));
    }
    if n == 0 {
        return Err(Error::value(what, n, "at least one"));
    }
    matrix_size(what, d, n)
}
