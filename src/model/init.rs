//! Initial weights, and the doubling of a two-layer network that starts it at zero.

use super::Network;
use super::dense::Dense;
use crate::{Error, Result};

/// How weights are drawn, layer by layer from the inputs to the outputs; each layer's W by rows, then its b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initialization {
    /// Everything N(0, τ²), biases included.
    Gaussian(
        /// τ.
        f64,
    ),
    /// N(0, 2/(fan-in + fan-out)), biases 0 (Glorot and Bengio 2010; the paper's convolutional experiments).
    Xavier,
    /// N(0, 2/fan-in), biases 0 (He et al. 2015, for relu).
    He,
    /// Rows uniform on the unit sphere, biases 0; with one hidden layer the output weights are ±1: neurons of the
    /// paper's teacher (Chizat et al. 2019, §3.1).
    UnitSphere,
    /// N(0, 1), biases included, for [`Parametrization::Ntk`](super::Parametrization::Ntk).
    Ntk,
}

impl Initialization {
    /// The words for them; `gaussian` may be followed by `:τ`.
    pub const NAMES: [&'static str; 5] = ["gaussian", "xavier", "he", "unit-sphere", "ntk"];

    /// The word for it.
    pub fn name(self) -> &'static str {
        Initialization::NAMES[match self {
            Initialization::Gaussian(_) => 0,
            Initialization::Xavier => 1,
            Initialization::He => 2,
            Initialization::UnitSphere => 3,
            Initialization::Ntk => 4,
        }]
    }

    /// The initialization of that name: `gaussian:0.1` is N(0, 0.1²), `gaussian` N(0, 1).
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest legal word; [`Error::Value`] for a τ that is not a finite number ≥ 0.
    ///
    /// ```
    /// use gradflow::model::Initialization;
    /// assert_eq!(Initialization::parse("gaussian:0.1").unwrap(), Initialization::Gaussian(0.1));
    /// ```
    pub fn parse(word: &str) -> Result<Self> {
        if let Some(tau) = word.strip_prefix("gaussian:") {
            let number = tau.parse().ok().filter(|tau: &f64| tau.is_finite() && *tau >= 0.0);
            return number.map(Initialization::Gaussian).ok_or_else(|| {
                Error::value("tau", tau, "a finite number ≥ 0, as in gaussian:0.1")
            });
        }
        match word {
            "gaussian" => Ok(Initialization::Gaussian(1.0)),
            "xavier" => Ok(Initialization::Xavier),
            "he" => Ok(Initialization::He),
            "unit-sphere" => Ok(Initialization::UnitSphere),
            "ntk" => Ok(Initialization::Ntk),
            _ => Err(Error::unknown("initialization", word, Initialization::NAMES)),
        }
    }

    /// Weights for `network`, of length p, from standard normal draws.
    ///
    /// ```
    /// use gradflow::prelude::*;
    /// use nalgebra::DMatrix;
    /// let net = TwoLayer { width: 2, ..TwoLayer::default() }.on(DMatrix::zeros(3, 4)).unwrap();
    /// let mut ones = || 1.0; // in earnest: a seeded generator
    /// let w = Initialization::Gaussian(0.5).weights(&net, &mut ones);
    /// assert_eq!(w, [0.5; 8]); // τ times the draws, p = 2·3 + 2
    /// ```
    pub fn weights(self, network: &Network, normal: &mut dyn FnMut() -> f64) -> Vec<f64> {
        let layers = network.layers();
        let mut w = vec![0.0; network.params()];
        for (l, layer) in layers.iter().enumerate() {
            let signs = layers.len() == 2 && l == 1;
            self.draw(layer, signs, &mut w[layer.params()], normal);
        }
        w
    }

    /// One layer's parameters: W, then b.
    fn draw(self, layer: &Dense, signs: bool, w: &mut [f64], normal: &mut dyn FnMut() -> f64) {
        let (weights, biases) = w.split_at_mut(layer.weights.len());
        let (fan_in, fan_out) = (layer.inputs as f64, layer.outputs as f64);
        let deviation = match self {
            Initialization::Gaussian(tau) => tau,
            Initialization::Xavier => (2.0 / (fan_in + fan_out)).sqrt(),
            Initialization::He => (2.0 / fan_in).sqrt(),
            Initialization::UnitSphere | Initialization::Ntk => 1.0,
        };
        weights.iter_mut().for_each(|w| *w = deviation * normal());
        match self {
            Initialization::UnitSphere if signs => {
                weights.iter_mut().for_each(|w| *w = 1.0_f64.copysign(*w));
            }
            Initialization::UnitSphere => {
                weights.chunks_exact_mut(layer.inputs).for_each(to_sphere);
            }
            Initialization::Gaussian(_) | Initialization::Ntk => {
                biases.iter_mut().for_each(|b| *b = deviation * normal());
            }
            Initialization::Xavier | Initialization::He => {}
        }
    }
}

/// A normal vector over its length is uniform on the sphere; the null vector (which is never drawn) stays.
fn to_sphere(row: &mut [f64]) {
    let norm = crate::linalg::norm(row);
    if norm > 0.0 {
        row.iter_mut().for_each(|w| *w /= norm);
    }
}

/// Doubles neurons in place (Chizat et al. 2019, §3.1): the second half of the hidden layer copies the inner weights
/// and biases of the first and negates the outer ones, output biases become 0; so h(w₀) = 0 up to rounding.
/// [`Doubled`](super::Doubled) is the same idea for any map, with h(w₀) = 0 exactly.
///
/// # Errors
/// [`Error::Conflict`] unless there is one hidden layer of even width; [`Error::Shape`] unless `start` has length p.
///
/// ```
/// use gradflow::model::{TwoLayer, doubled_start};
/// use nalgebra::DMatrix;
/// let net = TwoLayer { width: 2, ..TwoLayer::default() }.on(DMatrix::zeros(2, 1)).unwrap();
/// let mut w = [1.0, 2.0, 9.0, 9.0, 3.0, 9.0]; // B by rows, then a
/// doubled_start(&net, &mut w).unwrap();
/// assert_eq!(w, [1.0, 2.0, 1.0, 2.0, 3.0, -3.0]);
/// ```
pub fn doubled_start(network: &Network, start: &mut [f64]) -> Result<()> {
    if start.len() != network.params() {
        return Err(Error::Shape {
            what: "initial weights".into(),
            found: start.len().to_string(),
            wanted: format!("{}, the number of parameters", network.params()),
            remedy: "draw them for this network",
        });
    }
    let [inner, outer] = network.layers() else {
        return Err(refused(format!("{} hidden layers", network.layers().len() - 1)));
    };
    let half = inner.outputs / 2;
    if 2 * half != inner.outputs {
        return Err(refused(format!("{} neurons", inner.outputs)));
    }
    let (begin, block) = (inner.weights.start, half * inner.inputs);
    start.copy_within(begin..begin + block, begin + block);
    if let Some(biases) = &inner.biases {
        start.copy_within(biases.start..biases.start + half, biases.start + half);
    }
    for row in start[outer.weights.clone()].chunks_exact_mut(inner.outputs) {
        let (kept, negated) = row.split_at_mut(half);
        negated.iter_mut().zip(kept).for_each(|(b, a)| *b = -*a);
    }
    if let Some(biases) = &outer.biases {
        start[biases.clone()].fill(0.0);
    }
    Ok(())
}

fn refused(found: String) -> Error {
    Error::Conflict {
        found: format!("doubling neurons needs one hidden layer of even width, found {found}"),
        remedy: "change the width, or wrap the network in `Doubled` or `Centred`".into(),
    }
}
