//! Germs: what a function is near a point, exactly to degree K and bounded beyond.
//!
//! A [`Germ`] stands for f(w₀ + ε) on the ball |ε| ≤ r as
//!
//! ```text
//! f = f(w₀) + P₁(ε) + … + P_K(ε) + R(ε),      ‖D²R(ε)‖ ≤ Σ_{n > K} n(n−1) Mₙ |ε|ⁿ⁻²
//! ```
//!
//! with homogeneous polynomials Pₙ whose coefficients are floating-point numbers of known error (`polynomial`), and a
//! majorant that bounds every part and the remainder by one number each (`majorant`). From it a certified bound of
//! ‖D²h‖ on the ball follows by the norms of a few tensors at the centre; the ball is Euclidean throughout, there is no
//! penalty √p for a box.
//!
//! Taylor models (Makino and Berz 2003) bound the remainder's values by an interval; here its Hessian is bounded, by the
//! norm of symmetric forms (Banach 1938) and Cauchy's majorants, which makes the remainder of a sum or product a sum or
//! product of remainders. A function of a germ needs a derivative of order beyond K of the elementary functions on the
//! range of their argument (`series`); where there is none, as across a kink, all bounds are infinite.

mod arena;
mod majorant;
pub(crate) mod monomials;
mod polynomial;
mod series;

pub(crate) use arena::Effort;
pub use arena::Germs;
pub(crate) use majorant::{LAST as LAST_CLASS, MOST as MOST_DEGREE, bending};
pub(crate) use polynomial::{Polynomial, positions};

use super::{Elementary, Interval, Scalar, add_up, mul_up};
use arena::Node;
use majorant::{LAST, Majorant, SLOTS};
use series::Series;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::rc::Rc;

/// A function near a point. Constants are not recorded.
#[derive(Debug, Clone, Copy)]
pub struct Germ<'g>(Kind<'g>);

#[derive(Debug, Clone, Copy)]
enum Kind<'g> {
    Constant(Interval),
    Recorded(&'g Germs, usize),
}
use Kind::{Constant, Recorded};

impl<'g> Germ<'g> {
    fn recorded(germs: &'g Germs, index: usize) -> Self {
        Germ(Recorded(germs, index))
    }

    fn constant(value: Interval) -> Self {
        Germ(Constant(value))
    }

    /// P₁, …, Pₙ for n = `degree` ≤ K (and those beyond, where they are known); `None` beyond the effort.
    pub(crate) fn polynomial(self, degree: usize) -> Option<Rc<Polynomial>> {
        match self.0 {
            Constant(_) => Some(Rc::new(Polynomial::zero(Rc::new([])))),
            Recorded(germs, index) => germs.polynomial(index, degree),
        }
    }

    /// Mₙ: of Pₙ for n ≤ K, of a part of R for n > K.
    pub(crate) fn majorant(self, n: usize) -> f64 {
        match self.0 {
            Constant(value) if value == Interval::WHOLE => f64::INFINITY,
            Constant(_) => 0.0,
            Recorded(germs, index) => germs.node(index).majorant.0[n],
        }
    }

    /// f ↦ c f + d for intervals c and d.
    fn affine(self, c: Interval, d: Interval) -> Self {
        match self.0 {
            Constant(value) => Germ::constant(value * c + d),
            Recorded(germs, index) => {
                let x = germs.node(index);
                let (mid, off) = split(c);
                let majorant = x.majorant.scaled(c.magnitude());
                germs.push(Node {
                    value: x.value * c + d,
                    majorant,
                    support: x.support,
                    polynomial: None,
                    plan: vec![(index, mid)],
                    errors: x.majorant.scaled(off).0,
                })
            }
        }
    }

