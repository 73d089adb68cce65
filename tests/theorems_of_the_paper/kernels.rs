//! Appendix A: the kernel with offset, and the two-layer kernels in the limit.

use crate::common::gaussian_matrix;
use crate::models::slope;
use gradflow::flow::{Flow, Solver};
use gradflow::loss::Square;
use gradflow::model::{Activation, Differentiable, TwoLayer};
use gradflow::random::Generator;
use gradflow::solve::Eigen;
use gradflow::theory::{LayerKernels, predict};
use nalgebra::DMatrix;

/// Against the closed form of the linearized flow at t = ∞, which moves weights by the singular values of Dh(w₀). One
/// sample is there twice, with one target: k(X, X) is singular, and both take the same pseudo-inverse.
#[test]
fn prediction_by_kernel_is_the_limit_of_training() {
    let net = TwoLayer { width: 30, ..TwoLayer::default() };
    for twice in [false, true] {
        let mut inputs = gaussian_matrix(3, 6, 5);
        if twice {
            let first = inputs.column(0).into_owned();
            inputs.set_column(5, &first);
        }
        let train = net.on(inputs).unwrap();
        let test = train.with_inputs(gaussian_matrix(3, 9, 6)).unwrap();
        let start = Generator::seeded(7).gaussians(train.params());
        let mut target = Generator::seeded(8).gaussians(6);
        target[5] = if twice { target[0] } else { target[5] };
        for alpha in [1.0, 30.0] {
            let found = predict(&train, &test, &start, &target, alpha).unwrap();
            let flow = Flow::new(&train, Square::to(target.clone()), start.clone()).scaled(alpha);
            let path = Eigen.solve(&flow.linearized(), &[0.0, f64::INFINITY]).unwrap();
            let (mut origin, mut moved) = (vec![0.0; 9], vec![0.0; 9]);
            test.value(&start, &mut origin);
            test.jvp(&start, &path.displacements[1], &mut moved);
            for i in 0..9 {
                let wanted = alpha * origin[i] + moved[i];
                // αf(w₀) is of the size of α: relative to it.
                assert!((found[i] - wanted).abs() <= 1e-8 * alpha, "{} {wanted}", found[i]);
            }
        }
    }
}

#[test]
fn sizes_must_fit() {
    let train = TwoLayer::default().on(gaussian_matrix(3, 2, 1)).unwrap();
    let start = vec![0.1; train.params()];
    let other = TwoLayer::default().on(gaussian_matrix(4, 2, 1)).unwrap();
    assert!(predict(&train, &train, &start, &[1.0], 1.0).is_err());
    assert!(predict(&train, &train, &start[1..], &[1.0, 2.0], 1.0).is_err());
    assert!(predict(&train, &other, &start, &[1.0, 2.0], 1.0).is_err());
    let (inner, pair) = (DMatrix::zeros(2, 3), [&[1.0, 0.0][..], &[0.0, 1.0]]);
    assert!(LayerKernels::of(&inner, &[1.0; 2], Activation::Relu, pair).is_err());
    assert!(LayerKernels::relu_limit([&[1.0], &[1.0, 2.0]], 1.0, 1.0).is_err());
}

/// Unit vectors of R¹⁰ at that angle.
fn pair(angle: f64) -> [Vec<f64>; 2] {
    let mut other = vec![0.0; 10];
    (other[0], other[1]) = (angle.cos(), angle.sin());
    let mut first = vec![0.0; 10];
    first[0] = 1.0;
    [first, other]
}

/// Standard normal neurons of that width.
fn neurons(width: usize, seed: u64) -> (DMatrix<f64>, Vec<f64>) {
    (gaussian_matrix(10, width, seed), Generator::seeded(seed).split("outer").gaussians(width))
}

/// Angle, the limits of kᵃ and kᵇ by eq. 8, and both for one draw of 2e5 neurons elsewhere.
const TABLE: [[f64; 3]; 3] = [[0.3, 0.4321, 0.4791], [1.2, 0.1120, 0.2603], [2.5, -0.0818, 0.0134]];

#[test]
fn many_neurons_have_the_limit_kernels() {
    let (inner, outer) = neurons(200_000, 1);
    for [angle, inner_wanted, outer_wanted] in TABLE {
        let [x, other] = pair(angle);
        let limit = LayerKernels::relu_limit([&x, &other], 1.0, 10.0).unwrap();
        assert!((limit.inner - inner_wanted).abs() <= 5.1e-5, "{limit:?}");
        assert!((limit.outer - outer_wanted).abs() <= 5.1e-5, "{limit:?}");
        let found = LayerKernels::of(&inner, &outer, Activation::Relu, [&x, &other]).unwrap();
        // Each neuron's share has a standard deviation below 2: four of them over √200000.
        let noise = 4.0 * 2.0 / 200_000.0_f64.sqrt();
        assert!((found.sum() - limit.sum()).abs() <= noise, "{found:?} {limit:?}");
    }
    // Opposite and equal: kᵃ = 0 and ½, kᵇ = 0 and ½.
    let [x, _] = pair(0.0);
    let minus: Vec<f64> = x.iter().map(|x| -x).collect();
    let same = LayerKernels::relu_limit([&x, &x], 1.0, 10.0).unwrap();
    let opposite = LayerKernels::relu_limit([&x, &minus], 1.0, 10.0).unwrap();
    for (found, wanted) in
        [(same.inner, 0.5), (same.outer, 0.5), (opposite.inner, 0.0), (opposite.outer, 0.0)]
    {
        assert!((found - wanted).abs() < 1e-15, "{same:?} {opposite:?}");
    }
}

/// The root mean square error over 60 draws falls as m^(−½): each is known to 1/√120 = 9 %, the slope over two and a half
/// decades to 0.09 · √2/ln(256) ≈ 0.023; three of these.
#[test]
fn the_error_falls_as_the_root_of_the_width() {
    let [x, other] = pair(1.2);
    let limit = LayerKernels::relu_limit([&x, &other], 1.0, 10.0).unwrap();
    let points: Vec<(f64, f64)> = [64_u32, 256, 1024, 4096, 16_384]
        .map(|m| {
            let square = |seed: u64| {
                let (inner, outer) = neurons(m as usize, 100 + seed);
                let pair = [&x[..], &other];
                let found = LayerKernels::of(&inner, &outer, Activation::Relu, pair).unwrap();
                (found.sum() - limit.sum()).powi(2)
            };
            (f64::from(m), ((0..60).map(square).sum::<f64>() / 60.0).sqrt())
        })
        .to_vec();
    assert!((slope(&points) + 0.5).abs() < 0.07, "{points:?}");
}
