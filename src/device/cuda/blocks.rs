//! A Jacobian in blocks of columns: sent one after the other, and kept where there is room.

use super::card::{Block, Card};
use super::grid;
use crate::linalg;
use cust::error::{CudaError, CudaResult};
use cust::memory::DeviceBuffer;
use nalgebra::DMatrix;

/// What a pass leaves: the lower half of J Jᵀ, and the blocks kept.
pub(super) struct Pass {
    pub(super) gram: DMatrix<f64>,
    pub(super) blocks: Vec<Block<f64>>,
}

/// J Jᵀ of J, N × p, sent block by block; blocks are kept, from the first on, while there is room for the others to
/// pass through, where `keep`.
pub(super) fn pass(card: &mut Card, j: &DMatrix<f64>, keep: bool) -> CudaResult<Pass> {
    let (rows, all) = j.shape();
    let bytes = card.memory()?.saturating_sub(8 * rows * rows);
    // Beside the sums a quarter for the block in passing, so that most can be kept.
    let sums_alone = 8 * grid::gram_partial(rows, 1);
    let most =
        sums_alone.saturating_add(bytes.saturating_sub(sums_alone) / if keep { 4 } else { 1 });
    let columns = grid::columns(rows, all, most.min(bytes), 8);
    let passing = 8 * (rows * columns + grid::gram_partial(rows, columns.max(1)));
    let (mut partial, mut k) = sums(card, rows, columns)?;
    let (mut blocks, mut held, mut sent, mut keep) = (Vec::new(), 0, 0, keep);
    for numbers in j.as_slice().chunks(rows * columns) {
        let block = card.send(numbers, rows)?;
        card.add_gram(&block, &mut partial, &mut k)?;
        card.finish()?;
        // Of every column its numbers, and a number of either vector.
        held += 8 * (rows + 2) * block.columns();
        sent += block.columns();
        let others = if sent < all { passing } else { 0 };
        // Those kept are the first columns of J: after one without room there are no more.
        keep &= held + others <= bytes;
        if keep {
            blocks.push(block);
        }
    }
    Ok(Pass { gram: received(card, rows, &k)?, blocks })
}

/// J Jᵀ of J rounded to floats, sums in doubles. J is scaled by a power of two, which is exact, so that its largest number is
/// near 1: products neither overflow nor, unless they are 10⁻³⁸ of the largest, vanish.
pub(super) fn gram_of_floats(card: &mut Card, j: &DMatrix<f64>) -> CudaResult<DMatrix<f64>> {
    let (rows, all) = j.shape();
    let columns = grid::columns(rows, all, card.memory()?.saturating_sub(8 * rows * rows), 4);
    let (mut partial, mut k) = sums(card, rows, columns)?;
    let finite = j.iter().map(|x| x.abs()).filter(|x| x.is_finite());
    let size = finite.fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let unit = size.log2().floor().exp2();
    for numbers in j.as_slice().chunks(rows * columns) {
        #[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
        let rounded: Vec<f32> = numbers.iter().map(|x| (x / unit) as f32).collect();
        let block = card.send(&rounded, rows)?;
        card.add_gram(&block, &mut partial, &mut k)?;
        card.finish()?;
    }
    Ok(received(card, rows, &k)? * unit * unit)
}

/// Room for the sums of a block of so many columns, and K = 0.
fn sums(
    card: &Card,
    rows: usize,
    columns: usize,
) -> CudaResult<(DeviceBuffer<f64>, DeviceBuffer<f64>)> {
    if columns == 0 {
        return Err(CudaError::OutOfMemory);
    }
    Ok((card.room(grid::gram_partial(rows, columns))?, card.zeros(rows * rows)?))
}

/// K, bitwise symmetric.
fn received(card: &Card, rows: usize, k: &DeviceBuffer<f64>) -> CudaResult<DMatrix<f64>> {
    let mut gram = DMatrix::zeros(rows, rows);
    card.receive(k, gram.as_mut_slice())?;
    gram.fill_upper_triangle_with_lower_triangle();
    Ok(gram)
}

/// The first columns of J on the card, and room for the vectors it is multiplied with.
pub(super) struct Kept {
    blocks: Vec<Block<f64>>,
    rows: usize,
    columns: usize,
    /// x or z: a number a column.
    long: DeviceBuffer<f64>,
    /// y or u: a number a row.
    short: DeviceBuffer<f64>,
    partial: DeviceBuffer<f64>,
}

impl Kept {
    pub(super) fn new(card: &Card, blocks: Vec<Block<f64>>, rows: usize) -> CudaResult<Self> {
        let columns = blocks.iter().map(Block::columns).sum();
        let sums = |block: &Block<f64>| {
            rows * block.columns().div_ceil(grid::product_chunk(rows, block.columns()))
        };
        let partial = card.room(blocks.iter().map(sums).max().unwrap_or(0))?;
        let (long, short) = (card.room(columns)?, card.room(rows)?);
        Ok(Kept { blocks, rows, columns, long, short, partial })
    }

    /// Bytes of the card in use.
    pub(super) fn bytes(&self) -> usize {
        8 * (self.rows * self.columns + self.long.len() + self.short.len() + self.partial.len())
    }

    /// Columns of J that are here.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The columns that had no room are the processor's: reading them there is faster than sending them.
    fn rest<'j>(&self, j: &'j DMatrix<f64>) -> linalg::View<'j> {
        let all = linalg::column_major(j.as_slice(), self.rows, j.ncols());
        all.subcols(self.columns, j.ncols() - self.columns)
    }

    /// y ← J x.
    pub(super) fn product(
        &mut self,
        card: &mut Card,
        j: &DMatrix<f64>,
        x: &[f64],
        y: &mut [f64],
    ) -> CudaResult<()> {
        use cust::memory::CopyDestination;
        self.long.index(..self.columns).copy_from(&x[..self.columns])?;
        self.short.set_zero()?;
        let mut begin = 0;
        for block in &self.blocks {
            card.add_product(block, (&self.long, begin), &mut self.partial, &mut self.short)?;
            begin += block.columns();
        }
        card.receive(&self.short, y)?;
        let rest = self.rest(j);
        let x = linalg::column_major(&x[begin..], x.len() - begin, 1);
        linalg::gemm(linalg::column_major_mut(y, self.rows, 1), true, rest, x, 1.0);
        Ok(())
    }

    /// z ← Jᵀ u.
    pub(super) fn transposed_product(
        &mut self,
        card: &mut Card,
        j: &DMatrix<f64>,
        u: &[f64],
        z: &mut [f64],
    ) -> CudaResult<()> {
        use cust::memory::CopyDestination;
        self.short.index(..self.rows).copy_from(u)?;
        let mut begin = 0;
        for block in &self.blocks {
            card.transposed_product(block, &self.short, (&mut self.long, begin))?;
            begin += block.columns();
        }
        let (here, others) = z.split_at_mut(begin);
        card.receive(&self.long, here)?;
        let rest = self.rest(j);
        let u = linalg::column_major(u, self.rows, 1);
        let columns = others.len();
        linalg::gemm(linalg::column_major_mut(others, columns, 1), false, rest.transpose(), u, 1.0);
        Ok(())
    }
}
