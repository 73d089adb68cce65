//! Minibatch training against the same rule written down plainly, its limit α = ∞, and what happens when it is stopped,
//! resumed, or driven apart.

use gradflow::data::{Dataset, images::Images};
use gradflow::experiment::ConvRun;
use gradflow::model::{
    Architecture, Auto, CIFAR10, Differentiable, FilterInitialization, Layer, Pooling,
    Rectification,
};
use gradflow::random::Generator;
use gradflow::solve::training::{Objective, State, Trainer, Training};
use gradflow::{Error, Result};
use nalgebra::DMatrix;

const N: usize = 7;

/// Random pixels: what is learnt is of no interest.
fn images(n: usize) -> Images {
    let mut generator = Generator::seeded(3);
    let pixels = DMatrix::from_fn(CIFAR10.numbers(), n, |_, _| generator.uniform(0.0, 1.0));
    let labels = DMatrix::from_fn(1, n, |_, j| (3 * j % 10) as f64);
    Images::cifar10(&Dataset::new(pixels, labels, "drawn").unwrap()).unwrap()
}

fn small() -> Architecture {
    let layers = [
        Layer::Convolution { channels: 2, kernel: 3, stride: 2, padding: 1, biases: true },
        Layer::Rectifier(Rectification::Relu),
        Layer::Pool(Pooling::Average, 4),
        Layer::Dense { outputs: 10, biases: true },
    ];
    Architecture::new(CIFAR10, &layers).unwrap()
}

fn start(net: &Architecture) -> Vec<f64> {
    let mut generator = Generator::seeded(4);
    FilterInitialization::He.weights(net, &mut || generator.gaussian()).unwrap()
}

fn trained(training: Training, images: &Images) -> State {
    let net = small();
    let mut trainer = training.begin(net.clone(), &start(&net), images).unwrap();
    while !trainer.is_finished() {
        trainer.epoch().unwrap();
    }
    trainer.state().clone()
}

fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |m, x| x.abs().max(m))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// The rule as torch has it, in w and with the loss over α² (Chizat et al. 2019, §3.2), on the plain twin: v ← μv + ∇,
/// w ← w − ηv, the loss 1/α² · mean over images and classes of (α (h(w) − h(w₀)) − one-hot)².
fn plainly(training: Training, images: &Images) -> (Vec<f64>, Vec<f64>) {
    let (net, alpha) = (small(), training.alpha);
    let w0 = start(&net);
    let (mut w, mut v) = (w0.clone(), vec![0.0; w0.len()]);
    let mut losses = Vec::new();
    for e in 0..training.epochs {
        let mut chance = Generator::seeded(training.seed).split("epochs").stream(e as u64);
        let order = chance.permutation(images.len());
        let mut epoch_loss = 0.0;
        for batch in order.chunks(training.batch) {
            let pixels: Vec<f64> = batch.iter().flat_map(|i| images.image(*i)).copied().collect();
            let net = net.clone().on(DMatrix::from_vec(CIFAR10.numbers(), batch.len(), pixels));
            let h = Auto::new(net.unwrap());
            let n = 10 * batch.len();
            let (mut y0, mut y, mut g) = (vec![0.0; n], vec![0.0; n], vec![0.0; w.len()]);
            h.value(&w0, &mut y0);
            h.value(&w, &mut y);
            let mut residuals = vec![0.0; n];
            for (i, r) in residuals.iter_mut().enumerate() {
                let wanted = f64::from(u8::from(images.label(batch[i / 10]) == i % 10));
                let error = alpha * (y[i] - y0[i]) - wanted;
                epoch_loss += error * error / (10 * images.len()) as f64;
                *r = 2.0 * error / n as f64 / alpha;
            }
            h.vjp(&w, &residuals, &mut g);
            let step = training.step / (1.0 + training.decay * e as f64);
            for ((w, v), g) in w.iter_mut().zip(&mut v).zip(&g) {
                *v = training.momentum * *v + g;
                *w -= step * *v;
            }
        }
        losses.push(epoch_loss);
    }
    (w.iter().zip(&w0).map(|(w, w0)| alpha * (w - w0)).collect(), losses)
}

/// Three epochs of three steps each, the last one of a single image. u is found from w to α 2⁻⁵³ ‖w‖ in the plain rule;
/// nine steps of sums of 300 products add 1e-12 relative.
#[test]
fn training_is_the_rule_written_down() {
    let images = images(N);
    for alpha in [0.7, 10.0, 1e4] {
        let training = Training {
            alpha,
            epochs: 3,
            batch: 3,
            step: 0.5,
            augmented: false,
            ..Training::default()
        };
        let state = trained(training, &images);
        let (wanted, losses) = plainly(training, &images);
        let tolerance = 1e-12 * largest(&wanted) + 10.0 * alpha * f64::EPSILON;
        let found = state.displacement();
        assert!(largest(&wanted) > 1e-3);
        assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= tolerance), "α = {alpha}");
        for (epoch, wanted) in state.epochs().iter().zip(&losses) {
            assert!((epoch.loss - wanted).abs() <= 1e-12 * wanted.max(1.0) + alpha * 1e-15);
        }
    }
}

