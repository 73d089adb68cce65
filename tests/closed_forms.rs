//! Flows known in closed form.
//!
//! A solve at `rtol` aims at an error of `rtol` relative to the supremum of each unknown; ten times that is the promise
//! tested. Everything computed here from closed forms avoids cancellation and is good to some twenty ulps, 5e-15.

mod common;

use common::{
    Linear, Product, Scalar1, TinyTanh, assert_close, gap, gaussian_matrix, options, relative,
};
use gradflow::flow::{Flow, Path};
use gradflow::loss::{CrossEntropy, Huber, Logistic, Loss, Square, SquareScale};
use gradflow::model::{Linearized, Model};
use gradflow::solve::{Comparison, Eigen, Method, Tsit45};
use gradflow::uniform;
use nalgebra::{DMatrix, DVector};

const TARGET: f64 = 1.5;
const ALPHAS: [f64; 7] = [1e-3, 1.0, 10.0, 1e3, 1e6, 1e12, f64::INFINITY];
const TOLERANCES: [f64; 3] = [1e-6, 1e-8, 1e-10];

/// The flow of ½(α h − y*)²/α², h = w² − 1, from 1, as (u, y, ū, ȳ, e, s).
///
/// v = w² obeys v' = 4v(c − v), c = 1 + εy*: v = c/(1 + (c − 1)E), E = e^(−4ct). Hence y = α(v − 1) =
/// y*(1 − E)/(1 + εy*E) and u = y/(w + 1); the differences to ȳ = y*(1 − E₀), E₀ = e^(−4t), and ū = ȳ/2 come from
/// E₀ − E = −E₀ expm1(−4εy*t).
fn logistic(alpha: f64, t: f64) -> [f64; 6] {
    let eps = alpha.recip();
    let c = 1.0 + eps * TARGET;
    let (late, linear) = ((-4.0 * c * t).exp(), (-4.0 * t).exp());
    let (risen, linear_risen) = (-(-4.0 * c * t).exp_m1(), -(-4.0 * t).exp_m1());
    let denominator = 1.0 + eps * TARGET * late;
    let y = TARGET * risen / denominator;
    let w = (1.0 + eps * y).sqrt();
    let (u, straight_y) = (y / (w + 1.0), TARGET * linear_risen);
    let lag = if eps == 0.0 { 4.0 * TARGET * t } else { -(-4.0 * eps * TARGET * t).exp_m1() / eps };
    let s = TARGET * (linear * lag - TARGET * late * linear_risen) / denominator;
    let e = (2.0 * s - u * straight_y) / (2.0 * (w + 1.0));
    [u, y, 0.5 * straight_y, straight_y, e, s]
}

/// Checks every row of a run of one parameter and one output against `closed`, relative to each column's supremum.
fn check(run: &Comparison, closed: impl Fn(f64) -> [f64; 6], rtol: f64, what: &str) {
    let wanted: Vec<[f64; 6]> = run.curved.times.iter().map(|&t| closed(t)).collect();
    let found = [
        &run.curved.displacements,
        &run.curved.outputs,
        &run.straight.displacements,
        &run.straight.outputs,
        &run.weights_gaps,
        &run.outputs_gaps,
    ];
    for (i, found) in found.into_iter().enumerate() {
        let column: Vec<Vec<f64>> = wanted.iter().map(|row| vec![row[i]]).collect();
        let error = relative(found, &column);
        // ū and ȳ are closed forms on both sides.
        let tolerance = if i == 2 || i == 3 { 1e-13 } else { 10.0 * rtol };
        assert!(error <= tolerance, "{what}, column {i} of u y ū ȳ e s: {error:.2e}");
    }
}

#[test]
fn the_logistic_flow_at_every_scale() {
    for alpha in ALPHAS {
        let flow = Flow::new(Scalar1.auto(), Square::to([TARGET]), [1.0]).scaled(alpha);
        for rtol in TOLERANCES {
            for method in [Method::Automatic, Method::Bdf] {
                let run = gap(method, rtol).solve(&flow, &uniform(1.0, 20)).unwrap();
                let what = format!("α = {alpha:e}, rtol = {rtol:e}, {method:?}");
                check(&run, |t| logistic(alpha, t), rtol, &what);
                let w = run.curved.weights(20)[0];
                let wanted = (1.0 + alpha.recip() * logistic(alpha, 1.0)[1]).sqrt();
                assert_close(w, wanted, 10.0 * rtol, &what);
            }
        }
    }
}

