//! Random small models of many kinds, each with a start, a target and a name: what the theorems are tried on.

use crate::common::{Scalar1, Sin2};
use gradflow::constants::Neighbourhood;
use gradflow::model::{Activation, Centred, Differentiable, Doubled, Mlp, Model, Shape, TwoLayer};
use gradflow::random::Generator;
use gradflow::scalar::Scalar;
use nalgebra::DMatrix;

/// h = Σₖ cₖ wᵏ, k = 1 … 4, in one parameter.
pub(crate) struct Polynomial(pub(crate) [f64; 4]);

impl Model for Polynomial {
    fn shape(&self) -> Shape {
        Shape { params: 1, outputs: 1 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        y[0] = S::from(0.0);
        for c in self.0.iter().rev() {
            y[0] = (y[0] + S::from(*c)) * w[0];
        }
    }
}

/// h = U V, flattened; U is a × k, V is k × b, both row-major.
pub(crate) struct Factors {
    pub(crate) a: usize,
    pub(crate) k: usize,
    pub(crate) b: usize,
}

impl Model for Factors {
    fn shape(&self) -> Shape {
        Shape { params: self.k * (self.a + self.b), outputs: self.a * self.b }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let (u, v) = w.split_at(self.a * self.k);
        for i in 0..self.a {
            for j in 0..self.b {
                let mut sum = S::from(0.0);
                for l in 0..self.k {
                    sum = sum + u[i * self.k + l] * v[l * self.b + j];
                }
                y[i * self.b + j] = sum;
            }
        }
    }
}

/// h = X (u ∘ u − v ∘ v), the diagonal linear network; w = (u, v).
pub(crate) struct Diagonal(pub(crate) DMatrix<f64>);

impl Model for Diagonal {
    fn shape(&self) -> Shape {
        Shape { params: 2 * self.0.ncols(), outputs: self.0.nrows() }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let d = self.0.ncols();
        for (i, y) in y.iter_mut().enumerate() {
            *y = S::from(0.0);
            for j in 0..d {
                let (u, v) = (w[j], w[d + j]);
                *y = *y + S::from(self.0[(i, j)]) * (u * u - v * v);
            }
        }
    }
}

/// A model with somewhere to start and somewhere to go.
pub(crate) struct Problem {
    pub(crate) name: &'static str,
    pub(crate) map: Box<dyn Differentiable>,
    pub(crate) start: Vec<f64>,
    pub(crate) target: Vec<f64>,
    /// A textbook upper bound of Lip(Dh) on the ball of each radius around the start, where there is one.
    textbook: Option<Box<dyn Fn(f64) -> f64>>,
}

impl Problem {
    /// An upper bound of Lip(Dh) on a ball around the start: the textbook's or the certified one, whichever is less.
    pub(crate) fn lip(&self, near: &Neighbourhood<'_>, radius: f64) -> (f64, &'static str) {
        let certified = near.lip_jacobian_upper(radius);
        match &self.textbook {
            Some(textbook) if textbook(radius) < certified.0 => (textbook(radius), "textbook"),
            _ => certified,
        }
    }

    /// The same on a ball around another point, at that distance from the start.
    pub(crate) fn lip_away(
        &self,
        near: &Neighbourhood<'_>,
        radius: f64,
        distance: f64,
    ) -> (f64, &'static str) {
        let certified = near.lip_jacobian_upper(radius);
        match &self.textbook {
            Some(textbook) if textbook(radius + distance) < certified.0 => {
                (textbook(radius + distance), "textbook")
            }
            _ => certified,
        }
    }
}

/// Σₖ k(k − 1)|cₖ|rᵏ⁻², a bound of |h''| on |w| ≤ r.
fn polynomial_bound(c: [f64; 4], r: f64) -> f64 {
    2.0 * c[1].abs() + 6.0 * c[2].abs() * r + 12.0 * c[3].abs() * r * r
}

/// Two-layer tanh net, h = m^(−1/2) Σⱼ aⱼ tanh(bⱼ·x): the Hessian is block-diagonal over neurons, and per sample a block has
/// norm at most (A + √(A² + 4B²))/2 with A = (max|a| + r) sup|tanh''| |x|², B = |x|, sup|tanh''| = 4/(3√3).
fn two_layer_bound(inputs: &DMatrix<f64>, start: &[f64], width: usize, r: f64) -> f64 {
    let d = inputs.nrows();
    // Weights B (width × d), then a; a doubled start holds them twice.
    let half = width * (d + 1);
    let outer =
        start.chunks(half).flat_map(|w| &w[width * d..]).fold(0.0_f64, |m, a| m.max(a.abs()));
    let sample = |x: nalgebra::DVectorView<'_, f64>| {
        let (a, b) = ((outer + r) * 4.0 / (3.0 * 3.0_f64.sqrt()) * x.norm_squared(), x.norm());
        (0.5 * (a + (a * a + 4.0 * b * b).sqrt())).powi(2)
    };
    #[allow(clippy::cast_precision_loss, reason = "a width")]
    let factor = (width as f64).sqrt().recip();
    factor * inputs.column_iter().map(sample).sum::<f64>().sqrt()
}

