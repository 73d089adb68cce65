//! The seeded generator: the only source of chance.
//!
//! Same seed, same numbers, on every platform: the bits are those of PCG64 (O'Neill 2014; XSL-RR 128/64), and what is
//! made of them here uses only exact arithmetic, correctly rounded square roots and the portable logarithm of `libm`.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

/// A stream of random numbers, known by its key.
///
/// Streams split off by label depend on the seed and the label alone, not on how many numbers were drawn before: a
/// new draw in one place leaves all other places as they were.
///
/// ```
/// use gradflow::random::Generator;
/// let (mut a, mut b) = (Generator::seeded(7).split("teacher"), Generator::seeded(7).split("teacher"));
/// assert_eq!(a.gaussian(), b.gaussian());
/// ```
#[derive(Debug, Clone)]
pub struct Generator {
    key: u64,
    bits: Pcg64,
    /// The second number of a pair of Gaussians.
    spare: Option<f64>,
}

impl Generator {
    /// The stream of this seed.
    pub fn seeded(seed: u64) -> Self {
        Generator { key: seed, bits: Pcg64::seed_from_u64(seed), spare: None }
    }

    /// The stream of this label below this one.
    #[must_use]
    pub fn split(&self, label: &str) -> Self {
        // FNV-1a over the label, begun at the key.
        let hash = label.bytes().fold(mixed(self.key), |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Generator::seeded(mixed(hash))
    }

    /// The numbered stream below this one, as for repetitions.
    #[must_use]
    pub fn stream(&self, number: u64) -> Self {
        Generator::seeded(mixed(mixed(self.key).wrapping_add(number)))
    }

    /// Uniform on [a, b), for finite a < b; multiples of (b − a) 2⁻⁵³.
    pub fn uniform(&mut self, a: f64, b: f64) -> f64 {
        let unit = (self.bits.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        a + (b - a) * unit
    }

    /// Normal with mean 0 and variance 1, by the polar method (Marsaglia and Bray 1964).
    pub fn gaussian(&mut self) -> f64 {
        if let Some(x) = self.spare.take() {
            return x;
        }
        loop {
            let (u, v) = (self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0));
            let square = u * u + v * v;
            if square > 0.0 && square < 1.0 {
                let radius = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(radius * v);
                return radius * u;
            }
        }
    }

    /// `n` independent normal numbers.
    pub fn gaussians(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.gaussian()).collect()
    }

    /// +1 or −1, each with probability ½.
    pub fn sign(&mut self) -> f64 {
        if self.bits.next_u64() >> 63 == 0 { 1.0 } else { -1.0 }
    }

    /// Uniform on the unit sphere of Rᵈ: a normalized Gaussian. Empty for d = 0.
    pub fn sphere(&mut self, d: usize) -> Vec<f64> {
        loop {
            let x = self.gaussians(d);
            let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            if norm > 0.0 || d == 0 {
                return x.iter().map(|x| x / norm).collect();
            }
        }
    }

    /// Uniform on 0..n without bias (Lemire 2019): the high half of n times 64 bits, rejecting the few low halves
    /// that would be counted once too often.
    ///
    /// # Panics
    /// If `n` = 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "no number lies below 0");
        let (n, mask) = (n as u128, u128::from(u64::MAX));
        let excess = (1_u128 << 64) % n;
        loop {
            let product = u128::from(self.bits.next_u64()) * n;
            if product & mask >= excess {
                // Below n, hence it fits.
                return usize::try_from(product >> 64).unwrap_or(0);
            }
        }
    }

    /// A uniform order of 0..n (Fisher and Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }
}

/// The finalizer of splitmix64 (Steele, Lea and Flood 2014): one bit in, all bits out.
fn mixed(key: u64) -> u64 {
    let z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned: a change of these values changes every seeded result.
    #[test]
    fn the_first_numbers_are_pinned() {
        let mut generator = Generator::seeded(0);
        let found = [generator.uniform(0.0, 1.0), generator.gaussian(), generator.gaussian()];
        assert_eq!(found, [0.12765728561943035, -0.9528198001485899, 1.3109751404743681]);
        assert_eq!(Generator::seeded(1).permutation(8), [2, 5, 1, 3, 4, 7, 0, 6]);
        assert_eq!(Generator::seeded(1).split("teacher").gaussian(), -2.1071863524821737);
        assert_eq!(Generator::seeded(1).stream(3).uniform(-1.0, 1.0), -0.7433061932549156);
    }

    /// The reference vector of splitmix64 from seed 0 (Vigna's `splitmix64.c`).
    #[test]
    fn the_mixer_is_splitmix() {
        assert_eq!(mixed(0), 0xe220_a839_7b1d_cdaf);
    }

    /// Means over 10⁵ draws, within five standard errors.
    #[test]
    fn moments_are_those_of_the_distributions() {
        let (mut generator, n) = (Generator::seeded(3), 100_000);
        let mut mean = |draw: &mut dyn FnMut(&mut Generator) -> f64| {
            (0..n).map(|_| draw(&mut generator)).sum::<f64>() / f64::from(n)
        };
        let error = 5.0 / f64::from(n).sqrt();
        assert!(mean(&mut |g| g.gaussian()).abs() < error);
        assert!((mean(&mut |g| g.gaussian().powi(2)) - 1.0).abs() < 2.0_f64.sqrt() * error);
        assert!((mean(&mut |g| g.gaussian().powi(4)) - 3.0).abs() < 96.0_f64.sqrt() * error);
        assert!(mean(&mut |g| g.sign()).abs() < error);
        assert!((mean(&mut |g| g.uniform(1.0, 3.0)) - 2.0).abs() < error);
        assert!((mean(&mut |g| g.below(3) as f64) - 1.0).abs() < error);
        // A coordinate on the sphere of R⁵ has variance 1/5.
        assert!((mean(&mut |g| g.sphere(5)[2].powi(2)) - 0.2).abs() < 0.2 * error);
    }

    #[test]
    fn streams_depend_on_the_label_only() {
        let (fresh, mut used) = (Generator::seeded(5), Generator::seeded(5));
        used.gaussians(3);
        assert_eq!(fresh.split("a").gaussian(), used.split("a").gaussian());
        assert_ne!(fresh.split("a").gaussian(), fresh.split("b").gaussian());
        assert_ne!(fresh.stream(0).gaussian(), fresh.stream(1).gaussian());
    }

    #[test]
    fn a_permutation_holds_each_number_once() {
        let mut order = Generator::seeded(2).permutation(100);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..100));
        assert!(Generator::seeded(2).permutation(0).is_empty());
    }
}
