//! The tangent kernel K = Σₗ (s² Aₗᵀ Aₗ + β²) ∘ (Bₗᵀ Bₗ) from per-sample signals (`tangent`): O(N² width) operations.
//!
//! Tile by tile of the lower half, so that beside the result and the signals (width × N) only a few tiles exist; a tile
//! is finished over all layers while it is in cache.

use super::Network;
use crate::linalg::{
    View, ViewMut, column_blocks, column_major_mut, copy, inner_products, row_major, vectorized,
};
use crate::model::Dense;
use crate::threads;
use nalgebra::DMatrix;
use std::ops::Range;

/// Outputs on a side of a tile.
const TILE: usize = 96;

/// A tile of the lower half and its mirror image in the upper; on the diagonal there is none.
struct Tile<'a> {
    /// Samples of its rows and of its columns.
    rows: Range<usize>,
    columns: Range<usize>,
    lower: ViewMut<'a>,
    upper: Option<ViewMut<'a>>,
}

impl Network {
    /// Dh(w) Dh(w)ᵀ, N × N, bitwise symmetric.
    pub(crate) fn tangent_kernel(&self, w: &[f64]) -> DMatrix<f64> {
        let (at, n, k) = (self.at(w), self.samples(), self.outputs_per_sample());
        let signals = self.unit_signals(w, &at);
        let mut kernel = DMatrix::zeros(n * k, n * k);
        let tiles = tiles(column_major_mut(kernel.as_mut_slice(), n * k, n * k), n, k);
        let widths: usize =
            self.layers.iter().map(|layer| layer.inputs + layer.outputs * k * k).sum();
        let operations = (n * n) as f64 * widths as f64;
        threads::share(operations, tiles.into_iter(), |tile| {
            let (rows, columns) = (tile.rows.len() * k, tile.columns.len() * k);
            let mut sum = self.buffers.take(rows * columns);
            let mut inner = self.buffers.take(tile.rows.len() * tile.columns.len());
            let mut outer = self.buffers.take(rows * columns);
            sum.fill(0.0);
            let half = tile.upper.is_none();
            for (l, layer) in self.layers.iter().enumerate() {
                let fed = self.fed(l, |l| at.hidden(l).value);
                products(&mut inner, half, fed, &tile.rows, &tile.columns, 1);
                rescale(&mut inner, layer);
                match signals.get(l) {
                    Some(signal) => {
                        let signal = row_major(signal, layer.outputs, n * k);
                        products(&mut outer, half, signal, &tile.rows, &tile.columns, k);
                        add_products(&mut sum, &inner, &outer, tile.rows.len(), k);
                    }
                    None => add_identities(&mut sum, &inner, tile.rows.len(), k),
                }
            }
            if half {
                mirror(&mut sum, rows);
            }
            copy(tile.lower, row_major(&sum, columns, rows).transpose());
            if let Some(upper) = tile.upper {
                copy(upper, row_major(&sum, columns, rows));
            }
        });
        kernel
    }
}

/// Cuts K into tiles of whole samples.
fn tiles(kernel: ViewMut<'_>, n: usize, k: usize) -> Vec<Tile<'_>> {
    let samples = (TILE / k).max(1);
    let range = |tile: usize| tile * samples..((tile + 1) * samples).min(n);
    let mut grid: Vec<Vec<Option<ViewMut<'_>>>> = column_blocks(kernel, samples * k)
        .map(|column| {
            column_blocks(column.transpose_mut(), samples * k)
                .map(|tile| Some(tile.transpose_mut()))
                .collect()
        })
        .collect();
    let count = grid.len();
    let mut tiles = Vec::with_capacity(count * (count + 1) / 2);
    for (row, column) in (0..count).flat_map(|row| (0..=row).map(move |column| (row, column))) {
        let Some(lower) = grid[column][row].take() else { continue };
        let upper = grid[row][column].take();
        tiles.push(Tile { rows: range(row), columns: range(column), lower, upper });
    }
    tiles
}

/// `out`, by columns, ← the products of columns of `a`: those of the samples `rows` with those of `columns`, `k` columns
/// a sample. Of a `half` only the lower triangle.
fn products(
    out: &mut [f64],
    half: bool,
    a: View<'_>,
    rows: &Range<usize>,
    columns: &Range<usize>,
    k: usize,
) {
    let part = |samples: &Range<usize>| a.subcols(samples.start * k, samples.len() * k);
    let (left, right) = (part(rows).transpose(), part(columns));
    inner_products(column_major_mut(out, left.nrows(), right.ncols()), half, left, right);
}

/// `inner` ← s² `inner` + β².
fn rescale(inner: &mut [f64], layer: &Dense) {
    let square = layer.weight_factor * layer.weight_factor;
    let offset = layer.biases.as_ref().map_or(0.0, |_| layer.bias_factor * layer.bias_factor);
    vectorized(
        #[inline(always)]
        || inner.iter_mut().for_each(|a| *a = square * *a + offset),
    );
}

/// `sum` + `inner` ∘ `outer`, where each of `inner` (with `samples` rows) stands for `k` × `k`.
fn add_products(sum: &mut [f64], inner: &[f64], outer: &[f64], samples: usize, k: usize) {
    if k == 1 {
        return vectorized(
            #[inline(always)]
            || sum.iter_mut().zip(inner.iter().zip(outer)).for_each(|(sum, (a, b))| *sum += a * b),
        );
    }
    let columns = sum.chunks_exact_mut(samples * k).zip(outer.chunks_exact(samples * k));
    for (column, (sum, outer)) in columns.enumerate() {
        let inner = &inner[column / k * samples..][..samples];
        let parts = sum.chunks_exact_mut(k).zip(outer.chunks_exact(k)).zip(inner);
        for ((sum, outer), a) in parts {
            sum.iter_mut().zip(outer).for_each(|(sum, b)| *sum += a * b);
        }
    }
}

/// The same where each `outer` is the `k` × `k` identity.
fn add_identities(sum: &mut [f64], inner: &[f64], samples: usize, k: usize) {
    for (column, sum) in sum.chunks_exact_mut(samples * k).enumerate() {
        let inner = &inner[column / k * samples..][..samples];
        let same = sum[column % k..].iter_mut().step_by(k);
        same.zip(inner).for_each(|(sum, a)| *sum += a);
    }
}

/// Copies the lower triangle of a square to the upper.
fn mirror(square: &mut [f64], rows: usize) {
    for column in 1..rows {
        for row in 0..column {
            square[column * rows + row] = square[row * rows + column];
        }
    }
}
