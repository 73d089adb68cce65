//! Constants of a whole model from the norm jets of its outputs.
//!
//! Outputs that share no parameter are blocks: the norm is the largest of theirs. Within a block of outputs that do,
//! ‖D²h‖ ≤ √(Σᵢ ‖D²hᵢ‖²), and likewise for Dh.

use crate::model::Written;
use crate::scalar::{NormJet, Support, hypot_up};

/// The most blocks told apart.
const BLOCKS: usize = 64;

/// Bounds on a ball.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    /// At least sup ‖Dh‖.
    pub(super) jacobian: f64,
    /// At least sup ‖D²h‖.
    pub(super) hessian: f64,
}

impl Bounds {
    fn of(y: &NormJet) -> Self {
        Bounds { jacobian: y.gradient(), hessian: y.hessian() }
    }

    /// Of outputs that share parameters.
    fn stacked(self, o: Self) -> Self {
        Bounds {
            jacobian: hypot_up(self.jacobian, o.jacobian),
            hessian: hypot_up(self.hessian, o.hessian),
        }
    }

    /// Of outputs that share none.
    fn beside(self, o: Self) -> Self {
        Bounds { jacobian: self.jacobian.max(o.jacobian), hessian: self.hessian.max(o.hessian) }
    }
}

/// By one evaluation on jets.
pub(super) fn bounds(model: &dyn Written, start: &[f64], radius: f64) -> Bounds {
    let mut outputs = vec![NormJet::from(0.0); model.shape().outputs];
    model.on_norm_jets(&NormJet::variables(start, radius), &mut outputs);
    let mut blocks: Vec<(Support, Bounds)> = Vec::new();
    for y in &outputs {
        let (mut support, mut bounds) = (y.support(), Bounds::of(y));
        let full = blocks.len() >= BLOCKS;
        blocks.retain(|(other, theirs)| {
            let apart = support.is_disjoint(other) && !full;
            if !apart {
                support = support.union(other);
                bounds = bounds.stacked(*theirs);
            }
            apart
        });
        blocks.push((support, bounds));
    }
    let none = Bounds { jacobian: 0.0, hessian: 0.0 };
    blocks.into_iter().fold(none, |all, (_, bounds)| all.beside(bounds))
}
