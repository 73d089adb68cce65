//! The linear part −L of a flow, L = c JᵀJ with J = Dh at a fixed point, in the modes of its kernel.
//!
//! With JJᵀ = U diag(λ) Uᵀ, a function of L acts as ψ(L) v = ψ(0) v + JᵀU [(ψ(cλ) − ψ(0))/λ] UᵀJ v. What a vector
//! looks like to L is thus its image v̂ = UᵀJ v, one number per mode, and what L does to it is lifted back by JᵀU.

use crate::linalg;
use crate::model::{Differentiable, Modes};
use std::borrow::Cow;

/// Modes of the start, which others use too, or of a point of our own.
enum Held<'a> {
    Borrowed(&'a Modes),
    Owned(Box<Modes>),
}

impl std::ops::Deref for Held<'_> {
    type Target = Modes;
    fn deref(&self) -> &Modes {
        match self {
            Held::Borrowed(modes) => modes,
            Held::Owned(modes) => modes,
        }
    }
}

/// L, and the maps to and from its modes.
pub(crate) struct Tangent<'a> {
    map: &'a dyn Differentiable,
    point: Cow<'a, [f64]>,
    modes: Held<'a>,
    /// c λ.
    rates: Vec<f64>,
    /// 1/λ, or 0 for a mode at working precision: then it belongs to what L does not see.
    inverse: Vec<f64>,
    curvature: f64,
}

impl<'a> Tangent<'a> {
    /// L at `point`, where `map` has these modes, for a loss of that curvature c.
    pub(crate) fn at(
        map: &'a dyn Differentiable,
        point: &'a [f64],
        modes: &'a Modes,
        curvature: f64,
    ) -> Self {
        Self::with(map, Cow::Borrowed(point), Held::Borrowed(modes), curvature)
    }

    /// L at another point; `None` where Dh is not finite there.
    pub(super) fn moved_to(&self, point: Vec<f64>) -> Option<Self> {
        let modes = Held::Owned(Box::new(Modes::of_kernel(self.map, &point)?));
        Some(Self::with(self.map, Cow::Owned(point), modes, self.curvature))
    }

    fn with(
        map: &'a dyn Differentiable,
        point: Cow<'a, [f64]>,
        modes: Held<'a>,
        curvature: f64,
    ) -> Self {
        let seen = |l: f64| if l > modes.cutoff { l.recip() } else { 0.0 };
        Tangent {
            map,
            rates: modes.lambda.iter().map(|l| curvature * l).collect(),
            inverse: modes.lambda.iter().map(|l| seen(*l)).collect(),
            curvature,
            point,
            modes,
        }
    }

    /// c λ of every mode.
    pub(super) fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// c.
    pub(super) fn curvature(&self) -> f64 {
        self.curvature
    }

    /// v̂ = UᵀJ v.
    pub(super) fn image(&self, v: &[f64]) -> Vec<f64> {
        self.modes.project(self.map, &self.point, v)
    }

    /// `x` ← JᵀU a.
    pub(super) fn lift(&self, a: &[f64], x: &mut [f64]) {
        self.modes.lift(self.map, &self.point, a, x);
    }

    /// The part of ‖v‖² that an image â = UᵀJ v accounts for.
    pub(super) fn seen(&self, image: &[f64]) -> f64 {
        image.iter().zip(&self.inverse).map(|(a, inverse)| a * a * inverse).sum()
    }

    /// The part of ‖v‖² that L does not see.
    pub(super) fn unseen(&self, v: &[f64], image: &[f64]) -> f64 {
        (linalg::dot(v, v) - self.seen(image)).max(0.0)
    }
}
