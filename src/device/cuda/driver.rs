//! The first words with the driver, and what its answers mean.
//!
//! The crate's list of answers is that of CUDA 11.4, and a value outside of it would be none of its type. So the calls that
//! a machine without a working card fails at are made here, for plain numbers, before the crate makes them again.

use crate::{Error, Result};
use cust::error::CudaError;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::null_mut;

/// The oldest driver that reads what the kernels are compiled to: PTX of CUDA 11.8.
const OLDEST: (i32, i32) = (11, 8);

#[allow(unsafe_code, reason = "CUDA's own interface")]
unsafe extern "C" {
    fn cuInit(flags: c_uint) -> c_int;
    fn cuDriverGetVersion(version: *mut c_int) -> c_int;
    fn cuDeviceGet(device: *mut c_int, ordinal: c_int) -> c_int;
    fn cuDevicePrimaryCtxRetain(context: *mut *mut c_void, device: c_int) -> c_int;
    fn cuDevicePrimaryCtxRelease_v2(device: c_int) -> c_int;
}

/// Asks for the driver, the first card and its context.
///
/// # Errors
/// [`Error::Device`] with the driver's own number where one of them is refused.
pub(super) fn greet() -> Result<()> {
    let answered = |doing: &str, code: c_int| match code {
        0 => Ok(()),
        code => Err(refused(doing, &words_of(code.unsigned_abs()))),
    };
    let (mut device, mut context) = (0, null_mut());
    // SAFETY: the functions are those of libcuda, their arguments of the types that cuda.h gives, and the places that they
    // write to live as long as the calls.
    #[allow(unsafe_code, reason = "CUDA's own interface")]
    unsafe {
        answered("waking the driver", cuInit(0))?;
        answered("asking for the first card", cuDeviceGet(&raw mut device, 0))?;
        let (major, minor) = version().unwrap_or((0, 0));
        if (major, minor) < OLDEST {
            return Err(refused("reading its version", "it is too old for the kernels"));
        }
        answered("making a context", cuDevicePrimaryCtxRetain(&raw mut context, device))?;
        // The crate holds one of its own from now on.
        answered("giving a context back", cuDevicePrimaryCtxRelease_v2(device))
    }
}

/// The driver's version of the interface, as 12.4.
pub(super) fn version() -> Option<(i32, i32)> {
    let mut version = 0;
    // SAFETY: as in `greet`.
    #[allow(unsafe_code, reason = "CUDA's own interface")]
    let code = unsafe { cuDriverGetVersion(&raw mut version) };
    (code == 0).then_some((version / 1000, version % 1000 / 10))
}

/// There is no card to work with: what was being done, and what the answer was.
pub(super) fn refused(doing: &str, answer: &str) -> Error {
    let driver = version().map_or("a driver without a version".into(), |(major, minor)| {
        format!("driver {major}.{minor}")
    });
    let (major, minor) = OLDEST;
    Error::Device {
        device: "cuda",
        found: format!("{driver}, {doing}: {answer}"),
        wanted: format!("a card and a driver of CUDA {major}.{minor} or newer"),
        remedy: "see what nvidia-smi and CUDA_VISIBLE_DEVICES say, or take --device cpu, which gives the same numbers but \
                 for rounding",
    }
}

/// An answer in words: the driver's own are not asked for, since a driver that fails may have none.
pub(super) fn words(error: CudaError) -> String {
    words_of(error as u32)
}

fn words_of(code: u32) -> String {
    let meaning = match code {
        2 => "the card's memory is full",
        3 => "the driver does not start",
        34 => "this is a library for building, not a driver",
        36 | 803 | 804 => "library and driver are of different versions",
        46 => "the card is busy, or in use by one who does not share it",
        100 => "no card is visible to the driver",
        101 => "there is no such card",
        200 | 209 | 218 | 221 | 222 => "the driver does not take the kernels",
        500 => "the driver does not find a kernel",
        702 => "a kernel ran for longer than a card with a display allows",
        801 => "the driver does not support this",
        802 => "the system is not ready: on a machine of many cards its fabric manager may not run",
        // The crate's word for all that it has no name for.
        999 => {
            return "the driver gives up, for a reason without a name (code 999 or another)".into();
        }
        _ => "the driver gives up",
    };
    format!("{meaning} (CUDA's code {code})")
}
