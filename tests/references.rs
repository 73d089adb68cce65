//! Small tanh networks against a solver of 80 digits.
//!
//! hᵢ = 3^(−1/2) Σⱼ aⱼ tanh(bⱼ xᵢ), x = (0.8, −0.5), targets (0.7, −0.4), start b = (0.9, −1.1, 0.7),
//! a = (1.2, 0.6, −0.8), R = ½‖y − y*‖², horizon 4; centred, h(w) − h(w₀), or doubled, g(w) − g(w').
//!
//! Recipe for the numbers: mpmath at 80 digits integrates u and ū as they stand (no gap equation, no increments) by
//! Gauss collocation with 12 stages, order 24, in 8 steps of ½; the suprema of α²‖w − w̄‖ and α‖y − ȳ‖ are found by
//! ternary search on the collocation polynomial. α = 1e25 stands for ∞. 18 digits are right: 11
//! steps instead of 8 give the same.

mod common;

use common::{TinyTanh, assert_close, gap, relative};
use gradflow::flow::Flow;
use gradflow::loss::Square;
use gradflow::model::{Centred, Differentiable, Doubled, Model, Network, TwoLayer};
use gradflow::solve::{Comparison, Method};
use nalgebra::DMatrix;

const HORIZON: f64 = 4.0;
const START: [f64; 6] = [0.9, -1.1, 0.7, 1.2, 0.6, -0.8];
const TARGETS: [f64; 2] = [0.7, -0.4];

struct Reference {
    alpha: f64,
    /// α² sup‖w − w̄‖ and α sup‖y − ȳ‖.
    sups: [f64; 2],
    /// u and y at the horizon.
    u: &'static [f64],
    y: [f64; 2],
}

#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "the digits of the reference")]
const CENTRED: [Reference; 5] = [
    Reference {
        alpha: 1.0,
        sups: [0.09643321220269957608717, 0.01434995773463321633535],
        u: &[0.372763279737420406, 0.109432331878512906, -0.277126349226185932, 0.446607387694804349, -0.43334324033535504, 0.262813188421944977],
        y: [0.618543425467771168, -0.46241298854683639],
    },
    Reference {
        alpha: 1000.0,
        sups: [0.09161472494207460362445, 0.01449820886359783755849],
        u: &[0.371955066508478792, 0.15347242049836745, -0.292243975856635509, 0.375007373656956306, -0.431454643821044703, 0.307345065991571372],
        y: [0.628783987214082674, -0.461396235418908418],
    },
    Reference {
        alpha: 1000000.0,
        sups: [0.09160926839986936879324, 0.01449780964668589871184],
        u: &[0.371946942767311881, 0.153505642061327801, -0.292252004873023992, 0.374932515582691269, -0.43145430166326352, 0.307384289706693255],
        y: [0.628790981228675973, -0.461397985672606777],
    },
    Reference {
        alpha: 1000000000000.0,
        sups: [0.09160926293774787762984, 0.01449780924671620836043],
        u: &[0.371946934629479453, 0.153505675305454676, -0.292252012902751087, 0.374932440648754394, -0.431454301322397352, 0.307384328964270631],
        y: [0.628790988225417726, -0.46139798742722095],
    },
    Reference {
        alpha: f64::INFINITY,
        sups: [0.09160926293774241550277, 0.01449780924671580838998],
        u: &[0.371946934629471315, 0.15350567530548792, -0.292252012902759117, 0.37493244064867946, -0.431454301322397011, 0.307384328964309889],
        y: [0.628790988225424723, -0.461397987427222705],
    },
];

/// ū at the horizon, at every α.
#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "the digits of the reference")]
const CENTRED_STRAIGHT: [f64; 6] = [0.371946934629471315, 0.15350567530548792, -0.292252012902759117, 0.37493244064867946, -0.431454301322397011, 0.307384328964309889];

#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "the digits of the reference")]
const DOUBLED: [Reference; 5] = [
    Reference {
        alpha: 1.0,
        sups: [0.0337131534973648796828, 0.001098585206175362316367],
        u: &[0.178777787162671209, 0.0649990436474634696, -0.14495651978042998, 0.208531727035054887, -0.218877226452773402, 0.14676430614172401, -0.191865783604724652, -0.0823232971213125249, 0.152009035282653499, -0.179540814996068648, 0.228094299860236868, -0.174601927161678577],
        y: [0.644814383070031742, -0.47340894495420223],
    },
    Reference {
        alpha: 1000.0,
        sups: [0.03375125608243133179462, 0.00000111807999806473647442],
        u: &[0.18620583324920303, 0.0747802708659043835, -0.149485345644563773, 0.195010495196998197, -0.222932869938480437, 0.160772854026171728, -0.186219040355758201, -0.0747976982325714368, 0.149492593597758736, -0.194981599303606109, 0.222942192259007227, -0.160800787716502775],
        y: [0.645660557439469197, -0.472992932856065654],
    },
    Reference {
        alpha: 1000000.0,
        sups: [0.03375125612170569598561, 1.118080017728803066189e-9],
        u: &[0.186212431089669917, 0.0747889769675978475, -0.149488967009290366, 0.19499606265285172, -0.22293752587910673, 0.160786807000472133, -0.186212444296776594, -0.0747889943949646171, 0.149488974257243759, -0.194996033756958427, 0.222937535201427362, -0.160786834934162559],
        y: [0.645660558298550026, -0.47299293243247388],
    },
    Reference {
        alpha: 1000000000000.0,
        sups: [0.03375125612170573526001, 1.118080017728822730275e-15],
        u: &[0.186212437693217542, 0.0747889856812736507, -0.149488970633264451, 0.194996048204920476, -0.222937530540261827, 0.160786820967303475, -0.18621243769323075, -0.0747889856812910781, 0.149488970633271698, -0.19499604820489158, 0.222937530540271149, -0.160786820967331409],
        y: [0.645660558298550885, -0.472992932432473456],
    },
    Reference {
        alpha: f64::INFINITY,
        sups: [0.03375125612170573526001, 0.0],
        u: &[0.186212437693224146, 0.0747889856812823644, -0.149488970633268074, 0.194996048204906028, -0.222937530540266488, 0.160786820967317442, -0.186212437693224146, -0.0747889856812823644, 0.149488970633268074, -0.194996048204906028, 0.222937530540266488, -0.160786820967317442],
        y: [0.645660558298550885, -0.472992932432473456],
    },
];

