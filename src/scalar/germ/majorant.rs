//! Majorants: one number per degree that bounds a function near a point, its gradient and its Hessian.
//!
//! **The classes.** For n ≥ 2 let 𝒞ₙ(ρ) hold the functions f on the ball |ε| ≤ r with f(0) = 0, Df(0) = 0 and
//! ‖D²f(ε)‖ ≤ n(n−1) ρ |ε|ⁿ⁻²; integrating from 0, |Df(ε)| ≤ n ρ |ε|ⁿ⁻¹ and |f(ε)| ≤ ρ |ε|ⁿ. A linear form of norm ρ
//! obeys the same three bounds with n = 1. A homogeneous polynomial of degree n with |f| ≤ ρ on the unit sphere lies in
//! 𝒞ₙ(ρ), because the norm of a symmetric form on a Hilbert space is attained on the diagonal (Banach 1938).
//!
//! **The calculus**, for f in 𝒞ₘ(ρ) and g in 𝒞ₙ(σ):
//!
//! ```text
//! m = n:                   f + g in 𝒞ₙ(ρ + σ)
//!    disjoint supports:    f + g in 𝒞ₙ(max(ρ, σ)), or of norm √(ρ² + σ²) where n = 1     (D² is block diagonal)
//! product:                 f g in 𝒞ₘ₊ₙ(ρ σ),       since n(n−1) + 2mn + m(m−1) = (m+n)(m+n−1)
//!    disjoint supports:    f g in 𝒞ₘ₊ₙ(κ ρ σ),     κ² = mᵐ nⁿ/(m+n)ᵐ⁺ⁿ, the maximum of (sᵐtⁿ)² on s² + t² = 1
//! lower degree:            𝒞ₘ(ρ) ⊂ 𝒞ₙ(ρ rᵐ⁻ⁿ m(m−1)/(n(n−1)))                          for m > n ≥ 2
//! ```
//!
//! A [`Majorant`] is M(t) = Σₙ Mₙ tⁿ for a sum of one function of each class, n = 1 … K + 1; it bounds the function by
//! M(|ε|), its gradient by M'(|ε|) and its Hessian by M''(|ε|). Hence g(f) for |g''(δ)| ≤ (K+1)K F |δ|ᴷ⁻¹ has
//! ‖D²(g∘f)‖ ≤ |g''| |Df|² + |g'| ‖D²f‖ ≤ F (Mᴷ⁺¹)'': composition is a power of the majorant. All rounded up.

use crate::scalar::{add_up, div_up, hypot_up, mul_up, sqrt_up};

/// The highest degree K that is kept exactly.
pub(super) const MOST: usize = 4;
/// One slot for each degree 0 … K + 1.
pub(super) const SLOTS: usize = MOST + 2;

/// K and r.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truncation {
    pub(super) degree: usize,
    pub(super) radius: f64,
}

/// M₁ … M_{K+1}; slot 0 is unused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Majorant(pub(super) [f64; SLOTS]);

impl Majorant {
    pub(super) const ZERO: Majorant = Majorant([0.0; SLOTS]);
    pub(super) const UNKNOWN: Majorant = Majorant([f64::INFINITY; SLOTS]);

    /// A linear form of norm 1.
    pub(super) fn coordinate() -> Self {
        let mut m = Majorant::ZERO;
        m.0[1] = 1.0;
        m
    }

    fn joined(self, o: Self, join: impl Fn(usize, f64, f64) -> f64) -> Self {
        Majorant(std::array::from_fn(|n| join(n, self.0[n], o.0[n])))
    }

    /// Of f + g.
    pub(super) fn plus(self, o: Self, disjoint: bool) -> Self {
        self.joined(o, |n, a, b| match (disjoint, n) {
            (false, _) => add_up(a, b),
            (true, 1) => hypot_up(a, b),
            (true, _) => a.max(b),
        })
    }

    /// Of c f for |c| ≤ `size`.
    pub(super) fn scaled(self, size: f64) -> Self {
        Majorant(self.0.map(|m| mul_up(m, size)))
    }

    /// Of f g.
    pub(super) fn times(self, o: Self, disjoint: bool, to: Truncation) -> Self {
        let last = to.degree + 1;
        let mut product = Majorant::ZERO;
        for m in 1..=last {
            for n in 1..=last {
                let size = mul_up(self.0[m], o.0[n]);
                let size = if disjoint { mul_up(size, separation(m, n)) } else { size };
                let slot = (m + n).min(last);
                product.0[slot] = add_up(product.0[slot], lowered(size, m + n, to));
            }
        }
        product
    }

    /// M(r).
    pub(super) fn at(self, radius: f64) -> f64 {
        self.0[1..].iter().rev().fold(0.0, |sum, &m| mul_up(add_up(sum, m), radius))
    }

    /// Mₙ'' (r) = n(n−1) Mₙ rⁿ⁻²: the bound of ‖D²f‖ on the ball that degree n contributes.
    pub(super) fn bending(size: f64, n: usize, radius: f64) -> f64 {
        if n < 2 {
            return 0.0;
        }
        (2..n).fold(mul_up(size, (n * (n - 1)) as f64), |b, _| mul_up(b, radius))
    }
}

/// κ for disjoint factors of degrees m and n.
fn separation(m: usize, n: usize) -> f64 {
    let power = |n: usize| (0..n).fold(1.0, |p, _| p * n as f64);
    // Below 10¹⁰: exact.
    sqrt_up(div_up(power(m) * power(n), power(m + n)))
}

/// The size in class K + 1 of a function of a class `n` > K + 1.
fn lowered(size: f64, n: usize, to: Truncation) -> f64 {
    let last = to.degree + 1;
    if n <= last || size == 0.0 {
        return size;
    }
    let power = (last..n).fold(size, |s, _| mul_up(s, to.radius));
    div_up(mul_up(power, (n * (n - 1)) as f64), (last * (last - 1)) as f64)
}
