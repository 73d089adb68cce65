//! A node in several planes: what the exact increment of a network carries through it.

use crate::model::Displacement;
use crate::scalar::Increment;

/// Weights on their way: the displacement, and ΔW = U + ε E.
#[derive(Clone, Copy)]
pub(super) struct Moved<'a> {
    pub(super) at: Displacement<'a>,
    pub(super) change: &'a [f64],
}

/// A node A₀ + ε A₁ + ε² A₂ of a group.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a> {
    pub(super) base: &'a [f64],
    pub(super) first: &'a [f64],
    pub(super) rest: &'a [f64],
}

impl Planes<'_> {
    /// One number of it.
    #[inline(always)]
    pub(super) fn at(&self, i: usize, eps: f64) -> Increment {
        Increment::new(self.base[i], self.first[i], self.rest[i], eps)
    }

    /// `out` ← ΔA = A₁ + ε A₂.
    pub(super) fn change(&self, out: &mut [f64], eps: f64) {
        let pairs = self.first.iter().zip(self.rest);
        out.iter_mut().zip(pairs).for_each(|(out, (first, rest))| *out = first + eps * rest);
    }
}

/// A signal G₀ + ε ΔG of a group.
#[derive(Clone, Copy)]
pub(super) struct Signals<'a> {
    pub(super) base: &'a [f64],
    pub(super) change: &'a [f64],
}

impl Signals<'_> {
    /// One number of it.
    #[inline(always)]
    pub(super) fn at(&self, i: usize, eps: f64) -> Increment {
        Increment::new(self.base[i], self.change[i], 0.0, eps)
    }
}
