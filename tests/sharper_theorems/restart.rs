//! Theorem 2 begun anew at a time of a computed path.

use crate::common::{gap, norm};
use crate::models::problem;
use gradflow::constants::Neighbourhood;
use gradflow::flow::{Flow, logarithmic};
use gradflow::loss::{Huber, Square};
use gradflow::solve::Method;
use gradflow::theory::{Restart, Setting, SharpInfiniteHorizon, Theorem, Verdict};

/// At moderate α the theorem says nothing at the start, and is a certificate of convergence later: the first time at
/// which it applies is printed, and from there on it dominates what is measured.
#[test]
fn training_is_certified_to_converge_along_the_way() {
    let mut certified_late = 0;
    for (kind, alpha) in [(0, 0.3), (2, 1.0), (3, 1.0), (4, 1.0), (7, 2.0), (8, 0.5), (3, 100.0)] {
        let p = problem(kind, 3);
        // Within reach of every model.
        let target: Vec<f64> = p.target.iter().map(|t| 0.4 * t).collect();
        let flow = Flow::new(&*p.map, Square::to(target.clone()), p.start.clone()).scaled(alpha);
        let near = Neighbourhood::of(&*p.map, &p.start).unwrap();
        let setting = Setting::of(&flow).unwrap();
        let first = SharpInfiniteHorizon::given(&setting, &near, |r| p.lip(&near, r)).unwrap();
        let at_start = first[1].verdict() == Verdict::Holds;
        let times = logarithmic(0.01, 300.0, 40);
        let run = gap(Method::Automatic, 1e-9).solve(&flow, &times).unwrap();
        let begun = (0..times.len()).find_map(|i| {
            let distance = norm(&run.curved.displacements[i]) / alpha;
            let lip = |here: &Neighbourhood<'_>, r| p.lip_away(here, r, distance);
            let all = Restart::given(&flow, &run, i, lip).unwrap();
            all[1].converges().then_some((i, all))
        });
        let Some((i, [moved, residual, outputs])) = begun else {
            panic!("{} α = {alpha}: never certified", p.name);
        };
        println!(
            "{:20} α = {alpha:5}: at the start {at_start}, certified from t = {:.3}",
            p.name, times[i]
        );
        certified_late += usize::from(!at_start && i > 0);
        assert!(!at_start || i == 0, "what holds at the start is certified there");
        assert_eq!(residual.verdict(), Verdict::Holds);
        for (k, &t) in times.iter().enumerate().skip(i) {
            let e: Vec<f64> =
                run.curved.outputs[k].iter().zip(&target).map(|(a, b)| a - b).collect();
            let at = format!("{} α = {alpha} t = {}", p.name, t);
            // The solver's 1e-9, of residuals and gaps of order one.
            assert!(moved.scaled(t) + 1e-8 >= norm(&run.curved.displacements[k]), "{at}");
            assert!(residual.scaled(t) + 1e-8 >= norm(&e), "{at}");
            assert!(outputs.scaled(t) + 1e-7 >= norm(&run.outputs_gaps[k]), "{at}");
            assert!(outputs.scaled(t) <= outputs.supremum() * (1.0 + 1e-12), "{at}");
        }
        assert_eq!(residual.bound(times[i] - 1e-3), None);
    }
    assert!(certified_late >= 3, "only {certified_late} late certificates");
}

/// A target out of reach is never certified: |sin| ≤ 1 and h₁ = sin w₁ + w₂²/2 with h₂ = w₂ + 0.3 sin² w₁ held at 0.
#[test]
fn nothing_is_certified_where_training_fails() {
    let p = problem(2, 0);
    let flow = Flow::new(&*p.map, Square::to([3.0, 0.0]), p.start.clone());
    let times = logarithmic(0.01, 200.0, 20);
    let run = gap(Method::Automatic, 1e-8).solve(&flow, &times).unwrap();
    assert!(run.loss > 0.1, "it converged after all: {}", run.loss);
    for i in 0..times.len() {
        let all = Restart::given(&flow, &run, i, |_, _| (1.36_f64.sqrt(), "textbook")).unwrap();
        assert!(all.iter().all(|t| !t.converges() && t.bound(1e3).is_none()));
    }
}

#[test]
fn convexity_alone_certifies_nothing() {
    let p = problem(3, 3);
    let flow = Flow::new(&*p.map, Huber::to(p.target.clone()), p.start.clone()).scaled(1e3);
    let run = gap(Method::Automatic, 1e-8).solve(&flow, &[0.0, 100.0]).unwrap();
    let all = Restart::given(&flow, &run, 1, |here, r| p.lip_away(here, r, 0.1)).unwrap();
    assert!(all.iter().all(|t| t.verdict() == Verdict::Fails));
    assert!(Restart::conclusions(&flow, &run, 2).is_err());
}
