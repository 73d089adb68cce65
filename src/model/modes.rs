//! The modes of the tangent kernel: J₀ = Dh(w₀) = U diag(σ) Vᵀ, K₀ = J₀J₀ᵀ = U diag(λ) Uᵀ, λ = σ².

use super::Differentiable;
use super::buffers::Buffers;
use crate::device::{self, Dense};
use crate::linalg;
use nalgebra::DMatrix;

/// The largest Jacobian, in numbers, that is decomposed itself; larger ones through their kernel.
const SVD_LIMIT: usize = 4_000_000;

/// The largest stiffness c λ₁ T for which the kernel's eigenvalues, good to some ulps of λ₁, leave e^(−cλT) as exact
/// as rounding leaves a path otherwise.
const KERNEL_STIFFNESS: f64 = 1e5;

/// Below this size of the Jacobian its decomposition costs nothing worth saving.
const SMALL: usize = 10_000;

/// Directions in which the linearized flow moves, each with its own rate.
pub(crate) struct Modes {
    /// λ₁ ≥ λ₂ ≥ … ≥ 0.
    pub(crate) lambda: Vec<f64>,
    /// U, N × k.
    left: DMatrix<f64>,
    way: Way,
    /// λ at or below this is zero to working precision.
    pub(crate) cutoff: f64,
    buffers: Buffers,
}

/// How modes are reached from parameters, and parameters from modes.
enum Way {
    /// By `J₀ᵀU`, p × k, where a product with it is the cheapest.
    Written(DMatrix<f64>),
    /// By J₀, which a card has.
    Kept(Dense),
    /// By the map's own products.
    Swept,
}

impl Modes {
    /// Decomposes Dh(w₀), or its kernel where that is the smaller work; `None` where it is not finite.
    ///
    /// The singular values of J₀ carry twice the digits of the kernel's eigenvalues, so J₀ itself is decomposed
    /// while it is small enough.
    #[allow(clippy::cast_precision_loss, reason = "sizes")]
    pub(crate) fn of<H: Differentiable + ?Sized>(map: &H, start: &[f64]) -> Option<Self> {
        let shape = map.shape();
        let longest = shape.params.max(shape.outputs) as f64;
        if shape.params.saturating_mul(shape.outputs) <= SVD_LIMIT {
            let svd = linalg::thin_svd(&map.jacobian(start))?;
            let lambda: Vec<f64> = svd.values.iter().map(|s| s * s).collect();
            let cutoff = svd.values.first().map_or(0.0, |s| (s * longest * f64::EPSILON).powi(2));
            let mut lifted = svd.right;
            lifted.column_iter_mut().zip(&svd.values).for_each(|(mut v, sigma)| v *= *sigma);
            let buffers = Buffers::default();
            let way = Way::Written(lifted);
            return Some(Modes { lambda, left: svd.left, way, cutoff, buffers });
        }
        Self::of_kernel(map, start)
    }

    /// The same for a path up to `horizon`, in units of 1/λ: where products with Dh are cheap and the horizon does not
    /// ask for the small singular values, the kernel's decomposition is enough.
    pub(crate) fn until<H: Differentiable + ?Sized>(
        map: &H,
        start: &[f64],
        horizon: f64,
    ) -> Option<Self> {
        let shape = map.shape();
        let size = shape.params.saturating_mul(shape.outputs);
        if size > SMALL && shape.outputs <= shape.params && map.structure().is_batched() {
            let kernel = map.kernel(start);
            if kernel.trace() * horizon <= KERNEL_STIFFNESS {
                return Self::decompose(&kernel, shape, |_| Way::Swept);
            }
        }
        Self::of(map, start)
    }

