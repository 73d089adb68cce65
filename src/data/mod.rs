//! What networks are fitted to: inputs and targets, from files or from a seed.
//!
//! A [`Dataset`] keeps a column per sample, so that the memory of `inputs` and `targets` runs sample by sample, as the
//! outputs of a network do. It is valid by construction: at least one sample, input and target, finite throughout.
//! Where it came from and what was done to it is part of it ([`Dataset::source`]) and printed with every result.
//!
//! A new format is a file here and one line in `files.rs`.

pub mod cifar;
pub mod csv;
mod files;
pub mod image_sets;
pub mod images;
pub mod npy;
mod scaling;
pub mod synthetic;

pub use files::{Request, open};
pub use scaling::Scaling;

use crate::random::Generator;
use crate::{Error, Result};
use nalgebra::DMatrix;

/// n samples of d inputs and k targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    inputs: DMatrix<f64>,
    targets: DMatrix<f64>,
    input_names: Vec<String>,
    target_names: Vec<String>,
    source: String,
}

impl Dataset {
    /// From inputs d × n and targets k × n, a column per sample, named `x1…` and `y1…`; `source` says in words
    /// where they come from.
    ///
    /// # Errors
    /// [`Error::Shape`] where the numbers of columns differ; [`Error::Value`] for n = 0, d = 0 or k = 0 and for the
    /// first entry that is not finite, by name and sample.
    ///
    /// ```
    /// use gradflow::data::Dataset;
    /// use nalgebra::dmatrix;
    /// let data = Dataset::new(dmatrix![1.0, 2.0; 3.0, 4.0], dmatrix![5.0, 6.0], "by hand")?;
    /// assert_eq!((data.samples(), data.inputs().column(1)[0]), (2, 2.0)); // x₁ of sample 1
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn new(
        inputs: DMatrix<f64>,
        targets: DMatrix<f64>,
        source: impl Into<String>,
    ) -> Result<Self> {
        let input_names = numbered("x", inputs.nrows());
        let target_names = numbered("y", targets.nrows());
        if inputs.ncols() != targets.ncols() {
            return Err(Error::Shape {
                what: "columns of inputs and targets".into(),
                found: format!("inputs {}, targets {}", shape(&inputs), shape(&targets)),
                wanted: "a column per sample in both".into(),
                remedy: "transpose one, or leave out the samples that lack an input or a target",
            });
        }
        for (name, matrix) in [("inputs", &inputs), ("targets", &targets)] {
            if matrix.ncols() == 0 {
                return Err(Error::value("samples", 0, "at least one"));
            }
            if matrix.nrows() == 0 {
                return Err(Error::value(format!("{name} per sample"), 0, "at least one"));
            }
        }
        Dataset { inputs, targets, input_names, target_names, source: source.into() }.finite()
    }

    /// The same with other names.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is a name for each input and each target.
    pub fn named(self, input_names: Vec<String>, target_names: Vec<String>) -> Result<Self> {
        let found = (input_names.len(), target_names.len());
        let wanted = (self.inputs.nrows(), self.targets.nrows());
        if found != wanted {
            return Err(Error::Shape {
                what: "names of inputs and targets".into(),
                found: format!("{} and {}", found.0, found.1),
                wanted: format!("{} and {}", wanted.0, wanted.1),
                remedy: "give one name to each",
            });
        }
        Ok(Dataset { input_names, target_names, ..self })
    }

    /// The inputs, d × n.
    pub fn inputs(&self) -> &DMatrix<f64> {
        &self.inputs
    }
    /// The targets, k × n.
    pub fn targets(&self) -> &DMatrix<f64> {
        &self.targets
    }
    /// A name for each of the d inputs.
    pub fn input_names(&self) -> &[String] {
        &self.input_names
    }
    /// A name for each of the k targets.
    pub fn target_names(&self) -> &[String] {
        &self.target_names
    }
    /// Where the data come from and what was done to them, in words.
    pub fn source(&self) -> &str {
        &self.source
    }
    /// n.
    pub fn samples(&self) -> usize {
        self.inputs.ncols()
    }
    /// The targets sample by sample, of length k n: the order of a network's outputs.
    pub fn targets_sample_major(&self) -> Vec<f64> {
        self.targets.as_slice().to_vec()
    }

