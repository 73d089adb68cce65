//! One convolution, Z = W P(A) + b: where its parameters lie, and its three products, each bilinear.
//!
//! P(A) holds a column for each place of the filter, with the numbers of the input under it (channel by channel, row by
//! row): K = c k² rows. It is made strip by strip, a few rows of the result at a time, and multiplied while it is in
//! cache. Nodes hold a row per channel; in a row pixels follow each other row by row, and for each pixel the samples
//! of the group side by side, so that a row of P is copied in runs and every loop runs over samples.
//!
//! A filter of the image's own size is a dense layer, one of a single pixel mixes channels: there P(A) is A itself.

use super::Extent;
use crate::linalg::{ViewMut, gemm, row_major, row_major_mut, row_sums};
use crate::model::buffers::Buffers;
use std::ops::Range;

/// Numbers in a strip of P: half a megabyte, or one row of the result where that is more.
const STRIP: usize = 1 << 16;

#[derive(Debug, Clone)]
pub(super) struct Convolution {
    pub(super) input: Extent,
    pub(super) output: Extent,
    pub(super) kernel: (usize, usize),
    pub(super) stride: usize,
    pub(super) padding: usize,
    /// Place of W, filter by filter.
    pub(super) weights: Range<usize>,
    /// Place of b, directly after W.
    pub(super) biases: Option<Range<usize>>,
}

impl Convolution {
    /// K, the numbers under a filter.
    pub(super) fn patch(&self) -> usize {
        self.input.channels * self.kernel.0 * self.kernel.1
    }

    /// Place of all its parameters.
    pub(super) fn params(&self) -> Range<usize> {
        self.weights.start..self.biases.as_ref().map_or(self.weights.end, |b| b.end)
    }

    /// Multiplications for one sample.
    pub(super) fn multiplications(&self) -> usize {
        self.output.numbers() * self.patch()
    }

    /// Whether P(A) is A.
    fn is_plain(&self) -> bool {
        let whole = self.kernel == (self.input.height, self.input.width);
        let pixel = self.kernel == (1, 1) && self.stride == 1;
        self.padding == 0 && (whole || pixel)
    }

    /// Rows of the result, strip by strip.
    fn strips(&self, samples: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let height = self.output.height;
        let row = self.patch() * self.output.width * samples;
        let rows = if self.is_plain() { height } else { (STRIP / row.max(1)).clamp(1, height) };
        (0..height).step_by(rows).map(move |begin| begin..(begin + rows).min(height))
    }

    /// `out` ← W P(`a`), + b where `bias`; `out` + that where `add`. `samples` are those of the group.
    pub(super) fn forward(
        &self,
        add: bool,
        bias: bool,
        out: &mut [f64],
        a: &[f64],
        w: &[f64],
        (samples, buffers): (usize, &Buffers),
    ) {
        let biases = self.biases.as_ref().filter(|_| bias);
        if let Some(biases) = biases {
            let rows = out.chunks_exact_mut(self.output.area() * samples);
            for (row, b) in rows.zip(&w[biases.clone()]) {
                if add {
                    row.iter_mut().for_each(|z| *z += b);
                } else {
                    row.fill(*b);
                }
            }
        }
        let add = add || biases.is_some();
        let (channels, k) = (self.output.channels, self.patch());
        let matrix = row_major(&w[self.weights.clone()], channels, k);
        let line = self.output.width * samples;
        for strip in self.strips(samples) {
            let columns = strip.len() * line;
            let target = row_major_mut(out, channels, self.output.area() * samples);
            let target = target.subcols_mut(strip.start * line, columns);
            if self.is_plain() {
                gemm(target, add, matrix, row_major(a, k, columns), 1.0);
            } else {
                let mut patches = buffers.take(k * columns);
                self.gather(&mut patches, a, strip, samples);
                gemm(target, add, matrix, row_major(&patches, k, columns), 1.0);
            }
        }
    }

    /// `h`, of the input's size, ← P*(Wᵀ `g`), the adjoint of [`Convolution::forward`] in A; `h` + that where `add`.
    pub(super) fn backward(
        &self,
        add: bool,
        h: &mut [f64],
        g: &[f64],
        w: &[f64],
        (samples, buffers): (usize, &Buffers),
    ) {
        let (channels, k) = (self.output.channels, self.patch());
        let matrix = row_major(&w[self.weights.clone()], channels, k).transpose();
        let line = self.output.width * samples;
        let signal = row_major(g, channels, self.output.area() * samples);
        if self.is_plain() {
            let columns = self.output.height * line;
            return gemm(row_major_mut(h, k, columns), add, matrix, signal, 1.0);
        }
        if !add {
            h.fill(0.0);
        }
        for strip in self.strips(samples) {
            let columns = strip.len() * line;
            let mut patches = buffers.take(k * columns);
            let part = signal.subcols(strip.start * line, columns);
            gemm(row_major_mut(&mut patches, k, columns), false, matrix, part, 1.0);
            self.scatter(h, &patches, strip, samples);
        }
    }

