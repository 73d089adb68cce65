//! Two classes on the unit sphere, labelled ±1: a half-space of a sphere's, or the first two classes of CIFAR-10.

use super::conv_settings::images;
use super::plan::Order;
use crate::data::images::Images;
use crate::linalg::{norm, thin_svd};
use crate::solve::no_modes;
use crate::{Error, Result};
use nalgebra::DMatrix;

/// Dimension of generated inputs.
const D: usize = 10;
/// Images read for each one wanted: two of ten classes, and some to spare.
const SPARE: usize = 7;

/// Unit inputs, a column per sample, and their labels.
#[derive(Debug, Clone)]
pub(super) struct Samples {
    pub(super) inputs: DMatrix<f64>,
    pub(super) labels: Vec<f64>,
}

/// Where samples come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// x uniform on the sphere, the label the sign of x₁.
    Generated { train: usize, test: usize },
    /// The same samples in every repetition.
    Images { train: Samples, test: Samples, words: String },
}

impl Source {
    /// Of at most these numbers of samples (train, test).
    ///
    /// # Errors
    /// Images that cannot be read, or none of the two classes.
    pub(super) fn of(order: &Order, (train, test): (usize, usize)) -> Result<Self> {
        let Some(sets) = images(order, (SPARE * train, SPARE * test))? else {
            return Ok(Source::Generated { train, test });
        };
        let place = order.data.clone().unwrap_or_default();
        let chosen = |images: &Images, most: usize| {
            let of_two: Vec<usize> =
                (0..images.len()).filter(|i| images.label(*i) < 2).take(most).collect();
            let unit = |i: &usize| {
                let image = images.image(*i);
                let size = norm(image);
                image.iter().map(move |x| x / size).collect::<Vec<f64>>()
            };
            if of_two.is_empty() {
                let problem =
                    "found no image of the classes 0 and 1 among the first; give more".into();
                return Err(Error::Data { path: place.clone(), place: "images".into(), problem });
            }
            let inputs: Vec<f64> = of_two.iter().flat_map(unit).collect();
            let labels = of_two.iter().map(|i| 1.0 - 2.0 * images.label(*i) as f64).collect();
            Ok(Samples {
                inputs: DMatrix::from_vec(images.numbers(), of_two.len(), inputs),
                labels,
            })
        };
        let (train, test) = (chosen(&sets.train, train)?, chosen(&sets.test, test)?);
        let sizes = (train.labels.len(), test.labels.len());
        let words = format!("{}: {} and {} of classes 0 and 1", sets.source, sizes.0, sizes.1);
        Ok(Source::Images { train, test, words })
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        match self {
            Source::Generated { train, test } => {
                format!("generated: sign of x₁ on the sphere of R^{D}, {train} train, {test} test")
            }
            Source::Images { words, .. } => words.clone(),
        }
    }

    /// Those of repetition `repeat`: train, test.
    pub(super) fn drawn(&self, order: &Order, repeat: usize) -> (Samples, Samples) {
        match self {
            Source::Images { train, test, .. } => (train.clone(), test.clone()),
            Source::Generated { train, test } => {
                let set = |part: &str, n: usize| {
                    let mut stream = order.stream("two classes", repeat).split(part);
                    let inputs: Vec<f64> = (0..n).flat_map(|_| stream.sphere(D)).collect();
                    let labels = inputs.chunks(D).map(|x| x[0].signum()).collect();
                    Samples { inputs: DMatrix::from_vec(D, n, inputs), labels }
                };
                (set("train", *train), set("test", *test))
            }
        }
    }
}

impl Samples {
    /// The inputs in coordinates of the space that they span, where it is smaller: same products, and the same network
    /// in law, whose neurons are drawn alike in all directions.
    ///
    /// # Errors
    /// [`Error::Integration`] for inputs that are not finite.
    pub(super) fn coordinates(&self) -> Result<DMatrix<f64>> {
        if self.inputs.nrows() <= self.inputs.ncols() {
            return Ok(self.inputs.clone());
        }
        let svd = thin_svd(&self.inputs).ok_or_else(no_modes)?;
        let mut inputs = svd.right.transpose();
        inputs.row_iter_mut().zip(&svd.values).for_each(|(mut row, s)| row *= *s);
        Ok(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_keep_all_products() {
        let order = Order { data: Some("synthetic".into()), ..Order::default() };
        let source = Source::of(&order, (12, 5)).unwrap();
        let (train, test) = source.drawn(&order, 0);
        assert!(test.labels.iter().chain(&train.labels).all(|y| y.abs() == 1.0));
        assert!(train.labels.contains(&1.0) && train.labels.contains(&-1.0));
        let small = train.coordinates().unwrap();
        assert_eq!(small.shape(), (12, 12));
        let off = small.tr_mul(&small) - train.inputs.tr_mul(&train.inputs);
        assert!(off.amax() < 1e-13, "{}", off.amax());
    }

    #[test]
    fn generated_repetitions_differ_and_do_not_share_test_samples() {
        let order = Order::default();
        let source = Source::of(&order, (4, 4)).unwrap();
        let ((a, test), (b, _)) = (source.drawn(&order, 0), source.drawn(&order, 1));
        assert!(a.inputs != b.inputs && a.inputs != test.inputs);
    }
}
