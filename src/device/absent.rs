//! No card: what stands for the card's side in a build without the feature `cuda`.

use super::cost::Rates;
use crate::{Error, Result};
use nalgebra::DMatrix;

/// There is none to choose.
pub(super) fn choose(_memory: usize) -> Result<()> {
    Err(Error::Conflict {
        found: "the device cuda, in a gradflow that was built without it".into(),
        remedy: "build it with `cargo build --release --features cuda` where CUDA's driver is, or take --device cpu"
            .into(),
    })
}

pub(super) fn release() {}

pub(super) fn describe() -> Option<String> {
    None
}

pub(super) fn rates() -> Option<Rates> {
    None
}

pub(super) fn gram(_j: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    None
}

pub(super) fn ready() -> Result<()> {
    choose(0)
}

pub(super) fn gram_of_floats(_j: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    choose(0).map(|()| DMatrix::zeros(0, 0))
}

/// A Jacobian on a card: there is none.
pub(super) enum Resident {}

impl Resident {
    pub(super) fn hold(_j: &DMatrix<f64>, _always: bool) -> Option<(Option<Self>, DMatrix<f64>)> {
        None
    }

    pub(super) fn columns(&self) -> usize {
        match *self {}
    }

    pub(super) fn product(&self, _j: &DMatrix<f64>, _x: &[f64], _y: &mut [f64]) -> bool {
        match *self {}
    }

    pub(super) fn transposed_product(&self, _j: &DMatrix<f64>, _u: &[f64], _z: &mut [f64]) -> bool {
        match *self {}
    }
}
