//! The constants of a model near a point, computed when asked for and remembered.

use super::sampled::{self, Effort};
use super::{Enclosure, Spectrum, certified, hessian};
use crate::model::Differentiable;
use crate::random::Generator;
use crate::scalar::{add_up, mul_up};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A model near w₀: where constants come from.
pub struct Neighbourhood<'a> {
    map: &'a dyn Differentiable,
    start: Vec<f64>,
    spectrum: OnceLock<Option<Spectrum>>,
    /// Certified and sampled ends of Lip(Dh), by the bits of the radius.
    uppers: Mutex<BTreeMap<u64, (f64, &'static str)>>,
    lowers: Mutex<BTreeMap<u64, f64>>,
    /// The most parameters for which Taylor models are tried on every ball.
    every_ball: usize,
}

/// The seed of what is sampled: constants are functions of the model.
const SEED: u64 = 0;
/// The most parameters for which Taylor models are tried: where many balls are, and where one is asked for.
const MANY: usize = 4;
const ONE: usize = 110;

impl<'a> Neighbourhood<'a> {
    /// Of `map` around `start`, which has length p.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length.
    pub fn of(map: &'a dyn Differentiable, start: &[f64]) -> Result<Self> {
        let wanted = map.shape().params;
        if start.len() != wanted {
            return Err(Error::Shape {
                what: "start w₀".into(),
                found: format!("{} numbers", start.len()),
                wanted: format!("{wanted}, one per parameter of the model"),
                remedy: "give as many numbers as there are parameters",
            });
        }
        Ok(Neighbourhood {
            map,
            start: start.to_vec(),
            spectrum: OnceLock::new(),
            uppers: Mutex::default(),
            lowers: Mutex::default(),
            every_ball: MANY,
        })
    }

    /// The same with the tightest certificates on every ball that a theorem tries: seconds a ball at p = 66, ten at 100.
    #[must_use]
    pub fn thorough(self) -> Self {
        Neighbourhood { every_ball: ONE, ..self }
    }

    /// The model.
    pub fn map(&self) -> &'a dyn Differentiable {
        self.map
    }

    /// w₀.
    pub fn start(&self) -> &[f64] {
        &self.start
    }

    /// Norm, singular values and kernel eigenvalues of Dh(w₀).
    ///
    /// # Errors
    /// [`Error::Integration`] where Dh(w₀) is not finite.
    pub fn spectrum(&self) -> Result<&Spectrum> {
        self.spectrum
            .get_or_init(|| Spectrum::of(self.map, &self.start))
            .as_ref()
            .ok_or_else(crate::solve::no_modes)
    }

    /// A certified upper bound of Lip(Dh) on the ball of that radius, and its method; ∞ where there is none. At radius 0
    /// it bounds ‖D²h(w₀)‖.
    pub fn lip_jacobian_upper(&self, radius: f64) -> (f64, &'static str) {
        let mut known = self.uppers.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(radius.to_bits()).or_insert_with(|| self.certified(radius, self.every_ball))
    }

    /// The least of the certificates, Taylor models among them up to `largest` parameters.
    fn certified(&self, radius: f64, largest: usize) -> (f64, &'static str) {
        let found = certified::lip_jacobian(self.map, &self.start, radius);
        match hessian::bound_up_to(self.map, &self.start, radius, largest) {
            Some(bound) if bound < found.0 => (bound, "Taylor models"),
            _ => found,
        }
    }

    /// Lip(Dh) on the ball of that radius: sampled from below, certified from above. What is sampled is no bound where
    /// the model has kinks: Lip(Dh) is infinite there.
    ///
    /// The tightest certificate is sought, however many balls [`Neighbourhood::lip_jacobian_upper`] has to serve.
    pub fn lip_jacobian(&self, radius: f64) -> Enclosure {
        let quick = self.lip_jacobian_upper(radius);
        let (upper, method) = if self.every_ball < ONE && self.start.len() > self.every_ball {
            self.certified(radius, ONE)
        } else {
            quick
        };
        // Sampled in floating point, and exceeded by no more than its rounding.
        let lower = self.lip_jacobian_lower(radius);
        Enclosure { lower: if upper < lower { upper } else { lower }, upper, radius, method }
    }

    /// The largest ‖D²h‖ found on the ball, by seeded ascent; ∞ where the model has kinks, for then Lip(Dh) is.
    pub fn lip_jacobian_lower(&self, radius: f64) -> f64 {
        if !self.map.is_smooth() {
            return f64::INFINITY;
        }
        if self.map.is_linear() || !radius.is_finite() {
            return 0.0;
        }
        let bits = radius.to_bits();
        let known = self.lowers.lock().unwrap_or_else(PoisonError::into_inner).get(&bits).copied();
        known.unwrap_or_else(|| {
            let generator = Generator::seeded(SEED);
            let found = if radius == 0.0 {
                sampled::norm_hessian(self.map, &self.start, &generator)
            } else {
                // The centre is a point of the ball.
                let here = self.lip_jacobian_lower(0.0);
                let effort = Effort::SMALL;
                here.max(sampled::lip_jacobian(self.map, &self.start, radius, effort, &generator))
            };
            self.lowers.lock().unwrap_or_else(PoisonError::into_inner).insert(bits, found);
            found
        })
    }

    /// ‖D²h(w₀)‖ as a bilinear map: sampled from below, certified from above.
    pub fn norm_hessian(&self) -> Enclosure {
        self.lip_jacobian(0.0)
    }

    /// Lip(h) = sup ‖Dh‖ on the ball: at most ‖Dh(w₀)‖ + r Lip(Dh) and what is certified of Dh itself, at least ‖Dh‖ at the
    /// points sampled.
    ///
    /// # Errors
    /// As [`Neighbourhood::spectrum`].
    pub fn lip_h(&self, radius: f64) -> Result<Enclosure> {
        let norm = self.spectrum()?.norm_jacobian;
        let (lip, method) = self.lip_jacobian_upper(radius);
        let upper = if radius == 0.0 {
            norm.upper
        } else {
            add_up(norm.upper, mul_up(radius, lip)).min(certified::norm_jacobian(
                self.map,
                &self.start,
                radius,
            ))
        };
        let generator = Generator::seeded(SEED);
        let found = sampled::lip_h(self.map, &self.start, radius, Effort::SMALL, &generator);
        Ok(Enclosure { lower: found.max(norm.lower).min(upper), upper, radius, method })
    }
}
