//! Sweeps over a part of a record: the cone of a few outputs, or what lies below one operation.

use super::{Recording, Sweep};

impl Sweep<f64> {
    /// The operations in `runs`, the first ones first, at `w`.
    pub(crate) fn forward_over(&mut self, record: &Recording, runs: &[(u32, u32)], w: &[f64]) {
        self.make_room(record);
        let p = record.params;
        let (registers, slopes) = (&mut self.registers[..], &mut self.slopes[..]);
        registers[..p].copy_from_slice(w);
        for &(from, to) in runs {
            for k in from as usize..to as usize {
                registers[p + k] = record.operate(k, registers, slopes);
            }
        }
    }

    /// Back over the nodes of `runs` below `top`, from covectors at some `seeds` (registers): `add` is given what comes
    /// to each parameter, and what comes to node `watched` is returned.
    ///
    /// Where nothing comes nothing goes on, so that operations outside of the cone, at other weights, have no part.
    pub(crate) fn back_over(
        &mut self,
        record: &Recording,
        (runs, top): (&[(u32, u32)], usize),
        seeds: impl Iterator<Item = (usize, f64)>,
        watched: Option<usize>,
        add: &mut dyn FnMut(usize, f64),
    ) -> f64 {
        let p = record.params;
        let mut adjoint = std::mem::take(&mut self.local);
        adjoint.resize(p + record.nodes.len(), 0.0);
        for (place, seed) in seeds {
            if let Some(slot) = adjoint.get_mut(place) {
                *slot += seed;
            }
        }
        let mut seen = 0.0;
        for &(from, to) in runs.iter().rev() {
            for k in (from as usize..(to as usize).min(top)).rev() {
                let t = std::mem::take(&mut adjoint[p + k]);
                if watched == Some(k) {
                    seen = t;
                }
                if t != 0.0 {
                    self.partials(record, k, |place, partial| adjoint[place] += partial * t);
                }
            }
        }
        for (i, slot) in adjoint[..p].iter_mut().enumerate().filter(|(_, slot)| **slot != 0.0) {
            add(i, std::mem::take(slot));
        }
        self.local = adjoint;
        seen
    }

    /// The number in a register after the last sweep forward.
    pub(crate) fn register(&self, place: usize) -> f64 {
        self.registers[place]
    }
}
