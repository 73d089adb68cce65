//! The logistic loss of labels ±1.

use super::exponential::mean_slope;
use super::{Convexity, Loss, Reduction, Root};
use crate::scalar::Elementary;
use crate::{Error, Result};

/// R(y) = c Σᵢ ln(1 + e^(−yᵢ tᵢ)), labels tᵢ = ±1, c = 1 or 1/N.
///
/// Convex and smooth, ∇²R = c diag σ(yᵢ)σ(−yᵢ) ≤ c/4, but not strongly convex on Rᴺ: m = 0. On the ball |yᵢ| ≤ B,
/// where m would be c σ(B)σ(−B), a theorem on strongly convex losses could speak; on all of Rᴺ it cannot.
#[derive(Debug, Clone)]
pub struct Logistic {
    labels: Vec<f64>,
    reduction: Reduction,
}

impl Logistic {
    /// The sum over outputs, from the N labels.
    ///
    /// # Errors
    /// [`Error::Label`] names the first label that is not +1 or −1; [`Error::Value`] if there is none at all.
    ///
    /// ```
    /// use gradflow::loss::{Logistic, Loss};
    /// assert_eq!(Logistic::new([1.0, -1.0])?.value(&[0.0, 0.0]), 2.0 * 2.0_f64.ln()); // Σ ln(1 + e⁰)
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn new(labels: impl Into<Vec<f64>>) -> Result<Self> {
        let labels = labels.into();
        if labels.is_empty() {
            return Err(Error::value("number of labels", 0, "at least one sample"));
        }
        match labels.iter().position(|t| t.abs() != 1.0) {
            None => Ok(Logistic { labels, reduction: Reduction::Sum }),
            Some(sample) => Err(Error::Label {
                sample,
                value: labels[sample].to_string(),
                wanted: "+1 or −1 for the logistic loss (for other labels, recode them or use cross-entropy)"
                    .into(),
            }),
        }
    }

    /// The same, summed or averaged over outputs.
    #[must_use]
    pub fn reduced(self, reduction: Reduction) -> Self {
        Logistic { reduction, ..self }
    }

    fn weight(&self) -> f64 {
        self.reduction.weight(self.labels.len())
    }
}

impl Loss for Logistic {
    fn name(&self) -> String {
        format!("logistic-{}", self.reduction)
    }

    fn outputs(&self) -> usize {
        self.labels.len()
    }

    fn value(&self, y: &[f64]) -> f64 {
        let softplus = |(y, t): (&f64, &f64)| Elementary::Softplus.at(-y * t);
        self.weight() * y.iter().zip(&self.labels).map(softplus).sum::<f64>()
    }

    fn gradient(&self, y: &[f64], g: &mut [f64]) {
        let c = self.weight();
        for ((g, y), t) in g.iter_mut().zip(y).zip(&self.labels) {
            *g = -c * t * Elementary::Sigmoid.at(-y * t);
        }
    }

    /// σ(yᵢ)σ(−yᵢ) dᵢ.
    fn hessian(&self, y: &[f64], dy: &[f64], out: &mut [f64]) {
        self.increment(y, dy, 0.0, out);
    }

    /// [σ(y + δ) − σ(y)]/ε = s φ(δ) σ(y) σ(−y − δ) with δ = εs and φ(δ) = (e^δ − 1)/δ. The label drops out; both
    /// signs turn over together, and φ cannot overflow where δ ≤ 0.
    fn increment(&self, y: &[f64], s: &[f64], eps: f64, q: &mut [f64]) {
        let c = self.weight();
        for ((q, y), s) in q.iter_mut().zip(y).zip(s) {
            let (delta, y) = if *s > 0.0 { (-eps * s, -y) } else { (eps * s, *y) };
            let (here, there) = (Elementary::Sigmoid.at(y), Elementary::Sigmoid.at(-y - delta));
            *q = c * here * there * mean_slope(delta) * s;
        }
    }

    fn convexity(&self) -> Convexity {
        Convexity { m: 0.0, big_m: 0.25 * self.weight() }
    }

    fn root(&self, y: &[f64]) -> Option<Root> {
        let sigmoid = |y: f64| Elementary::Sigmoid.at(y);
        Some(Root::diagonal(y.iter().map(|y| self.weight() * sigmoid(*y) * sigmoid(-y))))
    }
}
