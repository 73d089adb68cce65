//! Directed rounding: the basic operations from above and from below.
//!
//! IEEE 754 rounds + − × ÷ √ to the nearest number, so the exact result lies strictly between the two neighbours of the
//! rounded one, or is it. Stepping to a neighbour ([`f64::next_up`], [`f64::next_down`]) therefore bounds the exact
//! result. A step is not taken where the operation is known to be exact: sums by the error term of Knuth's `TwoSum`
//! (*The Art of Computer Programming* 2, 1969; itself exact in round to nearest), products and quotients by counting the
//! bits of their factors. Sums are thereby rounded as well as possible; the others lose at most one step.
//!
//! An overflow is an infinity on the side of the bound and the largest number on the other; what is not a number (∞ − ∞)
//! is ∞ from above and −∞ from below: nothing is known. 0 · ∞ = 0, for an infinite bound stands for all finite numbers.
//! Needs arithmetic in f64 proper, which Rust promises everywhere but on x87 (refused in `interval`).

#![allow(dead_code, reason = "directed rounding is one set, whoever uses which")]

/// At least what was rounded to nearest; NaN is ∞.
#[inline]
fn above(rounded: f64) -> f64 {
    if rounded.is_nan() { f64::INFINITY } else { rounded.next_up() }
}

/// At least a + b, the least such number but for overflow.
#[inline]
pub(crate) fn add_up(a: f64, b: f64) -> f64 {
    let sum = a + b;
    let b_seen = sum - a;
    let error = (a - (sum - b_seen)) + (b - b_seen);
    if error <= 0.0 || (sum.is_infinite() && (a.is_infinite() || b.is_infinite())) {
        return sum;
    }
    above(sum)
}

/// At most a + b: the lower bound is the upper one of the negative, here and below.
#[inline]
pub(crate) fn add_down(a: f64, b: f64) -> f64 {
    -add_up(-a, -b)
}

/// At most a − b.
pub(crate) fn sub_down(a: f64, b: f64) -> f64 {
    add_down(a, -b)
}

/// At least a b, with 0 · ∞ = 0.
#[inline]
pub(crate) fn mul_up(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::INFINITY;
    }
    if a == 0.0 || b == 0.0 {
        return 0.0;
    }
    let product = a * b;
    if product == 0.0 && (a < 0.0) != (b < 0.0) {
        return 0.0;
    }
    if a.is_infinite() || b.is_infinite() || product_is_exact(a, b, product) {
        return product;
    }
    above(product)
}

/// At most a b, with 0 · ∞ = 0.
#[inline]
pub(crate) fn mul_down(a: f64, b: f64) -> f64 {
    -mul_up(-a, b)
}

/// At least a/b; ∞ for b = 0.
#[inline]
pub(crate) fn div_up(a: f64, b: f64) -> f64 {
    if b == 0.0 || a.is_nan() || b.is_nan() {
        return f64::INFINITY;
    }
    if a == 0.0 {
        return 0.0;
    }
    let quotient = a / b;
    if quotient == 0.0 && (a < 0.0) != (b < 0.0) {
        return 0.0;
    }
    // Exact where the quotient is short enough that multiplying back is exact and gives a.
    let exact = a.is_normal()
        && quotient.is_normal()
        && product_is_exact(quotient, b, a)
        && quotient * b == a;
    if exact || quotient.is_infinite() && a.is_infinite() { quotient } else { above(quotient) }
}

/// At most a/b; −∞ for b = 0.
#[inline]
pub(crate) fn div_down(a: f64, b: f64) -> f64 {
    -div_up(-a, b)
}

/// At least √x; ∞ for x < 0.
pub(crate) fn sqrt_up(x: f64) -> f64 {
    let root = x.sqrt();
    if root_is_exact(x, root) { root } else { above(root) }
}

/// At most √x; −∞ for x < 0.
pub(crate) fn sqrt_down(x: f64) -> f64 {
    let root = x.sqrt();
    if root_is_exact(x, root) {
        root
    } else if root.is_nan() {
        f64::NEG_INFINITY
    } else {
        root.next_down()
    }
}

/// At least Σ xᵢ.
pub(crate) fn sum_up(terms: impl IntoIterator<Item = f64>) -> f64 {
    terms.into_iter().fold(0.0, add_up)
}

/// At least √(a² + b²).
pub(crate) fn hypot_up(a: f64, b: f64) -> f64 {
    norm_up([a, b])
}

/// At least √(Σ xᵢ²); exactly |x| where all others are 0, and without overflow or underflow on the way.
pub(crate) fn norm_up<T>(terms: T) -> f64
where
    T: IntoIterator<Item = f64, IntoIter: Clone>,
{
    let terms = terms.into_iter().map(f64::abs);
    if terms.clone().any(f64::is_nan) {
        return f64::INFINITY;
    }
    let largest = terms.clone().fold(0.0, f64::max);
    if largest == 0.0 || largest.is_infinite() || terms.clone().filter(|x| *x > 0.0).count() == 1 {
        return largest;
    }
    // A power of two, so that dividing and multiplying by it are exact but for underflow, which mul_up bounds.
    let scale = power_below(largest).max(f64::MIN_POSITIVE);
    let squares = terms.map(|x| {
        let x = div_up(x, scale);
        mul_up(x, x)
    });
    mul_up(sqrt_up(sum_up(squares)), scale)
}

