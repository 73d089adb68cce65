//! sin, cos and atan, enclosed.
//!
//! sin x and cos x by x = k π/2 + r, |r| < 0.79, with π/2 in three parts of 30 bits, whose products with k < 2²³ are
//! exact, and a tail in an interval: r keeps its digits even next to a multiple of π/2. Beyond |x| = 10⁷ the answer is
//! [−1, 1]. atan x = atan c + atan((x − c)/(1 + cx)) with c = 0, ½ or 1 brings the argument below ¼, after
//! atan x = π/2 − atan(1/x) for x > 1. Then Taylor's series; their terms alternate and fall, so the sum of those left
//! out lies between 0 and the first of them.

use super::Interval;
use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, FRAC_PI_2, FRAC_PI_4};

/// π/2 = three parts of 30 bits + tail.
const QUARTER_TURN: [f64; 3] =
    [1.570_796_325_802_803, 9.920_935_791_635_221e-10, 5.170_182_978_890_25e-19];
const QUARTER_TURN_TAIL: Interval = Interval::from_below(2.903_855_973_979_36e-28);

/// 1/(2π), 2 ulp wide.
const TURNS: Interval = Interval::next_to(0.5 * FRAC_1_PI);

/// sin(x + n π/2) over an interval, n from 0 to 6: sine, cosine and their derivatives.
pub(super) fn wave(x: Interval, n: f64) -> Interval {
    let ends = wave_at(x.lo, n).hull(wave_at(x.hi, n));
    if x.lo == x.hi {
        return ends;
    }
    // The phase in turns; maxima lie at ¼ + whole numbers, minima at ¾.
    let phase = x * TURNS + Interval::from(0.25 * n);
    let meets = |fraction: f64| {
        let shifted = phase - Interval::from(fraction);
        shifted.lo.ceil() <= shifted.hi.floor()
    };
    Interval {
        lo: if meets(0.75) { -1.0 } else { ends.lo },
        hi: if meets(0.25) { 1.0 } else { ends.hi },
    }
}

/// sin(x + n π/2).
fn wave_at(x: f64, n: f64) -> Interval {
    let range = Interval::new(-1.0, 1.0);
    if x.abs() > 1e7 {
        return range;
    }
    let k = (x * FRAC_2_PI).round();
    let times = Interval::from(k);
    let near = QUARTER_TURN.iter().fold(Interval::from(x), |r, part| r - times * (*part).into());
    let r = near - times * QUARTER_TURN_TAIL;
    let quadrant = (k + n).rem_euclid(4.0);
    let wave = if quadrant == 0.0 || quadrant == 2.0 { sin_near(r) } else { cos_near(r) };
    let wave = if quadrant >= 2.0 { -wave } else { wave };
    wave.intersection(range).unwrap_or(range)
}

/// r (1 − r²/(2·3) (1 − r²/(4·5) (…))) for |r| < 0.79; the eleventh bracket lies in [1 − r²/420, 1].
fn sin_near(r: Interval) -> Interval {
    r * alternating(r.squared(), 1.0)
}

/// 1 − r²/(1·2) (1 − r²/(3·4) (…)) for |r| < 0.79; the eleventh bracket lies in [1 − r²/380, 1].
fn cos_near(r: Interval) -> Interval {
    alternating(r.squared(), 0.0)
}

/// The nested brackets of both, `shift` 1 for sine and 0 for cosine.
fn alternating(y: Interval, shift: f64) -> Interval {
    let one = Interval::from(1.0);
    (1..=9).rev().fold(Interval::new(0.998, 1.0), |sum, j| {
        let m = f64::from(2 * j) + shift;
        one - y * sum / Interval::from(m * (m - 1.0))
    })
}

/// atan x.
pub(super) fn atan_at(x: f64) -> Interval {
    if x < 0.0 {
        return -atan_at(-x);
    }
    if x > 1.0 {
        return Interval::from_below(FRAC_PI_2) - atan_near(Interval::from(1.0) / x.into());
    }
    atan_near(x.into())
}

/// atan a for a narrow interval within [0, 1], to rounding.
fn atan_near(a: Interval) -> Interval {
    let one = Interval::from(1.0);
    if a.lo < 0.25 {
        return atan_series(a);
    }
    let (c, atan_c) = if a.lo < 0.75 {
        (Interval::from(0.5), Interval::from_below(0.463_647_609_000_806_1))
    } else {
        (one, Interval::from_below(FRAC_PI_4))
    };
    atan_c + atan_series((a - c) / (one + c * a))
}

/// t Σ (−1)ʲ t²ʲ/(2j+1) for |t| < 0.251; from j = 15 on the sum is −t³⁰ times a number in [0, 1/31].
fn atan_series(t: Interval) -> Interval {
    let y = t.squared();
    let one = Interval::from(1.0);
    let tail = Interval::new(0.0, 0.0323);
    let sum =
        (0..15).rev().fold(tail, |sum, j| one / Interval::from(f64::from(2 * j + 1)) - y * sum);
    t * sum
}

/// The derivatives of atan on a narrow interval: u, −2x u² and (6x² − 2) u³ with u = 1/(1 + x²); for |x| > 10²⁰ in
/// v = 1/x, where nothing overflows.
pub(super) fn atan_derivative(order: usize, x: Interval) -> Interval {
    let [one, two, six] = [1.0, 2.0, 6.0].map(Interval::from);
    if x.mignitude() > 1e20 {
        let v = one / x;
        let (square, scale) = (v.squared(), one + v.squared());
        return match order {
            1 => square / scale,
            2 => -two * v * square / scale.squared(),
            _ => (six - two * square) * square.squared() / (scale * scale.squared()),
        };
    }
    let u = one / (one + x.squared());
    match order {
        1 => u,
        2 => -two * x * u.squared(),
        _ => (six * x.squared() - two) * (u * u.squared()),
    }
}
