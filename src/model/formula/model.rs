//! A formula as a model: alone, or on data.

use super::Formula;
use super::program::Program;
use crate::model::{Model, Shape};
use crate::scalar::Scalar;
use crate::{Error, Result};
use nalgebra::DMatrix;

/// w ↦ h(w), or w ↦ (h(w, x₁), …, h(w, xₙ)) with the k outputs of one sample next to each other: N = k n.
///
/// ```
/// use gradflow::model::{Formula, Model};
/// use nalgebra::DMatrix;
/// # fn main() -> gradflow::Result<()> {
/// let formula = Formula::parse("a*x; a + x", &["x"])?;
/// let model = formula.on(&DMatrix::from_row_slice(1, 2, &[5.0, 7.0]))?;
/// let mut y = [0.0; 4];
/// model.eval(&[2.0], &mut y);
/// assert_eq!(y, [10.0, 7.0, 14.0, 9.0]); // (2·5, 2 + 5), (2·7, 2 + 7)
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FormulaModel {
    formula: Formula,
    program: Program,
    samples: Option<DMatrix<f64>>,
}

impl Formula {
    /// The model w ↦ h(w) with N = k; errs where the formula names an input.
    pub fn without_inputs(self) -> Result<FormulaModel> {
        if let Some(index) = self.named_inputs().iter().position(|named| *named) {
            return Err(Error::Conflict {
                found: format!(
                    "the formula names the input column `{}`, and there is no data",
                    self.inputs()[index]
                ),
                remedy: "give data with this column, or give the input another name: it is then a parameter".into(),
            });
        }
        Ok(self.model(None))
    }

    /// The model on samples, the columns of `inputs` (d × n, row i the column named `self.inputs()[i]`): N = k n.
    pub fn on(self, inputs: &DMatrix<f64>) -> Result<FormulaModel> {
        let (d, n) = inputs.shape();
        if d != self.inputs().len() {
            return Err(Error::Shape {
                what: "inputs of the formula".into(),
                found: format!("{d} × {n}"),
                wanted: format!(
                    "{} rows, one for each of: {}",
                    self.inputs().len(),
                    self.inputs().join(", ")
                ),
                remedy: "give one row for each input name and one column for each sample",
            });
        }
        if n == 0 {
            return Err(Error::Shape {
                what: "samples of the formula's inputs".into(),
                found: "0".into(),
                wanted: "at least 1".into(),
                remedy: "give data, or use the formula without inputs",
            });
        }
        if let Some(bad) = inputs.iter().position(|x| !x.is_finite()) {
            let (row, sample) = (bad % d, bad / d);
            let name = format!("input `{}` of sample {sample}", self.inputs()[row]);
            return Err(Error::value(name, inputs[(row, sample)], "a finite number"));
        }
        Ok(self.model(Some(inputs.clone())))
    }

    fn model(self, samples: Option<DMatrix<f64>>) -> FormulaModel {
        let program = Program::new(&self.arena, &self.outputs);
        FormulaModel { formula: self, program, samples }
    }
}

impl FormulaModel {
    /// The formula.
    pub fn formula(&self) -> &Formula {
        &self.formula
    }

    /// The inputs, d × n, where the model has data.
    pub fn samples(&self) -> Option<&DMatrix<f64>> {
        self.samples.as_ref()
    }
}

impl Model for FormulaModel {
    fn shape(&self) -> Shape {
        let samples = self.samples.as_ref().map_or(1, DMatrix::ncols);
        Shape { params: self.formula.params().len(), outputs: self.formula.outputs() * samples }
    }

    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        match &self.samples {
            None => self.program.run(w, std::iter::once(&[][..]), y),
            Some(x) => {
                let d = x.nrows();
                let samples = (0..x.ncols()).map(|i| &x.as_slice()[i * d..(i + 1) * d]);
                self.program.run(w, samples, y);
            }
        }
    }
}
