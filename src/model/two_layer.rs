//! The paper's two-layer network (Chizat et al. 2019, §1.2, §3.1).

use super::network::LayerPlan;
use super::{Activation, Network, Scaling};
use crate::Result;
use nalgebra::DMatrix;

/// h(w, x) = α(m) Σⱼ aⱼ φ(bⱼ·x [+ cⱼ]) with m neurons and k outputs; both layers train.
///
/// Weights: B (m × d, row-major), c (m, where there are biases), a (k × m, row-major).
///
/// ```
/// use gradflow::prelude::*;
/// use nalgebra::dmatrix;
/// // Two neurons on one input of dimension 1: h = (1/√2) (a₁ tanh(b₁ x) + a₂ tanh(b₂ x)).
/// let net = TwoLayer { width: 2, ..TwoLayer::default() }.on(dmatrix![0.5]).unwrap();
/// let mut y = [0.0];
/// net.value(&[1.0, -2.0, 3.0, 4.0], &mut y);
/// let expected = (3.0 * 0.5_f64.tanh() + 4.0 * (-1.0_f64).tanh()) / 2.0_f64.sqrt();
/// assert!((y[0] - expected).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TwoLayer {
    /// m, the number of neurons.
    pub width: usize,
    /// k, the outputs per sample.
    pub outputs: usize,
    /// φ.
    pub activation: Activation,
    /// Whether neurons have biases c.
    pub biases: bool,
    /// α(m).
    pub scaling: Scaling,
}

/// 100 neurons, one output, tanh, no biases, 1/√m.
impl Default for TwoLayer {
    fn default() -> Self {
        TwoLayer {
            width: 100,
            outputs: 1,
            activation: Activation::Tanh,
            biases: false,
            scaling: Scaling::default(),
        }
    }
}

impl TwoLayer {
    /// The network over `inputs`, d × n with a column per sample.
    ///
    /// # Errors
    /// [`Value`](crate::Error::Value) for an empty width, output, dimension or sample, or an input that is not finite;
    /// [`TooLarge`](crate::Error::TooLarge) where one sweep would not fit into memory.
    pub fn on(&self, inputs: DMatrix<f64>) -> Result<Network> {
        // The factors of an empty layer are never used: it is refused.
        let output_factor = self.scaling.factor(self.width.max(1));
        let plan = [
            LayerPlan { outputs: self.width, biases: self.biases, factors: (1.0, 1.0) },
            LayerPlan { outputs: self.outputs, biases: false, factors: (output_factor, 1.0) },
        ];
        Network::assemble(inputs, &plan, self.activation)
    }
}