    /// The inputs with mean 0 and variance 1 each over the samples; constant inputs become 0, which the source says.
    /// Test data must be scaled as the training data were: see [`Scaling`].
    #[must_use]
    pub fn standardized(&self) -> Self {
        Scaling::standardizing(self).applied(self)
    }

    /// The inputs of each sample divided by their Euclidean norm; a sample of zeros stays, which the source says.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut data = self.clone();
        let mut zeros = 0;
        for mut column in data.inputs.column_iter_mut() {
            // Divided by the largest entry first, so that no square overflows or vanishes.
            let largest = column.amax();
            if largest == 0.0 {
                zeros += 1;
                continue;
            }
            column.iter_mut().for_each(|x| *x /= largest);
            let norm = column.norm();
            column.iter_mut().for_each(|x| *x /= norm);
        }
        let exception =
            if zeros > 0 { format!(" but for {zeros} of zeros") } else { String::new() };
        data.also(&format!("samples of unit norm{exception}"))
    }

    /// The first `n` samples.
    ///
    /// # Errors
    /// [`Error::Value`] unless 1 ≤ n ≤ the number of samples.
    pub fn subset(&self, n: usize) -> Result<Self> {
        if n == 0 || n > self.samples() {
            return Err(Error::value("samples asked for", n, format!("1 to {}", self.samples())));
        }
        let first: Vec<usize> = (0..n).collect();
        Ok(self.chosen(&first).also(&format!("first {n} samples")))
    }

    /// The first `n` samples and the rest, as for training and test.
    ///
    /// # Errors
    /// [`Error::Value`] where either part would be empty.
    pub fn split(&self, n: usize) -> Result<(Self, Self)> {
        let all = self.samples();
        if n == 0 || n >= all {
            let wanted = format!("1 to {}, so that both parts have samples", all - 1);
            return Err(Error::value("samples of the first part", n, wanted));
        }
        let rest: Vec<usize> = (n..all).collect();
        Ok((self.subset(n)?, self.chosen(&rest).also(&format!("last {} samples", all - n))))
    }

    /// All samples in random order.
    #[must_use]
    pub fn shuffled(&self, generator: &mut Generator) -> Self {
        self.chosen(&generator.permutation(self.samples())).also("shuffled")
    }

    /// The samples of these indices, which must exist.
    fn chosen(&self, samples: &[usize]) -> Self {
        Dataset {
            inputs: self.inputs.select_columns(samples),
            targets: self.targets.select_columns(samples),
            ..self.clone()
        }
    }

    /// A further step in the source's words.
    fn also(mut self, step: &str) -> Self {
        self.source = format!("{}, {step}", self.source);
        self
    }

    /// Itself, unless an entry is not finite.
    fn finite(self) -> Result<Self> {
        for (names, matrix) in
            [(&self.input_names, &self.inputs), (&self.target_names, &self.targets)]
        {
            if let Some(i) = matrix.iter().position(|x| !x.is_finite()) {
                let (sample, row) = (i / matrix.nrows(), i % matrix.nrows());
                let name = format!("{} of sample {sample} (counting from 0)", names[row]);
                return Err(Error::value(name, matrix[i], "a finite number"));
            }
        }
        Ok(self)
    }
}

/// The largest matrix made, in numbers: 2 GiB of doubles.
const LARGEST: usize = 1 << 28;

/// d n, the size of a matrix about to be made, unless it is beyond [`LARGEST`].
fn matrix_size(what: &str, d: usize, n: usize) -> Result<usize> {
    d.checked_mul(n).filter(|size| *size <= LARGEST).ok_or_else(|| Error::TooLarge {
        what: format!("{what}, {d} numbers for each of {n} samples,"),
        needed: format!("{:.1e} numbers", d as f64 * n as f64),
        limit: format!("{LARGEST} (2 GiB)"),
        remedy: "take fewer samples or inputs",
    })
}

/// `x1`, `x2`…
fn numbered(letter: &str, count: usize) -> Vec<String> {
    (1..=count).map(|i| format!("{letter}{i}")).collect()
}

/// `rows × columns`.
fn shape(matrix: &DMatrix<f64>) -> String {
    format!("{} × {}", matrix.nrows(), matrix.ncols())
}
