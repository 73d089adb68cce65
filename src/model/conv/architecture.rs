//! What a convolutional network is made of: layers as their author lists them, and the steps they become.
//!
//! A network is a list of steps. Step k makes node k + 1 of the node it reads (and, where it is a sum, of a second one);
//! node 0 is the input image. So a residual block is three or four steps and needs no case of its own in any sweep.

use super::convolution::Convolution;
use super::pool::Pool;
use super::rectifier::Rectifier;
use super::size;
use crate::{Error, Result};

/// The sizes of an image, or of what a layer makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Planes: 3 for a coloured image.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl Extent {
    /// Pixels of a plane.
    pub fn area(self) -> usize {
        self.height * self.width
    }
    /// Numbers in all.
    pub fn numbers(self) -> usize {
        self.channels * self.area()
    }
}

/// A layer, as its author lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Z = W ∗ A + b with `kernel` × `kernel` filters over all channels, zeros around the image.
    Convolution {
        /// Channels made.
        channels: usize,
        /// Side of a filter, in pixels.
        kernel: usize,
        /// Pixels between two places of a filter.
        stride: usize,
        /// Rows and columns of zeros on each side.
        padding: usize,
        /// Whether there is a b, a number per channel.
        biases: bool,
    },
    /// An activation.
    Rectifier(Rectification),
    /// A pooling over squares of `side` × `side` pixels that do not overlap.
    Pool(Pooling, usize),
    /// Two 3 × 3 convolutions with biases and a rectifier between them, plus a shortcut, and a rectifier after the sum
    /// (He et al. 2016, without batch normalization). The first convolution has the stride; the shortcut is the input
    /// itself where its sizes are those of the result, else a 1 × 1 convolution with biases and that stride.
    Residual {
        /// Channels made.
        channels: usize,
        /// Stride of the block.
        stride: usize,
        /// The activation.
        rectifier: Rectification,
    },
    /// The average over all that is left of the image, a number per channel.
    AverageAll,
    /// Everything that is left, flattened (channel by channel, row by row), times a matrix, + b.
    Dense {
        /// Numbers made.
        outputs: usize,
        /// Whether there is a b.
        biases: bool,
    },
}

/// An activation with a kink at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rectification {
    /// max(z, 0); the slope at 0 is 0.
    Relu,
    /// max(z, 0) + a min(z, 0), a trained slope a per channel (He et al. 2015); the slope at 0 is a.
    Prelu,
}

/// How a square of pixels becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The largest; where several are, the derivative is that of the first, row by row.
    Max,
    /// The mean.
    Average,
}

/// A node that a step reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) node: usize,
    /// On the way back: whether a later step has already left a signal at the node, to which this one's is added.
    pub(super) adds: bool,
}

/// What a step does with the node it reads.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Convolution(Convolution),
    Rectifier(Rectifier),
    Pool(Pool),
    /// Adds another node.
    Sum(Link),
}

#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) from: Link,
    pub(super) operation: Operation,
}

/// A convolutional network without its images: which steps on which sizes, and where its parameters lie.
///
/// Parameters follow each other layer by layer; of a convolution first W, filter by filter (in each channel by channel,
/// row by row), then b; of a rectifier with trained slopes a slope per channel; of a residual block its two
/// convolutions and their rectifier, the shortcut's convolution, then the last rectifier.
///
/// ```
/// use gradflow::model::{Architecture, Extent, Layer, Rectification};
/// let layers = [
///     Layer::Convolution { channels: 4, kernel: 3, stride: 1, padding: 1, biases: true },
///     Layer::Rectifier(Rectification::Relu),
///     Layer::Dense { outputs: 2, biases: true },
/// ];
/// let net = Architecture::new(Extent { channels: 1, height: 5, width: 5 }, &layers)?;
/// assert_eq!(net.params(), (4 * 9 + 4) + (2 * 100 + 2));
/// # Ok::<(), gradflow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Architecture {
    pub(super) nodes: Vec<Extent>,
    /// Numbers per sample before each node, and of all.
    pub(super) offsets: Vec<usize>,
    pub(super) steps: Vec<Step>,
    params: usize,
    layers: Vec<Layer>,
}

impl Architecture {
    /// These layers, one after the other, on images of the size `input`.
    ///
    /// # Errors
    /// [`Error::Value`] for a size of 0, a pooling that does not divide its image, a filter larger than the image with
    /// its zeros, or layers without parameters; [`Error::TooLarge`] for sizes that no memory holds.
    pub fn new(input: Extent, layers: &[Layer]) -> Result<Self> {
        let mut net = Architecture {
            nodes: vec![input],
            offsets: vec![0],
            steps: Vec::new(),
            params: 0,
            layers: layers.to_vec(),
        };
        size::check_extent("the images", input)?;
        for (l, layer) in layers.iter().enumerate() {
            let name = format!("layer {} ({layer:?})", l + 1);
            net.append(*layer).map_err(|problem| problem.of(&name))?;
        }
        if net.params == 0 {
            return Err(Error::value("parameters", 0, "at least one convolution or dense layer"));
        }
        net.offsets.clear();
        net.offsets.push(0);
        let mut total = 0;
        for node in &net.nodes {
            total += node.numbers();
            net.offsets.push(total);
        }
        net.mark_additions();
        Ok(net)
    }

