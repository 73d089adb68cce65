//! The linear part −L of a flow, L = JᵀHJ with J = Dh and H = ∇²R at a fixed point, in its modes.
//!
//! With a root H = S Sᵀ and `SᵀJJᵀS` = U diag(λ) Uᵀ, a function of L acts as
//! ψ(L) v = ψ(0) v + `JᵀSU` [(ψ(λ) − ψ(0))/λ] `UᵀSᵀJ` v. What a vector looks like to L is thus its image v̂ = `UᵀSᵀJ` v, one
//! number per mode, and what L does to it is lifted back by `JᵀSU`. Of N and p the smaller is decomposed.

use crate::device::{self, Dense};
use crate::linalg;
use crate::loss::Root;
use crate::model::{Buffers, Differentiable, Modes};
use nalgebra::DMatrix;
use std::borrow::Cow;

/// Up to this many numbers `JᵀSU` is written out: products with it are then cheaper than any sweep.
const SMALL: usize = 10_000;

/// Rounding in ‖v‖² and in what is seen of it, as a part.
const NOISE: f64 = 1e-15;

/// L, and the maps to and from its modes.
pub(crate) struct Tangent<'a> {
    map: &'a dyn Differentiable,
    point: Cow<'a, [f64]>,
    basis: Basis<'a>,
    /// λ.
    rates: Vec<f64>,
    /// 1/λ, or 0 for a mode at working precision: then it belongs to what L does not see.
    inverse: Vec<f64>,
    /// Whether L has no kernel.
    sees_all: bool,
    buffers: Buffers,
}

/// How images are taken and lifted.
enum Basis<'a> {
    /// The modes of the kernel at the start, which others use too, for H = c Id: √c.
    Shared(&'a Modes, f64),
    /// `JᵀSU`, p × k.
    Written(DMatrix<f64>),
    /// U and `SᵀJ`, which a card has.
    Kept(DMatrix<f64>, Dense),
    /// U and S, with J by the map's own products.
    Factored(DMatrix<f64>, Root),
}

impl<'a> Tangent<'a> {
    /// L at `point`, where `map` has these modes, for a loss c/2 ‖y − y*‖².
    pub(crate) fn shared(
        map: &'a dyn Differentiable,
        point: &'a [f64],
        modes: &'a Modes,
        curvature: f64,
    ) -> Self {
        let rates: Vec<f64> = modes.lambda.iter().map(|l| curvature * l).collect();
        let basis = Basis::Shared(modes, curvature.sqrt());
        Self::with(map, Cow::Borrowed(point), basis, rates, curvature * modes.cutoff)
    }

    /// L at `point` where the Hessian has this root; `None` where it is not finite.
    #[allow(clippy::cast_precision_loss, reason = "sizes")]
    pub(crate) fn at(
        map: &'a dyn Differentiable,
        point: Cow<'a, [f64]>,
        root: Root,
    ) -> Option<Self> {
        let shape = map.shape();
        let size = shape.params.saturating_mul(shape.outputs);
        let (rates, basis) = if shape.params < shape.outputs {
            let weighted = weighted_jacobian(map, &point, &root);
            let (rates, right) = linalg::symmetric_eigen(&device::gram_of_columns(&weighted))?;
            let mut written = right;
            for (mut column, rate) in written.column_iter_mut().zip(&rates) {
                column *= rate.max(0.0).sqrt();
            }
            (rates, Basis::Written(written))
        } else if size > SMALL && map.structure().is_batched() {
            let mut kernel = map.kernel(&point);
            weigh(&mut kernel, &root);
            kernel = kernel.transpose();
            weigh(&mut kernel, &root);
            let (rates, left) = linalg::symmetric_eigen(&kernel)?;
            (rates, Basis::Factored(left, root))
        } else if device::keeps(shape.outputs, shape.params) {
            let (weighted, kernel) = Dense::new(weighted_jacobian(map, &point, &root));
            let (rates, left) = linalg::symmetric_eigen(&kernel)?;
            (rates, Basis::Kept(left, weighted))
        } else {
            let weighted = weighted_jacobian(map, &point, &root);
            let (rates, left) = linalg::symmetric_eigen(&linalg::gram(&weighted))?;
            (rates, Basis::Written(linalg::transposed_product(&weighted, &left)))
        };
        let longest = shape.params.max(shape.outputs) as f64;
        let cutoff = rates.first().map_or(0.0, |l| l * longest * f64::EPSILON);
        let rates = rates.into_iter().map(|l| l.max(0.0)).collect();
        Some(Self::with(map, point, basis, rates, cutoff))
    }

    /// L of the same map elsewhere.
    pub(super) fn moved_to(&self, point: Vec<f64>, root: Root) -> Option<Self> {
        Self::at(self.map, Cow::Owned(point), root)
    }

