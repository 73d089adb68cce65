//! Shifting and scaling inputs, the same for training and for test.

use super::Dataset;
use crate::{Error, Result};

/// x ↦ (x − shift)/scale for each input, learnt from one data set and applied to others.
#[derive(Debug, Clone)]
pub struct Scaling {
    /// One for each input, in its units.
    shift: Vec<f64>,
    /// One for each input, in its units; 1 where the input is constant.
    scale: Vec<f64>,
    words: String,
}

impl Scaling {
    /// To mean 0 and variance 1 over the samples (the variance divides by n). Inputs that are constant over `data`
    /// are shifted only, hence become 0 there.
    ///
    /// ```
    /// use gradflow::data::{Dataset, Scaling};
    /// use nalgebra::dmatrix;
    /// let data = Dataset::new(dmatrix![1.0, 5.0; 2.0, 2.0], dmatrix![0.0, 1.0], "by hand")?;
    /// let scaled = Scaling::standardizing(&data).apply(&data)?;
    /// assert_eq!(scaled.inputs(), &dmatrix![-1.0, 1.0; 0.0, 0.0]); // (x − 3)/2; constant
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn standardizing(data: &Dataset) -> Self {
        let mut scaling = Scaling::centring(data);
        let mut constant = Vec::new();
        for (i, row) in data.inputs().row_iter().enumerate() {
            let (shift, n) = (scaling.shift[i], row.len() as f64);
            let widest = row.iter().map(|x| (x - shift).abs()).fold(0.0, f64::max);
            if widest == 0.0 {
                constant.push(format!("`{}`", data.input_names()[i]));
                continue;
            }
            // Relative to the widest, so that no square overflows or vanishes.
            let square = row.iter().map(|x| ((x - shift) / widest).powi(2)).sum::<f64>() / n;
            scaling.scale[i] = widest * square.sqrt();
        }
        scaling.words = match constant.len() {
            0 => "inputs standardized".into(),
            1..=8 => format!("inputs standardized (constant: {})", constant.join(", ")),
            n => format!("inputs standardized (constant: {n} of them)"),
        };
        scaling
    }

    /// To mean 0 over the samples.
    pub fn centring(data: &Dataset) -> Self {
        let mean = |row: &[f64]| {
            if row.iter().all(|x| *x == row[0]) {
                return row[0]; // exactly, so that a constant input becomes 0
            }
            row.iter().map(|x| x / row.len() as f64).sum()
        };
        let rows = data.inputs().transpose();
        let shift: Vec<f64> = rows.column_iter().map(|row| mean(row.as_slice())).collect();
        Scaling { scale: vec![1.0; shift.len()], shift, words: "inputs centred".into() }
    }

    /// The data with their inputs shifted and scaled; the source says so.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `data` have as many inputs as those learnt from; [`Error::Value`] where an input
    /// overflows.
    pub fn apply(&self, data: &Dataset) -> Result<Dataset> {
        if data.inputs().nrows() != self.shift.len() {
            return Err(Error::Shape {
                what: "inputs per sample".into(),
                found: data.inputs().nrows().to_string(),
                wanted: format!("{}, as where the scaling was learnt", self.shift.len()),
                remedy: "choose the same inputs for training and test",
            });
        }
        self.applied(data).finite()
    }

    /// As [`Scaling::apply`] to the data it was learnt from, where nothing can fail.
    pub(super) fn applied(&self, data: &Dataset) -> Dataset {
        let mut scaled = data.clone();
        for mut column in scaled.inputs.column_iter_mut() {
            for ((x, shift), scale) in column.iter_mut().zip(&self.shift).zip(&self.scale) {
                *x = (*x - shift) / scale;
            }
        }
        scaled.also(&self.words)
    }
}
