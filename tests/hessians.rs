//! Hessians on balls: certified from above, sampled from below, and the truth between.

mod common;

use common::{Product, Scalar1, Sin2, gaussian_matrix};
use gradflow::constants::{hessian, sampled};
use gradflow::model::Written;
use gradflow::prelude::*;
use sampled::Effort;

/// What the sampler's own arithmetic may be off, relatively: some thousand roundings.
const SAMPLER: f64 = 1e-10;

fn chance() -> Generator {
    Generator::seeded(20)
}

/// Certified over best sampled.
fn ratio<H: Differentiable + Written>(map: &H, start: &[f64], radius: f64, effort: Effort) -> f64 {
    let upper = hessian::bound(map, start, radius).expect("a bound");
    let lower = sampled::lip_jacobian(map, start, radius, effort, &chance());
    upper / lower
}

/// A network of one output on 5 inputs of dimension 2, weights N(0, 1/fan-in).
fn network(hidden: &[usize], activation: Activation, seed: u64) -> (Network, Vec<f64>) {
    let generator = Generator::seeded(seed);
    let inputs = nalgebra::DMatrix::from_vec(2, 5, generator.split("x").gaussians(10));
    let mlp = Mlp { hidden: hidden.to_vec(), activation, ..Mlp::default() };
    let network = mlp.on(inputs).expect("a network");
    let mut normal = generator.split("w");
    let sizes: Vec<usize> = [&[2], hidden, &[1]].concat();
    let layer = |io: &[usize]| {
        let scale = (io[0] as f64).sqrt();
        (0..io[1] * (io[0] + 1)).map(|_| normal.gaussian() / scale).collect::<Vec<_>>()
    };
    (network, sizes.windows(2).flat_map(layer).collect())
}

fn formula(text: &str) -> Auto<gradflow::model::FormulaModel> {
    Formula::parse(text, &[]).expect(text).without_inputs().expect(text).auto()
}

/// The certified bound of a model behind `Auto`.
fn certified(h: &Auto<impl Model>, start: &[f64], radius: f64) -> Option<f64> {
    hessian::bound(h.model(), start, radius)
}

/// Certified and sampled values lie around the truth, both within `slack` of it relatively.
fn meets(h: &Auto<impl Model>, start: &[f64], radius: f64, truth: f64, slack: f64) {
    let upper = certified(h, start, radius).expect("a bound");
    let lower = sampled::lip_jacobian(h, start, radius, Effort::LARGE, &chance());
    assert!(upper >= truth && upper <= truth * (1.0 + slack), "{upper} above {truth}");
    assert!(lower <= truth * (1.0 + SAMPLER) && lower >= truth * (1.0 - slack), "{lower}, {truth}");
}

#[test]
fn closed_forms_are_met() {
    // Constant Hessians: 2; (0 1; 1 0).
    meets(&Scalar1.auto(), &[3.0], 0.5, 2.0, 1e-9);
    meets(&Product.auto(), &[3.0, -5.0], 10.0, 1.0, 1e-9);
    // w³ has h'' = 6w, eʷ has h'' = eʷ.
    meets(&formula("w^3"), &[1.0], 0.5, 9.0, 1e-9);
    meets(&formula("exp(w)"), &[0.5], 0.1, 0.6_f64.exp(), 1e-4);
    meets(&formula("1/w"), &[2.0], 0.1, 2.0 / 1.9_f64.powi(3), 1e-3);
    meets(&formula("a*b*c"), &[2.0, 0.0, 0.0], 0.0, 2.0, 1e-9);
}

/// Sin2 at w₁ = s: q·D²h = diag(0.6 q₂ cos 2s − q₁ sin s, q₁), of norm max(1, √(sin² s + 0.36 cos² 2s)) = 1 near 0.
/// (√1.36 is the norm of the outputs' Hessians read as one matrix, an upper bound.)
#[test]
fn sines_have_norm_one() {
    meets(&Sin2.auto(), &[0.0, 0.0], 0.0, 1.0, 0.02);
    meets(&Sin2.auto(), &[0.0, 0.0], 1e-3, 1.0, 0.03);
}

