//! Lemmas B.1 and B.2, for metrics that turn by themselves and along runs.

use crate::common::{Scalar1, Sin2, norm};
use crate::models::{Weighted, flow, solve, tanh_net, worst};
use gradflow::constants::{Evidence, Neighbourhood};
use gradflow::loss::{Convexity, Loss, Square};
use gradflow::model::{Centred, Differentiable, Doubled, Model};
use gradflow::random::Generator;
use gradflow::theory::{MetricStability, MovingMetric, Theorem, Verdict};
use gradflow::uniform;
use nalgebra::{Matrix3, Rotation3, Vector3};

/// Σ(t) = Q(t) diag(λ) Q(t)ᵀ, turning about an axis at constant speed.
struct Turning {
    eigenvalues: Vector3<f64>,
    axis: Vector3<f64>,
}

impl Turning {
    fn at(&self, t: f64) -> Matrix3<f64> {
        let q = Rotation3::new(self.axis * t).into_inner();
        q * Matrix3::from_diagonal(&self.eigenvalues) * q.transpose()
    }
}

/// Classical Runge–Kutta for y' = −Σ(t) ∇R(y).
fn step(
    sigma: &dyn Fn(f64) -> Matrix3<f64>,
    k: &Vector3<f64>,
    (t, h): (f64, f64),
    y: &mut Vector3<f64>,
) {
    let f = |t: f64, y: Vector3<f64>| -(sigma(t) * k.component_mul(&y));
    let a = f(t, *y);
    let b = f(t + 0.5 * h, *y + a * (0.5 * h));
    let c = f(t + 0.5 * h, *y + b * (0.5 * h));
    let d = f(t + h, *y + c * h);
    *y += (a + b * 2.0 + c * 2.0 + d) * (h / 6.0);
}

/// Both lemmas in three dimensions with y* = 0, R = ½ Σ kᵢyᵢ²; K is taken along the run, at every step.
#[test]
fn metrics_that_turn() {
    let mut largest = [0.0_f64; 2];
    for seed in 0..40 {
        let mut draws = Generator::seeded(seed);
        let mut positive = |from: f64, to: f64| Vector3::from_fn(|_, _| draws.uniform(from, to));
        let (eigenvalues, k) = (positive(0.2, 3.0), positive(0.5, 4.0));
        let turning = Turning { eigenvalues, axis: positive(-3.0, 3.0) };
        let start = positive(-1.0, 1.0);
        let (mut y, mut straight) = (start, start);
        let (still, h, steps) = (turning.at(0.0), 2e-3, 2000);
        let convexity = Convexity { m: k.min(), big_m: k.max() };
        let first = MovingMetric {
            convexity,
            least: eigenvalues.min(),
            residual: Some(start.norm()),
            time: 10.0,
            evidence: Evidence::Certified,
        };
        assert_eq!(first.verdict(), Verdict::Holds);
        let (mut gap, mut defect) = (0.0_f64, 0.0_f64);
        for i in 0..steps {
            let t = h * f64::from(i);
            defect = defect.max(((turning.at(t) - still) * k.component_mul(&y)).norm());
            step(&|t| turning.at(t), &k, (t, h), &mut y);
            step(&|_| still, &k, (t, h), &mut straight);
            gap = gap.max((y - straight).norm());
            // Decayed by no more than e^(−48), far above rounding relative to itself.
            largest[0] = largest[0].max(y.norm() / first.bound(t + h).unwrap());
        }
        let second = MetricStability {
            strong: convexity.m,
            least: eigenvalues.min(),
            norm_start: eigenvalues.max(),
            turning: defect,
            time: 10.0,
            evidence: Evidence::Measured,
        };
        assert_eq!(second.verdict(), Verdict::Holds);
        largest[1] = largest[1].max(gap / second.bound(1.0).unwrap());
    }
    assert!(largest.iter().all(|&ratio| ratio > 0.1 && ratio <= 1.0), "{largest:?}");
}

/// Along runs, with λ and K measured; the ratios of B.2 stay below two thirds.
#[test]
fn along_runs() {
    let (scalar, one) = (Scalar1.auto(), Square::to([1.0]));
    let (sine, two) = (Sin2.auto(), Square::to([0.6, -0.8]));
    let weighted = Weighted { weights: vec![1.0, 4.0], target: vec![0.6, -0.8] };
    let (net, start) = tanh_net(10, 3, 2, 0);
    let plain = Centred::at(net.auto(), &start);
    let (net, _) = tanh_net(10, 3, 2, 0);
    let doubled = Doubled(net.auto());
    let both = [start.clone(), start.clone()].concat();
    let cases: [(&dyn Differentiable, &dyn Loss, &[f64]); 5] = [
        (&scalar, &one, &[1.0]),
        (&sine, &two, &[0.0, 0.0]),
        (&sine, &weighted, &[0.0, 0.0]),
        (&plain, &two, &start),
        (&doubled, &two, &both),
    ];
    for (map, loss, start) in cases {
        for alpha in [10.0, 100.0] {
            let flow = flow(map, loss, start).scaled(alpha);
            // Ten times the slowest mode: beyond, the residual is down to the solver's tolerance.
            let near = Neighbourhood::of(map, start).unwrap();
            let slowest = near.spectrum().unwrap().sigma_min.lower.powi(2);
            let run = solve(&flow, &uniform(10.0 / (loss.convexity().m * slowest), 100));
            let target = loss.minimizer().unwrap();
            let first = MovingMetric::along(&flow, &run.curved).unwrap();
            let second = MetricStability::along(&flow, &run.curved).unwrap();
            let verdicts = [first.verdict(), second.verdict()];
            assert_eq!(verdicts, [Verdict::Holds; 2], "{:?}", second.hypotheses());
            assert_eq!(
                (first.evidence(), second.evidence()),
                (Evidence::Estimate, Evidence::Estimate)
            );
            let ratios = [worst(&first, &run, target), worst(&second, &run, target)];
            assert!(ratios[0] > 0.0 && ratios[0] <= 1.0, "{ratios:?}");
            assert!(ratios[1] > 0.0 && ratios[1] <= 0.67, "{ratios:?}");
        }
    }
}

/// Without λ > 0 nothing is said; and nothing beyond T. A linear model turns by nothing: 0.
#[test]
fn refusals_and_zeros() {
    let of = |least: f64, turning: f64| MetricStability {
        strong: 1.0,
        least,
        norm_start: 4.0,
        turning,
        time: 1.0,
        evidence: Evidence::Measured,
    };
    assert_eq!((of(0.0, 0.0).verdict(), of(0.0, 1.0).bound(0.5)), (Verdict::Fails, None));
    assert_eq!((of(1.0, 0.0).bound(0.5), of(1.0, 1.0).bound(2.0)), (Some(0.0), None));
    // K √4/(λ^(3/2) m) = 2 for λ = K = 1.
    assert_eq!(of(1.0, 1.0).bound(0.5), Some(2.0));
    let metric = MovingMetric {
        convexity: Convexity { m: 1.0, big_m: 4.0 },
        least: 0.25,
        residual: Some(3.0),
        time: 8.0,
        evidence: Evidence::Certified,
    };
    let wanted = 2.0 * 3.0 * (-2.0_f64).exp();
    assert!((metric.bound(8.0).unwrap() / wanted - 1.0).abs() < 1e-12);
    assert_eq!((metric.bound(0.0), metric.bound(9.0)), (Some(6.0), None));
    assert!(norm(&[metric.formula(9.0)]) == f64::INFINITY);
}