    /// a + s b, s = ±1.
    fn sum(self, o: Self, s: f64) -> Self {
        match (self.0, o.0) {
            (_, Constant(d)) => self.affine(1.0.into(), d * s.into()),
            (Constant(d), _) => o.affine(s.into(), d),
            (Recorded(germs, i), Recorded(_, j)) => {
                let (a, b) = (germs.node(i), germs.node(j));
                let (support, disjoint) = united(&a.support, &b.support);
                germs.push(Node {
                    value: a.value + b.value * s.into(),
                    majorant: a.majorant.plus(b.majorant, disjoint),
                    support,
                    polynomial: None,
                    plan: vec![(i, 1.0), (j, s)],
                    errors: [0.0; SLOTS],
                })
            }
        }
    }

    /// a b = a₀ b₀ + (a₀ (b − b₀) + b₀ (a − a₀)) + (a − a₀)(b − b₀).
    fn product(germs: &'g Germs, i: usize, j: usize) -> Self {
        let (a, b) = (germs.node(i), germs.node(j));
        let bent = Germ::bent_product(germs, i, j);
        let ((mid_a, off_a), (mid_b, off_b)) = (split(a.value), split(b.value));
        let (support, disjoint) = united(&a.support, &b.support);
        let (of_a, of_b) =
            (a.majorant.scaled(b.value.magnitude()), b.majorant.scaled(a.value.magnitude()));
        let value = if i == j { a.value.squared() } else { a.value * b.value };
        let off = a.majorant.scaled(off_b).plus(b.majorant.scaled(off_a), false);
        germs.push(Node {
            value,
            majorant: of_a.plus(of_b, disjoint).plus(germs.node(bent).majorant, false),
            support,
            polynomial: None,
            plan: vec![(i, mid_b), (j, mid_a), (bent, 1.0)],
            errors: off.0,
        })
    }

    /// The place of (a − a₀)(b − b₀).
    fn bent_product(germs: &'g Germs, i: usize, j: usize) -> usize {
        let polynomials = germs.polynomial(i, germs.degree).zip(germs.polynomial(j, germs.degree));
        let (a, b) = (germs.node(i), germs.node(j));
        let (support, disjoint) = united(&a.support, &b.support);
        let degree = germs.degree;
        let made = polynomials
            .filter(|(p, q)| germs.spend(p.work(q, degree), 0))
            .map(|(p, q)| p.times(&q, support.clone(), degree))
            .filter(|made| germs.spend(0, made.len()));
        let majorant = a.majorant.times(b.majorant, disjoint, germs.radius);
        place(germs.push(known(0.0.into(), majorant, support, made, degree)))
    }

    /// g(f) = Σ_{k ≤ K} gₖ (f − f₀)ᵏ + remainder, gₖ = g⁽ᵏ⁾(f₀)/k!, by Horner's rule.
    fn compose(self, series: impl Fn(Interval) -> Series) -> Self {
        let Recorded(germs, index) = self.0 else {
            let Constant(value) = self.0 else { return self };
            return Germ::constant(series(value)[0]);
        };
        let degree = germs.degree;
        let Some(bent) = germs.polynomial(index, degree) else {
            let x = germs.node(index);
            return germs.push(known(Interval::WHOLE, Majorant::UNKNOWN, x.support, None, degree));
        };
        let x = germs.node(index);
        let reach = x.majorant.at(germs.radius);
        let at = series(x.value);
        let range = x.value + Interval::new(-reach, reach);
        let majorant = composed_majorant(&x.majorant, &at, &series(range), germs);
        let polynomial = composed(&bent, &at, germs);
        germs.push(known(at[0], majorant, x.support, polynomial, degree))
    }
}

/// Where a germ that was just recorded stands.
fn place(germ: Germ<'_>) -> usize {
    match germ.0 {
        Recorded(_, index) => index,
        Constant(_) => usize::MAX,
    }
}

