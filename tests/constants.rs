//! Norms, singular values and κ against closed forms, and κ's laws against runs.

mod common;

use common::{Product, Scalar1, Sin2, assert_close, gaussian_matrix, norm};
use gradflow::constants::{
    Evidence, Laziness, Neighbourhood, OneStep, by_block, by_sample, homogeneity, width_exponent,
};
use gradflow::experiment::{EXPONENTS, KappaWidth, expected_slope, kappa_column};
use gradflow::flow::Flow;
use gradflow::loss::Square;
use gradflow::model::{
    Centred, Differentiable, Doubled, Formula, FormulaModel, Mlp, Model, Scaling, TwoLayer,
};
use gradflow::solve::{Automatic, Options};
use nalgebra::DMatrix;

fn written(text: &str) -> FormulaModel {
    Formula::parse(text, &[]).unwrap().without_inputs().unwrap()
}

#[test]
fn singular_values_are_enclosed_by_their_closed_forms() {
    // J = (2) at w = 1; the identity at 0; (w₂, w₁) with norm 5 at (3, 4).
    for (map, start, norm_jacobian, sigma) in [
        (&Scalar1.auto() as &dyn Differentiable, vec![1.0], 2.0, 2.0),
        (&Sin2.auto(), vec![0.0, 0.0], 1.0, 1.0),
        (&Product.auto(), vec![3.0, 4.0], 5.0, 5.0),
    ] {
        let near = Neighbourhood::of(map, &start).unwrap();
        let found = near.spectrum().unwrap();
        assert_eq!(found.evidence, Evidence::Certified);
        for (enclosure, wanted) in [(found.norm_jacobian, norm_jacobian), (found.sigma_min, sigma)]
        {
            assert!(enclosure.lower <= wanted && wanted <= enclosure.upper, "{enclosure:?}");
            // A few hundred ulps: margins of tiny matrices.
            assert!(enclosure.upper - enclosure.lower < 1e-13 * wanted, "{enclosure:?}");
        }
    }
}

#[test]
fn a_repeated_sample_is_seen_as_a_loss_of_rank() {
    let twice = DMatrix::from_row_slice(2, 3, &[0.3, 0.3, -0.5, 1.0, 1.0, 0.2]);
    let net = TwoLayer { width: 6, ..TwoLayer::default() }.on(twice).unwrap();
    let start = gaussian_matrix(net.params(), 1, 3).as_slice().to_vec();
    let near = Neighbourhood::of(&net, &start).unwrap();
    let found = near.spectrum().unwrap();
    assert_eq!((found.rank, found.kernel_eigenvalues.len()), (2, 3));
    assert_eq!(found.sigma_min.lower, 0.0);
    assert!(found.sigma_min_positive.lower > 1e-3 && !found.is_onto());
}

#[test]
fn more_outputs_than_parameters_are_never_reached_onto() {
    let map = written("w; 2*w; w^2").auto();
    let near = Neighbourhood::of(&map, &[1.0]).unwrap();
    let found = near.spectrum().unwrap();
    assert_eq!((found.rank, found.sigma_min.upper), (1, 0.0));
    // ‖(1, 2, 2)‖ = 3.
    assert_close(found.sigma_min_positive.upper, 3.0, 1e-13, "σ_min⁺");
    assert_eq!(found.kernel_eigenvalues.len(), 3);
}

#[test]
fn kappa_of_the_textbook_model_is_one_half_and_the_step_a_quarter() {
    // h = w² − 1 at 1 against y* = 1: ‖0 − 1‖ · 2/2² = ½, and Δ(Dh)/Δ(F) → κ/2 (equality, p = 1).
    let map = Scalar1.auto();
    let near = Neighbourhood::of(&map, &[1.0]).unwrap();
    let flow = Flow::new(&map, Square::to([1.0]), [1.0]);
    let kappa = Laziness::of(&flow, &near).unwrap().unwrap().kappa();
    assert!(kappa.lower <= 0.5 && 0.5 <= kappa.upper, "{kappa:?}");
    assert_close(kappa.upper, 0.5, 1e-12, "κ from above");
    assert_close(kappa.lower, 0.5, 1e-6, "κ from below");
    let step = OneStep::of(&flow, &near).unwrap();
    assert_close(step.ratio, 0.25, 1e-12, "Δ(Dh)/Δ(F)");
    // A real step of η = 1e-6: the quotient differs by O(η).
    let (w, eta) = (1.0_f64, 1e-6);
    let objective = |w: f64| 0.5 * (w * w - 2.0).powi(2);
    let next = w - eta * (w * w - 2.0) * 2.0 * w;
    let quotient = ((next - w).abs() / w) / ((objective(w) - objective(next)) / objective(w));
    assert_close(step.ratio, quotient, 1e-4, "a finite step");
}

