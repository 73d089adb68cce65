//! Initial weights of convolutional networks; biases are 0, trained slopes begin at ¼ unless said otherwise.

use super::Architecture;
use super::architecture::Operation;
use crate::{Error, Result};

/// a of trained slopes at the start (He et al. 2015).
const SLOPE: f64 = 0.25;

/// How filters are drawn. A filter of k × k pixels over c channels, c' of them made, has fan-in k² c and fan-out k² c'.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FilterInitialization {
    /// N(0, 2/fan-in) (He et al. 2015, for relu).
    He,
    /// N(0, 2/((1 + a²) fan-in)), for rectifiers of slope a below 0, which is also where trained slopes begin (He et al.
    /// 2015, §2.2).
    HePrelu(
        /// a.
        f64,
    ),
    /// N(0, gain² 2/(fan-in + fan-out)), torch's `xavier_normal_` and what the paper used: gain 1, 1.2 for its wide
    /// residual net and 1.3 for its wide plain one.
    Xavier {
        /// The gain.
        gain: f64,
    },
}

impl FilterInitialization {
    /// Weights of length p, from standard normal draws: layer by layer, filter by filter.
    ///
    /// # Errors
    /// [`Error::Value`] for a gain that is not a finite number ≥ 0 or a slope that is not finite.
    ///
    /// ```
    /// use gradflow::model::{Architecture, Extent, FilterInitialization, Layer};
    /// let layers = [Layer::Convolution { channels: 1, kernel: 3, stride: 1, padding: 0, biases: true }];
    /// let net = Architecture::new(Extent { channels: 2, height: 3, width: 3 }, &layers)?;
    /// let w = FilterInitialization::He.weights(&net, &mut || 3.0)?; // in earnest: a seeded generator
    /// assert_eq!((w[0], w[18]), (1.0, 0.0)); // √(2/18) times the draw; b
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn weights(self, net: &Architecture, normal: &mut dyn FnMut() -> f64) -> Result<Vec<f64>> {
        let slope = match self {
            FilterInitialization::Xavier { gain } if !(gain.is_finite() && gain >= 0.0) => {
                return Err(Error::value("gain", gain, "a finite number ≥ 0"));
            }
            FilterInitialization::HePrelu(a) if !a.is_finite() => {
                return Err(Error::value("slope", a, "a finite number"));
            }
            FilterInitialization::HePrelu(a) => a,
            FilterInitialization::He | FilterInitialization::Xavier { .. } => SLOPE,
        };
        let mut w = vec![0.0; net.params()];
        for step in &net.steps {
            match &step.operation {
                Operation::Convolution(c) => {
                    let pixels = c.kernel.0 * c.kernel.1;
                    let deviation = self.deviation(c.patch(), pixels * c.output.channels);
                    w[c.weights.clone()].iter_mut().for_each(|w| *w = deviation * normal());
                }
                Operation::Rectifier(rectifier) => {
                    if let Some(slopes) = &rectifier.slopes {
                        w[slopes.clone()].fill(slope);
                    }
                }
                Operation::Pool(_) | Operation::Sum(_) => {}
            }
        }
        Ok(w)
    }

