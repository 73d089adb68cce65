//! Room for replays, and what each derivative makes of them. Nothing here depends on the model's type, so that it is
//! compiled once and not with every model.

use super::{Displacement, LANES, Seed};
use crate::scalar::{Covectors, Dual, Increment, Recording, Sweep};
use nalgebra::DMatrix;

/// Single sweeps over a record that one evaluation of the model on [`LANES`] tangents costs, values anew each time.
const COLUMNS_COST: usize = 2;

/// Room for one replay on each kind of number; filled by the first, used again by those that follow.
#[derive(Debug)]
pub(super) struct Workspace {
    real: Sweep<f64>,
    dual: Sweep<Dual<f64>>,
    increment: Sweep<Increment>,
    covectors: Covectors,
    /// Outputs and their covectors, of length N each.
    outputs: [Vec<f64>; 4],
}

impl Workspace {
    pub(super) fn new(record: &Recording) -> Self {
        Workspace {
            real: Sweep::default(),
            dual: Sweep::default(),
            increment: Sweep::default(),
            covectors: Covectors::default(),
            outputs: std::array::from_fn(|_| vec![0.0; record.outputs()]),
        }
    }

    /// `dw` ← Dh(w)ᵀ v, v chosen by `seed`.
    pub(super) fn gradient(
        &mut self,
        record: &Recording,
        w: &[f64],
        seed: &mut dyn FnMut(&[f64], &mut [f64]),
        dw: &mut [f64],
    ) {
        let Workspace { real, outputs: [y, v, ..], .. } = self;
        real.forward(record, w.iter().copied());
        y.iter_mut().zip(real.outputs(record)).for_each(|(y, o)| *y = o);
        v.fill(0.0);
        seed(y, v);
        dw.copy_from_slice(real.back(record, v.iter().copied()));
    }

    /// `out` ← D[w ↦ Dh(w)ᵀ dy] dw.
    pub(super) fn curvature(
        &mut self,
        record: &Recording,
        w: &[f64],
        dy: &[f64],
        dw: &[f64],
        out: &mut [f64],
    ) {
        self.dual.forward(record, w.iter().zip(dw).map(|(&w, &d)| Dual::new(w, d)));
        let gradient = self.dual.back(record, dy.iter().map(|&v| Dual::from(v)));
        out.iter_mut().zip(gradient).for_each(|(out, g)| *out = g.tangent);
    }

    /// [`Differentiable::increment`](super::Differentiable::increment).
    pub(super) fn increment(
        &mut self,
        record: &Recording,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        let Workspace { increment, outputs: [first, rest, v0, v1], .. } = self;
        increment.forward(record, at.increments());
        for ((first, rest), y) in first.iter_mut().zip(&mut *rest).zip(increment.outputs(record)) {
            (*first, *rest) = (y.first, y.rest);
        }
        v0.fill(0.0);
        v1.fill(0.0);
        seed(first, rest, v0, v1);
        let seeds = v0.iter().zip(&*v1).map(|(&v0, &v1)| Increment::new(v0, v1, 0.0, at.eps));
        for (i, g) in increment.back(record, seeds).iter().enumerate() {
            (base[i], change[i]) = (g.base, g.change());
        }
    }

    /// Dh(w) by rows; nothing where it should come by columns.
    pub(super) fn jacobian(&mut self, record: &Recording, w: &[f64]) -> Option<DMatrix<f64>> {
        let (params, outputs) = (w.len(), record.outputs());
        let columns = COLUMNS_COST * params.div_ceil(LANES) * record.len();
        if params <= outputs && columns < record.rows_cost() {
            return None;
        }
        self.real.forward(record, w.iter().copied());
        // Where slopes are not finite, the rules of forward and of reverse differentiation differ.
        if params <= outputs && !self.real.has_finite_slopes(record) {
            return None;
        }
        let mut jacobian = DMatrix::zeros(outputs, params);
        self.real.rows(record, &mut self.covectors, |i, row| {
            jacobian.row_mut(i).iter_mut().zip(row).for_each(|(d, g)| *d = g);
        });
        Some(jacobian)
    }
}
