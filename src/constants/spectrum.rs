//! ‖Dh(w₀)‖, σ_min, σ_min⁺ and the rank: the singular values of Dh(w₀), enclosed.
//!
//! With the computed factors J ≈ U diag(s) Vᵀ every singular value of the true Dh(w₀) lies within
//!
//! ```text
//! sᵢ √((1 ∓ δᵤ)(1 ∓ δᵥ)) ∓ (‖J − U diag(s) Vᵀ‖_F + ‖Dh(w₀) − J‖_F),      δᵤ = ‖UᵀU − I‖_F, δᵥ = ‖VᵀV − I‖_F
//! ```
//!
//! (multiplicative bounds of Ostrowski for the nearly orthonormal factors, then Weyl's theorem). The first residual is
//! computed, with the standard a-priori bound γₙ|A||B| for the rounding of each product (Higham 2002, §3.5); the second
//! by a record of h on
//! intervals. Where that would be too dear, or where only the tangent kernel fits the memory,
//! the numbers are `measured`, not certified, and say so.

use super::verified::{frobenius, gamma, product};
use super::{Enclosure, Evidence};
use crate::linalg::{self, ThinSvd, norm};
use crate::model::{Differentiable, Modes, Shape, Structure, Written};
use crate::scalar::{Interval, Tape, Var};
use nalgebra::DMatrix;

/// The largest N² p for which the Jacobian is enclosed by intervals: some seconds.
const ENCLOSED: f64 = 3e7;
/// The largest N p likewise: the record holds some ten times as many numbers.
const RECORDED: f64 = 3e6;
/// The largest Jacobian, in numbers, that is decomposed itself; larger ones through their kernel.
const DECOMPOSED: usize = 4_000_000;

/// The singular values of Dh(w₀), as far as theorems ask for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// ‖Dh(w₀)‖.
    pub norm_jacobian: Enclosure,
    /// `σ_min(Dh(w₀)ᵀ)`, the N-th singular value: positive exactly where Dh(w₀) is onto; 0 where p < N.
    pub sigma_min: Enclosure,
    /// σ_min⁺, the least singular value that is positive to working precision.
    pub sigma_min_positive: Enclosure,
    /// Numerical rank.
    pub rank: usize,
    /// Eigenvalues of the tangent kernel Dh Dhᵀ, descending; N of them.
    pub kernel_eigenvalues: Vec<f64>,
    /// Whether the bounds are proven.
    pub evidence: Evidence,
}

impl Spectrum {
    /// Of Dh(w₀); `None` where it is not finite.
    pub(super) fn of(map: &dyn Differentiable, start: &[f64]) -> Option<Self> {
        let Shape { params, outputs } = map.shape();
        if params.saturating_mul(outputs) > DECOMPOSED {
            let modes = Modes::of(map, start)?;
            let values: Vec<f64> = modes.lambda.iter().map(|l| l.sqrt()).collect();
            return Some(Self::assemble(&values, None, modes.cutoff.sqrt(), map.shape()));
        }
        let jacobian = map.jacobian(start);
        let svd = linalg::thin_svd(&jacobian)?;
        let margin = enclosed(map, start, &jacobian)
            .map(|evaluation| Margin::of(&svd, &jacobian, evaluation));
        let largest = svd.values.first().copied().unwrap_or(0.0);
        #[allow(clippy::cast_precision_loss, reason = "a size")]
        let cutoff = largest * params.max(outputs) as f64 * f64::EPSILON;
        Some(Self::assemble(&svd.values, margin, cutoff, map.shape()))
    }

    fn assemble(values: &[f64], margin: Option<Margin>, cutoff: f64, shape: Shape) -> Self {
        let method = if margin.is_some() {
            "verified singular values"
        } else {
            "singular values in floating point"
        };
        let enclose = |s: f64| {
            // Without a proof neither end is exact: working precision is left open, so that nothing is refuted by it.
            let open = || ((s - 4.0 * cutoff).max(0.0), s + 4.0 * cutoff);
            let (lower, upper) = margin.as_ref().map_or_else(open, |margin| margin.around(s));
            Enclosure { lower, upper, radius: 0.0, method }
        };
        let zero = Enclosure { lower: 0.0, upper: 0.0, radius: 0.0, method };
        let largest = values.first().map_or(zero, |s| enclose(*s));
        let last = if shape.params < shape.outputs { None } else { values.get(shape.outputs - 1) };
        let positive = values.iter().rev().find(|s| **s > cutoff);
        let mut eigenvalues: Vec<f64> = values.iter().map(|s| s * s).collect();
        eigenvalues.resize(shape.outputs, 0.0);
        Spectrum {
            norm_jacobian: largest,
            sigma_min: last.map_or(zero, |s| enclose(*s)),
            sigma_min_positive: positive.map_or(zero, |s| enclose(*s)),
            rank: values.iter().filter(|s| **s > cutoff).count(),
            kernel_eigenvalues: eigenvalues,
            evidence: if margin.is_some() { Evidence::Certified } else { Evidence::Measured },
        }
    }

    /// Whether Dh(w₀) is onto, for certain where the evidence is `certified`.
    pub fn is_onto(&self) -> bool {
        self.sigma_min.lower > 0.0 && self.rank == self.kernel_eigenvalues.len()
    }
}

/// How far the true singular values can be from the computed ones.
struct Margin {
    /// (1 + δᵤ)(1 + δᵥ) and (1 − δᵤ)(1 − δᵥ), under the root.
    factors: (f64, f64),
    /// Residual of the factors plus the error of J itself.
    absolute: f64,
}

