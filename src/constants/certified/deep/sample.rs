//! One sample's signals on the ball: what is known at the centre, and how far it can move.
//!
//! Forward, Dzₗ = Σₗ' Pₗₗ' [sₗ'aₗ'₋₁, βₗ'] in the parameters of layer l', with Pₗₗ' = ∂zₗ/∂zₗ' = Tₗ ⋯ Tₗ'₊₁ and
//! Tₗ = sₗWₗ diag φ'(zₗ₋₁). Hence Dₗ = √(Σₗ' ‖Pₗₗ'‖² αₗ'²), αₗ = |[sₗaₗ₋₁, βₗ]|. On the ball zₗ moves by at most r Dₗ, one
//! neuron by r √(αₗ² + (sₗ|wⱼ| max|φ'| Dₗ₋₁)²), which gives the ranges of φ' and φ''. With Tₗ = T⁰ₗ + Eₗ, where
//! ‖Eₗ‖ ≤ εₗ = sₗ(r max|φ'| + ‖W⁰ₗ‖ max|φ' − φ'⁰|), products telescope:
//!
//! ```text
//! P = P⁰ + Σⱼ Pₗⱼ Eⱼ P⁰ⱼ₋₁,ₗ'      ‖Pₗₗ'‖ ≤ ‖P⁰ₗₗ'‖ + Σⱼ ‖Pₗⱼ‖ εⱼ ‖P⁰ⱼ₋₁,ₗ'‖
//! ```

use super::super::activation;
use super::Ball;
use crate::constants::verified::{Approximate, frobenius, gamma};
use crate::scalar::{Interval, add_up, hypot_up, mul_up, norm_up, sum_up};
use nalgebra::DMatrix;

/// Bounds on the ball, by layer.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// Dₗ ≥ ‖Dzₗ‖.
    pub(super) reach: Vec<f64>,
    /// max |φ'(zₗⱼ)|.
    pub(super) slopes: Vec<f64>,
    /// cₗ = maxⱼ |Bₗ,ⱼ||φ''(zₗⱼ)|.
    pub(super) bends: Vec<f64>,
    /// gₗ = sₗ‖Pₗ‖ max|φ'(zₗ₋₁)|; 0 for the first layer.
    pub(super) links: Vec<f64>,
    /// What layer l is fed at the centre, to rounding.
    pub(super) inputs: Vec<Vec<f64>>,
    /// How far that may be from the truth on the ball.
    pub(super) moves: Vec<f64>,
}

/// A hidden layer at the centre and around it.
struct Hidden {
    /// φ'(z) at the centre.
    slopes: Vec<Interval>,
    /// max |φ' − φ'⁰|.
    change: f64,
    /// sup |φ''|, per neuron.
    bends: Vec<f64>,
}

/// What the passes share: norms of the centre's products and of the ball's.
#[derive(Default)]
struct Products {
    /// `centre[l][l']` ≥ ‖P⁰ₗₗ'‖ for l' ≤ l.
    centre: Vec<Vec<f64>>,
    /// εₗ.
    change: Vec<f64>,
}

impl Products {
    /// (‖Pₗₗ'‖, ‖Pₗₗ' − P⁰ₗₗ'‖) for every l' ≤ l.
    fn on_ball(&self, l: usize) -> Vec<(f64, f64)> {
        let mut found = vec![(1.0, 0.0); l + 1];
        for from in (0..l).rev() {
            let term =
                |j: usize| mul_up(found[j].0, mul_up(self.change[j], self.centre[j - 1][from]));
            let change = sum_up((from + 1..=l).map(term));
            found[from] = (add_up(self.centre[l][from], change), change);
        }
        found
    }
}

/// Midpoint and radius, rounded outward.
fn parts(x: Interval) -> (f64, f64) {
    (x.midpoint(), x.radius())
}

