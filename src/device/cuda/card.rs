//! The card: a context, the kernels, and their launches. All `unsafe` of the device stands here.

use super::driver::{greet, refused, words};
use super::facts::{Facts, OLDEST};
use super::grid;
use crate::{Error, Result};
use cust::CudaFlags;
use cust::context::{Context, CurrentContext};
use cust::device::Device;
use cust::error::{CudaError, CudaResult};
use cust::launch;
use cust::memory::{CopyDestination, DeviceBuffer, DeviceCopy, DevicePointer, mem_get_info};
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};

/// `kernels.cu`, compiled by `ptx.py`.
const KERNELS: &str = include_str!("kernels.ptx");

/// One card, ready to multiply. Its stream waits for copies and copies wait for it: the order of calls is the order of
/// work.
pub(super) struct Card {
    // Dropped from the first to the last.
    stream: Stream,
    module: Module,
    context: Context,
    facts: Facts,
    /// Bytes that may be used at a time, and those that are.
    limit: usize,
    held: usize,
    /// Products made, and those that there was no room for.
    products: u64,
    without_room: u64,
}

/// Numbers that J may be sent as.
pub(super) trait Number: DeviceCopy {
    /// The kernel that makes their Gram matrix.
    const GRAM: &'static str;
}

impl Number for f64 {
    const GRAM: &'static str = "gram_f64";
}

impl Number for f32 {
    const GRAM: &'static str = "gram_f32";
}

/// A block of J on the card: `rows` × `columns`, columns contiguous.
pub(super) struct Block<T: DeviceCopy> {
    numbers: DeviceBuffer<T>,
    rows: usize,
    columns: usize,
}