/// Swallows the roundings in sums and products of margins themselves, which are of relative size 1e-13 at most.
const SAFETY: f64 = 1.0 + 1e-9;
/// The roundings in the root of (1 ± δᵤ)(1 ± δᵥ).
const ULPS: f64 = 4.0 * f64::EPSILON;

impl Margin {
    fn of(svd: &ThinSvd, jacobian: &DMatrix<f64>, evaluation: f64) -> Self {
        let scaled = DMatrix::from_fn(svd.left.nrows(), svd.values.len(), |i, j| {
            svd.left[(i, j)] * svd.values[j]
        });
        let product = product(&scaled, false, &svd.right.transpose());
        let size = frobenius(&scaled) * frobenius(&svd.right);
        let rounding =
            2.0 * gamma(svd.values.len() + 4) * size + f64::EPSILON * frobenius(jacobian);
        let residual = frobenius(&(jacobian - product)) + rounding;
        let (du, dv) = (defect(&svd.left), defect(&svd.right));
        Margin {
            factors: (
                ((1.0 + du) * (1.0 + dv)).sqrt() + ULPS,
                ((1.0 - du) * (1.0 - dv)).max(0.0).sqrt() - ULPS,
            ),
            absolute: (residual + evaluation) * SAFETY,
        }
    }

    /// An enclosure of the true singular value near `s`.
    fn around(&self, s: f64) -> (f64, f64) {
        let (lower, upper) =
            (s * self.factors.1 - self.absolute, s * self.factors.0 + self.absolute);
        // A Jacobian of exact zeros has exact zeros for singular values.
        (lower.next_down().max(0.0), if upper == 0.0 { 0.0 } else { upper.next_up() })
    }
}

/// `‖QᵀQ − I‖_F`, from above.
fn defect(q: &DMatrix<f64>) -> f64 {
    let gram = linalg::gram(&q.transpose());
    let identity = DMatrix::identity(gram.nrows(), gram.ncols());
    let size = frobenius(q);
    frobenius(&(gram - identity)) + 2.0 * gamma(q.nrows() + 2) * size * size
}

/// ‖Dh(w) − J‖_F from above, by a record of h on intervals; `None` where that is impossible or too dear.
fn enclosed(map: &dyn Differentiable, w: &[f64], jacobian: &DMatrix<f64>) -> Option<f64> {
    let (outputs, params) = jacobian.shape();
    #[allow(clippy::cast_precision_loss, reason = "sizes")]
    let size = outputs as f64 * params as f64;
    if size > RECORDED || outputs as f64 * size > ENCLOSED {
        return None;
    }
    let found = match map.structure() {
        Structure::Opaque | Structure::Linear => return None,
        Structure::Written(model) => deviation(model, w, jacobian),
        Structure::Network(model) => deviation(model, w, jacobian),
        Structure::Difference(half) => {
            let (a, b) = w.split_at(w.len() / 2);
            let first = jacobian.columns(0, a.len()).into_owned();
            let second = -jacobian.columns(a.len(), b.len());
            enclosed(half, a, &first)?.hypot(enclosed(half, b, &second)?) * SAFETY
        }
    };
    found.is_finite().then_some(found)
}

/// The same for a model written on numbers: one record, and a sweep back over it for each output.
fn deviation(model: &dyn Written, w: &[f64], jacobian: &DMatrix<f64>) -> f64 {
    let tape = Tape::new();
    let variables = tape.variables(w.iter().map(|&w| Interval::from(w)));
    let mut outputs = vec![Var::from(0.0); jacobian.nrows()];
    model.on_recorded(&variables, &mut outputs);
    let mut rows = Vec::with_capacity(outputs.len());
    for (y, row) in outputs.iter().zip(jacobian.row_iter()) {
        let one = std::iter::once(Interval::from(1.0));
        let gradient = tape.gradient(std::slice::from_ref(y), one, w.len());
        let away = |(g, &c): (&Interval, &f64)| (*g - Interval::from(c)).magnitude();
        rows.push(norm(&gradient.iter().zip(row.iter()).map(away).collect::<Vec<_>>()));
    }
    norm(&rows) * SAFETY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn planted_singular_values_lie_in_their_enclosures() {
        // A rotated diagonal matrix whose entries are exact in binary: σ = 3, 2 and 2⁻¹⁰.
        let (c, s) = (0.6, 0.8);
        let planted = [3.0, 2.0, 1.0 / 1024.0];
        let diagonal = DMatrix::from_fn(3, 5, |i, j| if i == j { planted[i] } else { 0.0 });
        let mut rotation = DMatrix::identity(3, 3);
        (rotation[(0, 0)], rotation[(0, 1)], rotation[(1, 0)], rotation[(1, 1)]) = (c, -s, s, c);
        let j = rotation * diagonal;
        let svd = linalg::thin_svd(&j).expect("finite");
        // 0.6² + 0.8² = 1 to 1e-16: the planted values move by no more than that, times 3.
        let margin = Margin::of(&svd, &j, 1e-15);
        for (found, wanted) in svd.values.iter().zip(planted) {
            let (lower, upper) = margin.around(*found);
            assert!(lower <= wanted && wanted <= upper, "{wanted} not in [{lower}, {upper}]");
            assert!(upper - lower < 1e-12);
        }
    }

    #[test]
    fn a_wrong_factor_widens_the_margin() {
        let j = DMatrix::from_vec(4, 6, Generator::seeded(1).gaussians(24));
        let mut svd = linalg::thin_svd(&j).expect("finite");
        let good = Margin::of(&svd, &j, 0.0).absolute;
        svd.values[0] += 0.25;
        let bad = Margin::of(&svd, &j, 0.0).absolute;
        assert!(good < 1e-13 && bad >= 0.25, "{good:e}, {bad:e}");
    }
}
