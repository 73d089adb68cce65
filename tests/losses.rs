//! Losses against outside oracles: derivatives by dual numbers of a plain rewrite, increments against values of
//! 4000-bit arithmetic, huge arguments, bad labels.

use gradflow::loss::{CrossEntropy, Huber, Logistic, Loss, LossName, Reduction};
use gradflow::scalar::{Dual, Scalar};
use gradflow::{Error, Result};
use nalgebra::{DMatrix, dmatrix};

const EPS: [f64; 6] = [1.0, 1e-3, 1e-8, 1e-16, 1e-300, 0.0];

/// (y, s, q for each ε): q = [σ(y + εs) − σ(y)]/ε, at ε = 0 σ(y)σ(−y)s, by mpmath 1.3 with 4000 bits. The label
/// drops out of the increment.
#[rustfmt::skip]
const LOGISTIC: [(f64, f64, [f64; 6]); 7] = [
    (0.0, 1.0, [0.23105857863000487, 0.24999997916666875, 0.25, 0.25, 0.25, 0.25]),
    (0.7, -1.3, [-0.31384407839396156, -0.2882897275293554, -0.28822673591123255, -0.2882267352810418, -0.28822673528104176, -0.28822673528104176]),
    (-3.0, 2.5, [0.33011479562057866, 0.11306952128657706, 0.11294165060514205, 0.11294164932728035, 0.11294164932728033, 0.11294164932728033]),
    (30.0, -1.75, [-4.449177920867206e-13, -1.6390177417798162e-13, -1.6375840338755844e-13, -1.6375840195467243e-13, -1.637584019546724e-13, -1.637584019546724e-13]),
    (-40.0, 0.1, [4.468033173396007e-19, 4.2485666800851213e-19, 4.2483542574157665e-19, 4.248354255291589e-19, 4.248354255291589e-19, 4.248354255291589e-19]),
    (700.0, -900.0, [-1.0, -1.4391214558272963e-301, -8.873748821193591e-302, -8.873708889384193e-302, -8.873708889383793e-302, -8.873708889383793e-302]),
    (-700.0, 3.0, [1.881772207266145e-303, 2.9623442577567063e-304, 2.957903007496476e-304, 2.957902963127932e-304, 2.9579029631279314e-304, 2.9579029631279314e-304]),
];

/// (y, s, q for each ε): q = [softmax(y + εs) − softmax(y)]/ε, at ε = 0 p ∘ (s − p·s), likewise.
#[rustfmt::skip]
#[allow(clippy::type_complexity, reason = "a table")]
const CROSS_ENTROPY: [([f64; 3], [f64; 3], [[f64; 3]; 6]); 5] = [
    ([0.0, 0.0, 0.0], [1.0, -0.5, 0.25], [[0.25646433032347926, -0.20173168618641898, -0.054732644137060305], [0.25003122655810833, -0.2499687265668974, -6.249999121093866e-05], [0.25000000031249997, -0.2499999996875, -6.25e-10], [0.25, -0.25, -6.25e-18], [0.25, -0.25, -6.25e-302], [0.25, -0.25, 0.0]]),
    ([1.0, -2.0, 0.5], [0.3, 2.0, -1.1], [[0.09943633000088269, 0.16158144294797916, -0.26101777294886186], [0.27855742796280736, 0.06503572289439215, -0.3435931508571995], [0.27867176943676164, 0.06497435997563068, -0.3436461294123923], [0.27867177057940185, 0.06497435936230622, -0.34364612994170807], [0.27867177057940185, 0.06497435936230621, -0.34364612994170807], [0.27867177057940185, 0.06497435936230621, -0.34364612994170807]]),
    ([50.0, 0.0, -3.0], [-0.7, 1.2, 0.4], [[-1.1159121692125769e-21, 1.0966668041085025e-21, 1.924536510407437e-23], [-3.773795908659e-22, 3.66810831053727e-22, 1.056875981217298e-23], [-3.770254227125936e-22, 3.6646247459453784e-22, 1.0562948118055758e-23], [-3.7702541917310394e-22, 3.664624711131444e-22, 1.0562948059959544e-23], [-3.770254191731039e-22, 3.6646247111314436e-22, 1.0562948059959544e-23], [-3.770254191731039e-22, 3.6646247111314436e-22, 1.0562948059959544e-23]]),
    ([-1.0, 690.0, 0.0], [2.0, -1400.0, -3.0], [[0.9820137900379085, -1.0, 0.01798620996209156], [2.4474011292995878e-297, -9.056114946724523e-297, 6.608713817424935e-297], [1.1201187392043162e-297, -4.154058310324467e-297, 3.0339395711201503e-297], [1.1201108871903806e-297, -4.154029266292181e-297, 3.0339183791018004e-297], [1.120110887190302e-297, -4.1540292662918904e-297, 3.0339183791015882e-297], [1.120110887190302e-297, -4.1540292662918904e-297, 3.0339183791015882e-297]]),
    ([2.0, 1.0, -30.0], [1.0, 1.0, 7.0], [[-2.7237671712351967e-12, -1.0020179448351243e-12, 3.725785116070321e-12], [-4.0731998565924346e-14, -1.4984464870228238e-14, 5.571646343615259e-14], [-4.060992598444673e-14, -1.4939556877171897e-14, 5.554948286161862e-14], [-4.060992476614897e-14, -1.49395564289852e-14, 5.5549481195134166e-14], [-4.060992476614896e-14, -1.4939556428985194e-14, 5.5549481195134154e-14], [-4.060992476614896e-14, -1.4939556428985194e-14, 5.5549481195134154e-14]]),
];