/// Weight, output, sup|e| and sup|s| at time T, from the closed form at 60 digits (mpmath; suprema by ternary search).
#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "the digits of the reference")]
const SCALAR_TABLE: [(f64, f64, [f64; 4]); 12] = [
    (1.0, 1.0,  [1.5810849951399166676, 1.4998297618565903124, 0.1551782756935326972,  0.28055382361799979487]),
    (1.0, 10.0, [1.0715729880846139435, 1.4826866879258817643, 0.20533389987309930237, 0.35352871276061812521]),
    (1.0, 1e3,  [1.0007360544479754917, 1.4726506721013679488, 0.2088228579576433057,  0.36416976882320495491]),
    (1.0, 1e6,  [1.0000007362630619844, 1.4725266660519969344, 0.20884909911885637002, 0.3642806477880910889]),
    (1.0, 1e12, [1.0000000000007362633, 1.4725265416670231149, 0.20884912528329025637, 0.3642807588140910824]),
    (1.0, f64::INFINITY, [1.0,          1.4725265416668987296, 0.20884912528331642073, 0.36428075881420210855]),
    (3.0, 1.0,  [1.5811388300840786982, 1.4999999999996490891, 0.1688565617566563056,  0.28055382361799979487]),
    (3.0, 10.0, [1.0723804477906140668, 1.4999982480359794232, 0.26190913934594335967, 0.35352871276061812521]),
    (3.0, 1e3,  [1.0007497144313923294, 1.4999909345132967168, 0.28096044840560731782, 0.36416976882320495491]),
    (3.0, 1e6,  [1.0000007499951106704, 1.4999907838335381042, 0.28117029896653670619, 0.3642806477880910889]),
    (3.0, 1e12, [1.0000000000007499954, 1.4999907836814701598, 0.28117050922061586409, 0.3642807588140910824]),
    (3.0, f64::INFINITY, [1.0,          1.4999907836814700077, 0.28117050922082611857, 0.36428075881420210855]),
];

#[test]
fn the_suprema_of_the_logistic_flow() {
    for (time, alpha, [w, y, sup_e, sup_s]) in SCALAR_TABLE {
        let flow = Flow::new(Scalar1.auto(), Square::to([TARGET]), [1.0]).scaled(alpha);
        for method in [Method::Automatic, Method::Bdf] {
            // Coarse output times: the suprema must come from the dense output.
            let run = gap(method, 1e-10).solve(&flow, &[0.0, time]).unwrap();
            let what = format!("T = {time}, α = {alpha:e}, {method:?}");
            assert_close(run.curved.weights(1)[0], w, 1e-9, &what);
            assert_close(run.curved.outputs[1][0], y, 1e-9, &what);
            assert_close(run.weights_gap.scaled, sup_e, 1e-9, &what);
            assert_close(run.outputs_gap.scaled, sup_s, 1e-9, &what);
        }
    }
}

/// The flow of h = w₁w₂ from (1, 0) as (u₁, u₂, y, e₁).
///
/// w₁² − w₂² = 1 is kept, so w = (cosh θ/2, sinh θ/2) and θ' = −(sinh θ − 2εy*). With q = e^θ, b = 2εy*, κ = √(1 + b²)
/// the roots are b ± κ, and q − 1 = (b + κ − 1)(1 − D)/(1 − CD), D = e^(−κt), C = −(b + κ − 1)/(1 + κ − b).
fn hyperbolic(alpha: f64, t: f64) -> [f64; 4] {
    let eps = alpha.recip();
    let b = 2.0 * eps * TARGET;
    let kappa = b.hypot(1.0);
    // α(b + κ − 1)
    let root = 2.0 * TARGET * (1.0 + b / (kappa + 1.0));
    let c = -eps * root / (1.0 + kappa - b);
    let a = root * -(-kappa * t).exp_m1() / (1.0 - c * (-kappa * t).exp());
    // αθ
    let theta = if eps == 0.0 { a } else { (eps * a).ln_1p() / eps };
    let scaled_sinh = |x: f64| if eps == 0.0 { x } else { (eps * x).sinh() / eps };
    let quarter = scaled_sinh(0.25 * theta);
    let e1 = 2.0 * quarter * quarter;
    [eps * e1, scaled_sinh(0.5 * theta), 0.5 * scaled_sinh(theta), e1]
}

