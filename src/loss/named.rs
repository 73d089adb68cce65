//! The names of losses, convention included, and the loss each name makes of a target.

use super::{CrossEntropy, Huber, Logistic, Loss, Reduction, Square, SquareScale};
use crate::{Error, Result};
use nalgebra::DMatrix;

/// A loss without its target: what a command line or a record names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossName {
    /// [`Square`].
    Square(SquareScale),
    /// [`Logistic`].
    Logistic(Reduction),
    /// [`CrossEntropy`].
    CrossEntropy(Reduction),
    /// [`Huber`] with δ = 1.
    Huber(Reduction),
}

/// The convention that a bare kind means.
const BARE: [(&str, LossName); 4] = [
    ("square", LossName::Square(SquareScale::HalfSum)),
    ("logistic", LossName::Logistic(Reduction::Sum)),
    ("cross-entropy", LossName::CrossEntropy(Reduction::Sum)),
    ("huber", LossName::Huber(Reduction::Sum)),
];

impl LossName {
    /// All ten.
    pub const ALL: [LossName; 10] = [
        LossName::Square(SquareScale::HalfSum),
        LossName::Square(SquareScale::HalfMean),
        LossName::Square(SquareScale::Sum),
        LossName::Square(SquareScale::Mean),
        LossName::Logistic(Reduction::Sum),
        LossName::Logistic(Reduction::Mean),
        LossName::CrossEntropy(Reduction::Sum),
        LossName::CrossEntropy(Reduction::Mean),
        LossName::Huber(Reduction::Sum),
        LossName::Huber(Reduction::Mean),
    ];

    /// Reads a full name, or a bare kind with the convention given at the top of [`crate::loss`].
    ///
    /// # Errors
    /// [`Error::Unknown`] lists the legal names.
    ///
    /// ```
    /// use gradflow::loss::LossName;
    /// assert_eq!(LossName::parse("square")?.to_string(), "square-half-sum");
    /// assert!(LossName::parse("sqare-mean").unwrap_err().to_string().contains("did you mean `square-mean`?"));
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn parse(name: &str) -> Result<Self> {
        let bare = BARE.into_iter().find(|(kind, _)| *kind == name).map(|(_, loss)| loss);
        let full = || Self::ALL.into_iter().find(|loss| loss.to_string() == name);
        bare.or_else(full).ok_or_else(|| {
            let known = Self::ALL.map(|loss| loss.to_string());
            let kinds = BARE.iter().map(|(kind, _)| *kind);
            Error::unknown("loss", name, known.iter().map(String::as_str).chain(kinds))
        })
    }

    /// The loss on N = k n outputs for `targets`, a column per sample, and k = `outputs` of the model per sample.
    ///
    /// Square and Huber take k × n numbers, logistic k × n labels ±1, cross-entropy 1 × n whole numbers from 0 to
    /// k − 1 or k × n columns with a single 1 among zeros.
    ///
    /// # Errors
    /// [`Error::Shape`] where the rows do not fit k, [`Error::Label`] for a target the loss cannot use,
    /// [`Error::Value`] for n = 0 or k = 0.
    pub fn build(self, targets: &DMatrix<f64>, outputs: usize) -> Result<Box<dyn Loss>> {
        if targets.is_empty() || outputs == 0 {
            let size = format!("{} × {}, {outputs} per sample", targets.nrows(), targets.ncols());
            return Err(Error::value("targets", size, "at least one sample and one output"));
        }
        Ok(match self {
            LossName::Square(scale) => {
                Box::new(Square::to(numbers(targets, outputs)?).scaled(scale))
            }
            LossName::Huber(reduction) => {
                Box::new(Huber::to(numbers(targets, outputs)?).reduced(reduction))
            }
            LossName::Logistic(reduction) => {
                Box::new(Logistic::new(numbers(targets, outputs)?)?.reduced(reduction))
            }
            LossName::CrossEntropy(reduction) => {
                let labels = classes(targets, outputs)?;
                Box::new(CrossEntropy::new(labels, outputs)?.reduced(reduction))
            }
        })
    }
}

/// The full name, as [`Loss::name`] of the loss it makes.
impl std::fmt::Display for LossName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LossName::Square(scale) => write!(f, "square-{scale}"),
            LossName::Logistic(reduction) => write!(f, "logistic-{reduction}"),
            LossName::CrossEntropy(reduction) => write!(f, "cross-entropy-{reduction}"),
            LossName::Huber(reduction) => write!(f, "huber-{reduction}"),
        }
    }
}

/// As [`LossName::parse`], for command lines.
impl std::str::FromStr for LossName {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        LossName::parse(name)
    }
}

/// The targets of all samples one after another, each with `k` finite numbers.
fn numbers(targets: &DMatrix<f64>, k: usize) -> Result<Vec<f64>> {
    if targets.nrows() != k {
        return Err(rows(targets, k, "one row per output"));
    }
    match targets.iter().position(|t| !t.is_finite()) {
        Some(i) => Err(label(i / k, targets[i], "a finite number")),
        None => Ok(targets.as_slice().to_vec()),
    }
}

/// The class of each sample, from a row of indices or from one-hot columns.
fn classes(targets: &DMatrix<f64>, k: usize) -> Result<Vec<usize>> {
    if k < 2 {
        return Err(Error::value(
            "outputs per sample",
            k,
            "one per class for cross-entropy, at least two",
        ));
    }
    if targets.nrows() == 1 {
        return targets.iter().enumerate().map(|(i, t)| index(i, *t, k)).collect();
    }
    if targets.nrows() != k {
        return Err(rows(targets, k, "one row of class indices, or one-hot columns"));
    }
    targets.column_iter().enumerate().map(|(i, column)| hot(i, column.as_slice())).collect()
}

/// A class index from 0 to k − 1.
fn index(sample: usize, t: f64, k: usize) -> Result<usize> {
    (0..k).find(|class| *class as f64 == t).ok_or_else(|| {
        label(sample, t, &format!("a whole number, the class, from 0 to {}", k.saturating_sub(1)))
    })
}

/// The place of the single 1 in a one-hot column.
fn hot(sample: usize, column: &[f64]) -> Result<usize> {
    if let Some(t) = column.iter().find(|t| **t != 0.0 && **t != 1.0) {
        return Err(label(sample, *t, "0 or 1 in a one-hot column"));
    }
    let ones: Vec<usize> = (0..column.len()).filter(|j| column[*j] == 1.0).collect();
    match ones[..] {
        [class] => Ok(class),
        _ => Err(Error::Label {
            sample,
            value: format!("a column with {} ones", ones.len()),
            wanted: "a single 1 in a one-hot column".into(),
        }),
    }
}

fn label(sample: usize, value: f64, wanted: &str) -> Error {
    Error::Label { sample, value: value.to_string(), wanted: wanted.into() }
}

fn rows(targets: &DMatrix<f64>, k: usize, wanted: &str) -> Error {
    Error::Shape {
        what: "rows of the target matrix".into(),
        found: format!("{} × {}", targets.nrows(), targets.ncols()),
        wanted: format!("{wanted}, and the model has {k} per sample"),
        remedy: "choose the target columns or the number of outputs so that they agree",
    }
}