/// How many kinds [`problem`] knows.
pub(crate) const KINDS: usize = 9;

/// A textbook bound.
type Textbook = Option<Box<dyn Fn(f64) -> f64>>;

/// A random problem of that kind; h(w₀) = 0 in all of them.
pub(crate) fn problem(kind: usize, seed: u64) -> Problem {
    let mut draws = Generator::seeded(seed).stream(kind as u64);
    let (name, map, start, textbook): (_, Box<dyn Differentiable>, Vec<f64>, Textbook) = match kind
        % KINDS
    {
        0 => ("w² − 1", Box::new(Scalar1.auto()), vec![1.0], Some(Box::new(|_| 2.0))),
        1 => {
            let c = [1.0 + draws.uniform(0.0, 1.0), draws.gaussian(), draws.gaussian(), 0.3];
            let bound = move |r| polynomial_bound(c, r);
            ("polynomial", Box::new(Polynomial(c).auto()), vec![0.0], Some(Box::new(bound)))
        }
        // On sin: |D²h₁| ≤ 1, |D²h₂| ≤ 0.6.
        2 => ("sine", Box::new(Sin2.auto()), vec![0.0; 2], Some(Box::new(|_| 1.36_f64.sqrt()))),
        kind @ 3..=5 => two_layer(kind, &mut draws),
        6 => {
            let plan = Mlp { hidden: vec![5, 4], activation: Activation::Tanh, ..Mlp::default() };
            let net = plan.on(gaussian(2, 3, &mut draws)).unwrap();
            let p = net.shape().params;
            let start: Vec<f64> = draws.gaussians(p).iter().map(|w| 0.7 * w).collect();
            ("perceptron, centred", Box::new(Centred::at(net, &start)), start, None)
        }
        7 => {
            let start = draws.gaussians(8);
            let model = Factors { a: 2, k: 2, b: 2 }.auto();
            // |D²h[x, x]| = 2|UV| ≤ 2|U||V| ≤ 1 for |U|² + |V|² = 1.
            let model = Centred::at(model, &start);
            ("factors, centred", Box::new(model), start, Some(Box::new(|_| 1.0)))
        }
        _ => {
            let half: Vec<f64> = (0..5).map(|_| draws.uniform(0.5, 1.5)).collect();
            let x = gaussian(3, 5, &mut draws);
            // D²h[x, x'] = 2X(u ∘ u' − v ∘ v').
            let lip = 2.0 * x.column_iter().map(|c| c.norm()).fold(0.0, f64::max);
            let start = [&half[..], &half[..]].concat();
            ("diagonal", Box::new(Diagonal(x).auto()), start, Some(Box::new(move |_| lip)))
        }
    };
    let target = draws.gaussians(map.shape().outputs);
    Problem { name, map, start, target, textbook }
}

fn two_layer(
    kind: usize,
    draws: &mut Generator,
) -> (&'static str, Box<dyn Differentiable>, Vec<f64>, Textbook) {
    // The last has more outputs than parameters: σ_min = 0.
    let (width, samples) = if kind == 5 { (2, 10) } else { (20, 3) };
    let inputs = gaussian(2, samples, draws);
    let net = TwoLayer { width, ..TwoLayer::default() }.on(inputs.clone()).unwrap();
    let half = draws.gaussians(3 * width);
    let start = if kind == 4 { [&half[..], &half[..]].concat() } else { half.clone() };
    let bound = {
        let start = start.clone();
        move |r| two_layer_bound(&inputs, &start, width, r)
    };
    let bound: Textbook = Some(Box::new(bound));
    match kind {
        3 => ("two-layer, centred", Box::new(Centred::at(net, &half)), start, bound),
        4 => ("two-layer, doubled", Box::new(Doubled(net)), start, bound),
        _ => ("two-layer, N > p", Box::new(Centred::at(net, &half)), start, bound),
    }
}

fn gaussian(rows: usize, columns: usize, draws: &mut Generator) -> DMatrix<f64> {
    DMatrix::from_vec(rows, columns, draws.gaussians(rows * columns))
}
