//! What a network may measure: every size is checked here, once, so that later arithmetic cannot overflow.

use super::super::dense::Dense;
use crate::{Error, Result};
use nalgebra::DMatrix;

/// The largest working memory of one sweep, in bytes: 16 GiB.
const LIMIT: u128 = 16 << 30;

/// A layer before it has a place.
#[derive(Debug, Clone)]
pub(crate) struct LayerPlan {
    pub(crate) outputs: usize,
    pub(crate) biases: bool,
    /// Of A Wᵀ and of b.
    pub(crate) factors: (f64, f64),
}

impl LayerPlan {
    /// What `layer` was built from.
    pub(crate) fn of(layer: &Dense) -> Self {
        LayerPlan {
            outputs: layer.outputs,
            biases: layer.biases.is_some(),
            factors: (layer.weight_factor, layer.bias_factor),
        }
    }
}

/// Refuses empty sizes, data that are not finite, and networks whose sweep does not fit into memory.
pub(crate) fn check(inputs: &DMatrix<f64>, plan: &[LayerPlan]) -> Result<()> {
    let (d, n) = inputs.shape();
    positive("number of samples", n)?;
    positive("dimension of the inputs", d)?;
    for (l, layer) in plan.iter().enumerate() {
        let name = if l + 1 == plan.len() {
            "outputs per sample".into()
        } else {
            format!("width of hidden layer {}", l + 1)
        };
        positive(&name, layer.outputs)?;
    }
    if let Some(index) = inputs.iter().position(|x| !x.is_finite()) {
        let name = format!("input {} of sample {}", index % d + 1, index / d + 1);
        return Err(Error::value(name, inputs.as_slice()[index], "a finite number"));
    }
    let needed = bytes(d, n, plan);
    if needed <= LIMIT {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: "one sweep of the network".into(),
        needed: format!("{needed} bytes (or more) for its weights and activations"),
        limit: format!("{LIMIT} bytes"),
        remedy: "take fewer samples or narrower layers",
    })
}

fn positive(name: &str, value: usize) -> Result<()> {
    if value == 0 { Err(Error::value(name, value, "at least 1")) } else { Ok(()) }
}

/// Eight vectors of length p and fourteen planes of each layer's activations, saturating.
fn bytes(d: usize, n: usize, plan: &[LayerPlan]) -> u128 {
    let (n, mut fan_in) = (n as u128, d as u128);
    let (mut params, mut neurons) = (0_u128, 0_u128);
    for layer in plan {
        let outputs = layer.outputs as u128;
        params = params.saturating_add(outputs.saturating_mul(fan_in + u128::from(layer.biases)));
        neurons = neurons.saturating_add(outputs);
        fan_in = outputs;
    }
    let planes = neurons.saturating_mul(n).saturating_mul(14);
    params.saturating_mul(8).saturating_add(planes).saturating_mul(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_beyond_the_limit_are_refused_without_overflow() {
        let inputs = DMatrix::zeros(2, 3);
        let layer = |outputs| LayerPlan { outputs, biases: true, factors: (1.0, 1.0) };
        assert!(check(&inputs, &[layer(10), layer(1)]).is_ok());
        for plan in [[layer(usize::MAX), layer(usize::MAX)], [layer(1 << 17), layer(1 << 17)]] {
            assert!(matches!(check(&inputs, &plan), Err(Error::TooLarge { .. })));
        }
        let message = check(&inputs, &[layer(0), layer(1)]).unwrap_err().to_string();
        assert_eq!(message, "width of hidden layer 1 = 0: wanted at least 1");
    }
}
