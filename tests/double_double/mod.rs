//! Numbers of about 106 bits as an unevaluated sum of two doubles (Dekker 1971), with elementary functions of their own:
//! an oracle for enclosures that shares no line, series or constant with them. Errors are some 10⁻³⁰ relative.

use gradflow::scalar::Elementary;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// hi + lo, |lo| at most half an ulp of hi.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DoubleDouble {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
}

type D = DoubleDouble;

const LN2: D = D { hi: std::f64::consts::LN_2, lo: 2.319_046_813_846_299_6e-17 };
const HALF_PI: D = D { hi: std::f64::consts::FRAC_PI_2, lo: 6.123_233_995_736_766e-17 };
/// What the two doubles of π/2 leave.
const HALF_PI_REST: f64 = -1.497_384_904_859_169_8e-33;
const SQRT_PI: D = D { hi: 1.772_453_850_905_516, lo: -7.666_586_499_825_799e-17 };

fn two_sum(a: f64, b: f64) -> D {
    let hi = a + b;
    let b_seen = hi - a;
    D { hi, lo: (a - (hi - b_seen)) + (b - b_seen) }
}

/// a b, each factor split into halves of 26 bits.
fn two_product(a: f64, b: f64) -> D {
    let split = |x: f64| {
        let t = 134_217_729.0 * x;
        let head = t - (t - x);
        (head, x - head)
    };
    let ((a1, a2), (b1, b2), hi) = (split(a), split(b), a * b);
    D { hi, lo: ((a1 * b1 - hi) + a1 * b2 + a2 * b1) + a2 * b2 }
}

impl From<f64> for D {
    fn from(hi: f64) -> Self {
        D { hi, lo: 0.0 }
    }
}

impl Add for D {
    type Output = D;
    fn add(self, o: D) -> D {
        let (s, t) = (two_sum(self.hi, o.hi), two_sum(self.lo, o.lo));
        let s = two_sum(s.hi, s.lo + t.hi);
        two_sum(s.hi, s.lo + t.lo)
    }
}

impl Neg for D {
    type Output = D;
    fn neg(self) -> D {
        D { hi: -self.hi, lo: -self.lo }
    }
}

impl Sub for D {
    type Output = D;
    fn sub(self, o: D) -> D {
        self + -o
    }
}

impl Mul for D {
    type Output = D;
    fn mul(self, o: D) -> D {
        let p = two_product(self.hi, o.hi);
        two_sum(p.hi, p.lo + (self.hi * o.lo + self.lo * o.hi))
    }
}

impl Div for D {
    type Output = D;
    fn div(self, o: D) -> D {
        let q1 = self.hi / o.hi;
        let r = self - o * q1.into();
        let q2 = r.hi / o.hi;
        let q3 = (r - o * q2.into()).hi / o.hi;
        two_sum(q1, q2) + q3.into()
    }
}

impl D {
    fn scale(self, factor: f64) -> D {
        D { hi: self.hi * factor, lo: self.lo * factor }
    }

    fn abs(self) -> D {
        if self.hi < 0.0 { -self } else { self }
    }

    /// f(x); `None` outside the domain, or where the oracle does not vouch for 10⁻²⁸.
    pub(crate) fn apply(self, f: Elementary) -> Option<D> {
        let one = D::from(1.0);
        let zero = D::from(0.0);
        Some(match f {
            Elementary::Exp => self.exp()?,
            Elementary::Ln => self.ln()?,
            Elementary::Sqrt => self.sqrt()?,
            Elementary::Sin => self.sin_cos()?.0,
            Elementary::Cos => self.sin_cos()?.1,
            Elementary::Tanh => self.tanh()?,
            Elementary::Atan => self.atan()?,
            Elementary::Sigmoid => one / (one + (-self).exp()?),
            Elementary::Softplus => {
                let e = (-self.abs()).exp()?;
                // ln(1 + e) = e for e below 10⁻³⁰.
                let tail = if e.hi < 1e-30 { e } else { (one + e).ln()? };
                if e.hi >= 1e-30 && e.hi < 1e-3 {
                    return None;
                }
                if self.hi > 0.0 { self + tail } else { tail }
            }
            Elementary::Erf => self.erf()?,
            Elementary::Relu => {
                if self.hi > 0.0 {
                    self
                } else {
                    zero
                }
            }
            Elementary::Abs => self.abs(),
            Elementary::Step => {
                if self.hi > 0.0 {
                    one
                } else {
                    zero
                }
            }
            Elementary::Sign => D::from(if self.hi == 0.0 { 0.0 } else { self.hi.signum() }),
        })
    }

