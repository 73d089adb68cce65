//! The same kinks by exponential, explicit and implicit steps.

mod common;

use common::{alone, apart, failure, gaussian_matrix, options, unfollowed};
use gradflow::Failure;
use gradflow::flow::{Flow, Path};
use gradflow::loss::Square;
use gradflow::model::{Activation, Centred, Network, Scaling, TwoLayer};
use gradflow::random::Generator;
use gradflow::solve::{Budget, Method, Options};
use gradflow::uniform;

/// A network that crosses kinks and slides along some.
fn flow(seed: u64) -> Flow<Centred<Network>, Square> {
    let (width, d, n) = (12, 3, 8);
    let net = TwoLayer {
        width,
        scaling: Scaling::One,
        activation: Activation::Relu,
        ..TwoLayer::default()
    }
    .on(gaussian_matrix(d, n, seed))
    .unwrap();
    let mut generator = Generator::seeded(100 + seed);
    let start: Vec<f64> = generator.gaussians(width * (d + 1)).iter().map(|w| 0.4 * w).collect();
    let target = generator.gaussians(n);
    Flow::new(Centred::at(net, &start), Square::to(target), start)
}

/// Crossings in their order, and slides with their times to a thousandth.
fn story(path: &Path) -> (Vec<(usize, usize, bool)>, Vec<(usize, usize, i64, i64)>) {
    let log = path.kinks.as_ref().expect("kinks are followed");
    let crossings = log.crossings.iter().map(|c| (c.kink.sample, c.kink.neuron, c.on));
    let thousandths = |t: f64| (1e3 * t).round() as i64;
    let mut slides: Vec<_> = log
        .slides
        .iter()
        .map(|s| (s.kink.sample, s.kink.neuron, thousandths(s.from), thousandths(s.to)))
        .collect();
    slides.sort_unstable();
    (crossings.collect(), slides)
}

#[test]
fn explicit_and_implicit_steps_follow_kinks() {
    let times = uniform(2.0, 8);
    let (mut crossings, mut slides) = (0, 0);
    for seed in [1, 4, 7] {
        let flow = flow(seed);
        let reference = alone(&flow, Method::Exponential, options(1e-10), &times).unwrap();
        let (crossed, slid) = story(&reference);
        (crossings, slides) = (crossings + crossed.len(), slides + slid.len());
        for method in [Method::Tsit45, Method::Bdf, Method::TrBdf2, Method::Esdirk34] {
            let path = alone(&flow, method, options(1e-6), &times).unwrap();
            let error = apart(&path, &reference);
            assert!(error <= 1e-5, "{seed}, {method:?}: {error:e}");
            assert_eq!(story(&path), (crossed.clone(), slid.clone()), "{seed}, {method:?}");
        }
        // Across the kinks twenty times the steps do not suffice for the same tolerance.
        let followed = alone(&flow, Method::Tsit45, options(1e-6), &times).unwrap();
        let steps = 20 * (followed.work.steps + followed.work.rejected);
        let few = Options { budget: Budget { steps, ..options(1e-6).budget }, ..options(1e-6) };
        let (failed, _) = failure(alone(&unfollowed(&flow), Method::Tsit45, few, &times));
        assert_eq!(failed, Failure::TooMuchWork, "{seed}");
    }
    assert!(crossings >= 5 && slides >= 2, "{crossings} crossings, {slides} slides");
}
