//! Large variances: what is left of an activation once a smoothed step or ramp, whose means are known, is taken off.
//!
//! Far from 0 tanh is the sign and softplus and gelu are relu. With z ~ N(0, 1) independent, smoothed ones are
//!
//! ```text
//! step  E sign(x + τz) = erf(x/(τ√2)),      ramp  S(x; τ) = E relu(x + τz) = x Φ(x/τ) + τ n(x/τ),
//! ```
//!
//! n and Φ being the normal density and its distribution function. A product of two of a pair (u, v) with independent z has
//! the mean of the sharp one at variances q + τ² and q' + τ² (Williams 1997; Cho and Saul 2009). Given v, u is normal, and
//! the mean of a smoothed one of u is again one, of larger τ. The rest φ − S falls as e^(−2|x|) (tanh), e^(−|x|) (softplus)
//! or e^(−x²/2) (gelu), so that it fills a few units of x however large the variances are.

use super::{Means, Pair, closed};
use crate::model::Activation;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, PI};

/// What is taken off an activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Smoothed {
    /// erf(x/(τ√2)), off the value of tanh alone: its slope falls as fast by itself.
    Step {
        /// τ².
        width: f64,
    },
    /// x Φ(x/τ) + τ n(x/τ), and Φ(x/τ) off the slope.
    Ramp {
        /// τ².
        width: f64,
    },
}

impl Smoothed {
    /// What stands for φ far from 0, as wide as it is there (gelu: exactly x Φ(x) + n(x)); nothing for those that come here
    /// in tests only.
    pub(super) fn of(activation: Activation) -> Option<Self> {
        match activation {
            // The same slope at 0: √(2/π)/τ = 1.
            Activation::Tanh => Some(Smoothed::Step { width: FRAC_2_PI }),
            // The same curvature there: 1/(τ√(2π)) = ¼.
            Activation::Softplus => Some(Smoothed::Ramp { width: 8.0 / PI }),
            Activation::Gelu => Some(Smoothed::Ramp { width: 1.0 }),
            _ => None,
        }
    }

    /// τ².
    pub(super) fn width(self) -> f64 {
        match self {
            Smoothed::Step { width } | Smoothed::Ramp { width } => width,
        }
    }

    /// |x| beyond which the rest is below 1e-17.
    pub(super) fn reach(activation: Activation) -> f64 {
        match activation {
            Activation::Tanh => 20.0,
            Activation::Softplus => 40.0,
            Activation::Gelu => 9.0,
            _ => f64::INFINITY,
        }
    }

    /// |v| beyond which g(u) g(v) is below 1e-17 at that u, of two with a `reach`: exponents add up.
    pub(super) fn left(activation: Activation, reach: f64, u: f64) -> f64 {
        match activation {
            Activation::Gelu => (reach * reach - u * u).max(0.0).sqrt(),
            _ => (reach - u.abs()).max(0.0),
        }
    }

    /// E[S(u) S(v)] and E[S'(u) S'(v)], the latter 0 for a step.
    pub(super) fn pair(self, pair: Pair) -> Means {
        let Pair { first, second, covariance, sine_squared } = pair;
        let width = self.width();
        // Both variances grow by τ²; nothing cancels in what that does to qq' − c².
        let determinant = first * second * sine_squared + width * (first + second + width);
        let (first, second) = (first + width, second + width);
        match self {
            // E sign(u) sign(v) = (2/π) asin of the correlation.
            Smoothed::Step { .. } => Means {
                values: 2.0 / PI * covariance.atan2(determinant.sqrt()),
                slopes: 0.0,
                apart: None,
            },
            Smoothed::Ramp { .. } => {
                let sine_squared = determinant / first / second;
                let found = closed::relu(Pair { first, second, covariance, sine_squared });
                Means { apart: None, ..found }
            }
        }
    }

    /// E S and E S' (0 for a step) of a normal number of that mean and variance.
    pub(super) fn given(self, mean: f64, variance: f64) -> (f64, f64) {
        let tau = (self.width() + variance).sqrt();
        let z = mean / tau;
        match self {
            Smoothed::Step { .. } => (libm::erf(FRAC_1_SQRT_2 * z), 0.0),
            Smoothed::Ramp { .. } => {
                let below = below(z);
                (mean * below + tau * density(z), below)
            }
        }
    }

    /// φ − S and φ' − S' (φ' for a step) of every x: `values` come as x; all slices have one length.
    pub(super) fn rest(self, activation: Activation, values: &mut [f64], slopes: &mut [f64]) {
        match self {
            Smoothed::Step { width } => {
                let x = values.to_vec();
                activation.fill(values, slopes);
                let factor = FRAC_1_SQRT_2 / width.sqrt();
                values.iter_mut().zip(x).for_each(|(value, x)| *value -= libm::erf(factor * x));
            }
            Smoothed::Ramp { width } => {
                for (value, slope) in values.iter_mut().zip(slopes) {
                    let x = *value;
                    (*value, *slope) = match activation {
                        Activation::Gelu => (-density(x), x * density(x)),
                        _ => softplus_less_ramp(x, width.sqrt()),
                    };
                }
            }
        }
    }
}

/// An even function of x and its odd slope, from the tail of softplus and of the ramp, where nothing cancels.
fn softplus_less_ramp(x: f64, tau: f64) -> (f64, f64) {
    let far = -x.abs();
    let (small, tail) = (far.exp(), below(far / tau));
    let value = small.ln_1p() - (far * tail + tau * density(far / tau));
    let slope = small / (1.0 + small) - tail;
    (value, if x > 0.0 { -slope } else { slope })
}

/// n(z).
fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Φ(z).
fn below(z: f64) -> f64 {
    0.5 * libm::erfc(-FRAC_1_SQRT_2 * z)
}