/// u of the network tends to u of its exact linearization as 1/α (Theorem 2.2, here for a discrete rule); kinks crossed
/// on a path of length 1/α are few and their effect is of the same order: a factor of 2 for them.
#[test]
fn the_linearization_is_the_limit() {
    let images = images(N);
    let of = |alpha| {
        let training = Training { alpha, epochs: 5, batch: 4, step: 0.3, ..Training::default() };
        trained(training, &images)
    };
    let limit = of(f64::INFINITY);
    let gap = |alpha| distance(of(alpha).displacement(), limit.displacement());
    let (near, far) = (gap(1e5), gap(1e3));
    assert!(far < 0.1 * largest(limit.displacement()), "{far}");
    assert!((50.0..200.0).contains(&(far / near)), "{far} {near}");
}

#[test]
fn cross_entropy_goes_down() {
    let images = images(20);
    for alpha in [1.0, f64::INFINITY] {
        let objective = Objective::CrossEntropy;
        let training = Training {
            alpha,
            objective,
            epochs: 40,
            batch: 20,
            step: 0.02,
            augmented: false,
            ..Training::default()
        };
        let state = trained(training, &images);
        let losses: Vec<f64> = state.epochs().iter().map(|epoch| epoch.loss).collect();
        assert!((losses[0] - 10.0_f64.ln()).abs() < 1e-12, "ln 10 where all outputs are 0");
        assert!(losses[39] < 0.9 * losses[0], "{losses:?}");
    }
}

fn run(training: Training) -> ConvRun {
    ConvRun { architecture: small(), initialization: FilterInitialization::He, training }
}

const TRAINING: Training = Training {
    alpha: 3.0,
    objective: Objective::Square,
    epochs: 5,
    batch: 3,
    momentum: 0.9,
    step: 0.2,
    decay: 0.1,
    augmented: true,
    seed: 9,
};

/// Stopped after each epoch and begun again from the file, the run ends with the same record and the same bytes.
#[test]
fn a_run_that_is_killed_ends_with_the_same_bytes() {
    let (train, test, folder) = (images(N), images(4), tempfile::tempdir().unwrap());
    let [whole, pieces] = ["whole.npy", "pieces.npy"].map(|name| folder.path().join(name));
    let wanted = run(TRAINING).run(&train, &test, Some(&whole), &mut |_| Ok(())).unwrap();
    assert_eq!(wanted.epochs.len(), 5);
    let killed = |_: &Trainer<'_>| -> Result<()> {
        Err(Error::Conflict { found: "killed".into(), remedy: "go on".into() })
    };
    for _ in 0..5 {
        assert!(run(TRAINING).run(&train, &test, Some(&pieces), &mut { killed }).is_err());
    }
    let mut epochs = 0;
    let count = &mut |_: &Trainer<'_>| {
        epochs += 1;
        Ok(())
    };
    assert_eq!(run(TRAINING).run(&train, &test, Some(&pieces), count).unwrap(), wanted);
    assert_eq!(epochs, 0, "nothing was left to do");
    assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&pieces).unwrap());
    let alone = run(TRAINING).run(&train, &test, None, &mut |_| Ok(())).unwrap();
    assert_eq!(alone, wanted);
    // More epochs go on where these ended.
    let longer = Training { epochs: 7, ..TRAINING };
    let prolonged = run(longer).run(&train, &test, Some(&pieces), &mut |_| Ok(())).unwrap();
    assert_eq!(prolonged, run(longer).run(&train, &test, None, &mut |_| Ok(())).unwrap());
}

