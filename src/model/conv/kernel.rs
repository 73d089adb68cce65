//! The tangent kernel K = Dh Dhᵀ, N × N, layer by layer: never the whole Jacobian.
//!
//! A convolution's part, for outputs i and j of any two samples with Q places of the filter each, is
//! `Σ_qq' [P(q)·P(q') + β] [B(q)·B(q')]`, β = 1 where there are biases: the patches' Gram matrix times the signals'. That
//! costs Q² (K + k² c) operations for a pair of samples; the rows of the layer's own part of Dh, made block by block of
//! channels, cost k² c K. Each layer takes the cheaper way: rows where images are large and channels few, Gram matrices
//! above.

use super::ConvNet;
use super::architecture::Operation;
use super::pieces::Pieces;
use crate::device;
use crate::linalg::{
    ViewMut, column_blocks, column_major, column_major_mut, gemm, row_major, row_major_mut,
};
use crate::threads;
use nalgebra::DMatrix;
use std::ops::Range;

/// Numbers in a block of rows of Dh: 64 megabytes.
const BLOCK: usize = 1 << 23;
/// Columns of K that one core adds to at a time, about.
const COLUMNS: usize = 128;
/// What a number of the two Gram matrices costs beside the products that make them, in multiplications.
const CONTRACTION: usize = 8;

/// A way to a layer's part of the kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// Rows of the layer's part of Dh.
    Rows,
    /// Gram matrices of patches and signals.
    Grams,
}

impl ConvNet {
    /// Dh(w) Dh(w)ᵀ, bitwise symmetric; by the one `way`, or each layer by its cheaper one.
    pub(super) fn tangent_kernel(&self, w: &[f64], way: Option<Way>) -> DMatrix<f64> {
        let (at, outputs) = (self.at(w), self.architecture.outputs());
        let n = self.samples * outputs;
        let mut kernel = DMatrix::zeros(n, n);
        for (step, operation) in self.trained() {
            match operation {
                Operation::Convolution(convolution) => {
                    let pieces = self.pieces(w, &at, step, convolution);
                    match way.unwrap_or_else(|| pieces.cheaper()) {
                        Way::Rows => pieces.add_by_rows(self.samples, &mut kernel),
                        Way::Grams => pieces.add_by_grams(self.samples, &mut kernel),
                    }
                }
                Operation::Rectifier(rectifier) => {
                    let rows = self.slope_rows(w, &at, step, rectifier);
                    add_gram(&mut kernel, &rows, rectifier.extent.channels);
                }
                Operation::Pool(_) | Operation::Sum(_) => {}
            }
        }
        kernel.fill_upper_triangle_with_lower_triangle();
        kernel
    }
}

/// The lower triangle of `kernel` + J Jᵀ, J = `rows` of that many `columns`.
fn add_gram(kernel: &mut DMatrix<f64>, rows: &[f64], columns: usize) {
    let n = kernel.nrows();
    if device::makes_gram(n, columns, threads::limit()) {
        *kernel += device::gram(&DMatrix::from_row_slice(n, columns, rows));
        return;
    }
    let j = row_major(rows, n, columns);
    let operations = n as f64 * n as f64 * columns as f64;
    let blocks = column_blocks(column_major_mut(kernel.as_mut_slice(), n, n), COLUMNS);
    threads::share(operations, blocks.enumerate(), |(block, out)| {
        let (begin, width) = (block * COLUMNS, out.ncols());
        let out = out.subrows_mut(begin, n - begin);
        let upper = j.subrows(begin, width).transpose();
        gemm(out, true, j.subrows(begin, n - begin), upper, 1.0);
    });
}