/// Rounding of the arguments of exp, at most |y| + ε|s| in size, is what limits the relative accuracy.
fn tolerance(y: &[f64], s: &[f64], eps: f64) -> f64 {
    let size = y.iter().zip(s).map(|(y, s)| y.abs() + eps * s.abs()).fold(0.0, f64::max);
    4.0 * f64::EPSILON * (8.0 + size)
}

/// A relative error against `want`, or an absolute one below the smallest normal number.
fn assert_close(found: f64, want: f64, tolerance: f64, context: &str) {
    let error = (found - want).abs();
    assert!(
        error <= tolerance * want.abs() + f64::MIN_POSITIVE,
        "{context}: {found:e}, not {want:e}"
    );
}

#[test]
fn logistic_increments_agree_with_long_arithmetic() -> Result<()> {
    for (y, s, table) in LOGISTIC {
        for (eps, want) in EPS.into_iter().zip(table) {
            for label in [1.0, -1.0] {
                let mut q = [0.0];
                Logistic::new([label])?.increment(&[y], &[s], eps, &mut q);
                let context = format!("y = {y}, s = {s}, ε = {eps:e}");
                assert_close(q[0], want, tolerance(&[y], &[s], eps), &context);
            }
        }
    }
    Ok(())
}

/// Where classes exchange probability both ways the terms of one class cancel, so the scale is the largest of them.
#[test]
fn cross_entropy_increments_agree_with_long_arithmetic() -> Result<()> {
    for (y, s, table) in CROSS_ENTROPY {
        for (eps, want) in EPS.into_iter().zip(table) {
            let mut q = [0.0; 3];
            CrossEntropy::new([1], 3)?.increment(&y, &s, eps, &mut q);
            let scale = want.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            for (q, want) in q.into_iter().zip(want) {
                let error = (q - want).abs();
                assert!(
                    error <= tolerance(&y, &s, eps) * scale,
                    "{y:?}, {s:?}, {eps:e}: {q:e}, not {want:e}"
                );
            }
        }
    }
    Ok(())
}

/// Two classes are the logistic loss of the difference of their scores.
#[test]
fn two_classes_are_logistic() -> Result<()> {
    for (y, s, table) in LOGISTIC {
        for (eps, want) in EPS.into_iter().zip(table) {
            let mut q = [0.0; 2];
            CrossEntropy::new([0], 2)?.increment(&[y, 0.0], &[s, 0.0], eps, &mut q);
            let context = format!("y = {y}, s = {s}, ε = {eps:e}");
            assert_close(q[0], want, tolerance(&[y], &[s], eps), &context);
            assert_eq!(q[1], -q[0]);
        }
    }
    Ok(())
}

/// The three losses written down plainly, for moderate arguments, on any number.
fn plain<S: Scalar>(name: &str, y: &[S]) -> S {
    let sum = |terms: &mut dyn Iterator<Item = S>| terms.fold(S::from(0.0), |a, b| a + b);
    match name {
        "logistic" => sum(&mut y
            .iter()
            .zip(LABELS)
            .map(|(y, t)| (S::from(1.0) + (-*y * S::from(t)).exp()).ln())),
        "cross-entropy" => sum(&mut y
            .chunks(3)
            .zip(CLASSES)
            .map(|(y, class)| sum(&mut y.iter().map(|y| y.exp())).ln() - y[class])),
        // ρ(r) = ½r² − ½ relu(|r| − δ)², δ = 0.8.
        _ => sum(&mut y.iter().zip(LABELS).map(|(y, t)| {
            let r = *y - S::from(t);
            let excess = (r.abs() - S::from(0.8)).relu();
            S::from(0.5) * (r * r - excess * excess)
        })),
    }
}

