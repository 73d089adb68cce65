//! Fully connected nets in the limit of infinite width: their kernels, and how they train.
//!
//! **Kernels** (Jacot, Gabriel, Hongler 2018, Theorem 1; Lee et al. 2019, §2 and Appendix E). A net of layers
//! zˡ⁺¹ = Wˡ⁺¹ φ(zˡ) + bˡ⁺¹ with independent normal weights tends, as its hidden layers widen, to a Gaussian process.
//! Its covariance K (the NNGP kernel) and its tangent kernel Θ, which is then deterministic and constant in training,
//! obey a recursion over layers. With (u, v) ~ N(0, Kˡ restricted to x, x'), A⁰ = x·x'/d and
//!
//! ```text
//! Aˡ = E[φ(u) φ(v)],    Ȧˡ = E[φ'(u) φ'(v)],
//! Kˡ⁺¹ = v_W Aˡ + v_b,    Θˡ⁺¹ = r_W Aˡ + r_b + v_W Ȧˡ Θˡ,    Θ⁰ = 0.
//! ```
//!
//! `v` are variances and `r` rates of learning, a pair for each layer. In the NTK parametrization `z = (σ_w/√n) W a + σ_b b`
//! both are `(σ_w², σ_b²)`. In the standard one, z = W a + b with `W ~ N(0, σ_w²/n)` and `b ~ N(0, σ_b²)`, the variances
//! are these and the rates (n, 1), n being the layer's inputs: Θ grows with the width, and the limit is that of Θ/n, at the
//! learning rate η/n. See [`WideNet`].
//!
//! **Training** (Lee et al. 2019, eqs. 8–11, 14, 15). Under ½ Σ‖f(x) − y‖² what is left of the residual after training is
//! p(Θ) times what there was: p = e^(−λt) for the flow, (1 − ηλ)ⁱ for descent ([`Schedule`]). A linearized net and the mean
//! and covariance of infinite ones follow in closed form ([`KernelTraining`], [`WideEnsemble`]).

mod closed;
mod ensemble;
mod net;
mod quadrature;
mod recursion;
mod schedule;
mod training;

pub use ensemble::{Prediction, Trained, WideEnsemble};
pub use net::WideNet;
pub use recursion::WideKernels;
pub use schedule::Schedule;
pub use training::KernelTraining;

use crate::model::Activation;

/// Variances of a pair of centred normal numbers and their covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pair {
    first: f64,
    second: f64,
    covariance: f64,
}

/// A = E[φ(u) φ(v)] and Ȧ = E[φ'(u) φ'(v)].
#[derive(Debug, Clone, Copy, PartialEq)]
struct Means {
    values: f64,
    slopes: f64,
}

/// In closed form where there is one, else by quadrature.
fn dual(activation: Activation, pair: Pair) -> Means {
    match activation {
        Activation::Relu => closed::relu(pair),
        Activation::Erf => closed::erf(pair),
        Activation::Identity => Means { values: pair.covariance, slopes: 1.0 },
        Activation::Tanh | Activation::Softplus | Activation::Sigmoid | Activation::Gelu => {
            quadrature::dual(activation, pair)
        }
    }
}