impl Card {
    /// The first card that the driver shows, using at most so many bytes of its memory.
    ///
    /// # Errors
    /// [`Error::Device`] where there is no driver's answer, no card, one that is too old, or none that takes the kernels.
    pub(super) fn open(limit: usize) -> Result<Self> {
        greet()?;
        let failed = |doing: &'static str| move |error: CudaError| refused(doing, &words(error));
        cust::init(CudaFlags::empty()).map_err(failed("waking the driver"))?;
        let device = Device::get_device(0).map_err(failed("asking for the first card"))?;
        let asking = failed("asking the card what it is");
        let capability = Facts::capability(device).map_err(asking)?;
        if capability < OLDEST {
            let (major, minor) = capability;
            return Err(Error::Device {
                device: "cuda",
                found: format!("a card of compute capability {major}.{minor}"),
                wanted: format!("{}.{} or newer", OLDEST.0, OLDEST.1),
                remedy: "choose another by CUDA_VISIBLE_DEVICES, or take --device cpu",
            });
        }
        let context = Context::new(device).map_err(failed("making a context"))?;
        let module = Module::from_ptx(KERNELS, &[]).map_err(failed("loading the kernels"))?;
        let stream = Stream::new(StreamFlags::DEFAULT, None).map_err(failed("making a stream"))?;
        let facts = Facts::of(device).map_err(asking)?;
        Ok(Card { stream, module, context, facts, limit, held: 0, products: 0, without_room: 0 })
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Bytes that may be used now: nine tenths of what is free, and what is left of the limit.
    pub(super) fn memory(&self) -> CudaResult<usize> {
        let (free, _) = mem_get_info()?;
        Ok((free / 10 * 9).min(self.limit.saturating_sub(self.held)))
    }

    /// Counts bytes that stay in use, until they are [given back](Self::give_back).
    pub(super) fn hold(&mut self, bytes: usize) {
        self.held += bytes;
    }

    pub(super) fn give_back(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }

    /// Counts a product that there was no room for.
    pub(super) fn lacked_room(&mut self) {
        self.without_room += 1;
    }

    pub(super) fn without_room(&self) -> u64 {
        self.without_room
    }

    /// Products made so far.
    pub(super) fn products(&self) -> u64 {
        self.products
    }

    /// The card for the calling thread: to be called before anything else on a thread.
    pub(super) fn wake(&self) -> CudaResult<()> {
        CurrentContext::set_current(&self.context)
    }

    /// Room for numbers that kernels write before anything reads them.
    pub(super) fn room(&self, numbers: usize) -> CudaResult<DeviceBuffer<f64>> {
        // SAFETY: doubles have no invalid bits; every kernel below writes its whole output, or adds to what was zeroed.
        #[allow(unsafe_code, reason = "a filled room would be written twice")]
        unsafe {
            DeviceBuffer::uninitialized(numbers.max(1))
        }
    }

    /// Zeros to add to.
    pub(super) fn zeros(&self, numbers: usize) -> CudaResult<DeviceBuffer<f64>> {
        DeviceBuffer::zeroed(numbers.max(1))
    }

    /// A block of J, on the card.
    pub(super) fn send<T: DeviceCopy>(&self, numbers: &[T], rows: usize) -> CudaResult<Block<T>> {
        let columns = numbers.len() / rows;
        Ok(Block { numbers: DeviceBuffer::from_slice(numbers)?, rows, columns })
    }

    /// The lower half of K += that of J Jᵀ; `partial` is room for [`grid::gram_partial`] numbers.
    pub(super) fn add_gram<T: Number>(
        &mut self,
        block: &Block<T>,
        partial: &mut DeviceBuffer<f64>,
        k: &mut DeviceBuffer<f64>,
    ) -> CudaResult<()> {
        let (rows, columns) = (block.rows, block.columns);
        let chunk = grid::gram_chunk(rows, columns);
        let (tiles, chunks) = (small(grid::tiles(rows))?, small(columns.div_ceil(chunk))?);
        let (n, p, chunk) = (small(rows)?, small(columns)?, small(chunk)?);
        fits(partial, grid::gram_partial(rows, columns))?;
        fits(k, rows * rows)?;
        let (gram, gram_sum) =
            (self.module.get_function(T::GRAM)?, self.module.get_function("gram_sum")?);
        let (j, sums) = (block.numbers.as_device_ptr(), partial.as_device_ptr());
        let stream = &self.stream;
        // SAFETY: the arguments are those of the kernels, in number and type; what they read and write lies within the
        // buffers, whose lengths are checked above; the buffers outlive the work: whoever drops one
        // has called `finish`, alone or by `receive`; where an error comes first, the driver waits before it frees.
        #[allow(unsafe_code, reason = "a launch")]
        unsafe {
            launch!(gram<<<(tiles, chunks), grid::GRAM_THREADS, 0, stream>>>(j, n, p, chunk, sums))?;
            launch!(gram_sum<<<tiles, grid::THREADS, 0, stream>>>(sums, chunks, n, k.as_device_ptr()))?;
        }
        self.products += 1;
        Ok(())
    }

    /// y += J x, x from its `offset` on; `partial` is room for the sums of every chunk.
    pub(super) fn add_product(
        &mut self,
        block: &Block<f64>,
        x: (&DeviceBuffer<f64>, usize),
        partial: &mut DeviceBuffer<f64>,
        y: &mut DeviceBuffer<f64>,
    ) -> CudaResult<()> {
        let (rows, columns) = (block.rows, block.columns);
        let (side, chunk) = (grid::product_side(rows), grid::product_chunk(rows, columns));
        let chunks = columns.div_ceil(chunk);
        fits(x.0, x.1 + columns)?;
        fits(partial, chunks * rows)?;
        fits(y, rows)?;
        let across = small(rows.div_ceil(side))?;
        let along = small(rows)?.div_ceil(grid::THREADS);
        let (n, p) = (small(rows)?, small(columns)?);
        let (side, chunk, chunks) = (small(side)?, small(chunk)?, small(chunks)?);
        let product = self.module.get_function("product")?;
        let product_sum = self.module.get_function("product_sum")?;
        let (j, sums) = (block.numbers.as_device_ptr(), partial.as_device_ptr());
        let x: DevicePointer<f64> = x.0.as_device_ptr().wrapping_add(x.1);
        let stream = &self.stream;
        // SAFETY: as in `add_gram`.
        #[allow(unsafe_code, reason = "a launch")]
        unsafe {
            launch!(product<<<(across, chunks), grid::THREADS, 0, stream>>>(j, x, n, p, side, chunk, sums))?;
            launch!(product_sum<<<along, grid::THREADS, 0, stream>>>(sums, chunks, n, y.as_device_ptr()))?;
        }
        self.products += 1;
        Ok(())
    }

    /// z ← Jᵀ u, into z from its `offset` on.
    pub(super) fn transposed_product(
        &mut self,
        block: &Block<f64>,
        u: &DeviceBuffer<f64>,
        z: (&mut DeviceBuffer<f64>, usize),
    ) -> CudaResult<()> {
        let (rows, columns) = (block.rows, block.columns);
        fits(u, rows)?;
        fits(z.0, z.1 + columns)?;
        let side = small(grid::transposed_side(rows))?;
        let (n, p) = (small(rows)?, small(columns)?);
        let blocks = p.div_ceil(grid::THREADS / side);
        let transposed_product = self.module.get_function("transposed_product")?;
        let (j, u) = (block.numbers.as_device_ptr(), u.as_device_ptr());
        let z: DevicePointer<f64> = z.0.as_device_ptr().wrapping_add(z.1);
        let stream = &self.stream;
        // SAFETY: as in `add_gram`.
        #[allow(unsafe_code, reason = "a launch")]
        unsafe {
            launch!(transposed_product<<<blocks, grid::THREADS, 0, stream>>>(j, u, n, p, side, z))?;
        }
        self.products += 1;
        Ok(())
    }

    /// Waits until all that was asked for is done: before a block goes that is still multiplied.
    pub(super) fn finish(&self) -> CudaResult<()> {
        self.stream.synchronize()
    }

    /// What has been computed, back in the processor's memory: the first numbers of a buffer.
    pub(super) fn receive(&self, numbers: &DeviceBuffer<f64>, out: &mut [f64]) -> CudaResult<()> {
        if out.is_empty() {
            return Ok(());
        }
        self.finish()?;
        numbers.index(..out.len()).copy_to(out)
    }
}

impl<T: DeviceCopy> Block<T> {
    /// Columns of J in it.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }
}

/// A size as kernels take it.
fn small(size: usize) -> CudaResult<u32> {
    u32::try_from(size).map_err(|_| CudaError::InvalidValue)
}

fn fits(buffer: &DeviceBuffer<f64>, numbers: usize) -> CudaResult<()> {
    if buffer.len() < numbers { Err(CudaError::InvalidValue) } else { Ok(()) }
}

impl Drop for Card {
    /// What belongs to the context is given back by a thread that has it.
    fn drop(&mut self) {
        // A card that does not wake has nothing left.
        let _ = self.wake();
    }
}
