//! Solvers against each other, against tolerances, and what they cost.

mod common;

use common::{
    METHODS, Scalar1, Sin2, TinyTanh, alone, apart, comparisons_apart, gap, gaussian_matrix,
    options, relative,
};
use gradflow::flow::{Flow, Work};
use gradflow::loss::{Huber, Logistic, Loss, Square};
use gradflow::model::{Centred, Differentiable, Formula, Initialization, Model, TwoLayer};
use gradflow::random::Generator;
use gradflow::solve::{Comparison, Eigen, Gap, Method};
use gradflow::{logarithmic, uniform};

/// A problem of the corpus.
struct Problem {
    name: String,
    map: Box<dyn Differentiable>,
    loss: Box<dyn Loss>,
    start: Vec<f64>,
    alpha: f64,
    times: Vec<f64>,
}

impl Problem {
    fn flow(&self) -> Flow<&dyn Differentiable, &dyn Loss> {
        Flow::new(&*self.map, &*self.loss, self.start.clone()).scaled(self.alpha)
    }

    fn gap(&self, method: Method, rtol: f64) -> Comparison {
        let run = gap(method, rtol).solve(&self.flow(), &self.times);
        run.unwrap_or_else(|e| panic!("{} by {method:?} at {rtol:e}: {e}", self.name))
    }
}

const FORMULAS: [&str; 4] = [
    "sin(a) + 0.5*b^2; b + 0.3*sin(a)^2",
    "a*tanh(b*c); exp(-c^2)*a + b",
    "sqrt(1 + a^2*b^2) - c; sin(a + b*c); a*c",
    "a^3 - 3*a*b^2; 3*a^2*b - b^3",
];

/// Centred networks and formulas under three losses, α from 10⁻² to 10⁴, and M λ₁ T from 1 to 10⁵ evenly in logarithm.
fn corpus(seeds: std::ops::Range<u64>) -> impl Iterator<Item = Problem> {
    seeds.map(|seed| {
        let mut draws = Generator::seeded(seed);
        let map: Box<dyn Differentiable> = if seed % 2 == 0 {
            let (width, d, n) = (2 + draws.below(4), 1 + draws.below(2), 2 + draws.below(4));
            Box::new(TinyTanh { width, inputs: gaussian_matrix(d, n, seed) }.auto())
        } else {
            let text = FORMULAS[draws.below(FORMULAS.len())];
            Box::new(Formula::parse(text, &[]).unwrap().without_inputs().unwrap().auto())
        };
        let shape = map.shape();
        let start = draws.gaussians(shape.params);
        let targets = draws.gaussians(shape.outputs);
        let labels: Vec<f64> = (0..shape.outputs).map(|_| draws.sign()).collect();
        let loss: Box<dyn Loss> = match draws.below(4) {
            0 => Box::new(Logistic::new(labels).unwrap()),
            1 => Box::new(Huber::to(targets)),
            _ => Box::new(Square::to(targets)),
        };
        let alpha = 10.0_f64.powf(draws.uniform(-2.0, 4.0));
        let stiffness = 10.0_f64.powf(draws.uniform(0.0, 5.0));
        let fastest = map.kernel(&start).symmetric_eigenvalues().max() * loss.convexity().big_m;
        let end = stiffness / fastest;
        let name = format!("seed {seed}, {shape:?}, {}, α = {alpha:.3e}, stiffness {stiffness:.1e}", loss.name());
        let map = Box::new(Centred::at(map, &start));
        Problem { name, map, loss, start, alpha, times: logarithmic(1e-3 * end, end, 12) }
    })
}
