//! Lipschitz constants from below, by seeded ascent: every number returned is attained at a point of the ball.
//!
//! ‖D²h(w)‖ = sup q·D²h(w)[u, v] over unit q, u, v is approached by maximizing over one of the three at a time, which
//! never decreases the value: `u ∝ D[Dh(·)ᵀq](w) v` is one curvature, q ∝ D²h[u, v] two second-order sweeps forward, by
//! polarization. The point moves likewise: the gradient of w ↦ q·D²h(w)[u, v] is D³h contracted with q, u, v, a central
//! difference of two curvatures, and the next point is where the ball reaches furthest along it (Frank and Wolfe 1956,
//! for maximizing). Several restarts, each from its own stream of chance, so that more of them never find less.

use crate::linalg::{dot, norm};
use crate::model::{Differentiable, Displacement};
use crate::random::Generator;

/// Restarts of one ascent each: about a hundred curvatures a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// How many; the first starts at the centre of the ball, the others on its sphere.
    pub restarts: usize,
}

impl Effort {
    /// One restart.
    pub const SMALL: Effort = Effort { restarts: 1 };
    /// For comparisons with certified constants.
    pub const LARGE: Effort = Effort { restarts: 24 };
}

/// Starts of the iteration for the norm at one point.
const STARTS: u64 = 6;
/// Iterations there, at most.
const ITERATIONS: usize = 60;
/// Iterations at the first point of an ascent, and at each of the following.
const FIRST: usize = 14;
const NEXT: usize = 6;
/// Moves of the point in one ascent.
const MOVES: usize = 10;
/// An iteration that gains less has settled.
const SETTLED: f64 = 1e-10;
/// Keeps points inside the ball in spite of rounding.
const INSIDE: f64 = 1.0 - 1e-12;

/// A value q·D²h(w)[u, v] (or q·Dh(w) v) with its directions; u and v are the same for Dh.
#[derive(Debug, Clone)]
struct Attained {
    value: f64,
    q: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
}

/// What is maximized at a point, and how its value changes with the point.
trait Objective {
    /// Improves the directions at `w` up to `iterations` times; never returns less than is attained at the first.
    fn improved(&self, w: &[f64], from: Attained, iterations: usize) -> Attained;
    /// The gradient of the value with respect to w, for fixed directions.
    fn gradient(&self, w: &[f64], at: &Attained, reach: f64) -> Vec<f64>;
    /// p and N.
    fn sizes(&self) -> (usize, usize);

    /// Random directions.
    fn random(&self, generator: &mut Generator) -> Attained {
        let (params, outputs) = self.sizes();
        let v = generator.sphere(params);
        Attained { value: 0.0, q: generator.sphere(outputs), u: v.clone(), v }
    }

    /// One ascent in the ball.
    fn ascent(&self, start: &[f64], radius: f64, restart: usize, generator: &mut Generator) -> f64 {
        let direction = generator.sphere(start.len());
        let first = self.random(generator);
        let mut w = if restart == 0 { start.to_vec() } else { furthest(start, radius, &direction) };
        let mut best = self.improved(&w, first, FIRST);
        for _ in 0..if radius > 0.0 { MOVES } else { 0 } {
            let gradient = self.gradient(&w, &best, radius);
            let next = furthest(start, radius, &gradient);
            let found = self.improved(&next, best.clone(), NEXT);
            let settled = found.value <= best.value * (1.0 + SETTLED);
            if found.value > best.value {
                (w, best) = (next, found);
            }
            if settled {
                break;
            }
        }
        best.value
    }

    /// The best of all restarts.
    fn best(&self, start: &[f64], radius: f64, effort: Effort, generator: &Generator) -> f64 {
        let (params, outputs) = self.sizes();
        if params == 0 || outputs == 0 {
            return 0.0;
        }
        let one = |k: usize| self.ascent(start, radius, k, &mut generator.stream(k as u64));
        (0..effort.restarts.max(1)).map(one).fold(0.0, f64::max)
    }
}

/// The point of the ball that lies furthest along `direction`; its centre where there is no direction.
fn furthest(start: &[f64], radius: f64, direction: &[f64]) -> Vec<f64> {
    let size = norm(direction);
    let step = if size > 0.0 && size.is_finite() { radius * INSIDE / size } else { 0.0 };
    start.iter().zip(direction).map(|(w, d)| if step > 0.0 { w + step * d } else { *w }).collect()
}

/// x/|x| and |x|; nothing where it is 0 or not finite.
fn normalized(x: Vec<f64>) -> Option<(Vec<f64>, f64)> {
    let size = norm(&x);
    (size > 0.0 && size.is_finite()).then(|| (x.iter().map(|x| x / size).collect(), size))
}

/// ‖D²h(w)‖.
struct Second<'a>(&'a dyn Differentiable);