impl Ball<'_> {
    pub(super) fn sample(&self, x: &[f64]) -> Sample {
        let layers = self.network.layers();
        let last = layers.len() - 1;
        let mut sample = Sample { inputs: vec![x.to_vec()], moves: vec![0.0], ..Sample::default() };
        let (mut products, mut hidden) = (Products::default(), Vec::<Hidden>::new());
        let (mut errors, mut alphas) = (vec![0.0; x.len()], Vec::new());
        let mut chain: Vec<Approximate> = Vec::new();
        for (l, layer) in layers.iter().enumerate() {
            let bias = layer.biases.as_ref().map_or(0.0, |_| layer.bias_factor.abs());
            let size = add_up(norm_up(sample.inputs[l].iter().copied()), sample.moves[l]);
            alphas.push(hypot_up(mul_up(layer.weight_factor.abs(), size), bias));
            let factor = layer.weight_factor.abs();
            products.change.push(hidden.last().map_or(0.0, |h: &Hidden| {
                let moved = mul_up(self.radius, sample.slopes[l - 1]);
                mul_up(factor, add_up(moved, mul_up(self.norms[l], h.change)))
            }));
            if l == last {
                break;
            }
            let norms = self.hidden_products(l, &hidden, &products, &mut chain);
            products.centre.push(norms);
            sample.reach.push(reach(&products.on_ball(l), &alphas));
            let (next, errors_next) = self.activate(l, &mut sample, &errors, &alphas);
            hidden.push(next);
            errors = errors_next;
        }
        self.backward(&hidden, &mut products, &alphas, &mut sample);
        sample
    }

    /// ‖P⁰ₗₗ'‖ for l' ≤ l and a hidden layer l: of the products themselves, or products of norms.
    fn hidden_products(
        &self,
        l: usize,
        hidden: &[Hidden],
        products: &Products,
        chain: &mut Vec<Approximate>,
    ) -> Vec<f64> {
        let Some(before) = hidden.last() else { return vec![1.0] };
        let layer = &self.network.layers()[l];
        let slope = before.slopes.iter().map(|s| s.magnitude()).fold(0.0, f64::max);
        let norm = mul_up(mul_up(layer.weight_factor.abs(), self.norms[l]), slope);
        let mut norms: Vec<f64> = products.centre[l - 1].iter().map(|n| mul_up(norm, *n)).collect();
        if self.products {
            let step = self.scaled_weights(l).after(&before.slopes);
            chain.iter_mut().for_each(|product| *product = step.times(product));
            chain.push(step);
            norms.iter_mut().zip(&*chain).for_each(|(n, product)| *n = n.min(product.norm()));
        }
        norms.push(1.0);
        norms
    }

    /// sₗWₗ at the centre.
    fn scaled_weights(&self, l: usize) -> Approximate {
        let layer = &self.network.layers()[l];
        let rows = &self.w[layer.weights.clone()];
        let matrix =
            DMatrix::from_row_slice(layer.outputs, layer.inputs, rows) * layer.weight_factor;
        let error = add_up(mul_up(gamma(2), frobenius(&matrix)), f64::MIN_POSITIVE);
        Approximate { matrix, error }
    }

    /// Layer l and its activation, at the centre and on the ball; leaves what the next layer is fed in `sample`.
    /// `errors` are those of `sample.inputs[l]`; the next layer's are returned.
    fn activate(
        &self,
        l: usize,
        sample: &mut Sample,
        errors: &[f64],
        alphas: &[f64],
    ) -> (Hidden, Vec<f64>) {
        let layer = &self.network.layers()[l];
        let phi = |order, z| activation::on(self.network.activation(), order, z);
        let before = if l == 0 { 0.0 } else { mul_up(sample.slopes[l - 1], sample.reach[l - 1]) };
        let mut found = Hidden { slopes: Vec::new(), change: 0.0, bends: Vec::new() };
        let (mut slope, mut fed, mut errors_next) = (0.0_f64, Vec::new(), Vec::new());
        for o in 0..layer.outputs {
            let row = &self.w[layer.weights.start + o * layer.inputs..][..layer.inputs];
            let bias =
                layer.biases.as_ref().map_or(0.0, |b| layer.bias_factor * self.w[b.start + o]);
            let centre = affine(row, &sample.inputs[l], errors, layer.weight_factor, bias);
            let steep = add_up(norm_up(row.iter().copied()), self.radius);
            let steep = mul_up(mul_up(layer.weight_factor.abs(), steep), before);
            let moved = mul_up(self.radius, hypot_up(alphas[l], steep).min(sample.reach[l]));
            let ball = centre + Interval::new(-moved, moved);
            let (at, around) = (phi(1, centre), phi(1, ball));
            found.change = found.change.max((around - at).magnitude());
            found.slopes.push(at);
            found.bends.push(phi(2, ball).magnitude());
            slope = slope.max(around.magnitude());
            let (value, error) = parts(phi(0, centre));
            fed.push(value);
            errors_next.push(error);
        }
        let moves = mul_up(slope, mul_up(self.radius, sample.reach[l]));
        sample.moves.push(add_up(moves, norm_up(errors_next.iter().copied())));
        sample.slopes.push(slope);
        sample.inputs.push(fed);
        (found, errors_next)
    }

    /// B and P from the outputs back, and all that rests on them.
    fn backward(
        &self,
        hidden: &[Hidden],
        products: &mut Products,
        alphas: &[f64],
        sample: &mut Sample,
    ) {
        let layers = self.network.layers();
        let last = layers.len() - 1;
        let (mut outer, mut norms) = (Vec::new(), vec![1.0; last + 1]);
        let mut signal = self.scaled_weights(last);
        for l in (0..last).rev() {
            let through = signal.after(&hidden[l].slopes);
            norms[l] = through.norm();
            let next = (l > 0).then(|| through.times(&self.scaled_weights(l)));
            outer.push(signal);
            match next {
                Some(next) => signal = next,
                None => break,
            }
        }
        outer.reverse();
        products.centre.push(norms);
        let on_ball = products.on_ball(last);
        sample.reach.push(reach(&on_ball, alphas));
        sample.links.push(0.0);
        for (l, (hidden, outer)) in hidden.iter().zip(&outer).enumerate() {
            let (size, change) = on_ball[l + 1];
            let factor = layers[l + 1].weight_factor.abs();
            let moved = add_up(mul_up(change, self.norms[l + 1]), mul_up(size, self.radius));
            let moved = add_up(mul_up(factor, moved), outer.error);
            let columns = outer.matrix.column_iter().zip(&hidden.bends);
            let bends = columns.map(|(column, bend)| {
                mul_up(add_up(norm_up(column.iter().copied()), moved), *bend)
            });
            sample.bends.push(bends.fold(0.0, f64::max));
            sample.links.push(mul_up(factor, mul_up(size, sample.slopes[l])));
        }
    }
}