    /// p, the number of parameters.
    pub fn params(&self) -> usize {
        self.params
    }
    /// The size of an image.
    pub fn input(&self) -> Extent {
        self.nodes[0]
    }
    /// k, the outputs per image.
    pub fn outputs(&self) -> usize {
        self.output().numbers()
    }
    /// The layers it was made of.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }
    /// Multiplications of one sweep forward on one image, those of convolutions and dense layers.
    pub fn multiplications(&self) -> usize {
        self.convolutions().map(Convolution::multiplications).sum()
    }

    pub(super) fn output(&self) -> Extent {
        self.nodes[self.nodes.len() - 1]
    }
    /// Numbers per sample in all nodes.
    pub(super) fn total(&self) -> usize {
        self.offsets[self.nodes.len()]
    }
    pub(super) fn convolutions(&self) -> impl Iterator<Item = &Convolution> {
        self.steps.iter().filter_map(|step| match &step.operation {
            Operation::Convolution(convolution) => Some(convolution),
            _ => None,
        })
    }
    pub(super) fn rectifiers(&self) -> impl Iterator<Item = (usize, &Rectifier)> {
        self.steps.iter().filter_map(|step| match &step.operation {
            Operation::Rectifier(rectifier) => Some((step.from.node, rectifier)),
            _ => None,
        })
    }

    fn last(&self) -> usize {
        self.nodes.len() - 1
    }

    fn push(&mut self, from: usize, operation: Operation, made: Extent) {
        self.steps.push(Step { from: Link { node: from, adds: false }, operation });
        self.nodes.push(made);
    }

    fn append(&mut self, layer: Layer) -> Result<(), size::Problem> {
        let from = self.last();
        let input = self.nodes[from];
        match layer {
            Layer::Convolution { channels, kernel, stride, padding, biases } => {
                self.convolve(from, channels, (kernel, kernel), stride, padding, biases)
            }
            Layer::Dense { outputs, biases } => {
                self.convolve(from, outputs, (input.height, input.width), 1, 0, biases)
            }
            Layer::Rectifier(kind) => {
                self.rectify(kind);
                Ok(())
            }
            Layer::Pool(kind, side) => self.pool(kind, (side, side)),
            Layer::AverageAll => self.pool(Pooling::Average, (input.height, input.width)),
            Layer::Residual { channels, stride, rectifier } => {
                self.convolve(from, channels, (3, 3), stride, 1, true)?;
                self.rectify(rectifier);
                self.convolve(self.last(), channels, (3, 3), 1, 1, true)?;
                let main = self.last();
                let mut shortcut = from;
                if self.nodes[main] != input {
                    self.convolve(from, channels, (1, 1), stride, 0, true)?;
                    shortcut = self.last();
                }
                let other = Link { node: shortcut, adds: false };
                self.push(main, Operation::Sum(other), self.nodes[main]);
                self.rectify(rectifier);
                Ok(())
            }
        }
    }

    fn convolve(
        &mut self,
        from: usize,
        channels: usize,
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
        biases: bool,
    ) -> Result<(), size::Problem> {
        let input = self.nodes[from];
        let made = size::convolved(input, channels, kernel, stride, padding)?;
        let weights = size::product(&[channels, input.channels, kernel.0, kernel.1])?;
        let begin = self.params;
        let end = size::sum(begin, weights)?;
        let all = size::sum(end, if biases { channels } else { 0 })?;
        let convolution = Convolution {
            input,
            output: made,
            kernel,
            stride,
            padding,
            weights: begin..end,
            biases: biases.then_some(end..all),
        };
        self.params = all;
        self.push(from, Operation::Convolution(convolution), made);
        Ok(())
    }

    fn rectify(&mut self, kind: Rectification) {
        let (from, begin) = (self.last(), self.params);
        let extent = self.nodes[from];
        let slopes = (kind == Rectification::Prelu).then(|| begin..begin + extent.channels);
        self.params = slopes.as_ref().map_or(begin, |slopes| slopes.end);
        self.push(from, Operation::Rectifier(Rectifier { extent, slopes }), extent);
    }

    fn pool(&mut self, kind: Pooling, side: (usize, usize)) -> Result<(), size::Problem> {
        let from = self.last();
        let input = self.nodes[from];
        let output = size::pooled(input, side)?;
        self.push(from, Operation::Pool(Pool { kind, input, output, side }), output);
        Ok(())
    }

    /// From the last step to the first, as signals come.
    fn mark_additions(&mut self) {
        let mut met = vec![false; self.nodes.len()];
        for step in self.steps.iter_mut().rev() {
            step.from.adds = std::mem::replace(&mut met[step.from.node], true);
            if let Operation::Sum(other) = &mut step.operation {
                other.adds = std::mem::replace(&mut met[other.node], true);
            }
        }
    }
}
