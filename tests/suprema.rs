//! Suprema over continuous time, found two ways: the exponential method's from slopes that its right-hand sides show in
//! passing, the explicit method's from looks at the middle of its steps.

mod common;

use common::{TinyTanh, gap, gaussian_matrix, norm};
use gradflow::flow::{Flow, Stop};
use gradflow::loss::Square;
use gradflow::model::{Auto, Centred, Differentiable, Doubled, Model};
use gradflow::random::Generator;
use gradflow::solve::{Comparison, Events, Gap, Method};

const RTOL: f64 = 1e-9;

/// Both ways' suprema of a net of three neurons on three samples, centred or doubled, at that α over [0, 30].
fn both(seed: u64, doubled: bool, alpha: f64, events: Events) -> ([Comparison; 2], f64) {
    let net = TinyTanh { width: 3, inputs: gaussian_matrix(2, 3, seed) };
    let mut draws = Generator::seeded(seed);
    let start = draws.gaussians(net.shape().params);
    let target = Square::to(draws.gaussians(3));
    let (map, start): (Box<dyn Differentiable>, _) = if doubled {
        (Box::new(Doubled(net.auto())), Doubled::<Auto<TinyTanh>>::start(&start))
    } else {
        (Box::new(Centred::at(net.auto(), &start)), start)
    };
    let norm = map.kernel(&start).symmetric_eigenvalues().max().sqrt();
    let flow = Flow::new(&*map, target, start).scaled(alpha);
    let solve = |method| {
        let gap = Gap { events, ..gap(method, RTOL) };
        gap.solve(&flow, &[30.0]).unwrap_or_else(|e| panic!("seed {seed}, α = {alpha}: {e}"))
    };
    ([solve(Method::Exponential), solve(Method::Tsit45)], norm)
}

/// Errors are within ten rtol of sup‖u‖ and sup‖e‖ each (the promise of the module, as `solvers.rs` holds it), and those
/// of s = J₀e + ρ within ‖J₀‖ times that.
fn assert_alike([a, b]: &[Comparison; 2], norm: f64, what: &str) {
    let tolerance = 20.0 * RTOL;
    let close = |a: f64, b: f64, size: f64, which: &str| {
        assert!((a - b).abs() <= tolerance * size, "{what}, {which}: {a:e} and {b:e}");
    };
    let (u, e) = (b.displacement.scaled, b.weights_gap.scaled);
    close(a.displacement.scaled, u, u, "u");
    close(a.weights_gap.scaled, e, e, "e");
    close(a.outputs_gap.scaled, b.outputs_gap.scaled, (1.0 + norm) * e, "s");
}

#[test]
fn slopes_and_looks_agree() {
    let mut inside = [0; 3];
    for seed in 0..20 {
        for doubled in [false, true] {
            for alpha in [0.5, 3.0, 1e3, f64::INFINITY] {
                let (runs, norm) = both(seed, doubled, alpha, Events::default());
                assert_alike(&runs, norm, &format!("seed {seed}, {doubled}, α = {alpha}"));
                let peaks = [runs[1].displacement, runs[1].weights_gap, runs[1].outputs_gap];
                for (count, peak) in inside.iter_mut().zip(peaks) {
                    *count += usize::from(peak.time > 0.0 && peak.time < 30.0);
                }
            }
        }
    }
    // Tops inside are what there is to find; ‖u‖ and ‖e‖ seldom fall.
    assert!(inside.iter().zip([1, 3, 50]).all(|(count, least)| *count >= least), "{inside:?}");
}

/// A run that an event ends within a step: what lies before it counts, what lies after it does not.
#[test]
fn suprema_up_to_an_event() {
    for seed in 0..10 {
        let ([whole, _], _) = both(seed, false, 10.0, Events::default());
        let distance = 0.05 * whole.displacement.scaled;
        let events = Events { distance: Some(distance), ..Events::default() };
        let (runs, norm) = both(seed, false, 10.0, events);
        assert_eq!(runs.each_ref().map(|run| run.curved.stop), [Stop::Distance; 2], "{seed}");
        assert_alike(&runs, norm, &format!("seed {seed}"));
    }
}

/// Weights that are not kept leave everything else as it is.
#[test]
fn kept_weights_are_the_same_and_norms_are_theirs() {
    let net = TinyTanh { width: 3, inputs: gaussian_matrix(2, 3, 1) };
    let start = Generator::seeded(1).gaussians(net.shape().params);
    let map = Centred::at(net.auto(), &start);
    let flow = Flow::new(&map, Square::to([1.0, -0.5, 0.3]), start).scaled(3.0);
    let times = gradflow::flow::uniform(10.0, 10);
    let all = gap(Method::Automatic, RTOL).solve(&flow, &times).unwrap();
    let some = Gap { keep_every: 4, ..gap(Method::Automatic, RTOL) }.solve(&flow, &times).unwrap();
    let last = times.len() - 1;
    for i in 0..times.len() {
        let kept = (last - i).is_multiple_of(4);
        let pairs = [
            (&all.weights_gaps[i], &some.weights_gaps[i]),
            (&all.curved.displacements[i], &some.curved.displacements[i]),
            (&all.straight.displacements[i], &some.straight.displacements[i]),
        ];
        for (whole, part) in pairs {
            assert_eq!(part[..], whole[..if kept { whole.len() } else { 0 }], "time {i}");
        }
        let norms = [&all.curved.displacements[i], &all.weights_gaps[i], &all.outputs_gaps[i]];
        assert_eq!(all.norms[i], norms.map(|v| norm(v)), "time {i}");
    }
    assert_eq!((some.weights_gap, some.loss), (all.weights_gap, all.loss));
    assert_eq!((&some.norms, &some.outputs_gaps), (&all.norms, &all.outputs_gaps));
}