    /// Reduced by k ln 2 and 2⁹, Taylor, squared nine times.
    fn exp(self) -> Option<D> {
        if self.hi.is_nan() || self.hi.abs() > 600.0 {
            return None;
        }
        let k = (self.hi / LN2.hi).round();
        let r = (self - LN2 * k.into()).scale(1.0 / 512.0);
        let mut m = (1..=10)
            .rev()
            .fold(D::from(1.0), |s, n| D::from(1.0) + r * s / f64::from(n + 1).into())
            * r;
        for _ in 0..9 {
            m = m.scale(2.0) + m * m;
        }
        let y = D::from(1.0) + m;
        Some(y.scale((0.5 * k).floor().exp2()).scale((k - (0.5 * k).floor()).exp2()))
    }

    /// Newton's method on exp, from the platform's logarithm.
    fn ln(self) -> Option<D> {
        if !(self.hi > 1e-250 && self.hi < 1e250) {
            return None;
        }
        let mut y = D::from(self.hi.ln());
        for _ in 0..2 {
            y = y + (self * (-y).exp()? - D::from(1.0));
        }
        // Next to 1 the result is small and its error absolute.
        (y.hi.abs() > 1e-3).then_some(y)
    }

    fn sqrt(self) -> Option<D> {
        if self.hi == 0.0 {
            return Some(self);
        }
        if self.hi.is_nan() || self.hi < 1e-250 {
            return None;
        }
        let root = D::from(self.hi.sqrt());
        Some(root + (self - root * root) / root.scale(2.0))
    }

    /// By k π/2 and Taylor's series of both.
    fn sin_cos(self) -> Option<(D, D)> {
        if self.hi.is_nan() || self.hi.abs() > 1e4 {
            return None;
        }
        let k = (self.hi / HALF_PI.hi).round();
        let r = self - HALF_PI * k.into() - (HALF_PI_REST * k).into();
        let y = r * r;
        let series = |shift: i32| {
            (1..=14).rev().fold(D::from(1.0), |s, j| {
                let m = f64::from(2 * j + shift);
                D::from(1.0) - y * s / (m * (m - 1.0)).into()
            })
        };
        let (s, c) = (r * series(1), series(0));
        // k π/2 costs an absolute error of 10⁻²⁸.
        if k != 0.0 && s.hi.abs().min(c.hi.abs()) < 1e-3 {
            return None;
        }
        let quadrant = k.rem_euclid(4.0);
        Some(match quadrant {
            q if q < 0.5 => (s, c),
            q if q < 1.5 => (c, -s),
            q if q < 2.5 => (-s, -c),
            _ => (-c, s),
        })
    }

    /// sinh/cosh by their series near 0, by exponentials elsewhere.
    fn tanh(self) -> Option<D> {
        let one = D::from(1.0);
        if self.hi.abs() > 250.0 {
            return Some(one.scale(self.hi.signum()));
        }
        if self.hi.abs() < 0.3 {
            let y = self * self;
            let series = |shift: i32| {
                (1..=12).rev().fold(one, |s, j| {
                    let m = f64::from(2 * j + shift);
                    one + y * s / (m * (m - 1.0)).into()
                })
            };
            return Some(self * series(1) / series(0));
        }
        let e = self.scale(2.0).exp()?;
        Some((e - one) / (e + one))
    }

    /// One step from the platform's value y: atan x = y + atan((x cos y − sin y)/(cos y + x sin y)).
    fn atan(self) -> Option<D> {
        if self.hi.is_nan() || self.hi.abs() > 1e100 {
            return None;
        }
        if self.hi.abs() < 1e-10 {
            // x − x³/3.
            return Some(self - self * self * self / 3.0.into());
        }
        let y = D::from(self.hi.atan());
        let (s, c) = if y.hi.abs() < 1.569 { y.sin_cos()? } else { return None };
        Some(y + (self * c - s) / (c + self * s))
    }

    /// The series of positive terms, Σ 2ⁿ x²ⁿ⁺¹/(2n+1)!! · 2/√π e^(−x²).
    fn erf(self) -> Option<D> {
        if self.hi.abs() > 9.0 {
            return Some(D::from(self.hi.signum()));
        }
        let y = (self * self).scale(2.0);
        let (mut term, mut sum, mut n) = (self, self, 1.0);
        while term.hi.abs() > 1e-33 * sum.hi.abs() {
            n += 2.0;
            term = term * y / D::from(n);
            sum = sum + term;
        }
        Some(sum.scale(2.0) / SQRT_PI * (-(self * self)).exp()?)
    }

    /// xⁿ for a small whole n.
    pub(crate) fn powi(self, n: i32) -> Option<D> {
        let power = (0..n.abs()).fold(D::from(1.0), |y, _| y * self);
        Some(if n < 0 { D::from(1.0) / power } else { power })
    }
}
