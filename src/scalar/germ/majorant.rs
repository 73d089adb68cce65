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
//! A [`Majorant`] is M(t) = Σₙ Mₙ tⁿ for a sum of one function of each class, n = 1 … 9; it bounds the function by
//! M(|ε|), its gradient by M'(|ε|) and its Hessian by M''(|ε|). Hence g(f) for |g''(δ)| ≤ (m+1)m F |δ|ᵐ⁻¹ has
//! ‖D²(g∘f)‖ ≤ |g''| |Df|² + |g'| ‖D²f‖ ≤ F (Mᵐ⁺¹)'': composition is a power of the majorant. All rounded up.

use crate::scalar::{add_up, div_up, hypot_up, mul_up, sum_up};

/// The highest degree K that is kept exactly.
pub(crate) const MOST: usize = 5;
/// The highest class that is told apart: higher ones are lowered to it.
pub(crate) const LAST: usize = 9;
/// One slot for each degree 0 … 9.
pub(super) const SLOTS: usize = LAST + 1;

/// M₁ … M₉; slot 0 is unused.
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
        if self.is_unknown() || size == f64::INFINITY {
            return Majorant::UNKNOWN;
        }
        Majorant(self.0.map(|m| mul_up(m, size)))
    }

    /// Whether nothing is known: f may not even be defined on the ball, and no factor 0 mends that.
    fn is_unknown(&self) -> bool {
        self.0.contains(&f64::INFINITY)
    }

    /// Of f g.
    pub(super) fn times(self, o: Self, disjoint: bool, radius: f64) -> Self {
        if self.is_unknown() || o.is_unknown() {
            return Majorant::UNKNOWN;
        }
        let mut product = Majorant::ZERO;
        for m in 1..=LAST {
            for n in 1..=LAST {
                let size = mul_up(self.0[m], o.0[n]);
                let size = if disjoint { mul_up(size, separation(m, n)) } else { size };
                let slot = (m + n).min(LAST);
                product.0[slot] = add_up(product.0[slot], lowered(size, m + n, radius));
            }
        }
        product
    }

    /// M(r).
    pub(super) fn at(self, radius: f64) -> f64 {
        self.0[1..].iter().rev().fold(0.0, |sum, &m| mul_up(add_up(sum, m), radius))
    }

    /// Σ n(n−1) Mₙ rⁿ⁻² over the degrees beyond `degree`: what they contribute at most to ‖D²f‖ on the ball.
    pub(super) fn bending_beyond(self, degree: usize, radius: f64) -> f64 {
        if self.is_unknown() {
            return f64::INFINITY;
        }
        sum_up((degree.max(1) + 1..=LAST).map(|n| mul_up(self.0[n], bending(n, radius))))
    }
}

/// n(n−1) rⁿ⁻² for n ≥ 2: the bound of ‖D²f‖ on the ball for f in 𝒞ₙ(1).
pub(crate) fn bending(n: usize, radius: f64) -> f64 {
    (2..n).fold((n * (n - 1)) as f64, |b, _| mul_up(b, radius))
}

/// κ for disjoint factors of degrees m and n.
fn separation(m: usize, n: usize) -> f64 {
    let power = |n: usize| (0..n).fold(1.0, |p, _| p * n as f64);
    // Fewer than 40 roundings.
    (power(m) * power(n) / power(m + n)).sqrt() * (1.0 + 1e-14)
}

/// The size in the last class of a function of class `n`, if that is higher.
fn lowered(size: f64, n: usize, radius: f64) -> f64 {
    if n <= LAST || size == 0.0 {
        return size;
    }
    let power = (LAST..n).fold(size, |s, _| mul_up(s, radius));
    div_up(mul_up(power, (n * (n - 1)) as f64), (LAST * (LAST - 1)) as f64)
}
