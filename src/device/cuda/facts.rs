//! What a card says of itself, and what may be expected of it.

use super::driver;
use crate::device::cost::{Rates, SCREEN};
use cust::device::{Device, DeviceAttribute};
use cust::error::CudaResult;
use cust::memory;

/// The least compute capability that the kernels are compiled for.
pub(super) const OLDEST: (i32, i32) = (7, 0);

/// Bytes per second between memory that the system may move and the card: half of what `PCIe` 3.0 × 16 carries.
const TRANSFER: f64 = 6e9;
/// Seconds for a call, its launches and the answer.
const CALL: f64 = 5e-5;
/// The part of a card's greatest rates that the kernels are expected to reach; not measured.
const REACHED: f64 = 0.5;

/// A card.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// Its name.
    pub(super) name: String,
    /// Compute capability.
    pub(super) capability: (i32, i32),
    /// Bytes of memory.
    pub(super) memory: usize,
    /// The driver's version of the interface.
    pub(super) driver: (i32, i32),
    /// What may be expected of it.
    pub(super) rates: Rates,
}

/// Multiply-and-adds of doubles that a multiprocessor of this capability does in a cycle (CUDA C++ Programming Guide,
/// table of arithmetic throughput): the cards for computing centres have 32 or 64, others 2.
fn doubles_per_cycle(capability: (i32, i32)) -> f64 {
    match capability {
        (7, 0) | (8, 0) => 32.0,
        (9, 0) | (10, 0) => 64.0,
        _ => 2.0,
    }
}

impl Facts {
    pub(super) fn capability(device: Device) -> CudaResult<(i32, i32)> {
        Ok((
            device.get_attribute(DeviceAttribute::ComputeCapabilityMajor)?,
            device.get_attribute(DeviceAttribute::ComputeCapabilityMinor)?,
        ))
    }

    /// Of the device whose context is current.
    pub(super) fn of(device: Device) -> CudaResult<Self> {
        let capability = Self::capability(device)?;
        let number = |attribute| device.get_attribute(attribute).map(f64::from);
        let cycles = 1e3 * number(DeviceAttribute::ClockRate)?;
        let processors = number(DeviceAttribute::MultiprocessorCount)?;
        // Two transfers a cycle of the memory's clock.
        let width = number(DeviceAttribute::GlobalMemoryBusWidth)? / 8.0;
        let bandwidth = 2e3 * number(DeviceAttribute::MemoryClockRate)? * width;
        let flops = 2.0 * doubles_per_cycle(capability) * processors * cycles;
        let (_, memory) = memory::mem_get_info()?;
        // A driver that does not say how fast its card is must not keep it from being used.
        let or = |found: f64, otherwise: f64| if found > 0.0 { REACHED * found } else { otherwise };
        Ok(Facts {
            name: device.name()?,
            capability,
            memory,
            driver: driver::version().unwrap_or_default(),
            rates: Rates {
                flops: or(flops, SCREEN.flops),
                memory: or(bandwidth, SCREEN.memory),
                transfer: TRANSFER,
                call: CALL,
            },
        })
    }
}

impl std::fmt::Display for Facts {
    #[allow(clippy::cast_precision_loss, reason = "bytes in words")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (major, minor) = self.capability;
        let gibibytes = self.memory as f64 / f64::from(1 << 30);
        let driver = format!("{}.{}", self.driver.0, self.driver.1);
        write!(f, "{}, compute {major}.{minor}, {gibibytes:.0} GiB, driver {driver}", self.name)
    }
}