    /// `dw` at the place of the parameters, + `g` P(`a`)ᵀ and the row sums of `g`.
    pub(super) fn add_gradient(
        &self,
        dw: &mut [f64],
        g: &[f64],
        a: &[f64],
        bias: bool,
        (samples, buffers): (usize, &Buffers),
    ) {
        let (channels, k) = (self.output.channels, self.patch());
        let line = self.output.width * samples;
        let signal = row_major(g, channels, self.output.area() * samples);
        for strip in self.strips(samples) {
            let columns = strip.len() * line;
            let part = signal.subcols(strip.start * line, columns);
            let target: ViewMut<'_> = row_major_mut(&mut dw[self.weights.clone()], channels, k);
            if self.is_plain() {
                gemm(target, true, part, row_major(a, k, columns).transpose(), 1.0);
            } else {
                let mut patches = buffers.take(k * columns);
                self.gather(&mut patches, a, strip, samples);
                gemm(target, true, part, row_major(&patches, k, columns).transpose(), 1.0);
            }
        }
        if let Some(biases) = self.biases.as_ref().filter(|_| bias) {
            let out = &mut dw[biases.clone()];
            out.iter_mut().zip(row_sums(signal)).for_each(|(b, sum)| *b += sum);
        }
    }

    /// The strip of P(`a`) for some rows of the result, K × (rows · width · samples), a row after the other.
    pub(super) fn gather(&self, out: &mut [f64], a: &[f64], rows: Range<usize>, samples: usize) {
        let line = self.output.width * samples;
        let mut out = out.chunks_exact_mut(line);
        self.runs(rows, samples, |run| {
            let Some(out) = out.next() else { return };
            match run {
                None => out.fill(0.0),
                Some(Run { zeros, begin, from, len }) => {
                    out[..zeros].fill(0.0);
                    if self.stride == 1 {
                        out[zeros..zeros + len].copy_from_slice(&a[begin..begin + len]);
                    } else {
                        let pixels = out[zeros..zeros + len].chunks_exact_mut(samples);
                        for (i, pixel) in pixels.enumerate() {
                            let begin = begin + i * from;
                            pixel.copy_from_slice(&a[begin..begin + samples]);
                        }
                    }
                    out[zeros + len..].fill(0.0);
                }
            }
        });
    }

    /// `h` + the adjoint of [`Convolution::gather`] on `patches`.
    fn scatter(&self, h: &mut [f64], patches: &[f64], rows: Range<usize>, samples: usize) {
        let line = self.output.width * samples;
        let mut patches = patches.chunks_exact(line);
        self.runs(rows, samples, |run| {
            let (Some(patch), Some(run)) = (patches.next(), run) else { return };
            let Run { zeros, begin, from, len } = run;
            let patch = &patch[zeros..zeros + len];
            if self.stride == 1 {
                h[begin..begin + len].iter_mut().zip(patch).for_each(|(h, g)| *h += g);
            } else {
                for (i, pixel) in patch.chunks_exact(samples).enumerate() {
                    let target = &mut h[begin + i * from..][..samples];
                    target.iter_mut().zip(pixel).for_each(|(h, g)| *h += g);
                }
            }
        });
    }

    /// For each number under the filter and each row of the result: where the run of that row lies in the input;
    /// `None` where it lies in the zeros around it.
    fn runs(&self, rows: Range<usize>, samples: usize, mut meet: impl FnMut(Option<Run>)) {
        let (input, output, stride, padding) = (self.input, self.output, self.stride, self.padding);
        for channel in 0..input.channels {
            for (i, j) in (0..self.kernel.0).flat_map(|i| (0..self.kernel.1).map(move |j| (i, j))) {
                // Columns x of the result with 0 ≤ x stride + j − padding < width.
                let first = padding.saturating_sub(j).div_ceil(stride);
                let end = (input.width + padding).saturating_sub(j).div_ceil(stride);
                let end = end.min(output.width);
                for row in rows.clone() {
                    let row = (row * stride + i).checked_sub(padding);
                    let row = row.filter(|row| *row < input.height && first < end);
                    meet(row.map(|row| {
                        let pixel = channel * input.area() + row * input.width;
                        Run {
                            zeros: first * samples,
                            begin: (pixel + first * stride + j - padding) * samples,
                            from: stride * samples,
                            len: (end - first) * samples,
                        }
                    }));
                }
            }
        }
    }
}

/// A row of the result under one number of the filter: after `zeros`, `len` numbers from `begin` on, pixel by pixel
/// `from` apart.
struct Run {
    zeros: usize,
    begin: usize,
    from: usize,
    len: usize,
}