#[test]
fn kappa_falls_with_the_scale_only_from_a_zero_output() {
    let map = Sin2.auto();
    let near = Neighbourhood::of(&map, &[0.0, 0.0]).unwrap();
    let flow = Flow::new(&map, Square::to([0.5, -0.3]), [0.0, 0.0]);
    let lazy = Laziness::of(&flow, &near).unwrap().unwrap();
    assert_close(lazy.at_scale(100.0).upper, lazy.kappa().upper / 100.0, 1e-12, "1/α");
    assert_eq!(lazy.at_scale(f64::INFINITY).upper, 0.0);

    let start = [0.3, 0.2];
    let near = Neighbourhood::of(&map, &start).unwrap();
    let flow = Flow::new(&map, Square::to([0.5, -0.3]), start);
    let lazy = Laziness::of(&flow, &near).unwrap().unwrap();
    let mut h = vec![0.0; 2];
    map.value(&start, &mut h);
    let jacobian = near.spectrum().unwrap().norm_jacobian.upper;
    let limit = norm(&h) * lazy.norm_hessian.upper / (jacobian * jacobian);
    assert_close(lazy.at_scale(f64::INFINITY).upper, limit, 1e-12, "the limit");
    // ‖αh − y*‖/α is within ‖y*‖/α of ‖h‖.
    assert_close(lazy.at_scale(1e6).upper, limit, 1e-5, "near the limit");
}

#[test]
fn a_large_start_of_a_homogeneous_model_acts_as_a_large_scale() {
    // h = (u v², u³ + u v w): 3-homogeneous.
    let map = written("u*v^2; u^3 + u*v*w").auto();
    let start = [0.8, -0.5, 0.6];
    assert_eq!(homogeneity(&map, &start), Some(3.0));
    assert_eq!(homogeneity(&written("u*v + u").auto(), &start[..2]), None);
    let target = [0.4, 0.7];
    let lazy = |start: &[f64]| {
        let near = Neighbourhood::of(&map, start).unwrap();
        let flow = Flow::new(&map, Square::to(target), start);
        Laziness::of(&flow, &near).unwrap().unwrap()
    };
    let base = lazy(&start);
    let lambda = 1.7;
    let scaled: Vec<f64> = start.iter().map(|w| lambda * w).collect();
    let (law, direct) = (base.at_init_scale(3.0, lambda), lazy(&scaled).kappa());
    // Both enclose one number; D²h is linear in w here and its sampled values agree to the ascent's accuracy.
    assert!(law.lower <= direct.upper && direct.lower <= law.upper, "{law:?}, {direct:?}");
    assert_close(law.lower, direct.lower, 1e-5, "the law of λ");

    // The flow v of R∘h from λw₀ is λ w_α(λ^(2q−2) t) with α = λ^q (the fact sheet, §1.3, derived there).
    let options = Options { rtol: 1e-10, ..Options::default() };
    let times = [0.0, 0.1, 0.4, 1.0];
    let large = Flow::new(&map, Square::to(target), scaled.clone());
    let v = large.solve(&Automatic(options), &times).unwrap();
    let faster = times.map(|t| lambda.powi(4) * t);
    let scale = Flow::new(&map, Square::to(target), start).scaled(lambda.powi(3));
    let w = scale.solve(&Automatic(options), &faster).unwrap();
    for (i, t) in times.into_iter().enumerate() {
        let away: Vec<f64> =
            v.weights(i).iter().zip(w.weights(i)).map(|(v, w)| v - lambda * w).collect();
        assert!(norm(&away) < 1e-8, "t = {t}: {:e}", norm(&away));
    }
}

