//! The plain twin: loops over samples, nodes, channels and pixels, on any number.

use super::architecture::Operation;
use super::convolution::Convolution;
use super::group::regrouped;
use super::pool::{Pool, larger};
use super::rectifier::rectified;
use super::{ConvNet, Pooling};
use crate::model::{Model, Shape};
use crate::scalar::Scalar;

impl Model for ConvNet {
    fn shape(&self) -> Shape {
        self.shape()
    }

    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let net = &self.architecture;
        let numbers = net.input().numbers();
        let mut images = vec![0.0; self.images.len()];
        regrouped(self.samples, numbers, |plain, grouped| images[plain] = self.images[grouped]);
        for (image, y) in images.chunks_exact(numbers).zip(y.chunks_mut(net.outputs())) {
            let mut nodes = vec![image.iter().map(|&x| S::from(x)).collect::<Vec<S>>()];
            for step in &net.steps {
                let a = &nodes[step.from.node];
                let made = match &step.operation {
                    Operation::Convolution(convolution) => convolved(convolution, a, w),
                    Operation::Rectifier(rectifier) => {
                        let slope = |i: usize| match &rectifier.slopes {
                            Some(slopes) => w[slopes.start + i / rectifier.extent.area()],
                            None => S::from(0.0),
                        };
                        a.iter().enumerate().map(|(i, z)| rectified(*z, slope(i))).collect()
                    }
                    Operation::Pool(pool) => pooled(pool, a),
                    Operation::Sum(other) => {
                        a.iter().zip(&nodes[other.node]).map(|(a, b)| *a + *b).collect()
                    }
                };
                nodes.push(made);
            }
            y.copy_from_slice(&nodes[net.nodes.len() - 1]);
        }
    }
}

fn convolved<S: Scalar>(c: &Convolution, a: &[S], w: &[S]) -> Vec<S> {
    let (input, output) = (c.input, c.output);
    let mut made = Vec::with_capacity(output.numbers());
    for channel in 0..output.channels {
        let filter = &w[c.weights.start + channel * c.patch()..][..c.patch()];
        for (row, column) in (0..output.height).flat_map(|r| (0..output.width).map(move |x| (r, x)))
        {
            let mut z = c.biases.as_ref().map_or(S::from(0.0), |b| w[b.start + channel]);
            for (i, weight) in filter.iter().enumerate() {
                let (from, place) = (i / (c.kernel.0 * c.kernel.1), i % (c.kernel.0 * c.kernel.1));
                let y = (row * c.stride + place / c.kernel.1).checked_sub(c.padding);
                let x = (column * c.stride + place % c.kernel.1).checked_sub(c.padding);
                if let (Some(y), Some(x)) = (y, x)
                    && y < input.height
                    && x < input.width
                {
                    z = z + *weight * a[from * input.area() + y * input.width + x];
                }
            }
            made.push(z);
        }
    }
    made
}

fn pooled<S: Scalar>(pool: &Pool, a: &[S]) -> Vec<S> {
    let square = |o: usize| (0..pool.pixels()).map(move |k| a[pool.place(o, k)]);
    let weight = S::from(1.0 / pool.pixels() as f64);
    (0..pool.output.numbers())
        .map(|o| match pool.kind {
            Pooling::Max => square(o).skip(1).fold(a[pool.place(o, 0)], larger),
            Pooling::Average => square(o).fold(S::from(0.0), |sum, x| sum + x) * weight,
        })
        .collect()
}
