//! Losses, constants and measurements that several theorems share.

use crate::common::{TinyTanh, gap, gaussian_matrix, norm};
use gradflow::constants::Enclosure;
use gradflow::flow::{Flow, logarithmic};
use gradflow::loss::{Convexity, Loss};
use gradflow::model::{Differentiable, Displacement, Model, Seed, Shape, Structure};
use gradflow::random::Generator;
use gradflow::scalar::Scalar;
use gradflow::solve::{Comparison, Method};
use gradflow::theory::{Quantity, Theorem};

/// Σ (1 − cos(yᵢ − yᵢ*)): smooth, not convex.
pub(crate) struct Cosine(pub(crate) Vec<f64>);

impl Loss for Cosine {
    fn name(&self) -> String {
        "cosine".into()
    }
    fn outputs(&self) -> usize {
        self.0.len()
    }
    fn value(&self, y: &[f64]) -> f64 {
        y.iter().zip(&self.0).map(|(y, t)| 2.0 * (0.5 * (y - t)).sin().powi(2)).sum()
    }
    fn gradient(&self, y: &[f64], g: &mut [f64]) {
        for (i, g) in g.iter_mut().enumerate() {
            *g = (y[i] - self.0[i]).sin();
        }
    }
    fn hessian(&self, y: &[f64], dy: &[f64], out: &mut [f64]) {
        for (i, out) in out.iter_mut().enumerate() {
            *out = (y[i] - self.0[i]).cos() * dy[i];
        }
    }
    /// sin(d + εs) − sin d = 2 cos(d + εs/2) sin(εs/2).
    fn increment(&self, y: &[f64], s: &[f64], eps: f64, q: &mut [f64]) {
        for (i, q) in q.iter_mut().enumerate() {
            let half = 0.5 * eps * s[i];
            let sinc = if half == 0.0 { 1.0 } else { half.sin() / half };
            *q = (y[i] - self.0[i] + half).cos() * sinc * s[i];
        }
    }
    fn convexity(&self) -> Convexity {
        Convexity { m: 0.0, big_m: 1.0 }
    }
}

/// ½ Σ kᵢ (yᵢ − yᵢ*)²: m = min k, M = max k.
pub(crate) struct Weighted {
    pub(crate) weights: Vec<f64>,
    pub(crate) target: Vec<f64>,
}

impl Loss for Weighted {
    fn name(&self) -> String {
        "weighted".into()
    }
    fn outputs(&self) -> usize {
        self.target.len()
    }
    fn value(&self, y: &[f64]) -> f64 {
        let term = |(i, k): (usize, &f64)| 0.5 * k * (y[i] - self.target[i]).powi(2);
        self.weights.iter().enumerate().map(term).sum()
    }
    fn gradient(&self, y: &[f64], g: &mut [f64]) {
        for (i, g) in g.iter_mut().enumerate() {
            *g = self.weights[i] * (y[i] - self.target[i]);
        }
    }
    fn hessian(&self, _y: &[f64], dy: &[f64], out: &mut [f64]) {
        for (i, out) in out.iter_mut().enumerate() {
            *out = self.weights[i] * dy[i];
        }
    }
    fn increment(&self, y: &[f64], s: &[f64], _eps: f64, q: &mut [f64]) {
        self.hessian(y, s, q);
    }
    fn convexity(&self) -> Convexity {
        let over = |f: fn(f64, f64) -> f64, from| self.weights.iter().copied().fold(from, f);
        Convexity { m: over(f64::min, f64::INFINITY), big_m: over(f64::max, 0.0) }
    }
    fn minimizer(&self) -> Option<&[f64]> {
        Some(&self.target)
    }
}

/// h + c.
pub(crate) struct Shifted<M>(pub(crate) M, pub(crate) Vec<f64>);

impl<M: Model> Model for Shifted<M> {
    fn shape(&self) -> Shape {
        self.0.shape()
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        self.0.eval(w, y);
        for (y, c) in y.iter_mut().zip(&self.1) {
            *y = *y + S::from(*c);
        }
    }
}

/// A model known by its actions only: nothing of it can be certified.
pub(crate) struct Opaque<H>(pub(crate) H);

impl<H: Differentiable> Differentiable for Opaque<H> {
    fn shape(&self) -> Shape {
        self.0.shape()
    }
    fn value(&self, w: &[f64], y: &mut [f64]) {
        self.0.value(w, y);
    }
    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        self.0.jvp(w, dw, dy);
    }
    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        self.0.vjp(w, dy, dw);
    }
    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        self.0.curvature(w, dy, dw, out);
    }
    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        self.0.increment(at, seed, base, change);
    }
    fn structure(&self) -> Structure<'_> {
        Structure::Opaque
    }
}

/// A random tanh network of `width` neurons on n inputs in Rᵈ, with its start.
pub(crate) fn tanh_net(width: usize, d: usize, n: usize, seed: u64) -> (TinyTanh, Vec<f64>) {
    let net = TinyTanh { width, inputs: gaussian_matrix(d, n, seed) };
    let start = Generator::seeded(seed + 1).gaussians(width * (d + 1));
    (net, start)
}

