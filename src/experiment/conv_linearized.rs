//! Table 3(b) (Chizat et al. 2019): VGG-11 and ResNet-18 trained as they are and linearized, narrow and wide.

use super::check::Check;
use super::conv_scale::ConvRun;
use super::conv_settings::{images, missing, noted};
use super::plan::{Desk, Experiment, Order, Rows};
use super::table::Table;
use crate::Result;
use crate::data::image_sets::ImageSets;
use crate::model::{Architecture, CIFAR10, FilterInitialization, Pooling, Rectification};
use crate::solve::training::{Objective, Training};

/// A network of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Net {
    Vgg,
    ResNet,
}

/// Accuracies and stability, for networks, widths, and both ways of training; linearized is exact, α = ∞.
pub struct ConvLinearized {
    order: Order,
    sets: Option<ImageSets>,
    widths: [f64; 2],
    epochs: usize,
    sizes: (usize, usize),
}

/// The paper's table: network, times its width, training, accuracies (train, test) in per cent.
pub(crate) const PAPERS_ACCURACIES: [(&str, &str, &str, [f64; 2]); 6] = [
    ("VGG-11", "× 8", "linearized", [61.0, 61.7]),
    ("VGG-11", "× 8", "standard", [99.9, 89.7]),
    ("ResNet-18", "× 7", "linearized", [55.0, 56.7]),
    ("ResNet-18", "× 7", "standard", [99.4, 91.0]),
    ("prior features", "–", "linear", [f64::NAN, 82.3]),
    ("random features", "–", "linear", [f64::NAN, 84.2]),
];

impl ConvLinearized {
    /// A sixteenth and an eighth of the width on some thousand images; quick: a thirty-second and a sixteenth on 256; full: 1 and
    /// 2 (the paper's wide ones are 8 and 7 times as wide).
    ///
    /// # Errors
    /// Images that cannot be read.
    pub fn new(order: &Order) -> Result<Self> {
        let sizes = order.size.pick((256, 128), (2000, 1000), (50_000, 10_000));
        Ok(ConvLinearized {
            order: order.clone(),
            sets: images(order, sizes)?,
            widths: order.size.pick([1.0 / 32.0, 1.0 / 16.0], [1.0 / 16.0, 0.125], [1.0, 2.0]),
            epochs: order.size.pick(2, 60, 70),
            sizes,
        })
    }

    /// Network, width, whether linearized.
    fn of(&self, run: usize) -> (Net, f64, bool) {
        let net = if run < 4 { Net::Vgg } else { Net::ResNet };
        (net, self.widths[run / 2 % 2], run.is_multiple_of(2))
    }
}

impl Experiment for ConvLinearized {
    fn blank(&self) -> Table {
        let columns = [
            ("resnet", ""),
            ("width", ""),
            ("linearized", ""),
            ("train_accuracy", "%"),
            ("test_accuracy", "%"),
            ("stability", "%"),
        ];
        let table = Table::new(&columns)
            .note("model", "VGG-11 and ResNet-18, Xavier × 1.3 and 1.2, centred")
            .note("loss", "cross-entropy, mean over images");
        noted(table, self.sets.as_ref(), self.sizes)
            .note(
                "method",
                format!(
                    "{} epochs, batches of 32, momentum 0.9, steps η₀/(1 + 0.02 e), η₀ = 0.03 standard, 0.02 linearized (α = ∞: longer ones diverge), crops and flips",
                    self.epochs
                ),
            )
            .note("size", self.order.size.name())
            .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        8
    }

    fn label(&self, run: usize) -> String {
        let (net, width, linearized) = self.of(run);
        format!("{net:?} × {width}, {}", if linearized { "linearized" } else { "standard" })
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let sets = self.sets.as_ref().ok_or_else(missing)?;
        let (net, width, linearized) = self.of(run);
        let (architecture, gain) = match net {
            Net::Vgg => {
                (Architecture::vgg11(CIFAR10, width, Pooling::Max, Rectification::Relu)?, 1.3)
            }
            Net::ResNet => (Architecture::resnet18(CIFAR10, width, Rectification::Relu)?, 1.2),
        };
        let training = Training {
            alpha: if linearized { f64::INFINITY } else { 1.0 },
            objective: Objective::CrossEntropy,
            epochs: self.epochs,
            batch: 32,
            step: if linearized { 0.02 } else { 0.03 },
            decay: 0.02,
            seed: self.order.seed_of(58),
            ..Training::default()
        };
        let initialization = FilterInitialization::Xavier { gain };
        let run = ConvRun { architecture, initialization, training };
        let record = run.run(&sets.train, &sets.test, Some(desk.scratch), &mut |trainer| {
            (desk.tell)(trainer.state().epochs().len() as f64 / self.epochs as f64);
            Ok(())
        })?;
        let found = record.end.map_or([f64::NAN; 3], |end| {
            [end.train.accuracy, end.test.accuracy, end.stability].map(|part| 100.0 * part)
        });
        let flag = |yes: bool| f64::from(u8::from(yes));
        let row = [flag(net == Net::ResNet), width, flag(linearized)];
        Ok(vec![[row, found].concat()])
    }

    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let column = |name| table.column(name);
        let (resnet, width, linearized) =
            (column("resnet")?, column("width")?, column("linearized")?);
        let (train, test) = (column("train_accuracy")?, column("test_accuracy")?);
        let mut checks = Vec::new();
        let rows = [(Net::Vgg, &PAPERS_ACCURACIES[..2]), (Net::ResNet, &PAPERS_ACCURACIES[2..4])];
        for (net, paper) in rows {
            let of = |linear: f64, values: &[f64]| {
                let here = (0..table.len()).filter(|i| {
                    resnet[*i] == f64::from(u8::from(net == Net::ResNet))
                        && linearized[*i] == linear
                });
                // The widest.
                let place = here.max_by(|a, b| width[*a].total_cmp(&width[*b]));
                place.map_or(f64::NAN, |i| values[i])
            };
            let words = |what: &str| format!("{net:?}, {what}: standard less linearized, points");
            let gap = |values| of(0.0, values) - of(1.0, values);
            let theirs = |part: usize| paper[1].3[part] - paper[0].3[part];
            checks.push(Check::new(words("train"), theirs(0), (10.0, 100.0), gap(train)));
            checks.push(Check::new(words("test"), theirs(1), (0.0, 100.0), gap(test)));
        }
        Ok(checks)
    }
}
