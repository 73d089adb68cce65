//! When a card pays: bytes moved, operations, and the seconds they take.
//!
//! A dense Jacobian has N p doubles. Its Gram matrix takes N (N + 1) p operations (a multiplication and an addition for
//! each pair of a row with a row up to it), each product with a vector 2 N p, and reads every number once.

/// How fast a machine works; all figures are expectations, for the choice and not for any result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Multiplications and additions of doubles in a second, in a product of matrices.
    pub flops: f64,
    /// Bytes that a product with a vector reads in a second.
    pub memory: f64,
    /// Bytes that reach it from the processor's memory in a second.
    pub transfer: f64,
    /// Seconds that a call takes whatever it does.
    pub call: f64,
}

/// One core of a processor with wide vectors, about as it was measured, 48 Gflop/s and 6 to 7 GB/s
/// (`examples/gpu_check.rs` prints the seconds of its machine).
pub const ONE_CORE: Rates = Rates { flops: 5e10, memory: 7e9, transfer: f64::INFINITY, call: 0.0 };

/// A card for computing centres by its data sheet (H100 SXM: 34 Tflop/s of doubles, 3.35 TB/s), of which half is
/// expected, behind a bus of `PCIe` 3.0.
pub const COMPUTING_CENTRE: Rates =
    Rates { flops: 17e12, memory: 1.7e12, transfer: 6e9, call: 5e-5 };

/// A card for screens by its data sheet (RTX 4090: 1.29 Tflop/s of doubles, 1.0 TB/s), of which half is expected.
pub const SCREEN: Rates = Rates { flops: 0.65e12, memory: 0.5e12, transfer: 6e9, call: 5e-5 };

/// Products with J that a solve is expected to make, either way.
const PRODUCTS: f64 = 100.0;

/// Seconds for the Gram matrix of an N × p Jacobian, either of which lies in the processor's memory.
///
/// ```
/// use gradflow::device::cost::{COMPUTING_CENTRE, ONE_CORE, gram};
/// // 10³ × 10⁶: 8 GB and 10¹² operations.
/// assert!(gram(&ONE_CORE, 1000, 1_000_000) > 15.0);
/// assert!(gram(&COMPUTING_CENTRE, 1000, 1_000_000) < 2.0); // most of it on the bus
/// ```
#[allow(clippy::cast_precision_loss, reason = "sizes")]
pub fn gram(rates: &Rates, n: usize, p: usize) -> f64 {
    let (n, p) = (n as f64, p as f64);
    rates.call + 8.0 * n * (p + n) / rates.transfer + n * (n + 1.0) * p / rates.flops
}

/// Seconds for a product of J or Jᵀ with a vector, J being where it is multiplied.
#[allow(clippy::cast_precision_loss, reason = "sizes")]
pub fn product(rates: &Rates, n: usize, p: usize) -> f64 {
    let (n, p) = (n as f64, p as f64);
    rates.call + 8.0 * (n + p) / rates.transfer + 8.0 * n * p / rates.memory
}

/// Whether a card makes the Gram matrix sooner than so many cores.
#[allow(clippy::cast_precision_loss, reason = "a few cores")]
pub fn gram_pays(card: &Rates, n: usize, p: usize, cores: usize) -> bool {
    let cores = Rates { flops: ONE_CORE.flops * cores as f64, ..ONE_CORE };
    gram(card, n, p) < gram(&cores, n, p)
}

/// Whether it makes the Gram matrix and a hundred products sooner, once it has J.
pub fn keeping_pays(card: &Rates, n: usize, p: usize) -> bool {
    let all = |rates: &Rates| gram(rates, n, p) + PRODUCTS * product(rates, n, p);
    all(card) < all(&ONE_CORE)
}

/// The table in the documentation of [`device`](super): N = 10² … 10⁴, p = 10⁴ … 10⁷.
#[cfg(test)]
fn table() -> Vec<String> {
    let mut lines = Vec::new();
    for n in [100, 1000, 10_000_usize] {
        for p in [10_000, 100_000, 1_000_000, 10_000_000_usize] {
            let bytes = 8.0 * (n * p) as f64;
            let (core, centre, screen) = (ONE_CORE, COMPUTING_CENTRE, SCREEN);
            let cells = [
                bytes / 1e9,
                n as f64 * (n as f64 + 1.0) * p as f64 / 1e9,
                bytes / centre.transfer,
                gram(&core, n, p),
                gram(&centre, n, p),
                gram(&screen, n, p),
                1e3 * product(&core, n, p),
                1e3 * product(&centre, n, p),
                1e3 * product(&screen, n, p),
            ];
            let cells: Vec<String> = cells.iter().map(|x| short(*x)).collect();
            lines.push(format!(
                "| 10{} | 10{} | {} |",
                ['²', '³', '⁴'][n.ilog10() as usize - 2],
                ['⁴', '⁵', '⁶', '⁷'][p.ilog10() as usize - 4],
                cells.join(" | ")
            ));
        }
    }
    lines
}

/// Two digits.
#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "a handful of digits")]
fn short(x: f64) -> String {
    let size = x.log10().floor();
    let unit = 10f64.powf(size - 1.0);
    let digits = (1.0 - size).max(0.0) as usize;
    format!("{:.digits$}", (x / unit).round() * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_documentation_is_this_arithmetic() {
        let documentation = include_str!("mod.rs");
        let missing: Vec<String> =
            table().into_iter().filter(|line| !documentation.contains(line.as_str())).collect();
        assert!(missing.is_empty(), "not in device/mod.rs:\n{}", missing.join("\n"));
    }

    #[test]
    fn small_ones_stay_with_the_processor_and_large_ones_go() {
        assert!(
            !gram_pays(&COMPUTING_CENTRE, 10, 100, 1) && !keeping_pays(&COMPUTING_CENTRE, 10, 100)
        );
        // Twenty rows: the bus costs more than the sums, unless products follow.
        assert!(!gram_pays(&COMPUTING_CENTRE, 20, 1_000_000, 1));
        assert!(keeping_pays(&COMPUTING_CENTRE, 20, 1_000_000));
        assert!(gram_pays(&COMPUTING_CENTRE, 1000, 100_000, 1));
        assert!(gram_pays(&SCREEN, 1000, 100_000, 1) && !gram_pays(&SCREEN, 1000, 100_000, 64));
    }
}
