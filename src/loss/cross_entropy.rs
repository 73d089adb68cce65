//! Softmax cross-entropy over k classes.

use super::exponential::{mean_slope, softmax, surprise};
use super::{Convexity, Loss, Reduction, Root};
use crate::{Error, Result};

/// R(y) = c Σᵢ [ln Σⱼ exp yᵢⱼ − yᵢₗ], l = label(i), for n samples with k scores each, c = 1 or 1/n.
///
/// `y` has N = k n entries, sample by sample. Adding a constant to all scores of a sample changes nothing, so m = 0;
/// ∇²R = c (diag p − p pᵀ) per sample, whose largest eigenvalue is at most c/2.
#[derive(Debug, Clone)]
pub struct CrossEntropy {
    labels: Vec<usize>,
    classes: usize,
    reduction: Reduction,
}

impl CrossEntropy {
    /// The sum over samples, from n labels in 0..k and the number of classes k.
    ///
    /// # Errors
    /// [`Error::Value`] if there are no labels or fewer than two classes; [`Error::Label`] names the first label
    /// that is not below `classes`.
    ///
    /// ```
    /// use gradflow::loss::{CrossEntropy, Loss};
    /// let loss = CrossEntropy::new([2], 3)?;
    /// assert!((loss.value(&[7.0, 7.0, 7.0]) - 3.0_f64.ln()).abs() < 1e-15); // −ln(1/3)
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn new(labels: impl Into<Vec<usize>>, classes: usize) -> Result<Self> {
        let labels = labels.into();
        if classes < 2 {
            return Err(Error::value("classes", classes, "at least two for cross-entropy"));
        }
        if labels.is_empty() {
            return Err(Error::value("number of labels", 0, "at least one sample"));
        }
        if labels.len().checked_mul(classes).is_none() {
            return Err(Error::value("classes", classes, "a number that fits the memory"));
        }
        match labels.iter().position(|label| *label >= classes) {
            None => Ok(CrossEntropy { labels, classes, reduction: Reduction::Sum }),
            Some(sample) => Err(Error::Label {
                sample,
                value: labels[sample].to_string(),
                wanted: format!("a class from 0 to {} ({classes} outputs per sample)", classes - 1),
            }),
        }
    }

    /// The same, summed or averaged over samples.
    #[must_use]
    pub fn reduced(self, reduction: Reduction) -> Self {
        CrossEntropy { reduction, ..self }
    }

    fn weight(&self) -> f64 {
        self.reduction.weight(self.labels.len())
    }
}

/// Adds to `q` the exchange of probability between all pairs of classes,
/// qᵢ += Σⱼ Fᵢⱼ with Fᵢⱼ = −Fⱼᵢ = pᵢ p'ⱼ φ(δᵢ − δⱼ)(sᵢ − sⱼ) for sᵢ ≤ sⱼ. No term cancels another of its own pair,
/// so a class of probability near 1 keeps the digits of the others; φ has a negative argument, so nothing overflows.
fn exchange(p: &[f64], moved: &[f64], s: &[f64], eps: f64, weight: f64, q: &mut [f64]) {
    q.fill(0.0);
    for i in 0..s.len() {
        for j in 0..i {
            let (low, high) = if s[i] <= s[j] { (i, j) } else { (j, i) };
            let drop = s[low] - s[high];
            let flow = weight * p[low] * moved[high] * mean_slope(eps * drop) * drop;
            q[low] += flow;
            q[high] -= flow;
        }
    }
}

impl Loss for CrossEntropy {
    fn name(&self) -> String {
        format!("cross-entropy-{}", self.reduction)
    }

    fn outputs(&self) -> usize {
        self.labels.len() * self.classes
    }

    fn value(&self, y: &[f64]) -> f64 {
        let samples = y.chunks_exact(self.classes).zip(&self.labels);
        self.weight() * samples.map(|(y, label)| surprise(y, *label)).sum::<f64>()
    }

    /// pᵢ − 1{i = label}, the latter as −Σ_{j ≠ label} pⱼ.
    fn gradient(&self, y: &[f64], g: &mut [f64]) {
        let (k, c) = (self.classes, self.weight());
        for ((g, y), label) in g.chunks_exact_mut(k).zip(y.chunks_exact(k)).zip(&self.labels) {
            softmax(y.iter().copied(), g);
            g.iter_mut().for_each(|g| *g *= c);
            g[*label] = 0.0;
            g[*label] = -g.iter().sum::<f64>();
        }
    }

    /// pᵢ Σⱼ pⱼ (dᵢ − dⱼ).
    fn hessian(&self, y: &[f64], dy: &[f64], out: &mut [f64]) {
        self.increment(y, dy, 0.0, out);
    }

    /// [p'ᵢ − pᵢ]/ε = Σⱼ (p'ᵢ pⱼ − pᵢ p'ⱼ)/ε with p = softmax(y), p' = softmax(y + εs), each pair by `expm1`.
    fn increment(&self, y: &[f64], s: &[f64], eps: f64, q: &mut [f64]) {
        let (k, c) = (self.classes, self.weight());
        let (mut p, mut moved) = (vec![0.0; k], vec![0.0; k]);
        for ((q, y), s) in q.chunks_exact_mut(k).zip(y.chunks_exact(k)).zip(s.chunks_exact(k)) {
            softmax(y.iter().copied(), &mut p);
            softmax(y.iter().zip(s).map(|(y, s)| y + eps * s), &mut moved);
            exchange(&p, &moved, s, eps, c, q);
        }
    }

    fn convexity(&self) -> Convexity {
        Convexity { m: 0.0, big_m: 0.5 * self.weight() }
    }

    /// diag(p) − ppᵀ = S Sᵀ with S = diag(√p)(Id − qqᵀ), q = √p, a unit vector.
    fn root(&self, y: &[f64]) -> Option<Root> {
        let (k, c) = (self.classes, self.weight());
        let mut entries = Vec::with_capacity(y.len() * k);
        let mut p = vec![0.0; k];
        for y in y.chunks_exact(k) {
            softmax(y.iter().copied(), &mut p);
            for (i, p_i) in p.iter().enumerate() {
                let off = p
                    .iter()
                    .enumerate()
                    .map(|(j, p_j)| f64::from(u8::from(i == j)) - (p_i * p_j).sqrt());
                entries.extend(off.map(|s| (c * p_i).sqrt() * s));
            }
        }
        Some(Root::blocks(k, entries))
    }
}
