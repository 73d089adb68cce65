//! Ways to train a linear model under a square loss: the flow, and the discrete methods beside it.
//!
//! Each leaves p(Θ) r of a residual r, for a function p with p(0) = 1, mode by mode:
//!
//! ```text
//! flow      p(λ) = e^(−λt)
//! descent   p(λ) = (1 − ηλ)ⁱ
//! momentum  pᵢ₊₁ = (1 − ηλ) pᵢ + β (pᵢ − pᵢ₋₁),    p₋₁ = p₀ = 1
//! ```
//!
//! (Lee et al. 2019, eqs. 8, 9 and their recursion for momentum.) Descent stands beside the flow at t = ηi, momentum at
//! t = ηi/(1 − β): what it tends to as η → 0 at a fixed β. Where 1 − β falls as √η, momentum tends to another flow instead,
//! with inertia, p'' + ((1 − β)/√η) p' + λp = 0 in the time √η i, which is none of these.
//!
//! Descent converges for ηλ < 2 in every mode, momentum for ηλ < 2(1 + β).

use crate::{Error, Result};

/// How long and by which method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// The flow until `time`, up to and including ∞.
    Flow {
        /// t.
        time: f64,
    },
    /// wᵢ₊₁ = wᵢ − η∇.
    Descent {
        /// η.
        rate: f64,
        /// i.
        steps: usize,
    },
    /// wᵢ₊₁ = wᵢ − η∇ + β (wᵢ − wᵢ₋₁), from rest.
    Momentum {
        /// η.
        rate: f64,
        /// β.
        momentum: f64,
        /// i.
        steps: usize,
    },
}

impl Schedule {
    /// The time of the flow beside it: t, ηi or ηi/(1 − β).
    ///
    /// ```
    /// use gradflow::theory::Schedule;
    /// let momentum = Schedule::Momentum { rate: 0.01, momentum: 0.9, steps: 500 };
    /// assert!((momentum.time() - 50.0).abs() < 1e-12);
    /// ```
    pub fn time(self) -> f64 {
        match self {
            Schedule::Flow { time } => time,
            Schedule::Descent { rate, steps } => rate * steps as f64,
            Schedule::Momentum { rate, momentum, steps } => rate * steps as f64 / (1.0 - momentum),
        }
    }

    /// Refuses negative times, and rates and momenta that no descent has.
    pub(super) fn check(self) -> Result<()> {
        let positive = |rate: f64| {
            let fine = rate > 0.0 && rate.is_finite();
            if fine { Ok(()) } else { Err(Error::value("rate η", rate, "a finite number > 0")) }
        };
        match self {
            Schedule::Flow { time } if time >= 0.0 => Ok(()),
            Schedule::Flow { time } => Err(Error::value("time", time, "a number ≥ 0, or ∞")),
            Schedule::Descent { rate, .. } => positive(rate),
            Schedule::Momentum { rate, momentum, .. } => {
                if !(0.0..1.0).contains(&momentum) {
                    return Err(Error::value("momentum β", momentum, "a number ≥ 0 and below 1"));
                }
                positive(rate)
            }
        }
    }

    /// (1 − p(λ))/λ for λ ≥ 0, its limit at 0; at t = ∞ 0 for λ ≤ `cutoff`, where nothing is known to move.
    ///
    /// Everything else follows from it without cancellation: p = 1 − λ times it, and the weights move by −J₀ᵀ times it.
    pub(super) fn moved(self, lambda: f64, cutoff: f64) -> f64 {
        match self {
            Schedule::Flow { time } if time.is_infinite() => {
                if lambda > cutoff {
                    1.0 / lambda
                } else {
                    0.0
                }
            }
            Schedule::Flow { time } if lambda == 0.0 => time,
            Schedule::Flow { time } => -(-lambda * time).exp_m1() / lambda,
            Schedule::Descent { rate, steps } if lambda == 0.0 => rate * steps as f64,
            Schedule::Descent { rate, steps } => {
                let x = rate * lambda;
                // (1 − x)ⁱ through its logarithm while 1 − x is positive; else it is far from 1, and nothing cancels.
                if x < 1.0 {
                    -(steps as f64 * (-x).ln_1p()).exp_m1() / lambda
                } else {
                    (1.0 - power(1.0 - x, steps)) / lambda
                }
            }
            Schedule::Momentum { rate, momentum, steps } => {
                let (mut before, mut now) = (0.0, 0.0);
                for _ in 0..steps {
                    let next = now + rate * (1.0 - lambda * now) + momentum * (now - before);
                    (before, now) = (now, next);
                }
                now
            }
        }
    }

    /// p(λ).
    pub(super) fn left(self, lambda: f64, cutoff: f64) -> f64 {
        match self {
            Schedule::Flow { time } if time.is_finite() => (-lambda * time).exp(),
            Schedule::Descent { rate, steps } => power(1.0 - rate * lambda, steps),
            _ => 1.0 - lambda * self.moved(lambda, cutoff),
        }
    }
}

/// xⁱ for any number of steps.
fn power(x: f64, steps: usize) -> f64 {
    match i32::try_from(steps) {
        Ok(steps) => x.powi(steps),
        Err(_) if x < 0.0 && steps % 2 == 1 => -(-x).powf(steps as f64),
        Err(_) => x.abs().powf(steps as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (1 − p)/λ and p are two ways to the same thing, on both sides of every branch.
    #[test]
    fn what_has_moved_and_what_is_left_make_one() {
        let flow = |time| Schedule::Flow { time };
        let descent = |steps| Schedule::Descent { rate: 0.5, steps };
        let momentum = |steps| Schedule::Momentum { rate: 0.5, momentum: 0.8, steps };
        for schedule in [flow(0.0), flow(0.7), descent(0), descent(1), descent(13), momentum(9)] {
            for lambda in [1e-12, 0.3, 1.9, 2.0, 2.1, 3.5] {
                let (moved, left) = (schedule.moved(lambda, 0.0), schedule.left(lambda, 0.0));
                assert!((1.0 - left - lambda * moved).abs() < 1e-14, "{schedule:?} at {lambda}");
            }
            let near = schedule.moved(1e-14, 0.0);
            assert!((schedule.moved(0.0, 0.0) - near).abs() <= 1e-12 * near, "{schedule:?}");
        }
        assert_eq!(
            (flow(f64::INFINITY).moved(4.0, 1.0), flow(f64::INFINITY).left(4.0, 1.0)),
            (0.25, 0.0)
        );
        assert_eq!(
            (flow(f64::INFINITY).moved(0.5, 1.0), flow(f64::INFINITY).left(0.5, 1.0)),
            (0.0, 1.0)
        );
    }

    /// Two steps by hand: p₁ = 1 − ηλ; p₂ = (1 − ηλ)² − βηλ.
    #[test]
    fn momentum_begins_at_rest() {
        let momentum = |steps| Schedule::Momentum { rate: 0.1, momentum: 0.5, steps };
        assert!((momentum(1).left(2.0, 0.0) - 0.8).abs() < 1e-15);
        assert!((momentum(2).left(2.0, 0.0) - (0.64 - 0.1)).abs() < 1e-15);
    }
}
