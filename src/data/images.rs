//! Images with their classes, as image classifiers are trained: normalized per channel, cropped and flipped at random.

use super::cifar::PIXELS;
use super::{Dataset, cifar};
use crate::random::Generator;
use crate::{Error, Result};

/// Mean of each channel of CIFAR-10's training set, pixels in \[0, 1\]; the numbers of the authors' code.
const MEANS: [f64; 3] = [0.4914, 0.4822, 0.4465];
/// Standard deviation of each channel as in that code (computed per image, then averaged: smaller than the true one).
const DEVIATIONS: [f64; 3] = [0.2023, 0.1994, 0.2010];

/// Rows and columns of zeros around an image before it is cropped to its size again.
const PADDING: usize = 4;

/// n images of `channels` × `side` × `side` numbers, normalized, with a class each.
#[derive(Debug, Clone)]
pub struct Images {
    pixels: Vec<f64>,
    labels: Vec<usize>,
    classes: usize,
    side: usize,
    /// What a black pixel of each channel has become.
    black: Vec<f64>,
}

impl Images {
    /// The images of a CIFAR-10 data set, inputs in \[0, 1\] (as [`cifar::Cifar10`] reads them), each channel less its
    /// mean over its standard deviation. Classes come from one target (the index) or from ten (the largest).
    ///
    /// # Errors
    /// [`Error::Shape`] for other inputs or targets; [`Error::Label`] for an index that is no class.
    ///
    /// ```
    /// use gradflow::data::{Dataset, images::Images};
    /// use nalgebra::DMatrix;
    /// let black = Dataset::new(DMatrix::zeros(3072, 2), DMatrix::from_element(1, 2, 7.0), "by hand")?;
    /// let images = Images::cifar10(&black)?;
    /// assert_eq!((images.len(), images.label(1)), (2, 7));
    /// assert_eq!(images.image(0)[0], -0.4914 / 0.2023); // (0 − mean)/deviation of red
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn cifar10(data: &Dataset) -> Result<Self> {
        let (inputs, targets) = (data.inputs(), data.targets());
        let classes = cifar::CLASSES.len();
        if inputs.nrows() != PIXELS || (targets.nrows() != 1 && targets.nrows() != classes) {
            return Err(Error::Shape {
                what: "numbers and targets per image".into(),
                found: format!("{} and {}", inputs.nrows(), targets.nrows()),
                wanted: format!("{PIXELS}, and 1 or {classes}"),
                remedy: "read all ten classes of CIFAR-10",
            });
        }
        let area = PIXELS / MEANS.len();
        let normalized = |(i, x): (usize, &f64)| {
            let channel = i % PIXELS / area;
            (x - MEANS[channel]) / DEVIATIONS[channel]
        };
        let pixels = inputs.as_slice().iter().enumerate().map(normalized).collect();
        let labels = targets.column_iter().enumerate().map(|(sample, target)| {
            if target.len() > 1 {
                return Ok(largest(target.as_slice()));
            }
            let label = (0..classes).find(|class| *class as f64 == target[0]);
            label.ok_or_else(|| Error::Label {
                sample,
                value: target[0].to_string(),
                wanted: format!("a class from 0 to {}", classes - 1),
            })
        });
        let labels = labels.collect::<Result<_>>()?;
        let black = MEANS.iter().zip(DEVIATIONS).map(|(mean, deviation)| -mean / deviation);
        Ok(Images { pixels, labels, classes, side: 32, black: black.collect() })
    }

    /// n.
    pub fn len(&self) -> usize {
        self.labels.len()
    }
    /// Whether there is none, which is never.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
    /// Numbers of an image.
    pub fn numbers(&self) -> usize {
        self.black.len() * self.side * self.side
    }
    /// k.
    pub fn classes(&self) -> usize {
        self.classes
    }
    /// The class of image `i`, counting from 0.
    pub fn label(&self, i: usize) -> usize {
        self.labels[i]
    }
    /// The numbers of image `i`, channel by channel, row by row.
    pub fn image(&self, i: usize) -> &[f64] {
        &self.pixels[i * self.numbers()..(i + 1) * self.numbers()]
    }

    /// At most the first `n` images, at least one.
    #[must_use]
    pub fn first(mut self, n: usize) -> Self {
        let n = n.clamp(1, self.len());
        self.pixels.truncate(n * self.numbers());
        self.labels.truncate(n);
        self
    }

