//! A velocity known on one piece, on the piece beside it at the same point: by sweeping what differs.

use super::super::system::Setting;
use super::{Drive, State};
use std::borrow::Cow;

/// A velocity `f` that was taken at `x`, and its note.
pub(crate) struct Taken<'a> {
    pub(crate) x: &'a [f64],
    pub(crate) f: Cow<'a, [f64]>,
    pub(crate) note: Cow<'a, [f64]>,
}

impl State<'_> {
    /// The velocity at u on the present piece and its note, from those on the piece before the last switch.
    ///
    /// With the unit k at sample i turned, h changes at the outputs of i alone, so that −Dhᵀ∇R changes by that
    /// sample's −Dhᵢ'ᵀ∇ᵢR' + Dhᵢᵀ∇ᵢR. Where ∇R changes elsewhere, too, everything is swept.
    pub(super) fn again(
        &mut self,
        setting: &Setting<'_>,
        u: &[f64],
        (velocity, note): (&[f64], &[f64]),
    ) -> (Vec<f64>, Vec<f64>) {
        let weights = setting.weights(u);
        let mut velocity = velocity.to_vec();
        let (held, outputs) = note.split_at(2 * self.change.before.len());
        let drive = self.turned(setting, &weights, (&mut velocity, held), outputs);
        let note = self.project(&weights, &mut velocity, &drive);
        (velocity, note)
    }

    /// `velocity`, of the piece before and along what the path slid on, ← that of the present piece with sliding units
    /// off.
    fn turned(
        &mut self,
        setting: &Setting<'_>,
        weights: &[f64],
        (velocity, held): (&mut [f64], &[f64]),
        outputs: &[f64],
    ) -> Drive {
        let turned = self.change.turned;
        if let Some(k) = turned {
            self.piece.turn(k, !self.on[k]);
        }
        for (k, pair) in self.change.before.iter().zip(held.chunks(2)) {
            self.piece.normal(*k, weights).add_to(pair[0], velocity);
        }
        let covector = |y: &[f64]| {
            let mut v = vec![0.0; y.len()];
            setting.loss.gradient(y, &mut v);
            v
        };
        let (mut y, before) = (outputs.to_vec(), covector(outputs));
        let Some(k) = turned else {
            return Drive { loss: f64::NAN, outputs: y, covector: before };
        };
        let reach = self.piece.reach(k);
        let mut local = vec![0.0; reach.len()];
        self.piece.local_value(reach.clone(), weights, &mut local);
        self.piece.local_gradient(reach.clone(), weights, &before[reach.clone()], velocity);
        self.piece.turn(k, self.on[k]);
        let mut there = vec![0.0; reach.len()];
        self.piece.local_value(reach.clone(), weights, &mut there);
        for (y, (there, here)) in y[reach.clone()].iter_mut().zip(there.iter().zip(&local)) {
            *y += (there - here) / setting.eps;
        }
        let after = covector(&y);
        // Two values and two gradients: three sweeps forward and back.
        self.spent += 3.0 * reach.len() as f64 / y.len() as f64;
        let elsewhere = |i: usize| !reach.contains(&i) && before[i] != after[i];
        if (0..y.len()).any(elsewhere) {
            self.spent += 1.0;
            return self.drive(setting, weights, velocity, None);
        }
        local.iter_mut().zip(&after[reach.clone()]).for_each(|(l, v)| *l = -v);
        self.piece.local_gradient(reach, weights, &local, velocity);
        Drive { loss: f64::NAN, outputs: y, covector: after }
    }
}