/// A node whose polynomial is at hand; all that is beyond reach is unknown.
fn known(
    value: Interval,
    mut majorant: Majorant,
    support: Rc<[usize]>,
    polynomial: Option<Polynomial>,
    degree: usize,
) -> Node {
    match &polynomial {
        Some(p) => {
            for n in 1..=degree {
                majorant.0[n] = majorant.0[n].min(add_up(p.norms[n], p.errors[n]));
            }
        }
        None => majorant = Majorant::UNKNOWN,
    }
    let polynomial = polynomial.unwrap_or_else(|| {
        let mut unknown = Polynomial::zero(support.clone());
        unknown.errors = Majorant::UNKNOWN.0;
        unknown
    });
    let polynomial = Some(Rc::new(polynomial));
    Node { value, majorant, support, polynomial, plan: Vec::new(), errors: [0.0; SLOTS] }
}

/// Σ_{k ≤ m} |gₖ| Mᵏ + F Mᵐ⁺¹, F bounding |g⁽ᵐ⁺¹⁾|/(m+1)! on the range, for the best m ≥ K: coefficients at the centre
/// are smaller, those on a wide range grow.
fn composed_majorant(inner: &Majorant, at: &Series, range: &Series, germs: &Germs) -> Majorant {
    let (mut power, mut sum) = (*inner, inner.scaled(at[1].magnitude()));
    let (mut best, mut least) = (Majorant::UNKNOWN, f64::INFINITY);
    for m in 1..LAST {
        power = power.times(*inner, false, germs.radius);
        if m >= germs.degree {
            let all = sum.plus(power.scaled(range[m + 1].magnitude()), false);
            let bending = all.bending_beyond(germs.degree, germs.radius);
            if bending < least {
                (best, least) = (all, bending);
            }
        }
        sum = sum.plus(power.scaled(at[m + 1].magnitude()), false);
    }
    best
}

/// `(…(g_K δ + g_{K−1}) δ + …) δ`, truncated; `None` beyond the effort. What is still to be multiplied by δ k times is
/// needed to degree K − k only.
fn composed(bent: &Rc<Polynomial>, at: &Series, germs: &Germs) -> Option<Polynomial> {
    let degree = germs.degree;
    let scaled = |p: &Rc<Polynomial>, c: Interval| {
        let (mid, off) = split(c);
        let mut q =
            Polynomial::combined(&[(mid, mid.abs(), p.clone())], p.support.clone(), degree, 0);
        for n in 1..=degree {
            let size = add_up(p.norms[n], p.errors[n]);
            let inherited = add_up(mul_up(mid.abs(), p.errors[n]), mul_up(off, size));
            q.errors[n] = add_up(q.errors[n], inherited);
        }
        q
    };
    let mut sum = scaled(bent, at[degree]);
    for (coefficient, needed) in at[1..degree].iter().rev().zip(2..) {
        if !germs.spend(sum.work(bent, needed), 0) {
            return None;
        }
        let product = Rc::new(sum.times(bent, bent.support.clone(), needed));
        let linear = Rc::new(scaled(bent, *coefficient));
        let errors = |n: usize| add_up(product.errors[n], linear.errors[n]);
        let errors: [f64; SLOTS] = std::array::from_fn(errors);
        let terms = [(1.0, 1.0, product), (1.0, 1.0, linear)];
        sum = Polynomial::combined(&terms, bent.support.clone(), degree, 0);
        sum.lacks(&errors);
    }
    germs.spend(0, sum.len()).then_some(sum)
}

/// A number near the middle of an interval, and how far the interval reaches from it.
fn split(x: Interval) -> (f64, f64) {
    if !x.magnitude().is_finite() {
        return (0.0, f64::INFINITY);
    }
    let mid = 0.5 * x.lo() + 0.5 * x.hi();
    (mid, add_up(x.hi(), -mid).max(add_up(mid, -x.lo())))
}

/// The union of two ascending lists, and whether they have nothing in common.
fn united(a: &Rc<[usize]>, b: &Rc<[usize]>) -> (Rc<[usize]>, bool) {
    if Rc::ptr_eq(a, b) {
        return (a.clone(), a.is_empty());
    }
    let mut union: Vec<usize> = a.iter().chain(b.iter()).copied().collect();
    union.sort_unstable();
    union.dedup();
    let disjoint = union.len() == a.len() + b.len();
    if union.len() == a.len() {
        return (a.clone(), disjoint);
    }
    (union.into(), disjoint)
}

