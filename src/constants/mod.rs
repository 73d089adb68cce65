//! What theorems ask for: norms, singular values and Lipschitz constants, each with its evidence.
//!
//! A sampled Lipschitz constant is a lower bound, a certified one an upper bound, and the truth lies between: an
//! [`Enclosure`] holds both, on a stated ball. Nothing turns one kind of evidence into another.

mod certified;
pub mod hessian;
mod kappa;
mod neighbourhood;
mod origin;
mod radius;
pub mod sampled;
mod spectrum;
mod verified;

pub use kappa::{
    Laziness, OneStep, PartLaziness, by_block, by_sample, homogeneity, width_exponent,
};
pub use neighbourhood::Neighbourhood;
pub(crate) use origin::origin_error;
pub use radius::{Radius, least_radius};
pub use spectrum::Spectrum;

/// How far to believe a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Sampled: a bound from the wrong side.
    Estimate,
    /// Computed along a path that a solver found, to its tolerance.
    Measured,
    /// Proven, rounding errors included.
    Certified,
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Evidence::Estimate => "estimate",
            Evidence::Measured => "measured",
            Evidence::Certified => "certified",
        })
    }
}

/// A constant between two bounds, on a ball around w₀ (of radius 0 where it is a constant of the point itself).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Enclosure {
    /// A value that is attained, or nearly: found by sampling or by iteration; 0 where none was sought.
    pub lower: f64,
    /// A certified upper bound; ∞ where nothing could be certified.
    pub upper: f64,
    /// Radius of the ball.
    pub radius: f64,
    /// How the upper bound was found, or why there is none.
    pub method: &'static str,
}

impl Enclosure {
    /// A number known exactly, as in tests and textbook models.
    pub fn exactly(value: f64, radius: f64) -> Self {
        Enclosure { lower: value, upper: value, radius, method: "given" }
    }

    /// What the upper bound costs, in words.
    pub fn cost(&self) -> &'static str {
        match self.method {
            "given" | "linear" => "nothing",
            "norm jets" => "one evaluation of h",
            "norm of each neuron's block" => {
                "O(N p), and a matrix of min(N, d) rows for a few neurons"
            }
            "layer by layer" => "O(N p), and the cubes of the widths",
            "Taylor models" => "one evaluation of h on N C(p + 4, 5) coefficients at most",
            "verified singular values" => {
                "a singular value decomposition, and N sweeps on intervals"
            }
            "singular values in floating point" => "a singular value decomposition",
            _ => "–",
        }
    }

    /// upper/lower, the looseness of the certificate; 1 where both are 0.
    pub fn looseness(&self) -> f64 {
        if self.upper == 0.0 { 1.0 } else { self.upper / self.lower }
    }
}