/// Dₗ from ‖Pₗₗ'‖ and αₗ'.
fn reach(products: &[(f64, f64)], alphas: &[f64]) -> f64 {
    let terms = products.iter().zip(alphas).map(|((p, _), alpha)| mul_up(*p, *alpha));
    norm_up(terms.collect::<Vec<_>>())
}

/// s Σ wᵢaᵢ + b, each aᵢ being off by at most `errors[i]`.
fn affine(row: &[f64], a: &[f64], errors: &[f64], s: f64, bias: f64) -> Interval {
    let (mut sum, mut size, mut carried) = (0.0, 0.0, 0.0);
    for ((w, a), e) in row.iter().zip(a).zip(errors) {
        sum += w * a;
        size += (w * a).abs();
        carried += w.abs() * e;
    }
    // The sums of absolute values are off by γ themselves.
    let size = add_up(mul_up(s.abs(), add_up(size, carried)), bias.abs());
    let rounding = mul_up(gamma(2 * row.len() + 16), size);
    let carried = mul_up(s.abs(), carried);
    let error = add_up(add_up(rounding, carried), f64::MIN_POSITIVE);
    Interval::around(s * sum + bias, error)
}

impl Approximate {
    /// A diag(slopes).
    fn after(&self, slopes: &[Interval]) -> Self {
        let mut matrix = self.matrix.clone();
        let (mut width, mut largest) = (0.0_f64, 0.0_f64);
        for (mut column, slope) in matrix.column_iter_mut().zip(slopes) {
            let (middle, radius) = parts(*slope);
            column *= middle;
            width = width.max(radius);
            largest = largest.max(slope.magnitude());
        }
        let rounding = mul_up(gamma(2), frobenius(&matrix));
        let carried = [mul_up(frobenius(&self.matrix), width), mul_up(self.error, largest)];
        let tiny = f64::MIN_POSITIVE;
        Approximate { matrix, error: sum_up(carried.into_iter().chain([rounding, tiny])) }
    }
}