    /// The standard deviation of a weight.
    pub fn deviation(self, fan_in: usize, fan_out: usize) -> f64 {
        let (fan_in, fan_out) = (fan_in as f64, fan_out as f64);
        match self {
            FilterInitialization::He => (2.0 / fan_in).sqrt(),
            FilterInitialization::HePrelu(a) => (2.0 / ((1.0 + a * a) * fan_in)).sqrt(),
            FilterInitialization::Xavier { gain } => gain * (2.0 / (fan_in + fan_out)).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Extent, Layer, Rectification};
    use super::*;
    use crate::model::Differentiable;
    use crate::random::Generator;
    use nalgebra::DMatrix;

    /// He et al. 2015, §2.2: 0.059, 0.042, 0.029, 0.021 for 3 × 3 filters of 64, 128, 256, 512 channels.
    #[test]
    fn deviations_are_those_of_he() {
        for (channels, wanted) in [(64, 0.0589), (128, 0.0417), (256, 0.0295), (512, 0.0208)] {
            let found = FilterInitialization::He.deviation(9 * channels, 1);
            assert!((found - wanted).abs() < 5e-5, "{channels}: {found}");
        }
        // torch.nn.init.xavier_normal_ of a 64 → 128 layer of 3 × 3 filters with gain 1.3: 1.3 √(2/(9·192)).
        let found = FilterInitialization::Xavier { gain: 1.3 }.deviation(9 * 64, 9 * 128);
        assert!((found - 0.044_226).abs() < 1e-6, "{found}");
        let found = FilterInitialization::HePrelu(1.0).deviation(8, 1);
        assert!((found - 8.0_f64.sqrt().recip()).abs() < 1e-15);
    }

    /// The variance of the numbers before the last rectifier, over that before the first, in a net of 30 layers of
    /// single pixels and 256 channels, on one image.
    fn variance_ratio(
        initialization: FilterInitialization,
        factor: f64,
        rectifier: Rectification,
        seed: u64,
    ) -> f64 {
        let layer =
            Layer::Convolution { channels: 256, kernel: 1, stride: 1, padding: 0, biases: true };
        let input = Extent { channels: 256, height: 1, width: 1 };
        let mut generator = Generator::seeded(seed);
        let image = generator.gaussians(256);
        let square = |depth: usize, w: &[f64]| {
            let layers = [layer, Layer::Rectifier(rectifier)].repeat(depth);
            let net = Architecture::new(input, &layers[..2 * depth - 1]).unwrap();
            let mut y = vec![0.0; 256];
            let net = net.on(DMatrix::from_vec(256, 1, image.clone())).unwrap();
            net.value(&w[..net.params()], &mut y);
            y.iter().map(|y| y * y).sum::<f64>()
        };
        let layers = [layer, Layer::Rectifier(rectifier)].repeat(30);
        let deep = Architecture::new(input, &layers).unwrap();
        let mut w = initialization.weights(&deep, &mut || factor * generator.gaussian()).unwrap();
        if rectifier == Rectification::Prelu {
            // Drawn slopes are where they begin.
            assert_eq!(w.iter().filter(|w| **w == SLOPE).count(), 30 * 256);
        }
        w.truncate(deep.params());
        square(30, &w) / square(1, &w)
    }

    /// Thirty layers keep the variance with He's numbers (each layer's own noise, of relative variance 5/256 and more,
    /// adds up to a deviation of e^0.8) and lose 2³⁰ with variance 1/fan-in.
    #[test]
    fn thirty_layers_keep_the_variance() {
        let mean_log = |initialization, factor: f64, rectifier| {
            let logs = (0..8).map(|s| variance_ratio(initialization, factor, rectifier, s).ln());
            logs.sum::<f64>() / 8.0
        };
        let he = mean_log(FilterInitialization::He, 1.0, Rectification::Relu);
        assert!(he.abs() < 0.9, "He: e^{he}");
        let one = mean_log(FilterInitialization::He, 0.5_f64.sqrt(), Rectification::Relu);
        // The same draws, each of 29 layers with half the variance.
        assert!((one - he + 29.0 * 2.0_f64.ln()).abs() < 1e-9, "{one} {he}");
        let prelu = mean_log(FilterInitialization::HePrelu(SLOPE), 1.0, Rectification::Prelu);
        assert!(prelu.abs() < 0.9, "PReLU: e^{prelu}");
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        let layers = [Layer::Dense { outputs: 1, biases: true }];
        let net = Architecture::new(Extent { channels: 1, height: 1, width: 1 }, &layers).unwrap();
        for bad in [
            FilterInitialization::Xavier { gain: f64::NAN },
            FilterInitialization::Xavier { gain: -1.0 },
            FilterInitialization::HePrelu(f64::INFINITY),
        ] {
            assert!(bad.weights(&net, &mut || 1.0).is_err(), "{bad:?}");
        }
    }
}