/// h(w) = ½ (a·w)² b has D²h[u, v] = (a·u)(a·v) b, of norm |a|²|b|.
struct RankOne {
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Model for RankOne {
    fn shape(&self) -> Shape {
        Shape { params: self.a.len(), outputs: self.b.len() }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let terms = w.iter().zip(&self.a).map(|(&w, &a)| w * S::from(a));
        let sum = terms.fold(S::from(0.0), |s, t| s + t);
        for (y, &b) in y.iter_mut().zip(&self.b) {
            *y = sum * sum * S::from(0.5 * b);
        }
    }
}

#[test]
fn quadratic_forms_have_their_tensor_norm() {
    let mut generator = chance();
    for (p, n) in [(1, 1), (2, 3), (7, 4), (30, 10), (200, 2)] {
        let model = RankOne { a: generator.gaussians(p), b: generator.gaussians(n) };
        let truth = common::norm(&model.a).powi(2) * common::norm(&model.b);
        meets(&model.auto(), &generator.gaussians(p), 0.3, truth * (1.0 - 1e-12), 1e-6);
    }
}

/// Random homogeneous quadratics plus cubics: hᵢ = Σ a w w + Σ b w w w.
struct Cubic {
    params: usize,
    squares: nalgebra::DMatrix<f64>,
    cubes: nalgebra::DMatrix<f64>,
}

impl Model for Cubic {
    fn shape(&self) -> Shape {
        Shape { params: self.params, outputs: 2 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let p = self.params;
        for (i, y) in y.iter_mut().enumerate() {
            *y = S::from(0.0);
            for j in 0..p {
                for k in 0..p {
                    *y = *y + S::from(self.squares[(i, j * p + k)]) * w[j] * w[k];
                    for l in 0..p {
                        *y =
                            *y + S::from(self.cubes[(i, (j * p + k) * p + l)]) * w[j] * w[k] * w[l];
                    }
                }
            }
        }
    }
}

/// Unit vectors of R² or R³ on a grid, one of each pair ±x.
fn grid(dimension: usize, steps: u32) -> Vec<Vec<f64>> {
    let angle = |i: u32| std::f64::consts::PI * f64::from(i) / f64::from(steps);
    if dimension == 2 {
        return (0..steps).map(|i| vec![angle(i).cos(), angle(i).sin()]).collect();
    }
    let point = |i, j| {
        vec![angle(i).sin() * angle(j).cos(), angle(i).sin() * angle(j).sin(), angle(i).cos()]
    };
    (0..steps).flat_map(|i| (0..steps).map(move |j| point(i, j))).collect()
}

/// Against the best of a grid of ε, u and all q at once: |D²h(w₀ + ε)[u, u]|.
#[test]
fn tensors_are_bounded_from_above_and_not_far() {
    for (p, seed) in [(2, 1), (2, 2), (2, 3), (3, 4), (3, 5)] {
        let cubic = Cubic {
            params: p,
            squares: gaussian_matrix(2, p * p, seed),
            cubes: gaussian_matrix(2, p * p * p, seed + 100),
        };
        let (h, start, radius) = (cubic.auto(), vec![0.0; p], 0.3);
        let upper = certified(&h, &start, radius).expect("a bound");
        let (points, zero) = (grid(p, 40), vec![0.0; p]);
        let mut best = 0.0_f64;
        for epsilon in &points {
            for sign in [-radius, radius] {
                let w: Vec<f64> = epsilon.iter().map(|x| sign * x).collect();
                for u in &points {
                    let at = gradflow::model::Displacement {
                        start: &w,
                        first: u,
                        rest: &zero,
                        eps: 0.0,
                    };
                    let (mut first, mut rest) = ([0.0; 2], [0.0; 2]);
                    h.expand(at, &mut first, &mut rest);
                    best = best.max(2.0 * common::norm(&rest));
                }
            }
        }
        assert!(best <= upper && upper < 2.0 * best, "p = {p}: grid {best}, certified {upper}");
        let found = sampled::lip_jacobian(&h, &start, radius, Effort::LARGE, &chance());
        assert!(found >= 0.999 * best && found <= upper, "sampled {found}, grid {best}");
    }
}

/// The formulas of the soundness tests, with a point in their domain.
const FORMULAS: [(&str, &[f64]); 14] = [
    ("exp(a*b) + c", &[0.3, -0.7, 1.0]),
    ("ln(a + b^2); a*b", &[1.0, 0.5]),
    ("a/(1 + b^2)", &[0.7, 0.4]),
    ("a/b; b/a", &[2.0, 1.5]),
    ("a^3*b^(-2) + sqrt(a*b)", &[1.2, 2.0]),
    ("(a^2 + b^2)^1.5", &[1.0, 1.0]),
    ("sin(a*b)*cos(b + c)", &[1.0, 2.0, 3.0]),
    ("atan(a - b)*exp(-(a^2))", &[0.2, -0.4]),
    ("sigmoid(a*b + c); softplus(a - c)", &[1.0, -0.5, 0.3]),
    ("erf(a*b)*c", &[0.6, 0.8, 2.0]),
    ("tanh(a + tanh(b + tanh(c)))", &[0.1, 0.2, 0.3]),
    ("gelu(a*b)", &[1.0, 1.5]),
    ("a*b*c*d", &[1.0, -1.0, 2.0, 0.5]),
    ("exp(exp(a)/b)", &[0.1, 2.0]),
];

fn check_sound(name: &str, upper: Option<f64>, lower: f64) {
    let Some(upper) = upper else { return };
    assert!(lower <= upper * (1.0 + SAMPLER), "{name}: sampled {lower} > certified {upper}");
}

fn sound_formulas(effort: Effort) {
    for (text, start) in FORMULAS {
        let h = formula(text);
        for radius in [0.0, 0.01, 0.1, 0.4] {
            let upper = certified(&h, start, radius);
            assert!(upper.is_some() || radius > 0.1, "{text}: nothing on radius {radius}");
            let lower = sampled::lip_jacobian(&h, start, radius, effort, &chance());
            check_sound(text, upper, lower);
        }
    }
}

fn sound_networks(effort: Effort, seeds: u64) {
    use Activation::*;
    for (k, activation) in [Tanh, Sigmoid, Softplus, Erf, Gelu].into_iter().enumerate() {
        for hidden in [&[2][..], &[4], &[2, 2], &[3, 2], &[2, 2, 2]] {
            for seed in 0..seeds {
                let (net, start) = network(hidden, activation, 1000 * seed + k as u64);
                for radius in [0.01, 0.1, 0.5] {
                    let upper = hessian::bound(&net, &start, radius);
                    assert!(upper.is_some() || radius > 0.1, "{activation:?} {hidden:?}");
                    let lower = sampled::lip_jacobian(&net, &start, radius, effort, &chance());
                    check_sound(
                        &format!("{activation:?} {hidden:?} {seed} r {radius}"),
                        upper,
                        lower,
                    );
                }
            }
        }
    }
}

#[test]
fn no_sample_exceeds_the_certificate() {
    sound_formulas(Effort::LARGE);
    sound_networks(Effort::LARGE, 1);
}

/// About 10⁵ curvatures a model.
#[test]
#[ignore = "minutes"]
fn no_sample_of_many_exceeds_the_certificate() {
    sound_formulas(Effort { restarts: 1000 });
    sound_networks(Effort { restarts: 1000 }, 2);
}

/// 2-3-3-1 (p = 25) and 2-6-6-1 (p = 67) with biases. Four fifths of a bound that is within 1.2 would be refuted.
#[test]
fn deep_networks_are_certified_tightly() {
    let mut loose = Vec::new();
    for (hidden, seeds) in [([3, 3], 0..6), ([6, 6], 0..3)] {
        for (radius, limit) in [(0.001, 1.2), (0.01, 1.2), (0.1, 2.5)] {
            for seed in seeds.clone() {
                let (net, start) = network(&hidden, Activation::Tanh, seed);
                let begin = std::time::Instant::now();
                let ratio = ratio(&net, &start, radius, Effort { restarts: 100 });
                let seconds = begin.elapsed().as_secs_f64();
                let row = format!("{hidden:?} seed {seed} radius {radius}: {ratio:.3}");
                println!("{row} in {seconds:.1} s");
                let seen = radius > 0.01 || 0.8 * ratio < 1.0;
                if !(ratio >= 1.0 - SAMPLER && ratio <= limit && seen) {
                    loose.push(row);
                }
            }
        }
    }
    assert!(loose.is_empty(), "{loose:#?}");
}

/// The largest networks: p = 105.
#[test]
#[ignore = "a minute"]
fn wider_networks_are_certified() {
    for seed in 0..3 {
        let (net, start) = network(&[8, 8], Activation::Tanh, seed);
        for (radius, limit) in [(0.01, 1.2), (0.1, 3.0)] {
            let begin = std::time::Instant::now();
            let ratio = ratio(&net, &start, radius, Effort { restarts: 100 });
            println!(
                "p 105 seed {seed} radius {radius}: {ratio:.3} in {:.1} s",
                begin.elapsed().as_secs_f64()
            );
            assert!(ratio >= 1.0 - SAMPLER && ratio <= limit);
        }
    }
}

#[test]
fn what_cannot_be_bounded_is_not() {
    // Across a kink, a pole, the edge of a domain; too many parameters; no ball.
    assert_eq!(certified(&formula("relu(a)*b"), &[0.05, 1.0], 0.1), None);
    assert_eq!(certified(&formula("1/a"), &[0.05], 0.1), None);
    assert_eq!(certified(&formula("ln(a)"), &[0.05], 0.1), None);
    let many = RankOne { a: vec![1.0; 1000], b: vec![1.0] };
    assert_eq!(hessian::bound(&many, &[0.0; 1000], 0.1), None);
    assert_eq!(certified(&Scalar1.auto(), &[1.0], f64::NAN), None);
    assert_eq!(certified(&Scalar1.auto(), &[f64::INFINITY], 0.1), None);
    // Away from the kink: relu(a) b is a b.
    let away = certified(&formula("relu(a)*b"), &[0.5, 1.0], 0.1).expect("smooth here");
    assert!((1.0..1.0 + 1e-9).contains(&away));
    // A linear map bends nowhere.
    let linear = common::Linear(gaussian_matrix(2, 3, 1)).auto();
    assert_eq!(certified(&linear, &[1.0, 2.0, 3.0], 1.0), Some(0.0));
    assert_eq!(
        sampled::lip_jacobian(&linear, &[1.0, 2.0, 3.0], 1.0, Effort::SMALL, &chance()),
        0.0
    );
}

#[test]
fn samples_repeat_and_more_of_them_find_no_less() {
    let (net, start) = network(&[3, 3], Activation::Tanh, 7);
    let with = |restarts| sampled::lip_jacobian(&net, &start, 0.2, Effort { restarts }, &chance());
    assert_eq!(with(3).to_bits(), with(3).to_bits());
    let found: Vec<f64> = [1, 2, 4, 8, 16].into_iter().map(with).collect();
    assert!(found.is_sorted() && found[0] > 0.0, "{found:?}");
    // At the centre, and for Dh, against an independent decomposition.
    let at = sampled::norm_hessian(&net, &start, &chance());
    assert!(at <= found[4] && at > 0.5 * found[4]);
    let singular = net.jacobian(&start).singular_values()[0];
    let lip_h = |radius| sampled::lip_h(&net, &start, radius, Effort::LARGE, &chance());
    assert!((lip_h(0.0) - singular).abs() <= 1e-6 * singular);
    assert!(lip_h(0.2) > lip_h(0.0));
}

/// 10⁵ parameters at small effort.
#[test]
fn large_networks_are_sampled_in_seconds() {
    let net = Mlp { hidden: vec![300, 300], ..Mlp::default() }
        .on(gaussian_matrix(10, 20, 3))
        .expect("a net");
    let mut generator = chance();
    let start = Initialization::Xavier.weights(&net, &mut || generator.gaussian());
    let begin = std::time::Instant::now();
    let found = sampled::lip_jacobian(&net, &start, 0.1, Effort::SMALL, &chance());
    let seconds = begin.elapsed().as_secs_f64();
    println!("p = {}: {found} in {seconds:.1} s", start.len());
    assert!(found > 0.0 && seconds < 30.0, "{seconds} s");
}
