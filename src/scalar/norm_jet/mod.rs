//! Norm jets: how steep and how bent a number can be on a ball of parameters.
//!
//! For v : Rᵖ → R on the ball |w − w₀| ≤ r a jet holds upper bounds of |∇v| and ‖∇²v‖, an enclosure of v, and the set of
//! parameters on which v depends. Calculus gives the rules; with s₁, s₂ the bounds for s, t₁, t₂ those for t, and |s|,
//! |t| their largest sizes,
//!
//! | | gradient | Hessian | where s and t share no parameter |
//! |---|---|---|---|
//! | s + t | s₁ + t₁ | s₂ + t₂ | √(s₁² + t₁²); max(s₂, t₂) |
//! | s t | ∣t∣s₁ + ∣s∣t₁ | ∣t∣s₂ + ∣s∣t₂ + 2s₁t₁ | √(∣t∣²s₁² + ∣s∣²t₁²); norm of [[∣t∣s₂, s₁t₁], [s₁t₁, ∣s∣t₂]] |
//! | f(s) | ∣f'∣s₁ | ∣f'∣s₂ + ∣f''∣s₁² | |
//!
//! where f', f'' range over the enclosure of s. The last column is what makes jets sharp: the Hessian of a sum over
//! neurons is block-diagonal, and jets find the blocks by themselves. A second gradient, s₀ at the centre alone, obeys
//! the same rules and tightens the others by Taylor's theorem:
//!
//! ```text
//! |∇v| ≤ |∇v(w₀)| + r sup‖∇²v‖,      |v − v(w₀)| ≤ r |∇v(w₀)| + r²/2 sup‖∇²v‖,      |v − v(w₀)| ≤ r sup|∇v|
//! ```
//!
//! These are balls, not boxes: no factor √p is paid. One evaluation of a model on jets costs a fixed multiple of one on
//! reals. All operations round outward. The scheme was made for this project; the rules are those of calculus.

mod support;

pub(crate) use support::Support;

use super::{Elementary, Interval, Scalar, add_up, hypot_up, mul_up};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number that depends on parameters in a ball, with certified bounds of its first and second derivatives there.
///
/// ```
/// use gradflow::scalar::{NormJet, Scalar};
/// let w = NormJet::variables(&[3.0, 4.0], 0.5);
/// let product = w[0] * w[1];
/// assert_eq!(product.hessian(), 1.0); // [[0, 1], [1, 0]]
/// assert!(product.gradient() >= 5.5 && product.gradient() < 5.6); // |(4, 3)| + 0.5 · 1
/// ```
#[derive(Debug, Clone, Copy)]
pub struct NormJet {
    /// v on the ball.
    value: Interval,
    /// v(w₀).
    centre: Interval,
    /// At least |∇v(w₀)|.
    central_gradient: f64,
    /// At least sup |∇v|.
    gradient: f64,
    /// At least sup ‖∇²v‖.
    hessian: f64,
    /// r; 0 for a constant.
    radius: f64,
    support: Support,
}

/// At least a b for bounds: where one is infinite nothing is known, and 0 does not help.
fn times(a: f64, b: f64) -> f64 {
    if a.is_infinite() || b.is_infinite() { f64::INFINITY } else { mul_up(a, b) }
}

/// At least the larger eigenvalue of [[a, b], [b, d]] with entries ≥ 0:
/// (a + d)/2 + √(((a − d)/2)² + b²).
pub(crate) fn symmetric_2_by_2(a: f64, b: f64, d: f64) -> f64 {
    if b == 0.0 || a.is_infinite() || b.is_infinite() || d.is_infinite() {
        return a.max(d).max(b);
    }
    let (mean, half) = (mul_up(0.5, add_up(a, d)), mul_up(0.5, add_up(a.max(d), -a.min(d))));
    add_up(mean, hypot_up(half, b))
}

impl NormJet {
    /// The parameters, each within the ball of that radius around `start`.
    pub fn variables(start: &[f64], radius: f64) -> Vec<Self> {
        let variable = |(index, &w): (usize, &f64)| NormJet {
            value: Interval::around(w, radius),
            centre: Interval::from(w),
            central_gradient: 1.0,
            gradient: 1.0,
            hessian: 0.0,
            radius,
            support: Support::of(index),
        };
        start.iter().enumerate().map(variable).collect()
    }

    /// A number that no parameter changes.
    fn constant(value: Interval) -> Self {
        NormJet {
            value,
            centre: value,
            central_gradient: 0.0,
            gradient: 0.0,
            hessian: 0.0,
            radius: 0.0,
            support: Support::EMPTY,
        }
    }

    /// An enclosure of v on the ball.
    pub fn value(&self) -> Interval {
        self.value
    }

    /// At least sup |∇v| on the ball.
    pub fn gradient(&self) -> f64 {
        self.gradient
    }

    /// At least sup ‖∇²v‖ on the ball; ∞ where ∇v may have jumps.
    pub fn hessian(&self) -> f64 {
        self.hessian
    }

    pub(crate) fn support(&self) -> Support {
        self.support
    }

    fn is_constant(&self) -> bool {
        self.support.is_empty()
    }

