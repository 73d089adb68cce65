//! The rows of the Jacobian, by sweeps back over what each output depends on.

use super::cones::{Cone, LANES, Rows};
use super::node::Op;
use super::{Recording, Sweep};

/// Covectors on their way back, kept from one Jacobian to the next; all zero in between.
#[derive(Debug, Default)]
pub(crate) struct Covectors {
    single: Vec<[f64; 1]>,
    shared: Vec<[f64; LANES]>,
    reached: Vec<bool>,
}

impl Sweep<f64> {
    /// The rows of Dh(w) for the w of the last sweep forward, given to `row` with their index.
    ///
    /// Row i is swept through what hᵢ depends on: another output whose slope is infinite has no part in it.
    pub(crate) fn rows(
        &self,
        record: &Recording,
        covectors: &mut Covectors,
        mut row: impl FnMut(usize, &mut dyn Iterator<Item = f64>),
    ) {
        let length = record.params + record.nodes.len();
        if !self.has_finite_slopes(record) {
            return self.rows_one_by_one(record, covectors, row);
        }
        match record.rows() {
            Rows::Single(cones) => {
                covectors.single.resize(length, [0.0]);
                cones
                    .iter()
                    .for_each(|cone| self.rows_of(record, cone, &mut covectors.single, &mut row));
            }
            Rows::Shared(cones) => {
                covectors.shared.resize(length, [0.0; LANES]);
                cones
                    .iter()
                    .for_each(|cone| self.rows_of(record, cone, &mut covectors.shared, &mut row));
            }
        }
    }

    /// Whether 0 times any partial derivative is 0, so that operations outside of a cone may be swept with it.
    pub(crate) fn has_finite_slopes(&self, record: &Recording) -> bool {
        let finite = |numbers: &[f64]| numbers.iter().all(|x| x.is_finite());
        // Those of products are registers; those of quotients are made from them, and may overflow.
        finite(&self.registers)
            && finite(&self.slopes)
            && record.nodes.iter().enumerate().all(|(k, node)| {
                let mut finite = true;
                if matches!(node.op, Op::Div | Op::DivConstant | Op::ConstantDiv) {
                    self.partials(record, k, |_, partial| finite &= partial.is_finite());
                }
                finite
            })
    }

    /// Up to W rows in one sweep over the runs of `cone`.
    fn rows_of<const W: usize>(
        &self,
        record: &Recording,
        cone: &Cone,
        adjoint: &mut [[f64; W]],
        row: &mut impl FnMut(usize, &mut dyn Iterator<Item = f64>),
    ) {
        let p = record.params;
        let last = record.outputs.len().min(cone.first + W);
        for (lane, place) in record.outputs[cone.first..last].iter().enumerate() {
            if let Some(slot) = adjoint.get_mut(*place as usize) {
                slot[lane] += 1.0;
            }
        }
        for &(from, to) in &cone.runs {
            for k in (from as usize..to as usize).rev() {
                let t = std::mem::replace(&mut adjoint[p + k], [0.0; W]);
                self.partials(record, k, |place, partial| {
                    let slot = &mut adjoint[place];
                    (0..W).for_each(|lane| slot[lane] += partial * t[lane]);
                });
            }
        }
        for i in cone.first..last {
            row(i, &mut adjoint[..p].iter().map(|slot| slot[i - cone.first]));
        }
        adjoint[..p].fill([0.0; W]);
    }

    /// The plain way, exact where slopes are not finite: what output i does not depend on is passed over.
    fn rows_one_by_one(
        &self,
        record: &Recording,
        covectors: &mut Covectors,
        mut row: impl FnMut(usize, &mut dyn Iterator<Item = f64>),
    ) {
        let p = record.params;
        let Covectors { single, reached, .. } = covectors;
        single.resize(p + record.nodes.len(), [0.0]);
        for (i, &place) in record.outputs.iter().enumerate() {
            let place = place as usize;
            reached.clear();
            reached.resize(single.len(), false);
            if place < single.len() {
                (single[place], reached[place]) = ([1.0], true);
            }
            for k in (0..(place + 1).saturating_sub(p).min(record.nodes.len())).rev() {
                if !reached[p + k] {
                    continue;
                }
                let t = std::mem::take(&mut single[p + k][0]);
                self.partials(record, k, |place, partial| {
                    reached[place] = true;
                    single[place][0] += partial * t;
                });
            }
            row(i, &mut single[..p].iter().map(|slot| slot[0]));
            single[..p].fill([0.0]);
        }
    }
}
