//! How far two paths are apart.

use super::Path;
use crate::{Error, Result, linalg};

/// Suprema, over the paths' common times, of the distance between a flow and another from the same start.
///
/// Differences of two solves see the solvers' tolerances where the paths nearly agree; [`Gap`](crate::solve::Gap)
/// integrates the difference itself and has no such floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Divergence {
    /// sup ‖w − w̄‖.
    pub weights: f64,
    /// sup ‖y − ȳ‖, outputs being α h.
    pub outputs: f64,
}

impl Divergence {
    /// The distance between two paths of the same α at the same times.
    ///
    /// # Errors
    /// [`Error::Conflict`] where α, times or start differ.
    pub fn between(a: &Path, b: &Path) -> Result<Divergence> {
        #[allow(clippy::float_cmp, reason = "the same scale, not a near one")]
        let same = a.alpha == b.alpha && a.times == b.times && a.start == b.start;
        if !same {
            return Err(Error::Conflict {
                found: "the two paths differ in α, start or times".into(),
                remedy: "solve both flows from one start, at one α, at the same times".into(),
            });
        }
        let sup = |a: &[Vec<f64>], b: &[Vec<f64>]| {
            let distance = |(a, b): (&Vec<f64>, &Vec<f64>)| {
                linalg::norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
            };
            a.iter().zip(b).map(distance).fold(0.0, f64::max)
        };
        Ok(Divergence {
            weights: sup(&a.displacements, &b.displacements) / a.alpha,
            outputs: sup(&a.outputs, &b.outputs),
        })
    }
}

impl std::fmt::Display for Divergence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sup‖w − w̄‖ = {:.1e}, sup‖y − ȳ‖ = {:.1e}", self.weights, self.outputs)
    }
}
