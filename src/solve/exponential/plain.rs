//! The plain twin of a step: dense functions of L = JᵀHJ itself, against images and lifts.

use super::past::{Motion, Value, View, add_sum};
use super::phi::Weights;
use super::tangent::Tangent;
use crate::linalg::{dot, norm};
use crate::loss::{CrossEntropy, Logistic, Loss, Square};
use crate::model::{Differentiable, Formula, Linearized, Model, Network, TwoLayer};
use crate::random::Generator;
use nalgebra::{DMatrix, DVector};
use std::borrow::Cow;

/// A tangent, and the L that it stands for, p × p.
fn with_each_tangent(test: impl Fn(&str, &Tangent<'_>, &DMatrix<f64>)) {
    let mut draws = Generator::seeded(3);
    let net = |width, d, n| -> Network {
        let inputs = DMatrix::from_vec(d, n, Generator::seeded(n as u64).gaussians(d * n));
        TwoLayer { width, ..TwoLayer::default() }.on(inputs).unwrap()
    };
    let formula = Formula::parse("a*tanh(b*c); exp(-c^2)*a + b; a*b; sin(b)", &[]).unwrap();
    let formula = formula.without_inputs().unwrap().auto();
    let (wide, tall, large) = (net(5, 3, 6), net(2, 1, 12), net(45, 5, 42));
    let maps: [(&str, &dyn Differentiable); 4] =
        [("N < p", &wide), ("N > p", &tall), ("factored", &large), ("formula", &formula)];
    for (name, map) in maps {
        let n = map.shape().outputs;
        let w = draws.gaussians(map.shape().params);
        let y = draws.gaussians(n);
        let signs: Vec<f64> = (0..n).map(|_| draws.sign()).collect();
        let mut losses: Vec<Box<dyn Loss>> =
            vec![Box::new(Square::to(y.clone())), Box::new(Logistic::new(signs).unwrap())];
        if n % 3 == 0 {
            losses.push(Box::new(CrossEntropy::new(vec![1; n / 3], 3).unwrap()));
        }
        for loss in &losses {
            let jacobian = map.jacobian(&w);
            let mut weighted = jacobian.clone();
            for (j, mut column) in weighted.column_iter_mut().enumerate() {
                loss.hessian(&y, jacobian.column(j).as_slice(), column.as_mut_slice());
            }
            let l = jacobian.transpose() * weighted;
            let tangent = Tangent::at(map, Cow::Borrowed(&w), loss.root(&y).unwrap()).unwrap();
            test(&format!("{name}, {}", loss.name()), &tangent, &l);
        }
        let jacobian = map.jacobian(&w);
        let linear = Linearized::at(map, &w);
        let modes = linear.modes().unwrap();
        let shared = Tangent::shared(map, &w, modes, 2.5);
        test(&format!("{name}, shared"), &shared, &(2.5 * jacobian.transpose() * jacobian));
    }
}

/// Sums of some hundred terms, and modes down to the cutoff, N ulps of the largest rate, whose share is told from the
/// unseen part by their images alone.
const ROUNDING: f64 = 1e-11;

#[test]
fn lifting_is_adjoint_to_taking_images_and_norms_split_in_two() {
    with_each_tangent(|name, tangent, l| {
        let mut draws = Generator::seeded(4);
        let (v, a) = (draws.gaussians(l.nrows()), draws.gaussians(tangent.rates().len()));
        let image = tangent.image(&v);
        let mut lifted = vec![0.0; v.len()];
        tangent.lift(&a, &mut lifted);
        let size = norm(&image) * norm(&a);
        assert!((dot(&image, &a) - dot(&v, &lifted)).abs() <= 1e-13 * size, "{name}");
        // Lifting an image is L.
        tangent.lift(&image, &mut lifted);
        let wanted = l * DVector::from_column_slice(&v);
        let apart = (DVector::from_vec(lifted) - &wanted).norm();
        assert!(apart <= 1e-13 * l.norm() * norm(&v), "{name}: {apart:e}");
        // ‖v‖² by the eigenvectors of L.
        let eigen = l.clone().symmetric_eigen();
        let cutoff = eigen.eigenvalues.max() * 1e-13;
        let vector = DVector::from_column_slice(&v);
        let seen: f64 = (0..v.len())
            .filter(|i| eigen.eigenvalues[*i] > cutoff)
            .map(|i| eigen.eigenvectors.column(i).dot(&vector).powi(2))
            .sum();
        let square = dot(&v, &v);
        assert!((tangent.seen(&image) - seen).abs() <= ROUNDING * square, "{name}");
        let unseen = tangent.unseen(square, &image, 0.0, &|sum| {
            sum.iter_mut().zip(&v).for_each(|(sum, v)| *sum += v);
        });
        let total = tangent.seen(&image) + unseen;
        assert!((total - square).abs() <= ROUNDING * square, "{name}");
        // Something that L does not see where N < p, nothing where it sees all.
        assert!((unseen - (square - seen)).abs() <= ROUNDING * square, "{name}");
    });
}

/// ∫₀¹ e^(−(1−s)z) s^q ds = q! φ_{q+1}(−z), by Gauss's rule of three points on panels short against 1/z.
fn moment(z: f64, q: i32) -> f64 {
    const PANELS: i32 = 2000;
    let mut sum = 0.0;
    for panel in 0..PANELS {
        for (x, weight) in
            [(-0.6_f64.sqrt(), 5.0 / 18.0), (0.0, 8.0 / 18.0), (0.6_f64.sqrt(), 5.0 / 18.0)]
        {
            let s = (f64::from(panel) + 0.5 + 0.5 * x) / f64::from(PANELS);
            sum += weight / f64::from(PANELS) * (-(1.0 - s) * z).exp() * s.powi(q);
        }
    }
    sum
}

/// Coefficients `c[q][j]` with `Σ_q σ^q Σ_j c[q][j] g_j` the polynomial through the values `g_j`: the inverse of
/// Vandermonde's matrix.
fn interpolation(nodes: &[f64]) -> Vec<Vec<f64>> {
    let power = |j: usize, q: usize| std::iter::repeat_n(nodes[j], q).product();
    let inverse = DMatrix::from_fn(nodes.len(), nodes.len(), power).try_inverse().unwrap();
    inverse.row_iter().map(|row| row.iter().copied().collect()).collect()
}

/// `h Σ_q q! φ_{q+1}(−hL) G_q` with dense functions of L.
fn dense_motion(
    l: &DMatrix<f64>,
    (values, nodes): (&[Value], &[f64]),
    now: &[f64],
    h: f64,
) -> DVector<f64> {
    let eigen = l.clone().symmetric_eigen();
    let mut motion = DVector::zeros(now.len());
    for (q, row) in (0..).zip(interpolation(nodes)) {
        let mut g = DVector::zeros(now.len());
        for (c, value) in row.iter().zip(values) {
            let away = DVector::from_column_slice(&value.x) - DVector::from_column_slice(now);
            g += *c * (DVector::from_column_slice(&value.f) + l * away);
        }
        let filter = eigen.eigenvalues.map(|rate| h * moment(h * rate.max(0.0), q));
        motion += &eigen.eigenvectors * (eigen.eigenvectors.transpose() * g).component_mul(&filter);
    }
    motion
}

#[test]
fn a_step_is_its_formula() {
    with_each_tangent(|name, tangent, l| {
        let mut draws = Generator::seeded(5);
        let p = l.nrows();
        let (begin, length) = (2.0, 20.0 / l.clone().symmetric_eigenvalues().max());
        let nodes = [1.0, 0.0, -0.8, -1.9];
        let values: Vec<Value> = nodes
            .iter()
            .map(|node| {
                let (f, x) = (draws.gaussians(p), draws.gaussians(p));
                let (f_image, x_image) = (tangent.image(&f), tangent.image(&x));
                Value { time: begin + length * node, f, f_image, x, x_image, note: Vec::new() }
            })
            .collect();
        let now = draws.gaussians(p);
        let now_image = tangent.image(&now);
        let mut weights = Weights::default();
        weights.fill(length, tangent.rates(), 5);
        // At once, and the newest behind the others: the same.
        let (mut view, mut older, mut both) = (View::default(), View::default(), View::default());
        view.look(values.iter(), (begin, length), &now_image, tangent.rates());
        older.look(values[1..].iter(), (begin, length), &now_image, tangent.rates());
        both.look_before(&older, &values[0], nodes[0], &now_image, tangent.rates());
        let (mut motion, mut other) = (Motion::default(), Motion::default());
        let mut steps = vec![DVector::zeros(p)];
        for count in 1..=nodes.len() {
            view.motion(values.iter(), count, &weights, &now_image, &mut motion);
            both.motion(values.iter(), count, &weights, &now_image, &mut other);
            let mut x = vec![0.0; p];
            tangent.lift(&motion.lifted, &mut x);
            add_sum(&mut x, &motion.combination, values.iter());
            let image = tangent.image(&x);
            let wanted = dense_motion(l, (&values[..count], &nodes[..count]), &now, length);
            let found = DVector::from_vec(x);
            // Terms up to h L x of 20 ‖x‖ cancel down to the result.
            let size = wanted.norm() + norm(&now);
            assert!((&found - &wanted).norm() <= ROUNDING * size, "{name}, {count} values");
            for image_of_motion in [&motion.image, &other.image] {
                let apart = DVector::from_column_slice(&image)
                    - DVector::from_column_slice(image_of_motion);
                let most = ROUNDING * size * l.norm().sqrt();
                assert!(apart.norm() <= most, "{name}, {count} values");
            }
            steps.push(found);
        }
        // To leave out the oldest value is to step with one less; to leave out the newest, with those behind it.
        let (found, newest) =
            view.differences(values.iter(), [Some(1), Some(2), Some(3)], &weights, tangent, 0.0);
        for (degree, found) in (1..).zip(found) {
            let wanted = (&steps[degree + 1] - &steps[degree]).norm();
            let found = found.unwrap();
            assert!((found - wanted).abs() <= 1e-6 * wanted, "{name}: {found} {wanted}");
        }
        let behind = dense_motion(l, (&values[1..3], &nodes[1..3]), &now, length);
        let wanted = (&steps[3] - behind).norm();
        assert!((newest - wanted).abs() <= 1e-6 * wanted, "{name}: {newest} {wanted}");
    });
}
