//! Lipschitz constants from above: the least of all certificates that apply.
//!
//! Each is an upper bound by itself, rounded outward to its last line, so their minimum is one.
//!
//! | model | certificate | file | cost |
//! |---|---|---|---|
//! | linear | 0 | | |
//! | one hidden layer | norm of each neuron's block | `two_layer` | O(N p), and a few matrices of min(N, d) |
//! | more hidden layers | operator norms, layer by layer | `deep` | O(N p) and the cubes of the widths |
//! | anything written on numbers | norm jets | `jets` | one evaluation |
//! | g(w) − g(w') | the larger of both halves | here | twice that of g |
//!
//! D²(g(w) − g(w')) is block-diagonal, whence the maximum; the rows of D(g(w) − g(w')) are [Dg(w), −Dg(w')], whence
//! ‖·‖ ≤ √(‖Dg(w)‖² + ‖Dg(w')‖²). Where Dh has jumps there is no constant, and no number is given.

mod activation;
mod deep;
mod jets;
mod two_layer;

use crate::model::{Differentiable, Network, Structure, Written};
use crate::scalar::hypot_up;

/// The largest number of samples times parameters for which a network is evaluated on jets: a few seconds.
const JETS: usize = 2_000_000;
/// The same for networks of two layers, whose blocks are bounded more tightly by themselves.
const BLOCKS: usize = 20_000;
/// The same for one sweep over a network's layers.
const LAYERS: usize = 300_000_000;

/// A certified upper bound of Lip(Dh) on the ball of radius `radius` around `start`, and how it was found; ∞ and the
/// reason where there is none.
pub(crate) fn lip_jacobian(
    map: &dyn Differentiable,
    start: &[f64],
    radius: f64,
) -> (f64, &'static str) {
    if !map.is_smooth() {
        return (f64::INFINITY, "Dh is not Lipschitz: the model has kinks");
    }
    if map.is_linear() {
        return (0.0, "linear");
    }
    if !is_ball(start, radius) {
        return (f64::INFINITY, "the ball is not finite");
    }
    let found = match map.structure() {
        Structure::Linear => (0.0, "linear"),
        Structure::Opaque => {
            return (
                f64::INFINITY,
                "nothing can be certified: the model is known by its actions only",
            );
        }
        Structure::Difference(half) => {
            let (a, b) = start.split_at(start.len() / 2);
            let (first, second) = (lip_jacobian(half, a, radius), lip_jacobian(half, b, radius));
            if first.0 >= second.0 { first } else { second }
        }
        Structure::Written(model) => least(written(model, start, radius)),
        Structure::Network(network) => {
            let own = of_network(network, start, radius);
            let small = if network.layers().len() == 2 { BLOCKS } else { JETS };
            let general = (work(network) <= small).then(|| written(network, start, radius));
            least(std::iter::once(own).chain(general.into_iter().flatten()))
        }
    };
    if found.0.is_finite() { found } else { (f64::INFINITY, "no bound on this ball is finite") }
}

/// A certified upper bound of sup ‖Dh‖ on that ball; ∞ where there is none.
pub(crate) fn norm_jacobian(map: &dyn Differentiable, start: &[f64], radius: f64) -> f64 {
    if !is_ball(start, radius) {
        return f64::INFINITY;
    }
    match map.structure() {
        Structure::Opaque | Structure::Linear => f64::INFINITY,
        Structure::Difference(half) => {
            let (a, b) = start.split_at(start.len() / 2);
            hypot_up(norm_jacobian(half, a, radius), norm_jacobian(half, b, radius))
        }
        Structure::Written(model) => jets::bounds(model, start, radius).jacobian,
        Structure::Network(network) if work(network) <= LAYERS => {
            let layered = deep::bounds(network, start, radius).jacobian;
            if work(network) > JETS {
                return layered;
            }
            layered.min(jets::bounds(network, start, radius).jacobian)
        }
        Structure::Network(_) => f64::INFINITY,
    }
}

fn is_ball(start: &[f64], radius: f64) -> bool {
    radius >= 0.0 && radius.is_finite() && start.iter().all(|w| w.is_finite())
}

/// Certificates for any function of numbers.
fn written<'a>(
    model: &'a dyn Written,
    start: &'a [f64],
    radius: f64,
) -> impl Iterator<Item = (f64, &'static str)> + 'a {
    [(jets::bounds(model, start, radius).hessian, "norm jets")].into_iter()
}

/// Certificates for networks alone.
fn of_network(network: &Network, start: &[f64], radius: f64) -> (f64, &'static str) {
    if let Some(upper) = two_layer::lip_jacobian(network, start, radius) {
        return (upper, "norm of each neuron's block");
    }
    if work(network) > LAYERS {
        return (f64::INFINITY, "no bound on this ball is finite");
    }
    (deep::bounds(network, start, radius).hessian, "layer by layer")
}

/// Samples times parameters.
fn work(network: &Network) -> usize {
    network.samples().saturating_mul(network.params())
}

fn least(candidates: impl IntoIterator<Item = (f64, &'static str)>) -> (f64, &'static str) {
    let none = (f64::INFINITY, "no bound on this ball is finite");
    candidates.into_iter().fold(none, |best, next| if next.0 < best.0 { next } else { best })
}