#[test]
fn the_hyperbolic_flow_of_a_product() {
    for alpha in [0.1, 1.0, 10.0, 1e3, 1e6, 1e12, f64::INFINITY] {
        let flow = Flow::new(Product.auto(), Square::to([TARGET]), [1.0, 0.0]).scaled(alpha);
        for rtol in TOLERANCES {
            for method in [Method::Automatic, Method::Bdf] {
                let run = gap(method, rtol).solve(&flow, &uniform(4.0, 16)).unwrap();
                let wanted: Vec<_> =
                    run.curved.times.iter().map(|&t| hyperbolic(alpha, t)).collect();
                let u: Vec<_> = wanted.iter().map(|x| vec![x[0], x[1]]).collect();
                let y: Vec<_> = wanted.iter().map(|x| vec![x[2]]).collect();
                let e1: Vec<_> = wanted.iter().map(|x| vec![x[3]]).collect();
                let found_e1: Vec<_> = run.weights_gaps.iter().map(|e| vec![e[0]]).collect();
                let what = format!("α = {alpha:e}, rtol = {rtol:e}, {method:?}");
                for (name, error) in [
                    ("u", relative(&run.curved.displacements, &u)),
                    ("y", relative(&run.curved.outputs, &y)),
                    ("e₁", relative(&found_e1, &e1)),
                ] {
                    assert!(error <= 10.0 * rtol, "{what}, {name}: {error:.2e}");
                }
            }
        }
    }
}

/// w₁² − w₂² is kept from any start: 2(w₀₁u₁ − w₀₂u₂) + ε(u₁² − u₂²) = 0, here also with h(w₀) ≠ 0. An error of
/// 10·rtol sup‖u‖ in u moves it by 2‖w‖ times that.
#[test]
fn the_invariant_of_a_product() {
    for alpha in [0.5, 1.0, 30.0] {
        for start in [[1.3, 0.4], [0.2, -1.5]] {
            let flow = Flow::new(Product.auto(), Square::to([TARGET]), start).scaled(alpha);
            for rtol in TOLERANCES {
                let run = gap(Method::Automatic, rtol).solve(&flow, &uniform(5.0, 20)).unwrap();
                let size = run.displacement.scaled;
                for (i, u) in run.curved.displacements.iter().enumerate() {
                    let moved = 2.0 * (start[0] * u[0] - start[1] * u[1])
                        + (u[0] * u[0] - u[1] * u[1]) / alpha;
                    let tolerance = 10.0 * rtol * size * 2.0 * common::norm(&run.curved.weights(i));
                    assert!(moved.abs() <= tolerance, "α = {alpha}, rtol = {rtol:e}: {moved:e}");
                }
            }
        }
    }
}

fn losses() -> Vec<Box<dyn Loss>> {
    vec![
        Box::new(Square::to([1.0, -2.0, 0.5, 3.0])),
        Box::new(Logistic::new([1.0, -1.0, -1.0, 1.0]).unwrap()),
        Box::new(Huber::to([1.0, -2.0, 0.5, 3.0])),
        Box::new(CrossEntropy::new([0, 1], 2).unwrap()),
    ]
}

/// A linear model is its own linearization: no term of e' is ever other than zero.
#[test]
fn linear_models_have_no_gap() {
    let matrix = gaussian_matrix(4, 3, 5);
    let curve = TinyTanh { width: 2, inputs: gaussian_matrix(2, 4, 6) };
    let weights = [0.3, -0.7, 1.1, 0.4, -0.9, 0.8];
    let tangent = Linearized::at(curve.auto(), &weights);
    for loss in losses() {
        for alpha in [0.1, 1.0, 1e6] {
            let plain = Flow::new(Linear(matrix.clone()).auto(), &*loss, [0.1, -0.2, 0.3]);
            let run = gap(Method::Automatic, 1e-8).solve(&plain.scaled(alpha), &uniform(2.0, 4));
            let run = run.unwrap();
            let size = run.curved.outputs.iter().map(|y| common::norm(y)).fold(0.0, f64::max);
            let name = loss.name();
            assert!(run.weights_gap.scaled <= 1e-12 * (1.0 + size), "{name} at {alpha}");
            assert!(run.outputs_gap.scaled <= 1e-12 * (1.0 + size), "{name} at {alpha}");
            let straight = Flow::new(&tangent, &*loss, weights).scaled(alpha);
            let run = gap(Method::Automatic, 1e-8).solve(&straight, &uniform(2.0, 4)).unwrap();
            assert_eq!((run.weights_gap.scaled, run.outputs_gap.scaled), (0.0, 0.0), "{name}");
            assert!(run.displacement.scaled > 0.0, "{name}");
        }
    }
}

/// ū(t) without eigenvectors: the last column of exp(t [−cJᵀJ, −cJᵀr; 0, 0]), by nalgebra's scaling and squaring.
fn by_exponential(j: &DMatrix<f64>, c: f64, residual: &DVector<f64>, t: f64) -> DVector<f64> {
    let p = j.ncols();
    let mut block = DMatrix::zeros(p + 1, p + 1);
    block.view_mut((0, 0), (p, p)).copy_from(&(-c * j.transpose() * j));
    block.view_mut((0, p), (p, 1)).copy_from(&(-c * j.transpose() * residual));
    (block * t).exp().view((0, p), (p, 1)).column(0).into()
}