impl Second<'_> {
    fn curvature(&self, w: &[f64], q: &[f64], v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; w.len()];
        self.0.curvature(w, q, v, &mut out);
        out
    }

    /// ½ D²h(w)[u, u].
    fn half_square(&self, w: &[f64], u: &[f64]) -> Vec<f64> {
        let outputs = self.0.shape().outputs;
        let (zero, mut first, mut rest) =
            (vec![0.0; w.len()], vec![0.0; outputs], vec![0.0; outputs]);
        let at = Displacement { start: w, first: u, rest: &zero, eps: 0.0 };
        self.0.expand(at, &mut first, &mut rest);
        rest
    }

    /// D²h(w)[u, v] = ¼ (D²h[u+v, u+v] − D²h[u−v, u−v]).
    fn bilinear(&self, w: &[f64], u: &[f64], v: &[f64]) -> Vec<f64> {
        let combined = |s: f64| u.iter().zip(v).map(|(u, v)| u + s * v).collect::<Vec<_>>();
        let (sum, difference) =
            (self.half_square(w, &combined(1.0)), self.half_square(w, &combined(-1.0)));
        sum.iter().zip(difference).map(|(s, d)| 0.5 * (s - d)).collect()
    }
}

impl Objective for Second<'_> {
    fn sizes(&self) -> (usize, usize) {
        (self.0.shape().params, self.0.shape().outputs)
    }

    /// The value is `|D[Dh(·)ᵀq](w) v|`, attained with u along it.
    fn improved(&self, w: &[f64], from: Attained, iterations: usize) -> Attained {
        let mut best = Attained { value: 0.0, ..from };
        for step in 0..iterations {
            // By turns from v to u and from u to v.
            let Some((u, value)) = normalized(self.curvature(w, &best.q, &best.v)) else { break };
            let gain = value - best.value;
            let v = best.v;
            best = Attained { value: value.max(best.value), q: best.q, u: v.clone(), v: u };
            if step > 1 && gain <= SETTLED * value {
                break;
            }
            match normalized(self.bilinear(w, &best.u, &best.v)) {
                Some((q, _)) => best.q = q,
                None => break,
            }
        }
        best
    }

    fn gradient(&self, w: &[f64], at: &Attained, reach: f64) -> Vec<f64> {
        let step = reach.min(1e-4 * (1.0 + norm(w)));
        let moved = |s: f64| w.iter().zip(&at.u).map(|(w, u)| w + s * step * u).collect::<Vec<_>>();
        let (ahead, behind) =
            (self.curvature(&moved(1.0), &at.q, &at.v), self.curvature(&moved(-1.0), &at.q, &at.v));
        // Only the direction is used.
        ahead.iter().zip(behind).map(|(a, b)| a - b).collect()
    }
}

/// ‖Dh(w)‖.
struct First<'a>(&'a dyn Differentiable);

impl Objective for First<'_> {
    fn sizes(&self) -> (usize, usize) {
        (self.0.shape().params, self.0.shape().outputs)
    }

    fn improved(&self, w: &[f64], from: Attained, iterations: usize) -> Attained {
        let mut best = Attained { value: 0.0, ..from };
        for _ in 0..2 * iterations {
            let (mut dy, mut dw) = (vec![0.0; best.q.len()], vec![0.0; w.len()]);
            self.0.jvp(w, &best.v, &mut dy);
            let Some((q, value)) = normalized(dy) else { break };
            let gain = value - best.value;
            best = Attained { value: value.max(best.value), q, ..best };
            self.0.vjp(w, &best.q, &mut dw);
            let Some((v, _)) = normalized(dw) else { break };
            (best.u, best.v) = (v.clone(), v);
            if gain <= SETTLED * value {
                break;
            }
        }
        best
    }

    fn gradient(&self, w: &[f64], at: &Attained, _: f64) -> Vec<f64> {
        let mut out = vec![0.0; w.len()];
        self.0.curvature(w, &at.q, &at.v, &mut out);
        // Uphill, whatever the sign of q·Dh v.
        let mut dy = vec![0.0; at.q.len()];
        self.0.jvp(w, &at.v, &mut dy);
        let sign = 1.0_f64.copysign(dot(&dy, &at.q));
        out.iter_mut().for_each(|x| *x *= sign);
        out
    }
}

/// ‖D²h(w)‖ from below, several times from random directions; 0 for linear models.
///
/// ```
/// use gradflow::constants::sampled;
/// use gradflow::prelude::*;
/// let h = Formula::parse("a*b", &[]).unwrap().without_inputs().unwrap().auto();
/// let found = sampled::norm_hessian(&h, &[3.0, 5.0], &Generator::seeded(0));
/// assert!((found - 1.0).abs() < 1e-9); // the matrix (0 1; 1 0)
/// ```
pub fn norm_hessian(map: &dyn Differentiable, w: &[f64], generator: &Generator) -> f64 {
    let second = Second(map);
    if map.is_linear() || w.is_empty() || map.shape().outputs == 0 {
        return 0.0;
    }
    let one =
        |k: u64| second.improved(w, second.random(&mut generator.stream(k)), ITERATIONS).value;
    (0..STARTS).map(one).fold(0.0, f64::max)
}

/// Lip(Dh) on the ball |w − `start`| ≤ `radius` from below: the greatest ‖D²h(w)‖ met; 0 for linear models. Where the
/// model has kinks, away from them.
pub fn lip_jacobian(
    map: &dyn Differentiable,
    start: &[f64],
    radius: f64,
    effort: Effort,
    generator: &Generator,
) -> f64 {
    if map.is_linear() { 0.0 } else { Second(map).best(start, radius, effort, generator) }
}

/// Lip(h) on the ball from below: the greatest ‖Dh(w)‖ met.
pub fn lip_h(
    map: &dyn Differentiable,
    start: &[f64],
    radius: f64,
    effort: Effort,
    generator: &Generator,
) -> f64 {
    First(map).best(start, radius, effort, generator)
}
