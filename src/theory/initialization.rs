//! How a signal passes through the layers of a rectifier network at its start (He, Zhang, Ren, Sun 2015, *Delving deep into
//! rectifiers*, §2.2).
//!
//! **Setting.** zₗ = Wₗ φ(zₗ₋₁), φ(z) = max(z, 0) + a min(z, 0), a = 0 for relu; weights independent, N(0, σ²); each layer
//! has n inputs (k²c of a k × k filter over c channels). Given the layer before, zₗ is N(0, vₗ Id), vₗ₊₁ = σ² ‖φ(zₗ)‖².
//!
//! **Statement** (eqs. 8, 10, 15).
//!
//! ```text
//! E vₗ₊₁ = ½ (1 + a²) n σ² E vₗ,
//! ```
//!
//! kept by σ = √(2/((1 + a²)n)): He's start. Xavier's σ² = 1/n, made for linear layers, halves it in each relu layer: 2⁻³⁰ is
//! left after thirty. Backwards the same holds with the numbers that a layer feeds, k²c' for c' channels made (eq. 14); either
//! choice keeps both from vanishing. The mean asks for weights of a symmetric law and null biases only, not for normal ones.
//!
//! **Ours**: one network's signal is not the mean's. For independent Gaussian weights exactly, by the fourth moment of φ,
//!
//! ```text
//! E (`v_L₊₁/v₁`)² = (E `v_L₊₁/v₁`)² (1 + c/n)ᴸ,      c = 6 (1 + a⁴)/(1 + a²)² − 1      (5 for relu),
//! ```
//!
//! so that depth wants width: fluctuations are small only for L ≪ n/c.

use crate::{Error, Result};

/// Layers of one kind, of as many inputs as outputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signal {
    width: usize,
    slope: f64,
    variance: f64,
}

impl Signal {
    /// n, a and σ².
    ///
    /// # Errors
    /// [`Error::Value`] for n = 0, an a that is not finite, a σ² that is not finite or negative.
    ///
    /// ```
    /// use gradflow::theory::Signal;
    /// let he = Signal::new(256, 0.0, 2.0 / 256.0)?;
    /// let xavier = Signal::new(256, 0.0, 1.0 / 256.0)?;
    /// assert_eq!((he.expected(30), xavier.expected(30)), (1.0, 0.5_f64.powi(30)));
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn new(width: usize, slope: f64, variance: f64) -> Result<Self> {
        if width == 0 {
            return Err(Error::value("inputs of a layer", 0, "at least one"));
        }
        if !slope.is_finite() {
            return Err(Error::value("slope a", slope, "a finite number"));
        }
        if !(variance.is_finite() && variance >= 0.0) {
            return Err(Error::value("variance of a weight", variance, "a finite number ≥ 0"));
        }
        Ok(Signal { width, slope, variance })
    }

    /// ½ (1 + a²) n σ², what a layer does to the variance.
    pub fn gain(self) -> f64 {
        0.5 * (1.0 + self.slope * self.slope) * self.width as f64 * self.variance
    }

    /// E `v_L₊₁/v₁` after L `layers`.
    pub fn expected(self, layers: u32) -> f64 {
        power(self.gain(), layers)
    }

    /// The standard deviation of `v_L₊₁/v₁` over draws of the weights, as a part of its mean: √((1 + c/n)ᴸ − 1).
    pub fn relative_deviation(self, layers: u32) -> f64 {
        let square = self.slope * self.slope;
        let c = 6.0 * (1.0 + square * square) / (1.0 + square).powi(2) - 1.0;
        (power(1.0 + c / self.width as f64, layers) - 1.0).sqrt()
    }
}

fn power(base: f64, exponent: u32) -> f64 {
    base.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Architecture, Differentiable, Extent, FilterInitialization, Layer, Rectification,
    };
    use crate::random::Generator;
    use nalgebra::DMatrix;

    /// Mean and deviation of a narrow net's `v_L₊₁/v₁` over 40 000 draws, to four standard errors or so.
    #[test]
    fn mean_and_deviation_are_those_of_draws() {
        let (n, layers, draws) = (12_usize, 3, 40_000);
        let mut generator = Generator::seeded(0);
        for slope in [0.0, 0.25] {
            let sigma = FilterInitialization::HePrelu(slope).deviation(n, n);
            let signal = Signal::new(n, slope, sigma * sigma).unwrap();
            assert!((signal.gain() - 1.0).abs() < 1e-14, "He's start keeps the variance");
            let (mut first, mut second) = (0.0, 0.0);
            for _ in 0..draws {
                let (mut v, mut ratio) = (1.0_f64, 1.0);
                for _ in 0..layers {
                    let z = generator.gaussians(n);
                    let phi = |z: &f64| if *z > 0.0 { *z } else { slope * z };
                    v *= sigma * sigma * z.iter().map(|z| phi(z).powi(2)).sum::<f64>();
                    ratio = v;
                }
                first += ratio / f64::from(draws);
                second += ratio * ratio / f64::from(draws);
            }
            let wanted = signal.relative_deviation(layers);
            assert!((first - 1.0).abs() < 4.0 * wanted / f64::from(draws).sqrt(), "{first}");
            // The deviation's own error: the ratio has a heavy tail, of kurtosis below 100.
            let found = (second - first * first).sqrt();
            assert!(
                (found / wanted - 1.0).abs() < 4.0 * 0.5 * (100.0 / f64::from(draws)).sqrt(),
                "{found} {wanted}"
            );
        }
    }

    /// df/da = min(z, 0), summed over the positions of the channel; df/dz = 1 or a (He et al. 2015, eqs. 2, 3).
    #[test]
    fn the_gradient_of_a_trained_slope_sums_over_positions() {
        let layers = [
            Layer::Convolution { channels: 2, kernel: 1, stride: 1, padding: 0, biases: false },
            Layer::Rectifier(Rectification::Prelu),
        ];
        let input = Extent { channels: 1, height: 2, width: 2 };
        let net = Architecture::new(input, &layers).unwrap();
        let net = net.on(DMatrix::from_column_slice(4, 1, &[1.0, -2.0, -3.0, 4.0])).unwrap();
        // Two channels, z and −z, of slopes ¼ and ½.
        let w = [1.0, -1.0, 0.25, 0.5];
        let mut y = [0.0; 8];
        net.value(&w, &mut y);
        assert_eq!(y, [1.0, -0.5, -0.75, 4.0, -0.5, 2.0, 3.0, -2.0]);
        let v = [1.0, 10.0, 100.0, 1000.0, 1.0, 10.0, 100.0, 1000.0];
        let mut found = [0.0; 4];
        net.vjp(&w, &v, &mut found);
        let slopes = [10.0 * -2.0 + 100.0 * -3.0, -1.0 + 1000.0 * -4.0];
        let weights = [
            1.0 + 0.25 * (10.0 * -2.0 + 100.0 * -3.0) + 1000.0 * 4.0,
            0.5 * 1.0 + 10.0 * -2.0 + 100.0 * -3.0 + 0.5 * 1000.0 * 4.0,
        ];
        assert_eq!(found, [weights[0], weights[1], slopes[0], slopes[1]]);
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        assert!(Signal::new(0, 0.0, 1.0).is_err());
        assert!(Signal::new(1, f64::NAN, 1.0).is_err() && Signal::new(1, 0.0, -1.0).is_err());
        // Relu of one weight in 256 inputs: √((1 + 5/256)³⁰ − 1).
        let found = Signal::new(256, 0.0, 2.0 / 256.0).unwrap().relative_deviation(30);
        assert!((found - 0.8869).abs() < 1e-4, "{found}");
    }
}