    /// `out` ← image `i` as the standard augmentation draws it: four black pixels around it, a square of its own size cut
    /// out anywhere, mirrored with probability ½ (He et al. 2016).
    pub fn augmented(&self, i: usize, generator: &mut Generator, out: &mut [f64]) {
        let down = generator.below(2 * PADDING + 1);
        let right = generator.below(2 * PADDING + 1);
        let mirrored = generator.sign() < 0.0;
        let side = self.side;
        let rows = out.chunks_exact_mut(side).enumerate();
        for (row, out) in rows {
            let (channel, y) = (row / side, row % side + down);
            let source = (PADDING..side + PADDING)
                .contains(&y)
                .then(|| &self.image(i)[(channel * side + y - PADDING) * side..][..side]);
            for (x, out) in out.iter_mut().enumerate() {
                let x = if mirrored { side - 1 - x } else { x };
                let from = (x + right).checked_sub(PADDING);
                let pixel = source.and_then(|row| row.get(from?));
                *out = pixel.copied().unwrap_or(self.black[channel]);
            }
        }
    }
}

/// Place of the largest number, the first of several; of none, 0.
pub(crate) fn largest(numbers: &[f64]) -> usize {
    let better = |best, (i, x): (usize, &f64)| if *x > numbers[best] { i } else { best };
    numbers.iter().enumerate().fold(0, better)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    fn images(n: usize) -> Images {
        // Every pixel of an image different from all others.
        let inputs = DMatrix::from_fn(PIXELS, n, |i, j| ((i * n + j) as f64) / 1e5);
        let targets = DMatrix::from_fn(10, n, |i, j| if i == j % 10 { 1.0 } else { 0.0 });
        Images::cifar10(&Dataset::new(inputs, targets, "made").unwrap()).unwrap()
    }

    /// Each of the 81 places and both mirrors are drawn, and what is drawn is a shifted image.
    #[test]
    fn augmented_images_are_shifted_and_mirrored() {
        let (images, mut generator) = (images(2), Generator::seeded(4));
        let mut out = vec![f64::NAN; PIXELS];
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..3000 {
            images.augmented(1, &mut generator, &mut out);
            // The pixel in the middle says where it came from.
            let at = |y: usize, x: usize| images.image(1)[y * 32 + x];
            let place = (12..21).flat_map(|y| (11..21).map(move |x| (y, x)));
            let (y, x) = place.clone().find(|(y, x)| at(*y, *x) == out[16 * 32 + 16]).unwrap();
            let mirrored = out[16 * 32 + 17] < out[16 * 32 + 16];
            seen.insert((y, x, mirrored));
            let black = images.black[2];
            for (row, column) in [(0, 0), (0, 31), (31, 0), (31, 31), (5, 9)] {
                let source_row = (row + y).checked_sub(16).filter(|y| *y < 32);
                let source = if mirrored {
                    (x + 16).checked_sub(column)
                } else {
                    (column + x).checked_sub(16)
                };
                let source = source.filter(|x| *x < 32);
                let wanted = match (source_row, source) {
                    (Some(y), Some(x)) => images.image(1)[2048 + y * 32 + x],
                    _ => black,
                };
                assert_eq!(out[2048 + row * 32 + column], wanted, "{y} {x} {mirrored}");
            }
        }
        assert_eq!(seen.len(), 162);
    }

    #[test]
    fn labels_are_read_from_indices_and_from_indicators() {
        assert_eq!((0..12).map(|i| images(12).label(i)).collect::<Vec<_>>()[9..], [9, 0, 1]);
        let of = |label: f64| {
            let data =
                Dataset::new(DMatrix::zeros(PIXELS, 1), DMatrix::from_element(1, 1, label), "made");
            Images::cifar10(&data.unwrap())
        };
        assert_eq!(of(3.0).unwrap().label(0), 3);
        for wrong in [10.0, -1.0, 0.5] {
            assert!(matches!(of(wrong), Err(Error::Label { sample: 0, .. })), "{wrong}");
        }
        let data = Dataset::new(DMatrix::zeros(5, 1), DMatrix::zeros(1, 1), "made").unwrap();
        assert!(matches!(Images::cifar10(&data), Err(Error::Shape { .. })));
    }
}
