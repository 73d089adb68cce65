//! Many random small models, scales and horizons: no bound that applies is ever below what was measured.

use crate::common::{norm, options};
use crate::models::{KINDS, Problem, problem};
use crate::ratios::Ratios;
use gradflow::constants::{Enclosure, Evidence, Neighbourhood};
use gradflow::flow::{Flow, logarithmic};
use gradflow::loss::{Loss, Square};
use gradflow::model::Differentiable;
use gradflow::random::Generator;
use gradflow::solve::{Comparison, Gap};
use gradflow::theory::{
    Along, AlongThePath, ConvexLoss, FiniteHorizon, MetricStability, MovingMetric,
    OverParameterized, Quantitative, Quantity, Setting, SharpFiniteHorizon, SharpInfiniteHorizon,
    Theorem, Verdict, local_lipschitz,
};
use std::collections::BTreeMap;

const RTOL: f64 = 1e-8;

/// Every theorem that is tried; the lists to extend.
fn theorems<H: Differentiable, L: Loss>(
    p: &Problem,
    flow: &Flow<H, L>,
    run: &Comparison,
) -> Vec<Box<dyn Theorem>> {
    let mut all = ours(p, flow, &run.curved.times);
    all.extend(the_paper_s(p, flow, run));
    all
}

/// Theorems 2.2 to 2.4 and the lemmas, with the same constants.
fn the_paper_s<H: Differentiable, L: Loss>(
    p: &Problem,
    flow: &Flow<H, L>,
    run: &Comparison,
) -> Vec<Box<dyn Theorem>> {
    let setting = Setting::of(flow).unwrap();
    let near = Neighbourhood::of(&*p.map, &p.start).unwrap();
    let (end, n) = (*run.curved.times.last().unwrap(), p.target.len());
    let spectrum = near.spectrum().unwrap();
    let lip = |radius| {
        let (upper, method) = p.lip(&near, radius);
        Enclosure { lower: 0.0, upper, radius, method }
    };
    let over = OverParameterized {
        quantity: Quantity::Residual,
        alpha: setting.alpha,
        convexity: setting.convexity,
        norm_origin: setting.norm_origin,
        norm_target: setting.norm_target,
        residual: setting.residual.unwrap(),
        sigma_min: spectrum.sigma_min,
        norm_jacobian: spectrum.norm_jacobian,
        lip_jacobian: local_lipschitz(spectrum.sigma_min.lower, lip),
        smooth: true,
        evidence: Evidence::Certified,
    };
    let mut all = boxed(FiniteHorizon::for_flow(&setting, &near, end));
    all.extend(boxed(Quantitative::on_least_ball(&setting, n, spectrum.norm_jacobian, lip, end)));
    all.extend(boxed(over.conclusions()));
    // The lemmas' suprema are over the times of a path, and blind between them: a coarse path once missed the peak of a
    // diagonal model, and B.2 came out a third too small.
    let gap = Gap { options: options(RTOL), ..Gap::default() };
    let path = gap.solve(flow, &logarithmic(1e-5 * end, end, 200)).unwrap().curved;
    all.extend(boxed([MovingMetric::along(flow, &path).unwrap()]));
    all.extend(boxed([MetricStability::along(flow, &path).unwrap()]));
    all
}

fn boxed<T: Theorem + 'static, const K: usize>(all: [T; K]) -> Vec<Box<dyn Theorem>> {
    all.into_iter().map(|t| Box::new(t) as Box<dyn Theorem>).collect()
}

fn ours<H: Differentiable, L: Loss>(
    p: &Problem,
    flow: &Flow<H, L>,
    times: &[f64],
) -> Vec<Box<dyn Theorem>> {
    let setting = Setting::of(flow).unwrap();
    let near = Neighbourhood::of(&*p.map, &p.start).unwrap();
    let end = *times.last().unwrap();
    let gap = Gap { options: options(RTOL), ..Gap::default() };
    let lip = |r| p.lip(&near, r);
    let mut all = boxed([SharpFiniteHorizon::given(&setting, &near, end, lip)]);
    all.extend(boxed(SharpInfiniteHorizon::given(&setting, &near, lip).unwrap()));
    let path = AlongThePath::of(flow, times, &Along { gap, norms: true }).unwrap();
    all.extend(boxed([path.componentwise, path.scalar, path.norm_only.unwrap()]));
    let convex = ConvexLoss::of(flow, times, &gap).unwrap();
    all.extend(boxed([convex.weights, convex.outputs, convex.displacement]));
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
        for theorem in theorems(&p, &flow, &run) {
            let entry = ratios.entry(theorem.name()).or_default();
            // A statement without a constant bounds nothing.
            if theorem.verdict() != Verdict::Holds || theorem.bound(time).is_none() {
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
    // Every one of ours is tried often; the paper's for all time ask more, and of outputs Theorem 2.2 has no constant.
    let mine = ratios.iter().filter(|(name, _)| name.contains("ours") || name.contains("along"));
    assert!(mine.into_iter().all(|(_, r)| r.0.len() as u64 * 8 >= runs), "hardly tried");
    assert!(ratios.values().filter(|r| !r.0.is_empty()).count() >= 16);
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
