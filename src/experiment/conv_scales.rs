//! Figures 3(a) and 7(a) (Chizat et al. 2019): VGG-11 on CIFAR-10, centred, against its scale α; with the exact
//! linearization trained in the same way, which the paper did not have.

use super::check::Check;
use super::conv_scale::ConvRun;
use super::conv_settings::{images, missing, noted};
use super::plan::{Desk, Experiment, Order, Rows};
use super::table::Table;
use crate::Result;
use crate::data::image_sets::ImageSets;
use crate::model::{Architecture, CIFAR10, FilterInitialization, Pooling, Rectification};
use crate::solve::training::Training;

/// Accuracy, loss and stability of activations at the end of training, for scales up to ∞.
pub struct ConvScales {
    order: Order,
    sets: Option<ImageSets>,
    alphas: Vec<f64>,
    width: f64,
    epochs: usize,
    /// Images to train on and to test on, at most.
    sizes: (usize, usize),
    /// Whether its losses are asked about, or its accuracies.
    losses: bool,
}

impl ConvScales {
    /// An eighth of the width on some thousand images; quick: a sixteenth on 512 images, too short for α = 1; full: the paper's network, scales and
    /// epochs.
    ///
    /// # Errors
    /// Images that cannot be read.
    pub fn new(order: &Order) -> Result<Self> {
        let sizes = order.size.pick((512, 256), (3000, 1000), (50_000, 10_000));
        let alphas = order.size.pick(
            vec![1.0, 100.0, 1e3, f64::INFINITY],
            vec![1.0, 3.0, 10.0, 30.0, 100.0, 1e3, 1e7, f64::INFINITY],
            vec![1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, f64::INFINITY],
        );
        Ok(ConvScales {
            order: order.clone(),
            sets: images(order, sizes)?,
            alphas,
            width: order.size.pick(1.0 / 16.0, 0.125, 1.0),
            epochs: order.size.pick(20, 80, 70),
            sizes,
            losses: false,
        })
    }

    /// The same runs for Figure 7(a).
    #[must_use]
    pub fn for_losses(self) -> Self {
        ConvScales { losses: true, ..self }
    }

    fn training(&self, alpha: f64) -> Training {
        Training {
            alpha,
            epochs: self.epochs,
            batch: self.order.size.pick(32, 128, 128),
            seed: self.order.seed_of(58),
            ..Training::default()
        }
    }
}

impl Experiment for ConvScales {
    fn blank(&self) -> Table {
        let columns = [
            ("alpha", ""),
            ("running_accuracy", "%"),
            ("train_accuracy", "%"),
            ("test_accuracy", "%"),
            ("running_loss", "R"),
            ("train_loss", "R"),
            ("test_loss", "R"),
            ("stability", "%"),
        ];
        let training = self.training(1.0);
        let table = Table::new(&columns)
            .note("model", format!("VGG-11 of {} × the width, Xavier, centred", self.width))
            .note("loss", "mean square over images and classes, over α²");
        noted(table, self.sets.as_ref(), self.sizes)
            .note(
                "method",
                format!(
                    "{} epochs, batches of {}, momentum {}, steps {}/(1 + {:.3} e), crops and flips",
                    self.epochs, training.batch, training.momentum, training.step, training.decay
                ),
            )
            .note("size", self.order.size.name())
            .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        self.alphas.len()
    }

    fn label(&self, run: usize) -> String {
        format!("α = {}", self.alphas[run])
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let sets = self.sets.as_ref().ok_or_else(missing)?;
        let alpha = self.alphas[run];
        let architecture =
            Architecture::vgg11(CIFAR10, self.width, Pooling::Max, Rectification::Relu)?;
        let initialization = FilterInitialization::Xavier { gain: 1.0 };
        let run = ConvRun { architecture, initialization, training: self.training(alpha) };
        let record = run.run(&sets.train, &sets.test, Some(desk.scratch), &mut |trainer| {
            (desk.tell)(trainer.state().epochs().len() as f64 / self.epochs as f64);
            Ok(())
        })?;
        let running = record.epochs.last().map_or([f64::NAN; 2], |e| [e.accuracy, e.loss]);
        let percent = |part: f64| 100.0 * part;
        let nothing = f64::NAN;
        let row = match record.end {
            Some(end) => vec![
                alpha,
                percent(running[0]),
                percent(end.train.accuracy),
                percent(end.test.accuracy),
                running[1],
                end.train.loss,
                end.test.loss,
                percent(end.stability),
            ],
            None => vec![alpha, nothing, nothing, nothing, nothing, nothing, nothing, nothing],
        };
        Ok(vec![row])
    }

    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let alpha = table.column("alpha")?;
        let at = |name: &str, a: f64| -> Result<f64> {
            let values = table.column(name)?;
            Ok(alpha.iter().position(|x| *x == a).map_or(f64::NAN, |i| values[i]))
        };
        let train = |a: f64| at("train_accuracy", a);
        let stability = |a: f64| at("stability", a);
        let finite = alpha.iter().copied().filter(|a| a.is_finite()).fold(0.0, f64::max);
        let (drop, rest) = (train(1.0)? - train(100.0)?, train(100.0)? - train(1e3)?);
        let apart = |name: &str| -> Result<f64> {
            Ok((at(name, finite)? - at(name, f64::INFINITY)?).abs())
        };
        let far = f64::INFINITY;
        if self.losses {
            let loss = |a: f64| at("train_loss", a);
            let (rise, level) = (loss(100.0)? / loss(1.0)?, loss(1e3)? / loss(100.0)?);
            return Ok(vec![
                Check::new("train loss at α = 100 over that at 1", 35.0, (1.0, far), rise),
                Check::new("train loss at α = 1000 over that at 100", 1.006, (0.95, 1.05), level),
            ]);
        }
        Ok(vec![
            Check::new("train accuracy lost from α = 1 to 100, points", 45.7, (20.0, far), drop),
            Check::new(
                "train accuracy at α = 100 less that at 1000, points",
                0.5,
                (-2.0, 2.0),
                rest,
            ),
            Check::new(
                "train accuracy, largest α from the exact linearization, points",
                None,
                (0.0, 2.0),
                apart("train_accuracy")?,
            ),
            Check::new("test accuracy, the same", None, (0.0, 2.0), apart("test_accuracy")?),
            Check::new("stability at α = 1, %", 54.8, (0.0, 85.0), stability(1.0)?),
            Check::new("stability at α = 100, %", 99.2, (97.0, 100.0), stability(100.0)?),
            Check::new("stability at α = 1000, %", 99.93, (99.5, 100.0), stability(1e3)?),
        ])
    }
}