impl From<f64> for Germ<'_> {
    fn from(x: f64) -> Self {
        Germ::constant(Interval::from(x))
    }
}

impl Add for Germ<'_> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        self.sum(o, 1.0)
    }
}

impl Sub for Germ<'_> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self.sum(o, -1.0)
    }
}

impl Neg for Germ<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        self.affine((-1.0).into(), 0.0.into())
    }
}

impl Mul for Germ<'_> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        match (self.0, o.0) {
            (_, Constant(c)) => self.affine(c, 0.0.into()),
            (Constant(c), _) => o.affine(c, 0.0.into()),
            (Recorded(germs, i), Recorded(_, j)) => Germ::product(germs, i, j),
        }
    }
}

impl Div for Germ<'_> {
    type Output = Self;
    #[allow(clippy::suspicious_arithmetic_impl, reason = "a/b is a times 1/b")]
    fn div(self, o: Self) -> Self {
        self * o.compose(|x| series::of_power(x, -1))
    }
}

impl Scalar for Germ<'_> {
    fn apply(self, f: Elementary) -> Self {
        self.compose(|x| series::of(f, x))
    }

    fn powi(self, n: i32) -> Self {
        self.compose(|x| series::of_power(x, n))
    }

    fn powf(self, a: f64) -> Self {
        self.compose(|x| series::of_real_power(x, a))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EFFORT: Effort = Effort { products: 1_000_000, coefficients: 1_000_000 };

    /// tanh w = w − w³/3 + …; what is left has |R''| = |tanh'' w + 2w|, and the majorant is above it, not far.
    #[test]
    fn the_series_of_tanh_and_its_remainder() {
        let germs = Germs::new(4, 0.25, EFFORT);
        let y = germs.variables(&[0.0])[0].tanh();
        let p = y.polynomial(4).expect("cheap");
        assert!((p.parts[1][0] - 1.0).abs() <= 1e-15 && (p.parts[3][0] + 1.0 / 3.0).abs() <= 1e-15);
        let bound: f64 = (5..=LAST).map(|n| y.majorant(n) * bending(n, 0.25)).sum();
        let truth = |w: f64| (-2.0 * w.tanh() * (1.0 - w.tanh().powi(2)) + 2.0 * w).abs();
        assert!(bound >= truth(0.25) && bound < 1.5 * truth(0.25), "{bound}, {}", truth(0.25));
    }

    /// (1 + a)(2 + b) c at 0, by hand: 2c + 2ac + bc + abc; the quadratic part of norm √5/2.
    #[test]
    fn products_are_exact() {
        let germs = Germs::new(5, 1.0, EFFORT);
        let w = germs.variables(&[1.0, 2.0, 0.0]);
        let y = w[0] * w[1] * w[2];
        let p = y.polynomial(3).expect("cheap");
        assert_eq!(p.parts[1], [0.0, 0.0, 2.0]);
        // aa, ab, bb, ac, bc, cc.
        assert_eq!(p.parts[2], [0.0, 0.0, 0.0, 2.0, 1.0, 0.0]);
        assert!(y.majorant(2) >= 5.0_f64.sqrt() / 2.0);
        assert!((4..=LAST).all(|n| y.majorant(n) == 0.0));
    }

    /// The Hessian of s²t on the unit circle has norm 2·3 κ at most, κ = 2/√27 the greatest s²t.
    #[test]
    fn disjoint_factors_cannot_both_be_large() {
        let germs = Germs::new(1, 1.0, EFFORT);
        let w = germs.variables(&[0.0, 0.0]);
        let y = w[0] * w[0] * w[1];
        let wanted = 2.0 / 27.0_f64.sqrt();
        assert!(y.majorant(3) >= wanted && y.majorant(3) <= wanted * (1.0 + 1e-12));
    }
}
