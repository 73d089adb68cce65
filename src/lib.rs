//! Lazy training, executable.
#![warn(missing_docs)]

pub mod data;
pub mod error;
mod linalg;
pub mod loss;
pub mod model;
pub mod random;
pub mod scalar;

pub use error::{Error, Failure, Result};

/// What a first program needs.
pub mod prelude {
    pub use crate::data::Dataset;
    pub use crate::loss::{
        CrossEntropy, Huber, Logistic, Loss, LossName, Reduction, Square, SquareScale,
    };
    pub use crate::model::{Auto, Centred, Differentiable, Doubled, Linearized, Model, Shape};
    pub use crate::random::Generator;
    pub use crate::scalar::Scalar;
    pub use crate::{Error, Result};
}
