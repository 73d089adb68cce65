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
//! *Hypotheses*: φ Lipschitz; all hidden widths to infinity. Inputs need not differ: at equal ones the rows of K and Θ are equal.
//! Means over (u, v) are closed forms (relu, erf, identity) or quadratures to 1e-13, for variances up to 1e10; nearly parallel
//! inputs lose no digits in the first layer, and with relu in none.
//!
//! **Training** (Lee et al. 2019, eqs. 8–11, 14, 15). Under ½ Σ‖f(x) − y‖² what is left of the residual after training is
//! p(Θ) times what there was: p = e^(−λt) for the flow, (1 − ηλ)ⁱ for descent ([`Schedule`]). A linearized net and the mean
//! and covariance of infinite ones follow in closed form ([`KernelTraining`], [`WideEnsemble`]).
//!
//! *Hypotheses* of their Theorem 2.1, under which a net of width n trains as its linearization does up to O(n^(−1/2)), at any
//! time and with a probability as near to 1 as one likes: all hidden layers have n neurons (or widths of fixed ratios); Θ is
//! positive definite over the training inputs, which differ and lie in a bounded set; φ and φ' are Lipschitz (relu's is not:
//! there it is found in experiments only); the rate is below `η_crit` (η/n in the standard parametrization), or the flow. The
//! formulas here are those of the linear model and of the limit: they ask for nothing, and at null eigenvalues leave what
//! training cannot move.

mod closed;
mod ensemble;
mod net;
mod quadrature;
mod recursion;
mod schedule;
mod smoothed;
mod training;

pub use ensemble::{Prediction, Trained, WideEnsemble};
pub use net::WideNet;
pub use recursion::WideKernels;
pub use schedule::Schedule;
pub use training::KernelTraining;

use crate::model::Activation;

/// Variances q, q' of a pair of centred normal numbers and their covariance c.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pair {
    first: f64,
    second: f64,
    covariance: f64,
    /// 1 − ρ², ρ = c/√(qq'), kept apart because it cancels where both are nearly one direction; 1 where a variance is 0.
    sine_squared: f64,
}

impl Pair {
    /// A number with itself.
    fn alone(variance: f64) -> Pair {
        let sine_squared = if variance > 0.0 { 0.0 } else { 1.0 };
        Pair { first: variance, second: variance, covariance: variance, sine_squared }
    }

    /// Both numbers times the root of `factor`.
    fn scaled(self, factor: f64) -> Pair {
        Pair {
            first: factor * self.first,
            second: factor * self.second,
            covariance: factor * self.covariance,
            ..self
        }
    }
}

/// A = E[φ(u) φ(v)] and Ȧ = E[φ'(u) φ'(v)].
#[derive(Debug, Clone, Copy, PartialEq)]
struct Means {
    values: f64,
    slopes: f64,
    /// Where it is known better than from A itself.
    apart: Option<Apart>,
}

/// How far φ(u) and φ(v) are from being one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Apart {
    /// 1 − A²/(E φ(u)² E φ(v)²); 1 where one of them is 0.
    sine_squared: f64,
    /// E (φ(u) − φ(v))².
    distance: f64,
}

/// In closed form where there is one, else by quadrature.
fn dual(activation: Activation, pair: Pair) -> Means {
    match activation {
        Activation::Relu => closed::relu(pair),
        Activation::Erf => closed::erf(pair),
        Activation::Identity => Means { values: pair.covariance, slopes: 1.0, apart: None },
        // σ(x) = (1 + tanh(x/2))/2, and the mean of tanh is 0.
        Activation::Sigmoid => {
            let found = quadrature::dual(Activation::Tanh, pair.scaled(0.25));
            Means { values: 0.25 + 0.25 * found.values, slopes: found.slopes / 16.0, apart: None }
        }
        Activation::Tanh | Activation::Softplus | Activation::Gelu => {
            quadrature::dual(activation, pair)
        }
    }
}
