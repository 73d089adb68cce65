//! ‖Dh(w₀)‖, σ_min, σ_min⁺ and the rank.

use super::Enclosure;

/// The singular values of Dh(w₀), as far as theorems ask for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// ‖Dh(w₀)‖.
    pub norm_jacobian: Enclosure,
    /// σ_min(Dh(w₀)ᵀ): positive exactly where Dh(w₀) is onto.
    pub sigma_min: Enclosure,
    /// The least positive singular value (σ_min⁺), to working precision.
    pub sigma_min_positive: f64,
    /// Numerical rank.
    pub rank: usize,
    /// Eigenvalues of the tangent kernel Dh Dhᵀ, descending; N of them.
    pub kernel_eigenvalues: Vec<f64>,
}

impl Spectrum {
    /// Of Dh(w₀); `None` where it is not finite.
    pub(super) fn of(map: &dyn crate::model::Differentiable, start: &[f64]) -> Option<Self> {
        // PLACEHOLDER: to working precision, without margins.
        let shape = map.shape();
        let svd = crate::linalg::thin_svd(&map.jacobian(start))?;
        let largest = svd.values.first().copied().unwrap_or(0.0);
        let least = if shape.params < shape.outputs {
            0.0
        } else {
            svd.values.last().copied().unwrap_or(0.0)
        };
        let exactly =
            |v: f64| Enclosure { lower: v, upper: v, radius: 0.0, method: "singular values" };
        let cutoff = largest * shape.params.max(shape.outputs) as f64 * f64::EPSILON;
        let mut eigen: Vec<f64> = svd.values.iter().map(|s| s * s).collect();
        eigen.resize(shape.outputs, 0.0);
        Some(Spectrum {
            norm_jacobian: exactly(largest),
            sigma_min: exactly(least),
            sigma_min_positive: svd
                .values
                .iter()
                .rev()
                .copied()
                .find(|s| *s > cutoff)
                .unwrap_or(0.0),
            rank: svd.values.iter().filter(|s| **s > cutoff).count(),
            kernel_eigenvalues: eigen,
        })
    }
}
