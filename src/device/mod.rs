//! Where large products run: with the processor, or on a card of NVIDIA's.
//!
//! What grows without bound is the Jacobian Dh(w), N × p doubles, of models that are not networks (networks have kernels
//! and products of their own that never form it). Three products are made with it: Dh v, Dhᵀ u and the tangent kernel
//! Dh Dhᵀ. [`Dense`] is a Jacobian that is multiplied where it is quickest, [`gram`] the kernel alone. They are used by
//! [`Differentiable::kernel`](crate::model::Differentiable::kernel) of users' models (and through it by every theorem and
//! method that asks for a kernel), by the modes behind the closed form and the gap, by the linear part of the exponential
//! method, and by convolutional kernels where these are made of rows of Dh. With the processor stay singular value
//! decompositions, which are for J of up to four million numbers, and the p × p matrices of BDF.
//!
//! **The default build knows no card.** With the feature `cuda` (`cargo build --release --features cuda`) [`choose`]
//! opens one through the crate `cust`, and products go there by size ([`cost`]): a Jacobian is sent once, in blocks of
//! columns, its Gram matrix is found on the way, and as many blocks as there is room for stay, to be multiplied with
//! vectors; what has no room is multiplied by the processor, in whose memory all of J stays. A card that fails in the
//! middle is given up and the processor goes on. Jacobians themselves are always formed by the processor.
//!
//! # When it pays
//!
//! By arithmetic alone ([`cost`]: one core at 50 Gflop/s and 7 GB/s, about as measured; a card for computing centres at
//! 17 Tflop/s and 1.7 TB/s, one for screens at 0.65 Tflop/s and 0.5 TB/s, half their data sheets; the bus at 6 GB/s). Nothing
//! was measured on a card. Seconds for the Gram matrix, the bus both ways included; milliseconds for a product with a
//! vector, J being there. A card has 24 or 80 GB; where J has more, the Gram matrix is found all the same, and products take the
//! processor's time for the part that does not fit.
//!
//! | N | p | GB | Gflop | bus, s | Gram: core | centre | screen | product, ms: core | centre | screen |
//! | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
//! | 10² | 10⁴ | 0.0080 | 0.10 | 0.0013 | 0.0020 | 0.0014 | 0.0016 | 1.1 | 0.068 | 0.079 |
//! | 10² | 10⁵ | 0.080 | 1.0 | 0.013 | 0.020 | 0.013 | 0.015 | 11 | 0.23 | 0.34 |
//! | 10² | 10⁶ | 0.80 | 10 | 0.13 | 0.20 | 0.13 | 0.15 | 110 | 1.9 | 3.0 |
//! | 10² | 10⁷ | 8.0 | 100 | 1.3 | 2.0 | 1.3 | 1.5 | 1100 | 18 | 29 |
//! | 10³ | 10⁴ | 0.080 | 10 | 0.013 | 0.20 | 0.015 | 0.030 | 11 | 0.11 | 0.22 |
//! | 10³ | 10⁵ | 0.80 | 100 | 0.13 | 2.0 | 0.14 | 0.29 | 110 | 0.66 | 1.8 |
//! | 10³ | 10⁶ | 8.0 | 1000 | 1.3 | 20 | 1.4 | 2.9 | 1100 | 6.1 | 17 |
//! | 10³ | 10⁷ | 80 | 10000 | 13 | 200 | 14 | 29 | 11000 | 60 | 170 |
//! | 10⁴ | 10⁴ | 0.80 | 1000 | 0.13 | 20 | 0.33 | 1.8 | 110 | 0.55 | 1.7 |
//! | 10⁴ | 10⁵ | 8.0 | 10000 | 1.3 | 200 | 2.1 | 17 | 1100 | 4.9 | 16 |
//! | 10⁴ | 10⁶ | 80 | 100000 | 13 | 2000 | 19 | 170 | 11000 | 48 | 160 |
//! | 10⁴ | 10⁷ | 800 | 1000000 | 130 | 20000 | 190 | 1700 | 110000 | 480 | 1600 |
//!
//! # On the card
//!
//! The kernels are our own (`src/device/cuda/kernels.cu`; `kernels.ptx` beside it is made of it by `ptx.py`). A tile of
//! 64 × 64 of the lower half of the Gram matrix takes 128 threads, 32 results each; columns are cut into chunks so that
//! small N keep a card busy, too, and the chunks' sums are added in order: the same bits at every run, as long as as many
//! columns have room. [`gram_in_floats`] sends J as floats, half the bytes: products of floats are added up as floats over
//! 32 columns, and those sums as doubles. What that costs: `|K_ij − exact| ≤ 2.1e-6 Σ|J_ik J_jk| ≤ 2.1e-6 √(K_ii K_jj)`
//! ([`FLOATS`]), so eigenvalues below 2.1e-6 tr K are noise.
//!
//! **Not yet run on a device.** What was seen: the kernels' source, compiled for the processor, gives faer's products
//! (`tests/cuda_kernels.rs`); the whole path from [`choose`] to the result runs against a driver that is emulated on the
//! processor (`tests/devices.rs`, `.ci/run`); NVRTC 11.8 and 12.9 compile the kernels for every architecture from `sm_70` to
//! `sm_121`; and ptxas 12.9 assembles the PTX that is kept here, as a driver would, without a spill:
//!
//! | ptxas | `sm_70` | `sm_80` | `sm_90` | `sm_100` | `sm_120` | shared memory |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | `gram_f64`, registers | 120 | 121 | 96 | 96 | 102 | 16 KiB |
//! | `gram_f32` | 128 | 128 | 128 | 128 | 127 | 16 KiB |
//! | `gram_sum` | 32 | 30 | 32 | 32 | 40 | 0 |
//! | `product` | 20 | 20 | 22 | 22 | 22 | 2 KiB |
//! | `product_sum` | 32 | 30 | 31 | 32 | 40 | 0 |
//! | `transposed_product` | 18 | 18 | 18 | 18 | 18 | 2 KiB |
//!
//! `cargo run --release --features cuda --example gpu_check` checks and times a card.

