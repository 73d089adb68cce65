//! What a network does on images as they are: loss, accuracy, and the signs of its units.

use super::Trainer;
use crate::Result;
use crate::data::images::{Images, largest};
use crate::model::Differentiable;

/// Mean loss and share of images put in their class.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Measured {
    /// R(α h), in its own units (not over α²).
    pub loss: f64,
    /// Between 0 and 1; of several largest outputs the first counts.
    pub accuracy: f64,
}

/// The images of a class's largest output.
pub(super) fn right(y: &[f64], labels: &[usize]) -> usize {
    let classes = y.len() / labels.len();
    let rows = y.chunks_exact(classes).zip(labels);
    rows.filter(|(row, label)| largest(row) == **label).count()
}

impl Trainer<'_> {
    /// Loss and accuracy on `images` as they are, neither cropped nor mirrored; `None` where the loss is not finite.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for images of another size.
    pub fn measure(&mut self, images: &Images) -> Result<Option<Measured>> {
        let (mut loss, mut hits) = (0.0, 0);
        for batch in chunks(images.len(), self.training.batch) {
            let labels: Vec<usize> = batch.clone().map(|i| images.label(i)).collect();
            self.take(images, batch)?;
            let y = self.outputs();
            let objective = self.training.objective.of(&labels, images.classes())?;
            loss += objective.value(&y) * labels.len() as f64 / images.len() as f64;
            hits += right(&y, &labels);
        }
        let accuracy = hits as f64 / images.len() as f64;
        Ok(loss.is_finite().then_some(Measured { loss, accuracy }))
    }

    /// Stability of activations: the share over (image, unit) of arguments that are positive at w₀ and now, or neither;
    /// averaged over the layers (Chizat et al. 2019, App. C.2). 1 for a linearization, whose units do not move.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for images of another size.
    pub fn stability(&mut self, images: &Images) -> Result<f64> {
        if self.training.alpha.is_infinite() {
            return Ok(1.0);
        }
        let mut sum = 0.0;
        for batch in chunks(images.len(), self.training.batch) {
            let share = batch.len() as f64 / images.len() as f64;
            self.take(images, batch)?;
            let layers = self.net.unchanged_signs(&self.start, &self.moved);
            let layers = layers.iter().sum::<f64>() / layers.len().max(1) as f64;
            sum += share * layers;
        }
        Ok(sum)
    }

    /// y = α [h(w) − h(w₀)] on the batch taken.
    fn outputs(&mut self) -> Vec<f64> {
        let mut y = vec![0.0; self.net.shape().outputs];
        if self.training.alpha.is_infinite() {
            self.net.jvp(&self.start, &self.state.displacement, &mut y);
            return y;
        }
        let mut frozen = y.clone();
        self.net.value(&self.start, &mut frozen);
        self.net.value(&self.moved, &mut y);
        y.iter_mut().zip(&frozen).for_each(|(y, y0)| *y = self.training.alpha * (*y - y0));
        y
    }

    fn take(&mut self, images: &Images, batch: std::ops::Range<usize>) -> Result<()> {
        let pixels: Vec<f64> = batch.flat_map(|i| images.image(i)).copied().collect();
        self.net.replace(&pixels)
    }
}

fn chunks(n: usize, size: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..n).step_by(size).map(move |begin| begin..(begin + size).min(n))
}