/// At most √(Σ xᵢ²); squares that underflow count as 0, and those that overflow as the largest number.
pub(crate) fn norm_down(terms: impl IntoIterator<Item = f64>) -> f64 {
    sqrt_down(terms.into_iter().map(|x| mul_down(x, x)).fold(0.0, add_down))
}

/// The power of two at or below a positive number, or 0 below the normal ones.
fn power_below(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & f64::INFINITY.to_bits())
}

/// The number of bits of the significand up to the last that is set; an upper bound for subnormal numbers.
#[inline]
fn length(x: f64) -> u32 {
    53 - x.to_bits().trailing_zeros().min(52)
}

/// Whether a b = `product` without rounding, as far as lengths tell: m and n bits make at most m + n, and a power of
/// two changes none. The product must not have left the normal range, nor been rounded up to its end.
#[inline]
fn product_is_exact(a: f64, b: f64, product: f64) -> bool {
    let (m, n) = (length(a), length(b));
    let power_of_two = (m == 1 && a.is_normal()) || (n == 1 && b.is_normal());
    let short = m + n <= 53 || power_of_two;
    (a.abs() == 1.0 || b.abs() == 1.0)
        || short && product.is_finite() && product.abs() > f64::MIN_POSITIVE
}

/// Whether `root`² = x without rounding: a root of at most 26 bits can be squared to see.
fn root_is_exact(x: f64, root: f64) -> bool {
    x == 0.0 || x == f64::INFINITY || (length(root) <= 26 && x.is_normal() && root * root == x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_operations_do_not_widen() {
        assert_eq!((add_up(0.1, 0.0), add_down(0.5, 0.25)), (0.1, 0.75));
        assert_eq!((mul_up(0.1, 4.0), mul_down(3.0, -7.0)), (0.4, -21.0));
        assert_eq!((div_up(0.1, 2.0), div_down(-21.0, 7.0)), (0.05, -3.0));
        assert_eq!((sqrt_up(6.25), sqrt_down(6.25)), (2.5, 2.5));
        assert_eq!((hypot_up(0.0, -0.1), norm_up([1e-300; 0])), (0.1, 0.0));
    }

    #[test]
    fn inexact_operations_widen_to_the_side_asked_for() {
        // 0.1 + 0.2 rounds up, 0.1 + 0.7 down: each sum has one bound that is the rounded value itself.
        assert_eq!(
            (add_up(0.1, 0.2), add_down(0.1, 0.2)),
            (0.1 + 0.2, (0.1_f64 + 0.2).next_down())
        );
        assert_eq!((add_up(0.1, 0.7), add_down(0.1, 0.7)), ((0.1_f64 + 0.7).next_up(), 0.1 + 0.7));
        assert!(div_down(1.0, 3.0) < div_up(1.0, 3.0) && mul_down(0.1, 0.1) < mul_up(0.1, 0.1));
        assert!(sqrt_down(2.0) < sqrt_up(2.0) && sub_down(1.0, 1e-20) < 1.0);
        assert!(hypot_up(3e-200, 4e-200) >= 5e-200 && hypot_up(3e-200, 4e-200) < 5.000_001e-200);
    }

    #[test]
    fn the_ends_of_the_range_are_kept_apart() {
        let (most, least) = (f64::MAX, f64::from_bits(1));
        assert_eq!((add_up(most, most), add_down(most, most)), (f64::INFINITY, most));
        assert_eq!((mul_up(most, 2.0), mul_down(most, 2.0)), (f64::INFINITY, most));
        assert_eq!((mul_up(most, -2.0), mul_down(most, -2.0)), (-most, f64::NEG_INFINITY));
        assert_eq!((mul_up(least, 0.25), mul_down(least, 0.25)), (least, 0.0));
        assert_eq!((mul_up(-least, 0.25), mul_down(-least, 0.25)), (0.0, -least));
        assert_eq!((div_up(least, 4.0), div_down(least, 4.0)), (least, 0.0));
        assert_eq!((mul_up(0.0, f64::INFINITY), div_up(1.0, 0.0)), (0.0, f64::INFINITY));
        assert_eq!(
            (mul_up(0.0, f64::NAN), mul_down(0.0, f64::NAN)),
            (f64::INFINITY, f64::NEG_INFINITY)
        );
        assert_eq!(
            (add_up(f64::INFINITY, f64::NEG_INFINITY), add_up(f64::NAN, 1.0)),
            (f64::INFINITY, f64::INFINITY)
        );
        assert_eq!((sqrt_down(-1.0), sqrt_up(-1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(norm_up([most, most]), f64::INFINITY);
    }
}