    /// Decomposes the kernel at `start`; `None` where it is not finite.
    pub(crate) fn of_kernel<H: Differentiable + ?Sized>(map: &H, start: &[f64]) -> Option<Self> {
        let shape = map.shape();
        let size = shape.params.saturating_mul(shape.outputs);
        let kept = device::keeps(shape.outputs, shape.params);
        if size > SMALL && map.structure().is_batched() || size > SVD_LIMIT && !kept {
            return Self::decompose(&map.kernel(start), shape, |_| Way::Swept);
        }
        let jacobian = map.jacobian(start);
        if kept {
            let (jacobian, kernel) = Dense::new(jacobian);
            return Self::decompose(&kernel, shape, |_| Way::Kept(jacobian));
        }
        Self::decompose(&linalg::gram(&jacobian), shape, |left| {
            Way::Written(linalg::transposed_product(&jacobian, left))
        })
    }

    #[allow(clippy::cast_precision_loss, reason = "sizes")]
    fn decompose(
        kernel: &DMatrix<f64>,
        shape: super::Shape,
        way: impl FnOnce(&DMatrix<f64>) -> Way,
    ) -> Option<Self> {
        let longest = shape.params.max(shape.outputs) as f64;
        let (values, left) = linalg::symmetric_eigen(kernel)?;
        let cutoff = values.first().map_or(0.0, |l| l * longest * f64::EPSILON);
        Some(Modes {
            lambda: values.iter().map(|l| l.max(0.0)).collect(),
            way: way(&left),
            left,
            cutoff,
            buffers: Buffers::default(),
        })
    }

    /// The largest eigenvalue of K₀.
    pub(crate) fn largest(&self) -> f64 {
        self.lambda.first().copied().unwrap_or(0.0)
    }

    /// The smallest eigenvalue of K₀ above `fraction` of the largest and above working precision.
    pub(crate) fn smallest_above(&self, fraction: f64) -> Option<f64> {
        let floor = self.cutoff.max(fraction * self.largest());
        self.lambda.iter().rev().copied().find(|&l| l > floor)
    }

    /// Uᵀ y.
    pub(crate) fn coefficients(&self, y: &[f64]) -> Vec<f64> {
        let mut a = vec![0.0; self.lambda.len()];
        linalg::multiply(&mut a, false, &self.left, true, y);
        a
    }

    /// `y` += U a.
    pub(crate) fn add_outputs(&self, a: &[f64], y: &mut [f64]) {
        linalg::multiply(y, true, &self.left, false, a);
    }

    /// `u` ← J₀ᵀ U a.
    pub(crate) fn lift<H: Differentiable + ?Sized>(
        &self,
        map: &H,
        start: &[f64],
        a: &[f64],
        u: &mut [f64],
    ) {
        if let Way::Written(written) = &self.way {
            return linalg::multiply(u, false, written, false, a);
        }
        let mut y = self.buffers.take(self.left.nrows());
        linalg::multiply(&mut y, false, &self.left, false, a);
        match &self.way {
            Way::Kept(jacobian) => jacobian.transposed_product(&y, u),
            _ => map.vjp(start, &y, u),
        }
    }

    /// `a` ← Uᵀ J₀ b.
    pub(crate) fn project<H: Differentiable + ?Sized>(
        &self,
        map: &H,
        start: &[f64],
        b: &[f64],
        a: &mut [f64],
    ) {
        if let Way::Written(written) = &self.way {
            return linalg::multiply(a, false, written, true, b);
        }
        let mut y = self.buffers.take(self.left.nrows());
        match &self.way {
            Way::Kept(jacobian) => jacobian.product(b, &mut y),
            _ => map.jvp(start, b, &mut y),
        }
        linalg::multiply(a, false, &self.left, true, &y);
    }

    /// `b` ← b + J₀ᵀ g(K₀) J₀ b for a function g of the eigenvalues.
    pub(crate) fn add_filtered<H: Differentiable + ?Sized>(
        &self,
        map: &H,
        start: &[f64],
        b: &mut [f64],
        g: impl Fn(f64) -> f64,
    ) {
        let mut projected = self.buffers.take(self.lambda.len());
        self.project(map, start, b, &mut projected);
        projected.iter_mut().zip(&self.lambda).for_each(|(a, &l)| *a *= g(l));
        let mut change = self.buffers.take(b.len());
        self.lift(map, start, &projected, &mut change);
        b.iter_mut().zip(change.iter()).for_each(|(b, c)| *b += c);
    }
}
