//! Lazy training, executable.
#![warn(missing_docs)]

pub mod error;
pub mod flow;
mod linalg;
pub mod loss;
pub mod model;
pub mod scalar;
pub mod solve;

pub use error::{Error, Failure, Result};
pub use flow::{logarithmic, uniform};

/// What a first program needs.
pub mod prelude {
    pub use crate::flow::{Divergence, Flow, Path, Solver, logarithmic, uniform};
    pub use crate::loss::{
        CrossEntropy, Huber, Logistic, Loss, LossName, Reduction, Square, SquareScale,
    };
    pub use crate::model::{Auto, Centred, Differentiable, Doubled, Linearized, Model, Shape};
    pub use crate::scalar::Scalar;
    pub use crate::solve::{Automatic, Bdf, Comparison, Eigen, Gap, Tsit45};
    pub use crate::{Error, Result};
}
