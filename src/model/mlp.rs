//! Multi-layer perceptrons of any depth.

use super::network::LayerPlan;
use super::{Activation, Network, Parametrization};
use crate::Result;
use nalgebra::DMatrix;

/// x ↦ Wₗ φ(… φ(W₁ x + b₁) …) + bₗ, scaled layer by layer as the parametrization says.
///
/// Weights: for each layer W (outputs × inputs, row-major), then b where there are biases.
///
/// ```
/// use gradflow::prelude::*;
/// use nalgebra::dmatrix;
/// let inputs = dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0]; // three samples of dimension 2
/// let net = Mlp { hidden: vec![5, 4], ..Mlp::default() }.on(inputs).unwrap();
/// assert_eq!(net.shape(), Shape { params: (2 + 1) * 5 + (5 + 1) * 4 + (4 + 1), outputs: 3 });
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp {
    /// Widths of the hidden layers, from the inputs to the outputs; none for a linear model.
    pub hidden: Vec<usize>,
    /// k, the outputs per sample.
    pub outputs: usize,
    /// φ, after each hidden layer.
    pub activation: Activation,
    /// Whether every layer has biases.
    pub biases: bool,
    /// Factors outside the weights.
    pub parametrization: Parametrization,
}

/// Two hidden layers of 64, one output, tanh, biases, standard parametrization.
impl Default for Mlp {
    fn default() -> Self {
        Mlp {
            hidden: vec![64, 64],
            outputs: 1,
            activation: Activation::Tanh,
            biases: true,
            parametrization: Parametrization::Standard,
        }
    }
}

impl Mlp {
    /// The network over `inputs`, d × n with a column per sample.
    ///
    /// # Errors
    /// [`Value`](crate::Error::Value) for an empty layer, dimension or sample, a factor or an input that is not finite;
    /// [`TooLarge`](crate::Error::TooLarge) where one sweep would not fit into memory.
    pub fn on(&self, inputs: DMatrix<f64>) -> Result<Network> {
        self.parametrization.check()?;
        let mut fan_in = inputs.nrows();
        let mut plan = Vec::with_capacity(self.hidden.len() + 1);
        for &outputs in self.hidden.iter().chain([&self.outputs]) {
            let factors = self.parametrization.factors(fan_in.max(1));
            plan.push(LayerPlan { outputs, biases: self.biases, factors });
            fan_in = outputs;
        }
        Network::assemble(inputs, &plan, self.activation)
    }
}
