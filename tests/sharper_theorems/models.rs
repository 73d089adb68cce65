//! Random small models of many kinds, each with a start, a target and a name: what the theorems are tried on.

use crate::common::{Scalar1, Sin2, gaussian_matrix};
use gradflow::model::{Activation, Centred, Differentiable, Doubled, Mlp, Model, Shape, TwoLayer};
use gradflow::random::Generator;
use gradflow::scalar::Scalar;

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
pub(crate) struct Diagonal(pub(crate) nalgebra::DMatrix<f64>);

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
}

/// How many kinds [`problem`] knows.
pub(crate) const KINDS: usize = 9;

/// A random problem of that kind; all but the polynomial and the sine have h(w₀) = 0 by construction.
pub(crate) fn problem(kind: usize, seed: u64) -> Problem {
    let mut draws = Generator::seeded(seed).stream(kind as u64);
    let inputs = gaussian_matrix(2, 3, seed + 17);
    let (name, map, start): (_, Box<dyn Differentiable>, Vec<f64>) = match kind % KINDS {
        0 => ("w² − 1", Box::new(Scalar1.auto()), vec![1.0]),
        1 => {
            let c = [1.0 + draws.uniform(0.0, 1.0), draws.gaussian(), draws.gaussian(), 0.3];
            ("polynomial", Box::new(Polynomial(c).auto()), vec![0.0])
        }
        2 => ("sine", Box::new(Sin2.auto()), vec![0.0, 0.0]),
        3 | 4 => {
            let net = TwoLayer { width: 20, ..TwoLayer::default() }.on(inputs).unwrap();
            let start = draws.gaussians(60);
            if kind % KINDS == 3 {
                ("two-layer, centred", Box::new(Centred::at(net, &start)), start)
            } else {
                ("two-layer, doubled", Box::new(Doubled(net)), doubled(&start))
            }
        }
        5 => {
            // More outputs than parameters: σ_min = 0.
            let inputs = gaussian_matrix(2, 10, seed + 18);
            let net = TwoLayer { width: 2, ..TwoLayer::default() }.on(inputs).unwrap();
            let start = draws.gaussians(6);
            ("two-layer, N > p", Box::new(Centred::at(net, &start)), start)
        }
        6 => {
            let plan = Mlp { hidden: vec![5, 4], activation: Activation::Tanh, ..Mlp::default() };
            let net = plan.on(inputs).unwrap();
            let p = net.shape().params;
            let start: Vec<f64> = draws.gaussians(p).iter().map(|w| 0.7 * w).collect();
            ("perceptron, centred", Box::new(Centred::at(net, &start)), start)
        }
        7 => {
            let start = draws.gaussians(8);
            let model = Factors { a: 2, k: 2, b: 2 }.auto();
            ("factors, centred", Box::new(Centred::at(model, &start)), start)
        }
        _ => {
            let half: Vec<f64> = (0..5).map(|_| draws.uniform(0.5, 1.5)).collect();
            let model = Diagonal(gaussian_matrix(3, 5, seed + 19)).auto();
            ("diagonal", Box::new(model), doubled(&half))
        }
    };
    let target = draws.gaussians(map.shape().outputs);
    Problem { name, map, start, target }
}

fn doubled(half: &[f64]) -> Vec<f64> {
    [half, half].concat()
}
