//! Many random small models, scales and horizons: no bound that applies is ever below what was measured.

use crate::common::{norm, options};
use crate::models::{KINDS, Problem, problem};
use crate::ratios::Ratios;
use gradflow::constants::Neighbourhood;
use gradflow::flow::{Flow, logarithmic};
use gradflow::loss::{Loss, Square};
use gradflow::model::Differentiable;
use gradflow::random::Generator;
use gradflow::solve::{Comparison, Gap};
use gradflow::theory::{
    Along, AlongThePath, ConvexLoss, Quantity, Setting, SharpFiniteHorizon, SharpInfiniteHorizon,
    Theorem, Verdict,
};
use std::collections::BTreeMap;

const RTOL: f64 = 1e-8;

/// Every theorem that is tried; the list to extend.
fn theorems<H: Differentiable, L: Loss>(
    p: &Problem,
    flow: &Flow<H, L>,
    times: &[f64],
) -> Vec<Box<dyn Theorem>> {
    let setting = Setting::of(flow).unwrap();
    let near = Neighbourhood::of(&*p.map, &p.start).unwrap();
    let end = *times.last().unwrap();
    let gap = Gap { options: options(RTOL), ..Gap::default() };
    let lip = |r| p.lip(&near, r);
    let mut all: Vec<Box<dyn Theorem>> =
        vec![Box::new(SharpFiniteHorizon::given(&setting, &near, end, lip))];
    for conclusion in SharpInfiniteHorizon::given(&setting, &near, lip).unwrap() {
        all.push(Box::new(conclusion));
    }
    let path = AlongThePath::of(flow, times, &Along { gap, norms: true }).unwrap();
    let curves = [path.componentwise, path.scalar, path.norm_only.unwrap()];
    all.extend(curves.map(|c| Box::new(c) as Box<dyn Theorem>));
    let convex = ConvexLoss::of(flow, times, &gap).unwrap();
    let curves = [convex.weights, convex.outputs, convex.displacement];
    all.extend(curves.map(|c| Box::new(c) as Box<dyn Theorem>));
    all
}

/// What a theorem speaks of, at time number `i`, and the error of that measurement.
fn measured(run: &Comparison, quantity: Quantity, target: &[f64], i: usize) -> (f64, f64) {
    let eps = run.curved.alpha.recip();
    match quantity {
        Quantity::Displacement => {
            (eps * norm(&run.curved.displacements[i]), eps * RTOL * run.displacement.scaled)
        }
        Quantity::WeightsGap => {
            (eps * eps * norm(&run.weights_gaps[i]), eps * eps * RTOL * run.weights_gap.scaled)
        }
        Quantity::OutputsGap => (
            eps * norm(&run.outputs_gaps[i]),
            eps * (RTOL * run.outputs_gap.scaled + run.outputs_noise),
        ),
        _ => {
            let e: Vec<f64> =
                run.curved.outputs[i].iter().zip(target).map(|(a, b)| a - b).collect();
            (norm(&e), 10.0 * RTOL * norm(target))
        }
    }
}

fn survey(runs: u64) {
    let mut ratios: BTreeMap<String, Ratios> = BTreeMap::new();
    for seed in 0..runs {
        let mut draws = Generator::seeded(seed).split("survey");
        let p = problem(usize::try_from(seed).unwrap() % KINDS, seed);
        let alpha = 10.0_f64.powf(draws.uniform(0.0, 3.0));
        let time = 10.0_f64.powf(draws.uniform(-1.0, 1.5));
        let square = Square::to(p.target.clone());
        let flow = Flow::new(&*p.map, square, p.start.clone()).scaled(alpha);
        let times = logarithmic(1e-2 * time, time, 20);
        let run = Gap { options: options(RTOL), ..Gap::default() }.solve(&flow, &times).unwrap();
        for theorem in theorems(&p, &flow, &times) {
            let entry = ratios.entry(theorem.name()).or_default();
            if theorem.verdict() != Verdict::Holds {
                continue;
            }
            let (mut bounds, mut sup, mut floor): (f64, f64, f64) = (0.0, 0.0, 0.0);
            for (i, &t) in times.iter().enumerate() {
                let (value, error) = measured(&run, theorem.quantity(), &p.target, i);
                let bound = theorem.bound(t).unwrap();
                assert!(
                    bound + error >= value,
                    "seed {seed}, {}, α = {alpha}, t = {t}: {} bounds {value:e} by {bound:e}",
                    p.name,
                    theorem.name()
                );
                (bounds, sup, floor) = (bounds.max(bound), sup.max(value), floor.max(error));
            }
            if sup > 100.0 * floor {
                entry.0.push(bounds / sup);
            }
        }
    }
    println!("{runs} models; bound/measured of suprema: min, median, max, runs that count");
    for (name, ratios) in &ratios {
        ratios.print(name);
    }
    // The along-the-path bounds always apply; the others often enough to be tested at all.
    assert!(ratios.values().all(|r| r.0.len() as u64 * 8 >= runs), "a theorem is hardly tried");
}

#[test]
fn no_bound_is_below_the_measured_in_forty_models() {
    survey(40);
}

/// The same with a thousand: `cargo test --test sharper_theorems -- --ignored`.
#[test]
#[ignore = "minutes"]
fn no_bound_is_below_the_measured_in_a_thousand_models() {
    survey(1000);
}