impl Pieces<'_> {
    fn cheaper(&self) -> Way {
        let (k, c, q) = (self.convolution.patch(), self.convolution.output.channels, self.places);
        let square = self.outputs * self.outputs;
        // Sizes are bounded by what is held in memory, their squares as numbers need not be.
        let rows = square as f64 * c as f64 * k as f64;
        let grams = (q * q) as f64 * (k + square * (c + CONTRACTION)) as f64;
        if rows <= grams { Way::Rows } else { Way::Grams }
    }

    fn has_biases(&self) -> bool {
        self.convolution.biases.is_some()
    }

    /// Rows of the part of Dh that belongs to some `channels` of W, and of b: B P ᵀ of each output.
    pub(super) fn rows(&self, channels: Range<usize>, out: &mut [f64], output: usize) {
        let k = self.convolution.patch();
        let signal = self.signals(output..output + 1).subrows(channels.start, channels.len());
        let sample = output / self.outputs;
        let patches = self.patches(sample..sample + 1);
        let (weights, biases) = out.split_at_mut(channels.len() * k);
        gemm(row_major_mut(weights, channels.len(), k), false, signal, patches.transpose(), 1.0);
        if self.has_biases() {
            for (i, b) in biases.iter_mut().enumerate() {
                *b = signal.row(i).iter().sum();
            }
        }
    }

    fn add_by_rows(&self, samples: usize, kernel: &mut DMatrix<f64>) {
        let (n, k) = (samples * self.outputs, self.convolution.patch());
        let (channels, each) =
            (self.convolution.output.channels, k + usize::from(self.has_biases()));
        let size = (BLOCK / (n * each)).clamp(1, channels);
        let mut room = vec![0.0; n * size * each];
        for begin in (0..channels).step_by(size) {
            let block = begin..(begin + size).min(channels);
            let width = block.len() * each;
            let rows = &mut room[..n * width];
            let operations = (n * self.places) as f64 * (block.len() * k) as f64;
            threads::share(operations, rows.chunks_mut(width).enumerate(), |(output, out)| {
                self.rows(block.clone(), out, output);
            });
            add_gram(kernel, rows, width);
        }
    }

    fn add_by_grams(&self, samples: usize, kernel: &mut DMatrix<f64>) {
        let (n, q, outputs) = (samples * self.outputs, self.places, self.outputs);
        let size = (COLUMNS / (outputs * q)).max(1);
        let range = |block: usize| block * size..((block + 1) * size).min(samples);
        let square = (self.convolution.patch() + outputs * outputs) as f64;
        let operations = (samples * q) as f64 * (samples * q) as f64 * square;
        let blocks = column_blocks(column_major_mut(kernel.as_mut_slice(), n, n), size * outputs);
        threads::share(operations, blocks.enumerate(), |(column, mut out)| {
            for row in column..samples.div_ceil(size) {
                self.add_tile(out.as_mut(), range(row), range(column));
            }
        });
    }

    /// The part of K of the outputs of the samples `rows` (places in `out`) and `columns` (all of `out`).
    fn add_tile(&self, mut out: ViewMut<'_>, rows: Range<usize>, columns: Range<usize>) {
        let (q, k) = (self.places, self.outputs);
        let outputs = |samples: &Range<usize>| samples.start * k..samples.end * k;
        let (left, right) = (self.patches(rows.clone()), self.patches(columns.clone()));
        let patches = product(left, right, if self.has_biases() { 1.0 } else { 0.0 });
        let (left, right) = (self.signals(outputs(&rows)), self.signals(outputs(&columns)));
        let signals = product(left, right, 0.0);
        let (tall, high) = (rows.len() * q, rows.len() * k * q);
        let first = rows.start * k;
        for j in 0..columns.len() * k {
            for i in 0..rows.len() * k {
                let mut sum = 0.0;
                for place in 0..q {
                    let inner = &patches[(j / k * q + place) * tall + i / k * q..][..q];
                    let outer = &signals[(j * q + place) * high + i * q..][..q];
                    sum += inner.iter().zip(outer).map(|(a, b)| a * b).sum::<f64>();
                }
                out[(first + i, j)] += sum;
            }
        }
    }
}

/// aᵀ b + `offset`, by columns.
fn product(a: crate::linalg::View<'_>, b: crate::linalg::View<'_>, offset: f64) -> Vec<f64> {
    let mut out = vec![offset; a.ncols() * b.ncols()];
    gemm(column_major_mut(&mut out, a.ncols(), b.ncols()), true, a.transpose(), b, 1.0);
    out
}

impl ConvNet {
    /// Dh(w), N × p.
    pub(super) fn tangent_jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        let (at, n) = (self.at(w), self.samples * self.architecture.outputs());
        let mut jacobian = DMatrix::zeros(n, self.architecture.params());
        for (step, operation) in self.trained() {
            let (place, rows) = match operation {
                Operation::Convolution(convolution) => {
                    let (pieces, place) =
                        (self.pieces(w, &at, step, convolution), convolution.params());
                    let mut rows = vec![0.0; n * place.len()];
                    for (output, row) in rows.chunks_exact_mut(place.len()).enumerate() {
                        pieces.rows(0..convolution.output.channels, row, output);
                    }
                    (place, rows)
                }
                Operation::Rectifier(rectifier) => {
                    let Some(slopes) = rectifier.slopes.clone() else { continue };
                    (slopes, self.slope_rows(w, &at, step, rectifier))
                }
                Operation::Pool(_) | Operation::Sum(_) => continue,
            };
            let out = &mut jacobian.as_mut_slice()[place.start * n..place.end * n];
            let rows = column_major(&rows, place.len(), n).transpose();
            crate::linalg::copy(column_major_mut(out, n, place.len()), rows);
        }
        jacobian
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Architecture, Extent, Layer, Pooling, Rectification};
    use super::*;
    use crate::random::Generator;

    /// Both sum the same products in other orders: fewer than 1000 of numbers of size 1 at most, relative to the largest
    /// entry 1000 · 2⁻⁵³ ≈ 1e-13.
    #[test]
    fn both_ways_give_the_same_kernel() {
        let mut generator = Generator::seeded(1);
        let layers = [
            Layer::Convolution { channels: 3, kernel: 3, stride: 1, padding: 1, biases: true },
            Layer::Rectifier(Rectification::Prelu),
            Layer::Pool(Pooling::Max, 2),
            Layer::Residual { channels: 4, stride: 2, rectifier: Rectification::Relu },
            Layer::Dense { outputs: 3, biases: false },
        ];
        let input = Extent { channels: 2, height: 8, width: 4 };
        let net = Architecture::new(input, &layers).unwrap();
        let images = DMatrix::from_vec(64, 21, generator.gaussians(64 * 21));
        let net = net.on(images).unwrap();
        let w = generator.gaussians(net.params());
        let [rows, grams] = [Way::Rows, Way::Grams].map(|way| net.tangent_kernel(&w, Some(way)));
        let largest = rows.amax();
        assert!((&rows - &grams).amax() <= 1e-13 * largest);
        assert_eq!(grams, grams.transpose());
        assert!((net.tangent_kernel(&w, None) - rows).amax() <= 1e-13 * largest);
    }
}