/// Lip(Dh) of [`TinyTanh`] on the ball of radius r around `start`, doubled or not: D²h is block diagonal over neurons, and
/// the block of neuron j for the sample x is m^(−½) [[a φ'' xxᵀ, φ' x], [φ' xᵀ, 0]] with |φ''| ≤ 4/(3√3) and |φ'| ≤ 1,
/// so of norm at most m^(−½)(A + √(A² + 4|x|²))/2, A = (|a| + r) 4/(3√3) |x|².
pub(crate) fn tanh_lipschitz(net: &TinyTanh, start: &[f64], r: f64) -> Enclosure {
    let (d, m) = (net.inputs.nrows(), net.width);
    let outer = start[m * d..m * (d + 1)].iter().fold(0.0_f64, |a, b| a.max(b.abs())) + r;
    let sample = |x: f64| {
        let a = outer * 4.0 / (3.0 * 3.0_f64.sqrt()) * x * x;
        0.5 * (a + (a * a + 4.0 * x * x).sqrt()) / (m as f64).sqrt()
    };
    let all: Vec<f64> = net.inputs.column_iter().map(|x| sample(norm(x.as_slice()))).collect();
    // A few roundings above the formula.
    Enclosure { lower: 0.0, upper: norm(&all) * (1.0 + 1e-12), radius: r, method: "by hand" }
}

/// A flow of any model and loss: one type, so that solvers are compiled once.
pub(crate) type AnyFlow<'a> = Flow<&'a dyn Differentiable, &'a dyn Loss>;

/// The flow at α = 1.
pub(crate) fn flow<'a>(
    map: &'a dyn Differentiable,
    loss: &'a dyn Loss,
    start: &[f64],
) -> AnyFlow<'a> {
    Flow::new(map, loss, start)
}

/// Both flows at rtol 1e-9.
pub(crate) fn solve(flow: &AnyFlow<'_>, times: &[f64]) -> Comparison {
    gap(Method::Automatic, 1e-9).solve(flow, times).unwrap()
}

/// What a theorem speaks of, at each time of a run.
pub(crate) fn measured(run: &Comparison, quantity: Quantity, target: &[f64]) -> Vec<f64> {
    let eps = run.curved.alpha.recip();
    let sizes = |rows: &[Vec<f64>], scale: f64| rows.iter().map(|r| scale * norm(r)).collect();
    match quantity {
        Quantity::Displacement => sizes(&run.curved.displacements, eps),
        Quantity::WeightsGap => sizes(&run.weights_gaps, eps * eps),
        Quantity::OutputsGap => sizes(&run.outputs_gaps, eps),
        _ => {
            let away = |y: &Vec<f64>| y.iter().zip(target).map(|(a, b)| a - b).collect::<Vec<_>>();
            run.curved.outputs.iter().map(|y| norm(&away(y))).collect()
        }
    }
}

/// The largest measured/formula over the times of a run, t > 0 (at 0 both may vanish).
pub(crate) fn worst(theorem: &dyn Theorem, run: &Comparison, target: &[f64]) -> f64 {
    let all = measured(run, theorem.quantity(), target);
    let ratio = |(&t, m): (&f64, f64)| if t > 0.0 { m / theorem.formula(t) } else { 0.0 };
    run.curved.times.iter().zip(all).map(ratio).fold(0.0, f64::max)
}

/// Least-squares slopes of log sup‖w − w₀‖, log sup‖w − w̄‖ and log sup‖y − ȳ‖ against log α on [0, `time`], over four
/// scales to a decade from `first` to `last`.
pub(crate) fn slopes(flow: &AnyFlow<'_>, time: f64, (first, last): (f64, f64)) -> [f64; 3] {
    let steps = (4.0 * (last / first).log10()).round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let alphas = &logarithmic(first, last, steps as usize)[1..];
    let runs: Vec<Comparison> =
        alphas.iter().map(|&a| solve(&flow.clone().scaled(a), &[0.0, time])).collect();
    let sup = |order: i32, scaled: fn(&Comparison) -> f64| {
        slope(
            &runs
                .iter()
                .map(|r| (r.curved.alpha, scaled(r) / r.curved.alpha.powi(order)))
                .collect::<Vec<_>>(),
        )
    };
    [
        sup(1, |r| r.displacement.scaled),
        sup(2, |r| r.weights_gap.scaled),
        sup(1, |r| r.outputs_gap.scaled),
    ]
}

/// The least-squares slope of log y against log x.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let (mx, my) =
        (logs.iter().map(|p| p.0).sum::<f64>() / n, logs.iter().map(|p| p.1).sum::<f64>() / n);
    let sxy: f64 = logs.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    sxy / logs.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

pub(crate) fn assert_slopes(found: [f64; 3], wanted: [f64; 3], tolerance: f64) {
    for (f, w) in found.iter().zip(&wanted) {
        assert!((f - w).abs() <= tolerance, "{found:.4?}, wanted {wanted:?}");
    }
}