#[test]
fn the_file_of_another_run_is_refused() {
    let (train, folder) = (images(N), tempfile::tempdir().unwrap());
    let path = folder.path().join("run.npy");
    let begun = |training: Training, images| {
        let net = small();
        training.begin(net.clone(), &start(&net), images).unwrap()
    };
    begun(TRAINING, &train).save(&path).unwrap();
    begun(TRAINING, &train).load(&path).unwrap();
    let others = [
        Training { alpha: f64::INFINITY, ..TRAINING },
        Training { seed: 10, ..TRAINING },
        Training { step: 0.3, ..TRAINING },
        Training { objective: Objective::CrossEntropy, ..TRAINING },
    ];
    for other in others {
        assert!(matches!(begun(other, &train).load(&path), Err(Error::Data { .. })), "{other:?}");
    }
    // As many parameters, the same weights: only the pooling is another.
    let layers: Vec<Layer> = small()
        .layers()
        .iter()
        .map(|layer| match layer {
            Layer::Pool(_, side) => Layer::Pool(Pooling::Max, *side),
            other => *other,
        })
        .collect();
    let other = Architecture::new(CIFAR10, &layers).unwrap();
    let mut other = TRAINING.begin(other, &start(&small()), &train).unwrap();
    assert!(matches!(other.load(&path), Err(Error::Data { .. })));
    let fewer = images(N - 1);
    assert!(begun(TRAINING, &fewer).load(&path).is_err());
    // Cut short, as an array and as a file.
    let numbers = gradflow::data::npy::read(&path).unwrap();
    for kept in [0, 3, 14, 16, numbers.len() - 1] {
        let part = numbers.columns(0, 1).rows(0, 1).into_owned();
        let part = if kept > 0 { numbers.columns(0, kept).into_owned() } else { part };
        gradflow::data::npy::write(&path, &part).unwrap();
        assert!(matches!(begun(TRAINING, &train).load(&path), Err(Error::Data { .. })), "{kept}");
    }
    std::fs::write(&path, b"no array").unwrap();
    assert!(matches!(begun(TRAINING, &train).load(&path), Err(Error::Data { .. })));
    assert!(matches!(
        begun(TRAINING, &train).load(folder.path()),
        Err(Error::Io { .. } | Error::Data { .. })
    ));
}

/// A step far beyond stability: said in the record, not by a panic, and known to the file.
#[test]
fn a_run_that_diverges_says_so() {
    let (train, folder) = (images(N), tempfile::tempdir().unwrap());
    for alpha in [1e-3, 1.0, f64::INFINITY] {
        let path = folder.path().join(format!("{alpha}.npy"));
        let run = run(Training { alpha, step: 1e60, epochs: 30, ..TRAINING });
        for _ in 0..2 {
            let record = run.run(&train, &train, Some(&path), &mut |_| Ok(())).unwrap();
            assert!(record.end.is_none() && record.epochs.len() < 30, "{record:?}");
        }
    }
}

/// On images as they are: by the twin, one by one; and stability is 1 where nothing has moved.
#[test]
fn measures_are_those_of_the_outputs() {
    let (train, test) = (images(N), images(11));
    for alpha in [2.0, f64::INFINITY] {
        let net = small();
        let w0 = start(&net);
        let mut trainer = Training { alpha, ..TRAINING }.begin(net.clone(), &w0, &train).unwrap();
        let fresh = trainer.measure(&test).unwrap().unwrap();
        assert!((fresh.loss - 0.1).abs() < 1e-15, "the mean of one-hot²: {fresh:?}");
        assert_eq!(trainer.stability(&test).unwrap(), 1.0);
        trainer.epoch().unwrap();
        let found = trainer.measure(&test).unwrap().unwrap();
        let (mut loss, mut right) = (0.0, 0);
        for i in 0..test.len() {
            let one = DMatrix::from_column_slice(CIFAR10.numbers(), 1, test.image(i));
            let h = Auto::new(net.clone().on(one).unwrap());
            let (mut y0, mut y) = ([0.0; 10], [0.0; 10]);
            if alpha.is_infinite() {
                h.jvp(&w0, trainer.state().displacement(), &mut y);
            } else {
                h.value(&w0, &mut y0);
                h.value(trainer.weights(), &mut y);
                y.iter_mut().zip(&y0).for_each(|(y, y0)| *y = alpha * (*y - y0));
            }
            let label = test.label(i);
            right += usize::from(y.iter().all(|other| *other <= y[label]));
            let error = |(k, y): (usize, &f64)| (y - f64::from(u8::from(k == label))).powi(2);
            loss += y.iter().enumerate().map(error).sum::<f64>() / (10 * test.len()) as f64;
        }
        assert!((found.loss - loss).abs() < 1e-12 * loss, "{found:?} {loss}");
        assert_eq!(found.accuracy, right as f64 / test.len() as f64);
        let stability = trainer.stability(&test).unwrap();
        assert_eq!(stability == 1.0, alpha.is_infinite(), "{stability}");
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let (train, net) = (images(N), small());
    let w0 = start(&net);
    let refused = [
        Training { alpha: 0.0, ..TRAINING },
        Training { alpha: f64::NAN, ..TRAINING },
        Training { batch: 0, ..TRAINING },
        Training { momentum: 1.0, ..TRAINING },
        Training { momentum: f64::NAN, ..TRAINING },
        Training { step: f64::INFINITY, ..TRAINING },
        Training { decay: -1.0, ..TRAINING },
    ];
    for training in refused {
        let found = training.begin(net.clone(), &w0, &train);
        assert!(matches!(found, Err(Error::Value { .. })), "{training:?}");
    }
    assert!(matches!(TRAINING.begin(net, &w0[1..], &train), Err(Error::Shape { .. })));
}