/// The pseudo-inverse of J = BC, B of full column rank and C of full row rank: Cᵀ(CCᵀ)⁻¹(BᵀB)⁻¹Bᵀ. (nalgebra's own
/// goes wrong on repeated rows: its singular vectors do not give the matrix back.)
fn pseudo_inverse(b: &DMatrix<f64>, c: &DMatrix<f64>) -> DMatrix<f64> {
    let right = c.transpose() * (c * c.transpose()).try_inverse().unwrap();
    right * (b.transpose() * b).try_inverse().unwrap() * b.transpose()
}

/// Both sides are sums of at most ten terms; squaring doubles the error of the exponential some ten times, 2¹⁰ · 10 u
/// ≈ 1e-12 of the largest number met, ‖ū‖; the pseudo-inverse adds the square of a condition number below 100 to a few
/// u, 1e-12 again.
#[test]
fn the_linearized_flow_in_closed_form() {
    const TOLERANCE: f64 = 1e-11;
    let one = DMatrix::identity(3, 3);
    // More outputs than parameters, fewer, and duplicate samples.
    let tall = (gaussian_matrix(6, 3, 1), one.clone());
    let wide = (one, gaussian_matrix(3, 6, 2));
    let repeats = DMatrix::from_row_slice(4, 2, &[1.0, 0.0, 0.0, 1.0, 1.0, 0.0, -0.5, 0.0]);
    let repeated = (repeats, gaussian_matrix(2, 5, 3));
    let scales = [SquareScale::HalfSum, SquareScale::HalfMean, SquareScale::Sum, SquareScale::Mean];
    for (seed, (left, right)) in [(7, tall), (8, wide), (9, repeated)] {
        let j = &left * &right;
        let inverse = pseudo_inverse(&left, &right);
        let (n, p) = j.shape();
        let start = gaussian_matrix(p, 1, seed).column(0).clone_owned();
        let target = gaussian_matrix(n, 1, seed + 10).column(0).clone_owned();
        for scale in scales {
            #[allow(clippy::cast_precision_loss, reason = "a count of outputs")]
            let c = match scale {
                SquareScale::HalfSum => 1.0,
                SquareScale::HalfMean => 1.0 / n as f64,
                SquareScale::Sum => 2.0,
                SquareScale::Mean => 2.0 / n as f64,
            };
            let alpha = 3.0;
            let loss = Square::to(target.as_slice()).scaled(scale);
            let map = Linear(j.clone()).auto();
            let flow = Flow::new(map, loss, start.as_slice()).scaled(alpha);
            let times = [0.0, 0.1, 1.0, 7.0, f64::INFINITY];
            let path = flow.linearized().solve(&Eigen, &times).unwrap();
            let residual: DVector<f64> = alpha * &j * &start - &target;
            for (i, &t) in times.iter().enumerate() {
                let u = if t.is_infinite() {
                    -&inverse * &residual
                } else {
                    by_exponential(&j, c, &residual, t)
                };
                let y = alpha * &j * &start + &j * &u;
                let found = DVector::from_column_slice(&path.displacements[i]);
                let outputs = DVector::from_column_slice(&path.outputs[i]);
                let size = 1.0 + u.norm() + y.norm();
                let errors = [(found - u).norm() / size, (outputs - y).norm() / size];
                assert!(errors.iter().all(|e| *e <= TOLERANCE), "{n} × {p}, t = {t}: {errors:?}");
            }
            // The part of the residual off the range of J stays.
            let left = &residual - &j * (&inverse * &residual);
            let last = DVector::from_column_slice(&path.outputs[4]) - &target;
            assert!((last - &left).norm() <= TOLERANCE * (1.0 + residual.norm()));
            assert_eq!(left.norm() > 1e-3, n > p || seed == 9, "{n} × {p}");
        }
    }
}

/// The closed form knows nothing of the integrator: they meet.
#[test]
fn the_closed_form_agrees_with_integration() {
    let curve = TinyTanh { width: 3, inputs: gaussian_matrix(2, 4, 16) };
    let weights: Vec<f64> = gaussian_matrix(9, 1, 17).as_slice().to_vec();
    let flow = Flow::new(curve.auto(), Square::to([0.5, -1.0, 0.2, 0.7]), weights).scaled(2.0);
    let linear = flow.linearized();
    let times = uniform(5.0, 10);
    let closed: Path = linear.solve(&Eigen, &times).unwrap();
    let integrated = linear.solve(&Tsit45(options(1e-10)), &times).unwrap();
    let error = common::apart(&integrated, &closed);
    assert!(error <= 1e-9, "{error:.2e}");
}
