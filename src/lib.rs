//! Lazy training, executable.
#![warn(missing_docs)]

pub mod error;
pub mod experiment;
pub mod figure;
mod files;
mod linalg;
pub mod loss;
pub mod model;
pub mod scalar;

pub use error::{Error, Failure, Result};

/// What a first program needs.
pub mod prelude {
    pub use crate::loss::{Loss, Square};
    pub use crate::model::{Auto, Centred, Differentiable, Doubled, Linearized, Model, Shape};
    pub use crate::scalar::Scalar;
    pub use crate::{Error, Result};
}