/// ū at the horizon, at every α.
#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "the digits of the reference")]
const DOUBLED_STRAIGHT: [f64; 12] = [0.186212437693224146, 0.0747889856812823644, -0.149488970633268074, 0.194996048204906028, -0.222937530540266488, 0.160786820967317442, -0.186212437693224146, -0.0747889856812823644, 0.149488970633268074, -0.194996048204906028, 0.222937530540266488, -0.160786820967317442];

fn inputs() -> DMatrix<f64> {
    DMatrix::from_row_slice(1, 2, &[0.8, -0.5])
}

fn plain() -> impl Differentiable {
    TinyTanh { width: 3, inputs: inputs() }.auto()
}

fn built_in() -> Network {
    TwoLayer { width: 3, ..TwoLayer::default() }.on(inputs()).unwrap()
}

fn solve(map: impl Differentiable, start: &[f64], alpha: f64, rtol: f64) -> Comparison {
    let flow = Flow::new(map, Square::to(TARGETS), start).scaled(alpha);
    gap(Method::Automatic, rtol).solve(&flow, &[0.0, HORIZON]).unwrap()
}

/// Each number to ten times the tolerance: the error is held relative to suprema over time, and u, ū and y are largest
/// at the horizon.
fn check(run: &Comparison, wanted: &Reference, straight: &[f64], rtol: f64, what: &str) {
    let what = format!("{what}, α = {:e}, rtol = {rtol:e}", wanted.alpha);
    for (name, found, wanted, tolerance) in [
        ("u", &run.curved.displacements[1], wanted.u, 10.0 * rtol),
        ("y", &run.curved.outputs[1], &wanted.y, 10.0 * rtol),
        // In closed form, whatever the tolerance; the references have 18 digits.
        ("ū", &run.straight.displacements[1], straight, 1e-13),
    ] {
        let error = relative(std::slice::from_ref(found), &[wanted.to_vec()]);
        assert!(error <= tolerance, "{what}, {name}: {error:.2e}");
    }
    assert_close(run.weights_gap.scaled, wanted.sups[0], 10.0 * rtol, &what);
}

#[test]
fn centred_networks() {
    for wanted in &CENTRED {
        for rtol in [1e-6, 1e-8, 1e-10] {
            let runs = [
                ("plain", solve(Centred::at(plain(), &START), &START, wanted.alpha, rtol)),
                ("built in", solve(Centred::at(built_in(), &START), &START, wanted.alpha, rtol)),
            ];
            for (what, run) in runs {
                check(&run, wanted, &CENTRED_STRAIGHT, rtol, what);
                assert_close(run.outputs_gap.scaled, wanted.sups[1], 10.0 * rtol, what);
            }
        }
    }
}

/// Here s = J₀e + ρ cancels to O(1/α): it is known to its rounding noise, which the run reports.
#[test]
fn doubled_networks() {
    let start = [START, START].concat();
    for wanted in &DOUBLED {
        for rtol in [1e-6, 1e-8, 1e-10] {
            let runs = [
                ("plain", solve(Doubled(plain()), &start, wanted.alpha, rtol)),
                ("built in", solve(Doubled(built_in()), &start, wanted.alpha, rtol)),
            ];
            for (what, run) in runs {
                check(&run, wanted, &DOUBLED_STRAIGHT, rtol, what);
                if rtol == 1e-10 {
                    let error = (run.outputs_gap.scaled - wanted.sups[1]).abs();
                    let tolerance = f64::max(1e-6 * wanted.sups[1], run.outputs_noise);
                    let alpha = wanted.alpha;
                    assert!(
                        error <= tolerance,
                        "{what}, α = {alpha:e}: {error:.2e} > {tolerance:.2e}"
                    );
                }
            }
        }
    }
}

/// Theorem 2.2's limit is a regular one: a solve at α = 10¹² costs no more than twice one at α = 10.
#[test]
fn a_large_scale_costs_no_more() {
    for method in [Method::Automatic, Method::Bdf] {
        for rtol in [1e-6, 1e-8, 1e-10] {
            let cost = |alpha: f64| {
                let map = Centred::at(built_in(), &START);
                let flow = Flow::new(map, Square::to(TARGETS), START).scaled(alpha);
                gap(method, rtol).solve(&flow, &[0.0, HORIZON]).unwrap().work.rhs
            };
            let (small, large) = (cost(10.0), cost(1e12));
            assert!(large <= 2 * small, "{method:?} at {rtol:e}: {large} against {small}");
        }
    }
}
