//! Networks of any depth, layer by layer, in operator norms.
//!
//! With zₗ = sₗWₗaₗ₋₁ + βₗbₗ and aₗ = φ(zₗ), the chain rule unrolled from the outputs is
//!
//! ```text
//! D²h[v, v] = Σₗ Bₗ (φ''(zₗ) ∘ (Dzₗ[v])²) + 2 Σₗ Pₗ sₗ dWₗ (φ'(zₗ₋₁) ∘ Dzₗ₋₁[v]),     Bₗ = ∂h/∂aₗ,  Pₗ = ∂h/∂zₗ
//! ```
//!
//! Samples do not mix: sample i has its own Bₗ, Pₗ and Dₗ ≥ ‖Dzₗ‖ (`sample` bounds them on the ball), and with
//! cₗ = maxⱼ |Bₗ,ⱼ||φ''(zₗⱼ)| over neurons j, gₗ = sₗ‖Pₗ‖ max|φ'|, and Jₗ ≥ ‖Dzₗ‖ for all samples together,
//!
//! ```text
//! |first terms|  ≤ Tₗ |v₀…ₗ|²,         Tₗ² = maxᵢ(cD²) · min(Σᵢ cD², maxᵢ c J²)
//! |second terms| ≤ 2 Uₗ |vₗ||v₀…ₗ₋₁|,   Uₗ² = min(Σᵢ g²Dₗ₋₁², maxᵢ g² Jₗ₋₁²)
//! Fₗ = Tₗ + ‖[[Fₗ₋₁, Uₗ], [Uₗ, 0]]‖,   ‖D²h‖ ≤ F of the last layer, where T = 0
//! ```
//!
//! vₗ being the part of v in layer l: the largest |v|² = 1 can make of the sums, found layer by layer. The maximum over
//! neurons in place of a sum is what keeps wide networks apart from crude products of norms. Made for this project.

mod sample;

use super::jets::Bounds;
use crate::constants::verified::{self, gamma};
use crate::model::Network;
use crate::scalar::{add_up, hypot_up, mul_up, norm_up, sqrt_up, sum_up, symmetric_2_by_2};
use nalgebra::DMatrix;
use sample::Sample;

/// A network, a ball, and the norms of its weights at the centre.
struct Ball<'a> {
    network: &'a Network,
    w: &'a [f64],
    radius: f64,
    /// At least ‖Wₗ‖, per layer.
    norms: Vec<f64>,
    /// Whether products of hidden layers are formed, or their norms multiplied.
    products: bool,
}

/// The most multiplications for products of hidden layers.
const PRODUCTS: f64 = 3e9;

/// Bounds of ‖Dh‖ and ‖D²h‖ on the ball, for a network with hidden layers.
pub(super) fn bounds(network: &Network, w: &[f64], radius: f64) -> Bounds {
    let layers = network.layers();
    let weights = |l: usize| {
        // W is stored by rows: the slice is Wᵀ by columns, of the same norm.
        DMatrix::from_column_slice(
            layers[l].inputs,
            layers[l].outputs,
            &w[layers[l].weights.clone()],
        )
    };
    let cube = |l: usize| 20.0 * (layers[l].outputs as f64).powi(3);
    let depth = layers.len() as f64;
    let dear = (0..layers.len() - 1).map(cube).sum::<f64>() * depth * network.samples() as f64;
    let ball = Ball {
        network,
        w,
        radius,
        norms: (0..layers.len()).map(|l| verified::norm(&weights(l), 0.0)).collect(),
        products: dear <= PRODUCTS,
    };
    let d = network.inputs().nrows();
    let samples: Vec<Sample> =
        network.inputs().as_slice().chunks_exact(d).map(|x| ball.sample(x)).collect();
    let joint = ball.joint(&samples);
    Bounds { jacobian: joint[layers.len() - 1], hessian: hessian(&samples, &joint) }
}

/// The recursion for F.
fn hessian(samples: &[Sample], joint: &[f64]) -> f64 {
    let last = joint.len() - 1;
    let square = |x: f64| mul_up(x, x);
    let largest = |f: &dyn Fn(&Sample) -> f64| samples.iter().map(f).fold(0.0, f64::max);
    let mut whole = 0.0;
    for l in 0..=last {
        if l > 0 {
            let term = |s: &Sample| mul_up(s.links[l], s.reach[l - 1]);
            let link = norm_up(samples.iter().map(term).collect::<Vec<_>>())
                .min(mul_up(largest(&|s| s.links[l]), joint[l - 1]));
            whole = symmetric_2_by_2(whole, link, 0.0);
        }
        if l < last {
            let term = |s: &Sample| mul_up(s.bends[l], square(s.reach[l]));
            let all = sum_up(samples.iter().map(term))
                .min(mul_up(largest(&|s| s.bends[l]), square(joint[l])));
            whole = add_up(whole, sqrt_up(mul_up(largest(&term), all)));
        }
    }
    whole
}

impl Ball<'_> {
    /// Jₗ for every layer: J₀ = ‖[s₀X, β₀]‖, Jₗ² = ‖[sₗAₗ₋₁, βₗ]‖² + (sₗ‖Wₗ‖ max|φ'| Jₗ₋₁)², and at most √(Σᵢ Dₗ²).
    fn joint(&self, samples: &[Sample]) -> Vec<f64> {
        let mut joint: Vec<f64> = Vec::new();
        for (l, layer) in self.network.layers().iter().enumerate() {
            let separate = norm_up(samples.iter().map(|s| s.reach[l]).collect::<Vec<_>>());
            let mut together = self.inputs_norm(l, samples);
            if let Some(before) = joint.last() {
                let slope = samples.iter().map(|s| s.slopes[l - 1]).fold(0.0, f64::max);
                let factor = mul_up(layer.weight_factor.abs(), add_up(self.norms[l], self.radius));
                together = hypot_up(together, mul_up(mul_up(factor, slope), *before));
            }
            joint.push(together.min(separate));
        }
        joint
    }

    /// ‖[sₗAₗ₋₁, βₗ]‖ on the ball, A a row per sample: its norm at the centre, and how far the samples move.
    fn inputs_norm(&self, l: usize, samples: &[Sample]) -> f64 {
        let layer = &self.network.layers()[l];
        let bias = layer.biases.as_ref().map(|_| layer.bias_factor);
        let columns = samples
            .iter()
            .flat_map(|s| s.inputs[l].iter().map(|a| layer.weight_factor * a).chain(bias));
        let rows = layer.inputs + usize::from(bias.is_some());
        let matrix = DMatrix::from_iterator(rows, samples.len(), columns);
        let moves = norm_up(samples.iter().map(|s| s.moves[l]).collect::<Vec<_>>());
        let error = add_up(
            mul_up(layer.weight_factor.abs(), moves),
            mul_up(gamma(2), verified::frobenius(&matrix)),
        );
        verified::norm(&matrix, error)
    }
}
