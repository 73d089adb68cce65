//! Taylor coefficients f⁽ᵏ⁾/k! of the elementary functions over intervals, k = 0 … 9.
//!
//! Orders 0 to 3 are those of [`Elementary::on`], as tight as monotone pieces make them. Higher ones come from the
//! recurrences of Taylor arithmetic (Moore 1966), for instance y' = 1 − y² for tanh; evaluated on intervals they
//! overestimate, so a wide argument is cut into pieces and the answers united.

use super::majorant::SLOTS;
use crate::scalar::{Elementary, Interval, Scalar};

/// Enclosures of f⁽ᵏ⁾(x)/k! for all x of an interval, k = 0 … 9.
pub(super) type Series = [Interval; SLOTS];

/// Pieces of a wide interval: the overestimate of a recurrence shrinks with their width.
const PIECES: u32 = 24;

const FACTORIALS: [f64; 4] = [1.0, 1.0, 2.0, 6.0];

/// Of an elementary function.
pub(super) fn of(f: Elementary, x: Interval) -> Series {
    let rest = united_over_pieces(x, |x| recurrence(f, x));
    std::array::from_fn(|k| match FACTORIALS.get(k) {
        Some(&factorial) => f.on(k, x) / factorial.into(),
        None => rest[k],
    })
}

/// Of xⁿ: binomial coefficients times powers, zero beyond a whole n ≥ 0.
pub(super) fn of_power(x: Interval, n: i32) -> Series {
    let mut binomial = Interval::from(1.0);
    let mut order = -1;
    std::array::from_fn(|_| {
        order += 1;
        let k: i32 = order;
        if k > 0 {
            let factor = f64::from(n) - f64::from(k - 1);
            binomial = binomial * factor.into() / f64::from(k).into();
        }
        if n >= 0 && k > n { 0.0.into() } else { binomial * x.powi(n.saturating_sub(k)) }
    })
}

/// Of xᵃ, x > 0; a whole a is a whole power.
pub(super) fn of_real_power(x: Interval, a: f64) -> Series {
    #[allow(clippy::cast_possible_truncation, reason = "guarded: a whole number below 2³⁰ in size")]
    if a.fract() == 0.0 && a.abs() < f64::from(1 << 30) {
        return of_power(x, a as i32);
    }
    let mut binomial = Interval::from(1.0);
    let power = |k: f64| {
        let exponent = Interval::from(a) - k.into();
        (exponent * x.ln()).exp()
    };
    std::array::from_fn(|k| {
        let k = k as f64;
        if k > 0.0 {
            binomial = binomial * (Interval::from(a) - (k - 1.0).into()) / k.into();
        }
        binomial * power(k)
    })
}

fn united_over_pieces(x: Interval, f: impl Fn(Interval) -> Series) -> Series {
    let width = x.hi() - x.lo();
    if !width.is_finite() || width <= 1e-9 * (1.0 + x.magnitude()) {
        return f(x);
    }
    let cut = |i: u32| match i {
        0 => x.lo(),
        PIECES => x.hi(),
        _ => (x.lo() + width * f64::from(i) / f64::from(PIECES)).clamp(x.lo(), x.hi()),
    };
    let first = f(Interval::new(cut(0), cut(1)));
    (1..PIECES).fold(first, |all, i| {
        let piece = f(Interval::new(cut(i), cut(i + 1)));
        std::array::from_fn(|k| all[k].hull(piece[k]))
    })
}

fn recurrence(f: Elementary, x: Interval) -> Series {
    let one = Interval::from(1.0);
    let over = |y: Interval, k: usize| y / (k as f64).into();
    match f {
        Elementary::Exp => from_first(x.exp(), |y, k| over(y[k - 1], k)),
        // f⁽ᵏ⁾/k! = (−1)ᵏ⁻¹/(k xᵏ), where ln itself exists.
        Elementary::Ln => {
            let powers = if x.lo() > 0.0 { of_power(x, -1) } else { [Interval::WHOLE; SLOTS] };
            from_first(x.ln(), |_, k| over(powers[k - 1], k))
        }
        Elementary::Sqrt => {
            from_first(x.sqrt(), |y, k| over(y[k - 1] * (0.5 - (k - 1) as f64).into() / x, k))
        }
        Elementary::Sin => circular([x.sin(), x.cos(), -x.sin(), -x.cos()]),
        Elementary::Cos => circular([x.cos(), -x.sin(), -x.cos(), x.sin()]),
        Elementary::Tanh => from_first(x.tanh(), |y, k| match k {
            1 => one - y[0].squared(),
            _ => over(-square(y, k - 1), k),
        }),
        Elementary::Sigmoid => sigmoid(x),
        Elementary::Softplus => {
            let slope = sigmoid(x);
            from_first(x.softplus(), |_, k| over(slope[k - 1], k))
        }
        Elementary::Atan => {
            let slope = from_first(one / (one + x.squared()), |u, k| {
                let before = if k > 1 { u[k - 2] } else { 0.0.into() };
                -(Interval::from(2.0) * x * u[k - 1] + before) / (one + x.squared())
            });
            from_first(x.atan(), |_, k| over(slope[k - 1], k))
        }
        Elementary::Erf => {
            let two = Interval::from(2.0);
            let slope = from_first(Elementary::Erf.on(1, x), |g, k| {
                let before = if k > 1 { g[k - 2] } else { 0.0.into() };
                -over(two * (x * g[k - 1] + before), k)
            });
            from_first(x.erf(), |_, k| over(slope[k - 1], k))
        }
        // Straight away from the kink, and nothing is known across it.
        Elementary::Relu | Elementary::Abs | Elementary::Step | Elementary::Sign => {
            from_first(f.on(0, x), |_, k| f.on(k.min(2), x))
        }
    }
}

/// y₀, and each later coefficient from those before it.
fn from_first(y0: Interval, next: impl Fn(&Series, usize) -> Interval) -> Series {
    let mut y = [Interval::from(0.0); SLOTS];
    y[0] = y0;
    for k in 1..SLOTS {
        y[k] = next(&y, k);
    }
    y
}

/// Coefficient k of y².
fn square(y: &Series, k: usize) -> Interval {
    let two = Interval::from(2.0);
    let mixed = (0..k.div_ceil(2)).fold(Interval::from(0.0), |sum, i| sum + two * y[i] * y[k - i]);
    if k.is_multiple_of(2) { mixed + y[k / 2].squared() } else { mixed }
}

/// s' = s − s².
fn sigmoid(x: Interval) -> Series {
    from_first(x.sigmoid(), |s, k| match k {
        1 => Elementary::Sigmoid.on(1, x),
        _ => (s[k - 1] - square(s, k - 1)) / (k as f64).into(),
    })
}

fn circular(cycle: [Interval; 4]) -> Series {
    let mut factorial = 1.0;
    std::array::from_fn(|k| {
        factorial *= k.max(1) as f64;
        cycle[k % 4] / factorial.into()
    })
}