#[test]
fn parts_are_no_more_curved_than_the_whole() {
    let inputs = gaussian_matrix(2, 5, 1);
    let net =
        TwoLayer { width: 4, scaling: Scaling::One, ..TwoLayer::default() }.on(inputs).unwrap();
    let half = gaussian_matrix(net.params(), 1, 2).as_slice().to_vec();
    let start = Doubled::<&dyn Differentiable>::start(&half);
    let (centred, doubled) = (Centred::at(&net, &half), Doubled(&net));
    for (map, start) in [(&centred as &dyn Differentiable, &half), (&doubled, &start)] {
        let flow = Flow::new(map, Square::to([1.0, 0.0, 0.5, -1.0, 0.2]), start.clone());
        let near = Neighbourhood::of(map, start).unwrap();
        let whole = near.norm_hessian();
        // Inner weights are linear in nothing but tanh; the outer layer alone is linear: D²h = 0 on its block.
        let blocks = [("inner".to_string(), 0..8), ("outer".to_string(), 8..12)];
        let found = by_block(&flow, &near, &blocks).unwrap();
        assert!(found[0].norm_hessian.lower > 0.0);
        assert!(found[0].norm_hessian.lower <= whole.upper);
        assert!(found[0].norm_hessian.upper >= found[0].norm_hessian.lower);
        assert_eq!(found[1].norm_hessian.lower, 0.0);
        let samples = by_sample(&flow, &near, 1).unwrap();
        assert_eq!(samples.len(), 5);
        for sample in samples {
            assert!(sample.norm_hessian.lower <= whole.upper * (1.0 + 1e-12));
            assert!(sample.norm_jacobian <= near.spectrum().unwrap().norm_jacobian.upper);
            assert!(sample.kappa.upper.is_finite());
        }
        assert!(by_sample(&flow, &near, 2).is_err());
    }
}

#[test]
fn wide_networks_are_lazy_at_the_rate_of_their_scaling() {
    let table = KappaWidth { draws: 6, ..KappaWidth::default() }.table().unwrap();
    let widths = table.column("width").unwrap();
    for kind in ["kappa", "symmetrized"] {
        for a in EXPONENTS {
            let kappa = table.column(&kappa_column(kind, a)).unwrap();
            let last = widths.len() - 1;
            let slope =
                (kappa[last] / kappa[last - 2]).ln() / (widths[last] / widths[last - 2]).ln();
            let wanted = expected_slope(kind, a);
            println!("{kind} a = {a}: slope {slope:.3}, theory {wanted}");
            // The first term is a mean of |Σφ| over few draws: it scatters by a fifth or so, over a factor 16 in width.
            assert!((slope - wanted).abs() < 0.08, "{kind} a = {a}: {slope:.3} against {wanted}");
        }
    }
    // The printed exponent of the paper would be half of it: −1/8 for a = 3/4.
    assert_eq!(width_exponent(0.75, false), -0.25);
}

#[test]
fn a_factor_zero_does_not_extend_the_domain() {
    // h = w + 0 ln w is not defined for w ≤ 0, which the ball of radius ½ around 0.1 reaches.
    for text in ["w + 0*ln(w)", "w^2 + 0/w", "w + 0*sqrt(w)"] {
        let map = written(text).auto();
        let near = Neighbourhood::of(&map, &[0.1]).unwrap();
        let (inside, beyond) = (near.lip_jacobian(0.05).upper, near.lip_jacobian(0.5).upper);
        assert!(inside.is_finite() && beyond.is_infinite(), "{text}: {inside}, {beyond}");
    }
}

#[test]
fn constants_on_a_ball_are_no_less_than_at_its_centre() {
    for depth in [1, 2] {
        let hidden = vec![6; depth];
        let net = Mlp { hidden, ..Mlp::default() }.on(gaussian_matrix(2, 4, 5)).unwrap();
        let start = gaussian_matrix(net.params(), 1, 6).as_slice().to_vec();
        let near = Neighbourhood::of(&net, &start).unwrap();
        let mut before = 0.0;
        for radius in [0.0, 0.01, 0.1] {
            let found = near.lip_jacobian(radius);
            assert!(found.lower >= near.norm_hessian().lower && found.lower <= found.upper);
            assert!(found.upper >= before);
            before = found.lower;
        }
    }
}
