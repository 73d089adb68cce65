//! Infinitely wide nets after training: a Gaussian process, over the draw of the start.

use super::training::check;
use super::{KernelTraining, Schedule, WideKernels, WideNet};
use crate::Result;
use nalgebra::DMatrix;

/// Which weights train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trained {
    /// All of them: the tangent kernel.
    AllLayers,
    /// The last layer alone, over random features: at t = ∞, in the NTK parametrization, the posterior of the NNGP.
    LastLayer,
}

/// Mean and covariance of outputs over the inputs asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// n' × k.
    pub mean: DMatrix<f64>,
    /// n' × n', of each output by itself; different outputs are independent.
    pub covariance: DMatrix<f64>,
}

/// Infinitely wide nets trained on one data set under ½ Σ‖f(x) − y‖², and what they say elsewhere.
///
/// With Θ the kernel of the weights that train, q(λ) = (1 − p(λ))/λ of the [`Schedule`] and Q = Θ(x, X) q(Θ(X, X)),
/// (Lee et al. 2019, eqs. 14 and 15)
///
/// ```text
/// mean = Q Y,      covariance = K(x, x) + Q K(X, X) Qᵀ − Q K(X, x) − K(x, X) Qᵀ.
/// ```
#[derive(Debug, Clone)]
pub struct WideEnsemble {
    /// Over the training inputs, n × n.
    within: WideKernels,
    /// Between training inputs and others, n × n'.
    across: WideKernels,
    /// K over the others, n' × n'.
    elsewhere: DMatrix<f64>,
    targets: DMatrix<f64>,
}

impl WideEnsemble {
    /// Of `net` on `inputs`, d × n, with `targets`, n × k, asked at `others`, d × n'.
    ///
    /// # Errors
    /// As [`WideNet::kernels_between`], and [`Shape`](crate::Error::Shape) unless there are n rows of targets.
    ///
    /// ```
    /// use gradflow::model::Activation;
    /// use gradflow::theory::{Schedule, Trained, WideEnsemble, WideNet};
    /// use nalgebra::dmatrix;
    /// let net = WideNet::ntk(1, Activation::Relu, 1.0, 0.1)?;
    /// let (x, y) = (dmatrix![1.0, -2.0], dmatrix![3.0; 5.0]);
    /// let found = WideEnsemble::new(&net, &x, &y, &x)?;
    /// // At t = ∞ all nets are through the data.
    /// let end = found.after(Schedule::Flow { time: f64::INFINITY }, Trained::AllLayers)?;
    /// assert!((end.mean - y).amax() < 1e-12 && end.covariance.amax() < 1e-12);
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn new(
        net: &WideNet,
        inputs: &DMatrix<f64>,
        targets: &DMatrix<f64>,
        others: &DMatrix<f64>,
    ) -> Result<Self> {
        check("targets", targets.shape(), (inputs.ncols(), targets.ncols()))?;
        Ok(WideEnsemble {
            within: net.kernels(inputs)?,
            across: net.kernels_between(inputs, others)?,
            elsewhere: net.kernels(others)?.nngp,
            targets: targets.clone(),
        })
    }

    /// Once trained.
    ///
    /// # Errors
    /// As [`KernelTraining::new`] and [`KernelTraining::residual`].
    pub fn after(&self, schedule: Schedule, trained: Trained) -> Result<Prediction> {
        let (within, across) = match trained {
            Trained::AllLayers => (&self.within.ntk, &self.across.ntk),
            Trained::LastLayer => (&self.within.last_layer, &self.across.last_layer),
        };
        // Qᵀ = q(Θ) Θ(X, x), n × n'.
        let weights = KernelTraining::new(within)?.moved(across, schedule)?;
        let shared = weights.tr_mul(&self.across.nngp);
        let mut covariance = &self.elsewhere + weights.tr_mul(&(&self.within.nngp * &weights));
        covariance -= &shared + shared.transpose();
        Ok(Prediction { mean: weights.tr_mul(&self.targets), covariance })
    }
}
