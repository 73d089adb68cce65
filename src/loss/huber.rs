//! Huber's loss: the square near the target, linear far from it.

use super::{Convexity, Loss, Reduction, Root};
use crate::{Error, Result};

/// R(y) = c Σᵢ ρ(yᵢ − yᵢ*), ρ(r) = ½r² for |r| ≤ δ and δ(|r| − δ/2) beyond, c = 1 or 1/N (Huber 1964).
///
/// Convex and smooth with M = c, flat at infinity: m = 0. Its second derivative jumps at |r| = δ, where
/// [`Loss::hessian`] takes the inner value.
#[derive(Debug, Clone)]
pub struct Huber {
    target: Vec<f64>,
    delta: f64,
    reduction: Reduction,
}

impl Huber {
    /// The sum over outputs with δ = 1.
    ///
    /// ```
    /// use gradflow::loss::{Huber, Loss};
    /// assert_eq!(Huber::to([0.0, 0.0]).value(&[0.5, 3.0]), 0.125 + 2.5); // ½r², |r| − ½
    /// ```
    pub fn to(target: impl Into<Vec<f64>>) -> Self {
        Huber { target: target.into(), delta: 1.0, reduction: Reduction::Sum }
    }

    /// The same with another δ, in units of the outputs.
    ///
    /// # Errors
    /// [`Error::Value`] unless δ is positive and finite.
    pub fn delta(self, delta: f64) -> Result<Self> {
        if delta > 0.0 && delta.is_finite() {
            return Ok(Huber { delta, ..self });
        }
        Err(Error::value("Huber's δ", delta, "a positive finite number"))
    }

    /// The same, summed or averaged over outputs.
    #[must_use]
    pub fn reduced(self, reduction: Reduction) -> Self {
        Huber { reduction, ..self }
    }

    fn weight(&self) -> f64 {
        self.reduction.weight(self.target.len())
    }
}

/// [clamp(r + εs) − clamp(r)]/ε for s ≥ 0, clamped to [−δ, δ]: the part of the way εs that lies between the kinks,
/// over ε.
fn clamped_change(r: f64, s: f64, eps: f64, delta: f64) -> f64 {
    let (way, enter, leave) = (eps * s, -delta - r, delta - r);
    if (r + way).is_nan() {
        f64::NAN
    } else if enter <= 0.0 && way <= leave {
        s
    } else if leave <= 0.0 || way <= enter {
        0.0
    } else if enter <= 0.0 {
        leave / eps
    } else if way < leave {
        (way - enter) / eps
    } else {
        2.0 * delta / eps
    }
}

impl Loss for Huber {
    /// `huber-sum` or `huber-mean`, and δ where it is not 1.
    fn name(&self) -> String {
        let convention =
            if self.delta == 1.0 { String::new() } else { format!(" δ={}", self.delta) };
        format!("huber-{}{convention}", self.reduction)
    }

    fn outputs(&self) -> usize {
        self.target.len()
    }

    fn value(&self, y: &[f64]) -> f64 {
        let rho = |(y, t): (&f64, &f64)| {
            let r = (y - t).abs();
            if r <= self.delta { 0.5 * r * r } else { self.delta * (r - 0.5 * self.delta) }
        };
        self.weight() * y.iter().zip(&self.target).map(rho).sum::<f64>()
    }

    fn gradient(&self, y: &[f64], g: &mut [f64]) {
        let c = self.weight();
        for ((g, y), t) in g.iter_mut().zip(y).zip(&self.target) {
            *g = c * (y - t).clamp(-self.delta, self.delta);
        }
    }

    fn hessian(&self, y: &[f64], dy: &[f64], out: &mut [f64]) {
        let c = self.weight();
        for (((out, y), t), d) in out.iter_mut().zip(y).zip(&self.target).zip(dy) {
            *out = if (y - t).abs() <= self.delta { c * d } else { 0.0 * d };
        }
    }

    fn root(&self, y: &[f64]) -> Option<Root> {
        let c = self.weight();
        let inside = |(y, t): (&f64, &f64)| if (y - t).abs() <= self.delta { c } else { 0.0 };
        Some(Root::diagonal(y.iter().zip(&self.target).map(inside)))
    }

    fn increment(&self, y: &[f64], s: &[f64], eps: f64, q: &mut [f64]) {
        let c = self.weight();
        for (((q, y), t), s) in q.iter_mut().zip(y).zip(&self.target).zip(s) {
            let sign = if *s < 0.0 { -1.0 } else { 1.0 };
            *q = c * sign * clamped_change(sign * (y - t), s.abs(), eps, self.delta);
        }
    }

    fn minimizer(&self) -> Option<&[f64]> {
        Some(&self.target)
    }
    fn convexity(&self) -> Convexity {
        Convexity { m: 0.0, big_m: self.weight() }
    }
}

#[cfg(test)]
mod tests {
    use super::clamped_change;

    #[test]
    fn each_way_through_the_kinks_is_counted_once() {
        assert_eq!(clamped_change(0.5, 0.25, 1.0, 1.0), 0.25); // stays inside
        assert_eq!(clamped_change(0.5, 4.0, 1.0, 1.0), 0.5); // leaves
        assert_eq!(clamped_change(-3.0, 1.0, 1.0, 1.0), 0.0); // stays below
        assert_eq!(clamped_change(-3.0, 2.5, 1.0, 1.0), 0.5); // enters
        assert_eq!(clamped_change(-3.0, 9.0, 1.0, 1.0), 2.0); // crosses
        assert_eq!(clamped_change(2.0, 1.0, 1.0, 1.0), 0.0); // stays above
        assert_eq!(clamped_change(0.5, 1e10, 0.0, 1.0), 1e10); // the Hessian product
        assert_eq!(clamped_change(2.0, 1e10, 0.0, 1.0), 0.0);
        assert!(clamped_change(f64::NAN, 1.0, 1.0, 1.0).is_nan());
    }
}
