//! Convolutional networks on batches of images.
//!
//! An [`Architecture`] is a network without images; [`Architecture::on`] gives it a batch, and [`ConvNet`] is h of that
//! batch: all of [`Differentiable`] by hand, everything in f64. Its plain twin is the same network as a [`Model`](super::Model), one
//! loop over pixels on any number, differentiated by `Auto`.
//!
//! How it computes. Samples are cut into groups of sixteen, each worked through the whole network by one core, so that
//! cores meet once a sweep (`group`). A convolution is a matrix product with the patches under its filter, made strip by
//! strip in cache (`convolution`); samples lie side by side in memory, so that every loop, pooling and strides included,
//! runs over them. Gradients are summed over groups in a fixed order: the same bits for any number of threads.
//!
//! Conventions at the kinks: relu'(0) = 0, with a trained slope a it is a, and of several equal numbers under a max-pooling the first.

mod architecture;
mod backward;
mod catalogue;
mod convolution;
mod group;
mod increment;
mod init;
mod kernel;
mod pieces;
mod planes;
mod pool;
mod rectifier;
mod signs;
mod size;
mod sweep;
mod twin;

pub use architecture::{Architecture, Extent, Layer, Pooling, Rectification};
pub use catalogue::CIFAR10;
pub use init::FilterInitialization;

use super::buffers::Buffers;
use super::last_start::LastStart;
use super::{Covector, Differentiable, Displacement, Seed, Shape};
use crate::{Error, Result};
use architecture::Operation;
use nalgebra::DMatrix;
use std::sync::Arc;
use sweep::Evaluation;

/// A convolutional network on n images; N = k·n outputs, image i's k outputs first to last, then image i + 1's.
///
/// The last point at which it was evaluated is remembered, every node of every image. [`ConvNet::replace`] gives it
/// another batch in the memory of the one before.
#[derive(Debug, Clone)]
pub struct ConvNet {
    architecture: Arc<Architecture>,
    /// Group by group, samples side by side.
    images: Vec<f64>,
    samples: usize,
    /// Counts the batches seen, so that no evaluation outlives its batch.
    batch: u64,
    last_start: LastStart<Evaluation>,
    buffers: Buffers,
}

impl Architecture {
    /// h of these images: (channels · height · width) × n, a column per image, channel by channel, row by row.
    ///
    /// # Errors
    /// [`Error::Shape`] for columns of another length; else as [`ConvNet::replace`].
    ///
    /// ```
    /// use gradflow::model::{Architecture, Differentiable, Extent, Layer};
    /// use nalgebra::dmatrix;
    /// let layers = [Layer::Convolution { channels: 1, kernel: 2, stride: 1, padding: 0, biases: true }];
    /// let net = Architecture::new(Extent { channels: 1, height: 2, width: 2 }, &layers)?;
    /// let net = net.on(dmatrix![1.0; 2.0; 3.0; 4.0])?;
    /// let mut y = [0.0];
    /// net.value(&[1.0, 10.0, 100.0, 1000.0, 0.5], &mut y);
    /// assert_eq!(y, [4321.5]); // 1·1 + 10·2 + 100·3 + 1000·4 + ½
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn on(self, images: DMatrix<f64>) -> Result<ConvNet> {
        let mut net = ConvNet {
            architecture: Arc::new(self),
            images: Vec::new(),
            samples: 0,
            batch: 0,
            last_start: LastStart::default(),
            buffers: Buffers::default(),
        };
        if images.nrows() != net.architecture.input().numbers() {
            return Err(Error::Shape {
                what: "numbers per image".into(),
                found: images.nrows().to_string(),
                wanted: format!("{:?}", net.architecture.input()),
                remedy: "give a column per image: channel by channel, row by row",
            });
        }
        net.replace(images.as_slice())?;
        Ok(net)
    }
}

impl ConvNet {
    /// Takes other images, as many as there are in `images`: image by image, channel by channel, row by row.
    ///
    /// # Errors
    /// [`Error::Shape`] unless that is a whole number of images, at least one; [`Error::Value`] for a number that is not
    /// finite; [`Error::TooLarge`] where their sweeps would take more than 16 GiB. The batch is then as it was.
    pub fn replace(&mut self, images: &[f64]) -> Result<()> {
        let numbers = self.architecture.input().numbers();
        if images.is_empty() || !images.len().is_multiple_of(numbers) {
            return Err(Error::Shape {
                what: "images".into(),
                found: format!("{} numbers", images.len()),
                wanted: format!("a positive multiple of {numbers}"),
                remedy: "give whole images",
            });
        }
        if let Some(index) = images.iter().position(|x| !x.is_finite()) {
            let name = format!("number {} of image {}", index % numbers + 1, index / numbers + 1);
            return Err(Error::value(name, images[index], "a finite number"));
        }
        let samples = images.len() / numbers;
        size::check_memory(samples, self.architecture.total(), self.params())?;
        self.samples = samples;
        self.batch += 1;
        self.images.resize(images.len(), 0.0);
        let grouped = &mut self.images;
        group::regrouped(self.samples, numbers, |plain, place| grouped[place] = images[plain]);
        Ok(())
    }

    /// The network without its images.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }
    /// n.
    pub fn samples(&self) -> usize {
        self.samples
    }
    /// p.
    pub fn params(&self) -> usize {
        self.architecture.params()
    }
    /// p and N.
    pub fn shape(&self) -> Shape {
        let outputs = self.samples * self.architecture.outputs();
        Shape { params: self.params(), outputs }
    }
}

impl Differentiable for ConvNet {
    fn shape(&self) -> Shape {
        self.shape()
    }

    fn value(&self, w: &[f64], y: &mut [f64]) {
        self.outputs_at(w, y);
    }

    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        self.forward_tangent(w, dw, dy);
    }

    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        self.sweep_back(w, &self.at(w).nodes, dy, dw);
    }

    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let at = self.at(w);
        let mut v = self.buffers.take(at.outputs.len());
        seed(&at.outputs, &mut v);
        self.sweep_back(w, &at.nodes, &v, dw);
    }

    /// The change of the gradient at ε = 0.
    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        let [mut zero, mut base] = [(); 2].map(|()| self.buffers.take(w.len()));
        zero.fill(0.0);
        let at = Displacement { start: w, first: dw, rest: &zero, eps: 0.0 };
        self.sweep_increment(at, &mut |_, _, v0, _| v0.copy_from_slice(dy), &mut base, out);
    }

    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        self.sweep_increment(at, seed, base, change);
    }

    fn expand(&self, at: Displacement<'_>, first: &mut [f64], rest: &mut [f64]) {
        self.sweep_expansion(at, first, rest);
    }

    fn jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        self.tangent_jacobian(w)
    }

    fn kernel(&self, w: &[f64]) -> DMatrix<f64> {
        self.tangent_kernel(w, None)
    }

    fn is_smooth(&self) -> bool {
        self.architecture.steps.iter().all(|step| match &step.operation {
            Operation::Convolution(_) | Operation::Sum(_) => true,
            Operation::Rectifier(_) => false,
            Operation::Pool(pool) => pool.kind == Pooling::Average || pool.pixels() == 1,
        })
    }

    fn is_linear(&self) -> bool {
        self.is_smooth() && self.architecture.convolutions().count() == 1
    }
}
