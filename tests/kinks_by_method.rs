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

/// Crossings in their order and slides, without their times.
fn story(path: &Path) -> String {
    let log = path.kinks.as_ref().expect("kinks are followed");
    let mut slides: Vec<_> = log.slides.iter().map(|s| (s.kink.sample, s.kink.neuron)).collect();
    slides.sort_unstable();
    let crossings: Vec<_> = log.crossings.iter().map(|c| (c.kink, c.on)).collect();
    format!("{crossings:?} {slides:?}")
}

/// How far the times at which slides begin and end are apart.
fn slides_apart(a: &Path, b: &Path) -> f64 {
    let sorted = |path: &Path| {
        let mut slides = path.kinks.clone().unwrap_or_default().slides;
        slides.sort_by(|a, b| a.from.total_cmp(&b.from));
        slides
    };
    let pairs = sorted(a).into_iter().zip(sorted(b));
    pairs.map(|(a, b)| (a.from - b.from).abs().max((a.to - b.to).abs())).fold(0.0, f64::max)
}

#[test]
fn explicit_and_implicit_steps_follow_kinks() {
    let times = uniform(2.0, 8);
    let (mut crossings, mut slides) = (0, 0);
    for seed in [1, 4, 7] {
        let flow = flow(seed);
        let reference = alone(&flow, Method::Exponential, options(1e-10), &times).unwrap();
        let log = reference.kinks.as_ref().expect("kinks are followed");
        (crossings, slides) = (crossings + log.crossings.len(), slides + log.slides.len());
        for method in [Method::Tsit45, Method::Bdf, Method::TrBdf2, Method::Esdirk34] {
            let path = alone(&flow, method, options(1e-6), &times).unwrap();
            let error = apart(&path, &reference);
            assert!(error <= 1e-5, "{seed}, {method:?}: {error:e}");
            assert_eq!(story(&path), story(&reference), "{seed}, {method:?}");
            // A time is off by an error over a speed: a hundred times the error, for kinks met slowly.
            let late = slides_apart(&path, &reference);
            assert!(late <= 1e-3, "{seed}, {method:?}: {late:e}");
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