    /// Lets the bounds tighten each other by Taylor's theorem around w₀.
    fn settled(mut self) -> Self {
        let (r, slope) = (self.radius, self.central_gradient);
        let rise = mul_up(r, self.hessian);
        self.gradient = self.gradient.min(add_up(slope, rise));
        let first = mul_up(r, self.gradient);
        let second = mul_up(r, add_up(slope, mul_up(0.5, rise)));
        let change = first.min(second);
        let ball = self.centre + Interval::new(-change, change);
        self.value = self.value.intersection(ball).unwrap_or(self.value);
        self
    }

    /// f(self), given f on an interval and the sizes of f' and f'' there.
    fn through(
        self,
        f: impl Fn(Interval) -> Interval,
        first: impl Fn(Interval) -> Interval,
        second: impl Fn(Interval) -> Interval,
    ) -> Self {
        if self.is_constant() {
            return NormJet::constant(f(self.value));
        }
        let slope = first(self.value).magnitude();
        let bend = second(self.value).magnitude();
        NormJet {
            value: f(self.value),
            centre: f(self.centre),
            central_gradient: times(first(self.centre).magnitude(), self.central_gradient),
            gradient: times(slope, self.gradient),
            hessian: add_up(
                times(slope, self.hessian),
                times(bend, times(self.gradient, self.gradient)),
            ),
            ..self
        }
        .settled()
    }

    /// self ± o, but for the sign in the values given.
    fn sum(self, o: Self, value: Interval, centre: Interval) -> Self {
        let (join, hessian): (fn(f64, f64) -> f64, f64) = if self.support.is_disjoint(&o.support) {
            (hypot_up, self.hessian.max(o.hessian))
        } else {
            (add_up, add_up(self.hessian, o.hessian))
        };
        NormJet {
            value,
            centre,
            central_gradient: join(self.central_gradient, o.central_gradient),
            gradient: join(self.gradient, o.gradient),
            hessian,
            radius: self.radius.max(o.radius),
            support: self.support.union(&o.support),
        }
        .settled()
    }

    /// c self for a constant c, which leaves nothing to tighten.
    fn scaled(self, c: Interval) -> Self {
        let size = c.magnitude();
        NormJet {
            value: c * self.value,
            centre: c * self.centre,
            central_gradient: times(size, self.central_gradient),
            gradient: times(size, self.gradient),
            hessian: times(size, self.hessian),
            ..self
        }
    }
}

impl From<f64> for NormJet {
    fn from(x: f64) -> Self {
        NormJet::constant(Interval::from(x))
    }
}

impl Add for NormJet {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        self.sum(o, self.value + o.value, self.centre + o.centre)
    }
}

impl Sub for NormJet {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self.sum(o, self.value - o.value, self.centre - o.centre)
    }
}

impl Neg for NormJet {
    type Output = Self;
    fn neg(self) -> Self {
        NormJet { value: -self.value, centre: -self.centre, ..self }
    }
}

impl Mul for NormJet {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        if self.is_constant() {
            return o.scaled(self.value);
        }
        if o.is_constant() {
            return self.scaled(o.value);
        }
        let (s, t) = (self.value.magnitude(), o.value.magnitude());
        let (s0, t0) = (self.centre.magnitude(), o.centre.magnitude());
        let disjoint = self.support.is_disjoint(&o.support);
        let join = if disjoint { hypot_up } else { add_up };
        let (a, d) = (times(t, self.hessian), times(s, o.hessian));
        let b = times(self.gradient, o.gradient);
        let hessian =
            if disjoint { symmetric_2_by_2(a, b, d) } else { add_up(add_up(a, d), mul_up(2.0, b)) };
        NormJet {
            value: self.value * o.value,
            centre: self.centre * o.centre,
            central_gradient: join(times(t0, self.central_gradient), times(s0, o.central_gradient)),
            gradient: join(times(t, self.gradient), times(s, o.gradient)),
            hessian,
            radius: self.radius.max(o.radius),
            support: self.support.union(&o.support),
        }
        .settled()
    }
}

/// s/t = s · (1/t).
impl Div for NormJet {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let inverse = o.powi(-1);
        // One rounding less in the value.
        NormJet { value: self.value / o.value, centre: self.centre / o.centre, ..self * inverse }
            .settled()
    }
}

/// xᵃ = exp(a ln x) for an exponent that is itself enclosed.
fn real_power(x: Interval, a: Interval) -> Interval {
    (a * x.ln()).exp()
}

impl Scalar for NormJet {
    fn apply(self, f: Elementary) -> Self {
        self.through(|x| f.on(0, x), |x| f.on(1, x), |x| f.on(2, x))
    }

    fn powi(self, n: i32) -> Self {
        match n {
            0 => return Self::from(1.0),
            1 => return self,
            _ => {}
        }
        let factor = Interval::from(f64::from(n));
        let product = factor * Interval::from(f64::from(n) - 1.0);
        self.through(
            |x| x.powi(n),
            |x| factor * x.powi(n.saturating_sub(1)),
            |x| product * x.powi(n.saturating_sub(2)),
        )
    }

    fn powf(self, a: f64) -> Self {
        if a.fract() == 0.0 && a.abs() <= f64::from(i32::MAX) {
            #[allow(clippy::cast_possible_truncation, reason = "whole, and in range")]
            return self.powi(a as i32);
        }
        let (exponent, one) = (Interval::from(a), Interval::from(1.0));
        let (less, least) = (exponent - one, exponent - one - one);
        self.through(
            |x| x.powf(a),
            |x| exponent * real_power(x, less),
            |x| exponent * less * real_power(x, least),
        )
    }
}
