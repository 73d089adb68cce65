//! The square loss c/2 ‖y − y*‖² in its four conventions.

use super::{Convexity, Loss, Quadratic};

/// Which multiple of ‖y − y*‖².
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SquareScale {
    /// ½ Σ (yᵢ − yᵢ*)², the paper's R: m = M = 1.
    #[default]
    HalfSum,
    /// 1/(2N) Σ (yᵢ − yᵢ*)²: m = M = 1/N.
    HalfMean,
    /// Σ (yᵢ − yᵢ*)²: m = M = 2.
    Sum,
    /// 1/N Σ (yᵢ − yᵢ*)²: m = M = 2/N.
    Mean,
}

/// R(y) = c/2 ‖y − y*‖² (Chizat et al. 2019, §2.2 and Theorem 2.3, with c = 1).
#[derive(Debug, Clone)]
pub struct Square {
    target: Vec<f64>,
    scale: SquareScale,
}

impl Square {
    /// ½‖y − y*‖², the theorems' convention.
    ///
    /// ```
    /// use gradflow::loss::{Loss, Square};
    /// assert_eq!(Square::to([1.0, 2.0]).value(&[4.0, 6.0]), 12.5); // ½(3² + 4²)
    /// ```
    pub fn to(target: impl Into<Vec<f64>>) -> Self {
        Square { target: target.into(), scale: SquareScale::HalfSum }
    }

    /// The same in another convention.
    #[must_use]
    pub fn scaled(self, scale: SquareScale) -> Self {
        Square { scale, ..self }
    }

    #[allow(clippy::cast_precision_loss, reason = "a count of outputs")]
    fn curvature(&self) -> f64 {
        let n = self.target.len() as f64;
        match self.scale {
            SquareScale::HalfSum => 1.0,
            SquareScale::HalfMean => 1.0 / n,
            SquareScale::Sum => 2.0,
            SquareScale::Mean => 2.0 / n,
        }
    }
}

/// `half-sum`, `half-mean`, `sum` or `mean`, as in the names of losses.
impl std::fmt::Display for SquareScale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SquareScale::HalfSum => "half-sum",
            SquareScale::HalfMean => "half-mean",
            SquareScale::Sum => "sum",
            SquareScale::Mean => "mean",
        })
    }
}

impl Loss for Square {
    fn name(&self) -> String {
        format!("square-{}", self.scale)
    }

    fn outputs(&self) -> usize {
        self.target.len()
    }

    fn value(&self, y: &[f64]) -> f64 {
        0.5 * self.curvature()
            * y.iter().zip(&self.target).map(|(y, t)| (y - t).powi(2)).sum::<f64>()
    }

    fn gradient(&self, y: &[f64], g: &mut [f64]) {
        let c = self.curvature();
        for ((g, y), t) in g.iter_mut().zip(y).zip(&self.target) {
            *g = c * (y - t);
        }
    }

    fn hessian(&self, _y: &[f64], dy: &[f64], out: &mut [f64]) {
        let c = self.curvature();
        out.iter_mut().zip(dy).for_each(|(out, d)| *out = c * d);
    }

    fn increment(&self, y: &[f64], s: &[f64], _eps: f64, q: &mut [f64]) {
        self.hessian(y, s, q);
    }

    fn convexity(&self) -> Convexity {
        Convexity { m: self.curvature(), big_m: self.curvature() }
    }

    fn quadratic(&self) -> Option<Quadratic<'_>> {
        Some(Quadratic { target: &self.target, curvature: self.curvature() })
    }
}