#[cfg_attr(feature = "cuda", path = "cuda/mod.rs")]
#[cfg_attr(not(feature = "cuda"), path = "absent.rs")]
mod hardware;

pub mod cost;
mod dense;

pub use dense::Dense;

use crate::{Error, Result, linalg};
use nalgebra::DMatrix;

/// Who makes large products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// A card, through CUDA's driver.
    Cuda,
}

impl Device {
    /// From its name, `cpu` or `cuda`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for any other.
    ///
    /// ```
    /// use gradflow::device::Device;
    /// assert_eq!(Device::parse("cuda").unwrap(), Device::Cuda);
    /// assert!(Device::parse("cudo").unwrap_err().to_string().contains("did you mean `cuda`?"));
    /// ```
    pub fn parse(word: &str) -> Result<Self> {
        match word {
            "cpu" => Ok(Device::Cpu),
            "cuda" => Ok(Device::Cuda),
            other => Err(Error::unknown("device", other, ["cpu", "cuda"])),
        }
    }
}

/// Chooses who makes large products, for the whole process and from now on; a card may use nine tenths of what is free of
/// its memory.
///
/// # Errors
/// For [`Device::Cuda`]: [`Error::Conflict`] in a build without the feature `cuda`; [`Error::Device`] where no card
/// answers, or none that takes the kernels. What was chosen before stays chosen.
///
/// ```
/// use gradflow::device::{Device, choose, describe};
/// choose(Device::Cpu).unwrap();
/// assert_eq!(describe(), "cpu");
/// ```
pub fn choose(device: Device) -> Result<()> {
    choose_within(device, usize::MAX)
}

/// The same with at most so many `bytes` of a card's memory at a time: J and its sums, where others use the card, too.
///
/// # Errors
/// As [`choose`].
pub fn choose_within(device: Device, bytes: usize) -> Result<()> {
    match device {
        Device::Cpu => hardware::release(),
        Device::Cuda => hardware::choose(bytes)?,
    }
    Ok(())
}

/// The device in words: `cpu`, or the card, its driver, and how many products it has made or how it failed.
pub fn describe() -> String {
    hardware::describe().unwrap_or_else(|| "cpu".into())
}

/// The Gram matrix J Jᵀ, N × N, bitwise symmetric; on the card where one is chosen and pays.
pub fn gram(j: &DMatrix<f64>) -> DMatrix<f64> {
    hardware::gram(j).unwrap_or_else(|| linalg::gram(j))
}

/// Jᵀ J, p × p; on the card where one is chosen and pays.
pub(crate) fn gram_of_columns(j: &DMatrix<f64>) -> DMatrix<f64> {
    let on_card =
        if makes_gram(j.ncols(), j.nrows(), 1) { hardware::gram(&j.transpose()) } else { None };
    on_card.unwrap_or_else(|| linalg::transposed_product(j, j))
}

/// Whether a card is chosen that makes the Gram matrix of an N × p Jacobian sooner than so many cores.
pub(crate) fn makes_gram(n: usize, p: usize, cores: usize) -> bool {
    hardware::rates().is_some_and(|rates| cost::gram_pays(&rates, n, p, cores))
}

/// Whether there is a card to work with.
///
/// # Errors
/// As [`gram_in_floats`].
pub(crate) fn ready() -> Result<()> {
    hardware::ready()
}

/// Whether a card is chosen that is worth sending it to for a hundred products.
pub(crate) fn keeps(n: usize, p: usize) -> bool {
    hardware::rates().is_some_and(|rates| cost::keeping_pays(&rates, n, p))
}

/// What [`gram_in_floats`] is off by at most, as a part of √(`K_ii` `K_jj`): a little more than γ₃₄ = 34u/(1 − 34u), u = 2⁻²⁴,
/// of a rounding of either factor and one for each of 32 sums.
pub const FLOATS: f64 = 2.1e-6;

/// J Jᵀ, N × N, of J rounded to floats on the card, good to [`FLOATS`] √(`K_ii` `K_jj`) + p 2⁻¹⁴⁷ max|J|², the latter for numbers
/// so far below the largest that floats lose them.
///
/// # Errors
/// [`Error::Device`] where no card is chosen, it fails or has no room; [`Error::Conflict`] in a build without cards.
pub fn gram_in_floats(j: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    hardware::gram_of_floats(j)
}