const LABELS: [f64; 6] = [1.0, -1.0, -1.0, 1.0, 1.0, -1.0];
const CLASSES: [usize; 2] = [2, 0];
const Y: [f64; 6] = [0.3, -1.2, 2.0, 4.5, -0.7, -1.1];
const S: [f64; 6] = [1.0, 0.5, -2.0, 0.25, -0.3, 1.7];

/// A name, the loss, and the factor between it and its plain sum.
type Case = (&'static str, Box<dyn Loss>, f64);

fn three(reduction: Reduction) -> Result<[Case; 3]> {
    let mean = reduction == Reduction::Mean;
    let over = |n: f64| if mean { 1.0 / n } else { 1.0 };
    Ok([
        ("logistic", Box::new(Logistic::new(LABELS)?.reduced(reduction)), over(6.0)),
        ("cross-entropy", Box::new(CrossEntropy::new(CLASSES, 3)?.reduced(reduction)), over(2.0)),
        ("huber", Box::new(Huber::to(LABELS).delta(0.8)?.reduced(reduction)), over(6.0)),
    ])
}

/// Forward derivatives of the plain rewrite: sums of a dozen terms of size below 10, hence 1e-14.
#[test]
fn values_gradients_and_hessians_are_derivatives() -> Result<()> {
    for (name, loss, c) in [three(Reduction::Sum)?, three(Reduction::Mean)?].into_iter().flatten() {
        assert!((loss.value(&Y) - c * plain(name, &Y)).abs() < 1e-14 * loss.value(&Y), "{name}");
        let (mut g, mut h) = ([0.0; 6], [0.0; 6]);
        loss.gradient(&Y, &mut g);
        loss.hessian(&Y, &S, &mut h);
        for i in 0..6 {
            let lift = |j: usize| {
                let inner = Dual::new(Y[j], S[j]);
                Dual::new(inner, Dual::from(if i == j { 1.0 } else { 0.0 }))
            };
            let partial = plain(name, &std::array::from_fn::<_, 6, _>(lift)).tangent;
            assert!((g[i] - c * partial.value).abs() < 1e-14, "{name}: gradient {i}");
            assert!((h[i] - c * partial.tangent).abs() < 1e-14, "{name}: Hessian {i}");
        }
    }
    Ok(())
}

/// The definition, where it can be evaluated: cancellation costs 1/ε of the rounding error.
#[test]
fn increments_are_differences_of_gradients() -> Result<()> {
    for (name, loss, _) in [three(Reduction::Sum)?, three(Reduction::Mean)?].into_iter().flatten() {
        for eps in [1.0, 1e-3] {
            let moved: Vec<f64> = Y.iter().zip(S).map(|(y, s)| y + eps * s).collect();
            let (mut here, mut there, mut q) = ([0.0; 6], [0.0; 6], [0.0; 6]);
            loss.gradient(&Y, &mut here);
            loss.gradient(&moved, &mut there);
            loss.increment(&Y, &S, eps, &mut q);
            for i in 0..6 {
                let difference = (there[i] - here[i]) / eps;
                assert!((q[i] - difference).abs() < 4e-15 / eps, "{name}, ε = {eps}, output {i}");
            }
        }
        let (mut h, mut q) = ([0.0; 6], [0.0; 6]);
        loss.hessian(&Y, &S, &mut h);
        for eps in [0.0, 1e-300] {
            loss.increment(&Y, &S, eps, &mut q);
            assert_eq!(q, h, "{name}: the increment at ε = {eps:e} is the Hessian product");
        }
    }
    Ok(())
}

/// m and M bound the curvature along any direction; the bound is attained by logistic at 0, by cross-entropy
/// between two equal classes, by Huber inside.
#[test]
fn curvature_stays_within_its_constants() -> Result<()> {
    for (name, loss, c) in [three(Reduction::Sum)?, three(Reduction::Mean)?].into_iter().flatten() {
        let convexity = loss.convexity();
        let big_m = match name {
            "logistic" => 0.25 * c,
            "cross-entropy" => 0.5 * c,
            _ => c,
        };
        assert_eq!((convexity.m, convexity.big_m), (0.0, big_m), "{name}");
        assert!(convexity.condition().is_infinite());
        let (y, s) = match name {
            "logistic" => ([0.0; 6], [1.0; 6]),
            "cross-entropy" => ([0.0, 0.0, -1e3, 0.0, 0.0, -1e3], [1.0, -1.0, 0.0, 1.0, -1.0, 0.0]),
            _ => (LABELS, [1.0; 6]),
        };
        let mut h = [0.0; 6];
        loss.hessian(&y, &s, &mut h);
        for (h, s) in h.iter().zip(s) {
            assert!((h - big_m * s).abs() < 1e-15, "{name}: the constant is attained");
        }
    }
    Ok(())
}

#[test]
fn huge_arguments_stay_finite() -> Result<()> {
    let y = [1e300, -1e300, 0.0, -1e300, 1e300, 1e300];
    let s = [-1e300, 1e300, 1.0, -1.0, -1e-300, 1e300];
    for (name, loss, _) in three(Reduction::Sum)? {
        assert!(loss.value(&y).is_finite(), "{name}");
        let mut out = [0.0; 6];
        loss.gradient(&y, &mut out);
        assert!(out.iter().all(|g| g.abs() <= 1.0), "{name}: {out:?}");
        for eps in [1.0, 1e-3, 1e-300, 0.0, 1e5] {
            loss.increment(&y, &s, eps, &mut out);
            assert!(out.iter().all(|q| q.is_finite()), "{name}, ε = {eps:e}: {out:?}");
        }
    }
    Ok(())
}

#[test]
fn a_nan_is_not_swallowed() -> Result<()> {
    for (name, loss, _) in three(Reduction::Sum)? {
        let (mut y, mut out) = (Y, [0.0; 6]);
        y[1] = f64::NAN;
        assert!(loss.value(&y).is_nan(), "{name}");
        loss.gradient(&y, &mut out);
        assert!(out[1].is_nan(), "{name}");
        loss.increment(&y, &S, 0.5, &mut out);
        assert!(out[1].is_nan(), "{name}");
    }
    Ok(())
}

#[test]
fn names_round_trip() -> Result<()> {
    let signs = dmatrix![1.0, -1.0, 1.0];
    let classes = dmatrix![1.0, 0.0, 2.0];
    for name in LossName::ALL {
        assert_eq!(LossName::parse(&name.to_string())?, name);
        let loss = match name {
            LossName::CrossEntropy(_) => name.build(&classes, 3)?,
            _ => name.build(&signs, 1)?,
        };
        assert_eq!(loss.name(), name.to_string());
    }
    assert_eq!(Huber::to([0.0]).delta(0.5)?.name(), "huber-sum δ=0.5");
    for bare in ["square", "logistic", "cross-entropy", "huber"] {
        assert!(LossName::parse(bare)?.to_string().ends_with("sum"));
    }
    Ok(())
}

#[test]
fn one_hot_columns_are_classes() -> Result<()> {
    let name = LossName::parse("cross-entropy-mean")?;
    let columns = dmatrix![0.0, 1.0; 0.0, 0.0; 1.0, 0.0];
    let y = [0.1, 0.2, 0.3, 1.0, 2.0, 3.0];
    let by_index = name.build(&dmatrix![2.0, 0.0], 3)?;
    assert_eq!(name.build(&columns, 3)?.value(&y), by_index.value(&y));
    Ok(())
}

/// Bad labels leave with exit code 3, wrong shapes and words with 2; each message carries sample and value.
#[test]
fn bad_targets_are_named() {
    let refuse = |name: &str, targets: DMatrix<f64>, k: usize| -> Error {
        let loss = LossName::parse(name).and_then(|name| name.build(&targets, k));
        loss.err().expect("these targets are bad")
    };
    for (name, targets, k, code, words) in [
        ("logistic", dmatrix![1.0, 0.0], 1, 3, "sample 1 (counting from 0) is 0: wanted +1 or −1"),
        ("logistic", dmatrix![f64::NAN], 1, 3, "sample 0 (counting from 0) is NaN"),
        (
            "cross-entropy",
            dmatrix![1.0, 3.0],
            3,
            3,
            "is 3: wanted a whole number, the class, from 0 to 2",
        ),
        ("cross-entropy", dmatrix![1.0, -1.0], 3, 3, "is -1"),
        ("cross-entropy", dmatrix![0.5], 3, 3, "is 0.5"),
        ("cross-entropy", dmatrix![1.0, 1.0; 1.0, 0.0], 2, 3, "a column with 2 ones"),
        ("cross-entropy", dmatrix![0.0], 1, 2, "at least two"),
        ("square", dmatrix![1.0, f64::INFINITY], 1, 3, "sample 1 (counting from 0) is inf"),
        ("huber", dmatrix![1.0; 2.0], 3, 2, "found 2 × 1"),
        ("square", DMatrix::zeros(1, 0), 1, 2, "at least one sample"),
    ] {
        let error = refuse(name, targets, k);
        assert_eq!(error.exit_code(), code, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(
        LossName::parse("logistik")
            .is_err_and(|e| e.to_string().contains("did you mean `logistic"))
    );
    assert!(Huber::to([1.0]).delta(0.0).is_err() && Huber::to([1.0]).delta(f64::NAN).is_err());
    assert!(Logistic::new([]).is_err() && CrossEntropy::new([], 3).is_err());
}