    fn with(
        map: &'a dyn Differentiable,
        point: Cow<'a, [f64]>,
        basis: Basis<'a>,
        rates: Vec<f64>,
        cutoff: f64,
    ) -> Self {
        let inverse: Vec<f64> =
            rates.iter().map(|l| if *l > cutoff { l.recip() } else { 0.0 }).collect();
        let sees_all = inverse.len() == point.len() && inverse.iter().all(|i| *i > 0.0);
        Tangent { map, point, basis, rates, inverse, sees_all, buffers: Buffers::default() }
    }

    /// λ of every mode.
    pub(super) fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// v̂ = `UᵀSᵀJ` v.
    pub(super) fn image(&self, v: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; self.rates.len()];
        self.take_image(v, &mut image);
        image
    }

    /// `image` ← `UᵀSᵀJ` v.
    pub(super) fn take_image(&self, v: &[f64], image: &mut [f64]) {
        match &self.basis {
            Basis::Shared(modes, root) => {
                modes.project(self.map, &self.point, v, image);
                image.iter_mut().for_each(|a| *a *= root);
            }
            Basis::Written(written) => linalg::multiply(image, false, written, true, v),
            Basis::Kept(left, weighted) => {
                let mut y = self.buffers.take(left.nrows());
                weighted.product(v, &mut y);
                linalg::multiply(image, false, left, true, &y);
            }
            Basis::Factored(left, root) => {
                let mut y = self.buffers.take(left.nrows());
                self.map.jvp(&self.point, v, &mut y);
                root.apply_transposed(&mut y);
                linalg::multiply(image, false, left, true, &y);
            }
        }
    }

    /// `x` ← `JᵀSU` a.
    pub(super) fn lift(&self, a: &[f64], x: &mut [f64]) {
        match &self.basis {
            Basis::Shared(modes, root) => {
                let mut scaled = self.buffers.take(a.len());
                scaled.iter_mut().zip(a).for_each(|(scaled, a)| *scaled = root * a);
                modes.lift(self.map, &self.point, &scaled, x);
            }
            Basis::Written(written) => linalg::multiply(x, false, written, false, a),
            Basis::Kept(left, weighted) => {
                let mut y = self.buffers.take(left.nrows());
                linalg::multiply(&mut y, false, left, false, a);
                weighted.transposed_product(&y, x);
            }
            Basis::Factored(left, root) => {
                let mut y = self.buffers.take(left.nrows());
                linalg::multiply(&mut y, false, left, false, a);
                root.apply(&mut y);
                self.map.vjp(&self.point, &y, x);
            }
        }
    }

    /// The part of ‖v‖² that an image v̂ accounts for.
    pub(super) fn seen(&self, image: &[f64]) -> f64 {
        image.iter().zip(&self.inverse).map(|(a, inverse)| a * a * inverse).sum()
    }

    /// The part of ‖v‖² that L does not see, where `square` is ‖v‖²; an error of `negligible`² in it does no harm.
    ///
    /// As ‖v‖² − [`seen`](Self::seen) it costs nothing, but what is left of a difference is rounding where L sees all
    /// but 10⁻⁷ of v, as in lazy flows: then v, which `add` adds, less its projection is formed, at the price of a lift.
    pub(super) fn unseen(
        &self,
        square: f64,
        image: &[f64],
        negligible: f64,
        add: &dyn Fn(&mut [f64]),
    ) -> f64 {
        if self.sees_all {
            return 0.0;
        }
        let quick = (square - self.seen(image)).max(0.0);
        let noise = NOISE * square;
        if quick > 100.0 * noise || quick.max(noise) <= negligible * negligible {
            return quick;
        }
        let mut scaled = self.buffers.take(image.len());
        for (scaled, (a, inverse)) in scaled.iter_mut().zip(image.iter().zip(&self.inverse)) {
            *scaled = -a * inverse;
        }
        let mut left = self.buffers.take(self.point.len());
        self.lift(&scaled, &mut left);
        add(&mut left);
        linalg::dot(&left, &left)
    }

    /// Whether L has no kernel.
    pub(super) fn sees_all(&self) -> bool {
        self.sees_all
    }
}

/// Sᵀ J, N × p.
fn weighted_jacobian(map: &dyn Differentiable, point: &[f64], root: &Root) -> DMatrix<f64> {
    let mut jacobian = map.jacobian(point);
    weigh(&mut jacobian, root);
    jacobian
}

/// `m` ← Sᵀ m.
fn weigh(m: &mut DMatrix<f64>, root: &Root) {
    for mut column in m.column_iter_mut() {
        root.apply_transposed(column.as_mut_slice());
    }
}
