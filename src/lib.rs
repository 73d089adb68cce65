//! Lazy training, executable.
//!
//! PLACEHOLDER

pub mod cli;
pub mod data;
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
