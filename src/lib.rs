//! Lazy training, executable.
//!
//! Take a differentiable model h : Rᵖ → Rᴺ, a loss R and a scale α. *On Lazy Training in Differentiable Programming*
//! (Chizat, Oyallon, Bach 2019) compares two gradient flows from the same start w₀:
//!
//! ```text
//! w' = −(1/α) Dh(w)ᵀ ∇R(α h(w))           the model, y = α h(w)
//! w̄' = −(1/α) Dh(w₀)ᵀ ∇R(α h̄(w̄))          its linearization h̄(w) = h(w₀) + Dh(w₀)(w − w₀), ȳ = α h̄(w̄)
//! ```
//!
//! and shows that for h(w₀) = 0 and large α they stay together: on a fixed horizon sup‖w − w₀‖ = O(1/α),
//! sup‖w − w̄‖ = O(1/α²) and sup‖y − ȳ‖ = O(1/α) (Theorem 2.2). This crate integrates both flows and the gap between
//! them, each as an unknown of its own, so that the gap is exact to the tolerance at every α up to and including ∞,
//! where it gives the sharp constants of those rates.
//!
//! ```
#![doc = include_str!("../examples/first_flow.rs")]
//! ```
//!
//! prints
//!
//! ```text
#![doc = include_str!("../examples/first_flow.out")]
//! ```
//!
//! Where to look: [`model`] for what a model is, [`loss`] for R, [`flow`] for the definitions, [`solve`] for how to
//! choose a solver and for [`solve::Gap`], [`scalar`] for the numbers that make derivatives and exact increments,
//! [`constants`] for norms, Lipschitz constants and κ with their evidence, [`theory`] for theorems as values, [`data`]
//! for inputs, [`experiment`] and [`figure`] for runs and pictures, [`device`] for large Jacobians on a card.

pub mod cli;
pub mod constants;
pub mod data;
pub mod device;
pub mod error;
pub mod experiment;
pub mod figure;
mod files;
pub mod flow;
mod linalg;
pub mod loss;
pub mod model;
pub mod random;
pub mod scalar;
pub mod solve;
pub mod theory;
pub mod threads;

pub use error::{Error, Failure, Result};
pub use flow::{logarithmic, uniform};

/// What a first program needs.
pub mod prelude {
    pub use crate::data::Dataset;
    pub use crate::flow::{Divergence, Flow, Path, Solver, logarithmic, uniform};
    pub use crate::loss::{CrossEntropy, Huber, Logistic, Loss, Square};
    pub use crate::model::{
        Activation, Auto, Centred, Differentiable, Doubled, Formula, Initialization, Linearized,
        Mlp, Model, Network, Parametrization, Scaling, Shape, TwoLayer,
    };
    pub use crate::random::Generator;
    pub use crate::scalar::Scalar;
    pub use crate::solve::{Automatic, Bdf, Comparison, Eigen, Gap, Tsit45};
    pub use crate::{Error, Result};
}

/// The README's program, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
