//! What an infinitely wide net is made of: two variances and two rates for each layer.

use crate::model::{Activation, Initialization, Network};
use crate::{Error, Result};

/// Variances and rates of one layer, as in the module's header.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WideLayer {
    /// `v_W`.
    pub(super) weight_variance: f64,
    /// `v_b`.
    pub(super) bias_variance: f64,
    /// `r_W`.
    pub(super) weight_rate: f64,
    /// `r_b`.
    pub(super) bias_rate: f64,
}

/// A fully connected net of infinite width, with independent normal weights.
#[derive(Debug, Clone, PartialEq)]
pub struct WideNet {
    pub(super) layers: Vec<WideLayer>,
    pub(super) activation: Activation,
}

impl WideNet {
    /// `hidden` hidden layers in the NTK parametrization `z = (σ_w/√n) W a + σ_b b`, everything N(0, 1); `sigma_b` = 0 for
    /// no biases.
    ///
    /// # Errors
    /// [`Error::Value`] for a factor that is negative or not finite, or for more than 10 000 layers.
    ///
    /// ```
    /// use gradflow::model::Activation;
    /// use gradflow::theory::WideNet;
    /// use nalgebra::dmatrix;
    /// // One hidden layer of relu, σ_w² = 2: K = σ_w² E relu² = σ_w² q/2 = q with q = σ_w²‖x‖²/d, and Θ = 2q (one q a layer).
    /// let net = WideNet::ntk(1, Activation::Relu, 2.0_f64.sqrt(), 0.0)?;
    /// let found = net.kernels(&dmatrix![3.0; 4.0])?; // one input of R², q = 2·25/2
    /// assert!((found.nngp[0] - 25.0).abs() < 1e-13 && (found.ntk[0] - 50.0).abs() < 1e-13);
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn ntk(hidden: usize, activation: Activation, sigma_w: f64, sigma_b: f64) -> Result<Self> {
        check(hidden, sigma_w, sigma_b)?;
        let (w, b) = (sigma_w * sigma_w, sigma_b * sigma_b);
        let layer =
            WideLayer { weight_variance: w, bias_variance: b, weight_rate: w, bias_rate: b };
        Ok(WideNet { layers: vec![layer; hidden + 1], activation })
    }

    /// The standard parametrization z = W a + b with `W ~ N(0, σ_w²/n)` and `b ~ N(0, σ_b²)`, biases training even
    /// where `sigma_b` = 0, for layers of `inputs` (the inputs' dimension, then the widths of hidden layers).
    ///
    /// K is that of [`WideNet::ntk`]. Θ is what such a net of *large* widths has to leading order: of the size of the
    /// widths, so that it trains at rates η/n (Lee et al. 2019, Appendix F; layer by layer as Sohl-Dickstein et al. 2020).
    ///
    /// # Errors
    /// As [`WideNet::ntk`], and for no or a null number of inputs.
    pub fn standard(
        inputs: &[usize],
        activation: Activation,
        sigma_w: f64,
        sigma_b: f64,
    ) -> Result<Self> {
        check(inputs.len(), sigma_w, sigma_b)?;
        if inputs.is_empty() || inputs.contains(&0) {
            return Err(Error::value(
                "inputs of a layer",
                0,
                "at least one layer, each of at least one",
            ));
        }
        let layer = |n: &usize| WideLayer {
            weight_variance: sigma_w * sigma_w,
            bias_variance: sigma_b * sigma_b,
            weight_rate: *n as f64,
            bias_rate: 1.0,
        };
        Ok(WideNet { layers: inputs.iter().map(layer).collect(), activation })
    }

    /// What `network`, drawn by `initialization`, would tend to: its factors and variances at the widths that it has. With
    /// the factors of the NTK parametrization, or 1/√m of two layers, the widths drop out.
    ///
    /// # Errors
    /// [`Error::Conflict`] for weights that are not independent normal numbers ([`Initialization::UnitSphere`]).
    pub fn of(network: &Network, initialization: Initialization) -> Result<Self> {
        let layer = |dense: &crate::model::Dense| {
            let (n, m) = (dense.inputs as f64, dense.outputs as f64);
            let (weights, biases) = match initialization {
                Initialization::Gaussian(tau) => (tau * tau, tau * tau),
                Initialization::Ntk => (1.0, 1.0),
                Initialization::Xavier => (2.0 / (n + m), 0.0),
                Initialization::He => (2.0 / n, 0.0),
                Initialization::UnitSphere => return Err(not_normal(initialization)),
            };
            let weight_rate = dense.weight_factor.powi(2) * n;
            let bias_rate = if dense.biases.is_some() { dense.bias_factor.powi(2) } else { 0.0 };
            Ok(WideLayer {
                weight_variance: weights * weight_rate,
                bias_variance: biases * bias_rate,
                weight_rate,
                bias_rate,
            })
        };
        let layers = network.layers().iter().map(layer).collect::<Result<_>>()?;
        Ok(WideNet { layers, activation: network.activation() })
    }

    /// φ.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// Hidden layers.
    pub fn hidden(&self) -> usize {
        self.layers.len() - 1
    }
}

fn check(hidden: usize, sigma_w: f64, sigma_b: f64) -> Result<()> {
    if hidden > 10_000 {
        return Err(Error::value("hidden layers", hidden, "at most 10000"));
    }
    for (name, sigma) in [("sigma_w", sigma_w), ("sigma_b", sigma_b)] {
        if !(sigma.is_finite() && sigma >= 0.0) {
            return Err(Error::value(name, sigma, "a finite number ≥ 0"));
        }
    }
    Ok(())
}

fn not_normal(initialization: Initialization) -> Error {
    Error::Conflict {
        found: format!(
            "the limit of infinite width needs independent normal weights, found {}",
            initialization.name()
        ),
        remedy: "take gaussian, xavier, he or ntk as the initialization".into(),
    }
}
