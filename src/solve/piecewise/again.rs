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
        self.spend(3.0 * reach.len() as f64 / y.len() as f64);
        let elsewhere = |i: usize| !reach.contains(&i) && before[i] != after[i];
        if (0..y.len()).any(elsewhere) {
            self.spend(1.0);
            return self.drive(setting, weights, velocity, None);
        }
        local.iter_mut().zip(&after[reach.clone()]).for_each(|(l, v)| *l = -v);
        self.piece.local_gradient(reach, weights, &local, velocity);
        Drive { loss: f64::NAN, outputs: y, covector: after }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pieces;
    use super::*;
    use crate::linalg::norm;
    use crate::loss::{Convexity, CrossEntropy, Loss, Square};
    use crate::model::{
        Activation, Centred, Differentiable, Doubled, Mlp, Model, Network, Shape, TwoLayer,
    };
    use crate::random::Generator;
    use crate::scalar::Scalar;
    use nalgebra::DMatrix;

    /// ½ (Σ yᵢ)²: a change of one output changes ∇R everywhere.
    struct Coupled(usize);
    impl Loss for Coupled {
        fn name(&self) -> String {
            "coupled".into()
        }
        fn outputs(&self) -> usize {
            self.0
        }
        fn value(&self, y: &[f64]) -> f64 {
            0.5 * y.iter().sum::<f64>().powi(2)
        }
        fn gradient(&self, y: &[f64], g: &mut [f64]) {
            g.fill(y.iter().sum());
        }
        fn hessian(&self, _y: &[f64], dy: &[f64], out: &mut [f64]) {
            out.fill(dy.iter().sum());
        }
        fn increment(&self, _y: &[f64], s: &[f64], _eps: f64, q: &mut [f64]) {
            q.fill(s.iter().sum());
        }
        fn convexity(&self) -> Convexity {
            Convexity { m: 0.0, big_m: self.0 as f64 }
        }
    }

    /// Six outputs that share their kinks in part, relu behind abs.
    struct Shared;
    impl Model for Shared {
        fn shape(&self) -> Shape {
            Shape { params: 4, outputs: 6 }
        }
        fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
            let common = (w[0] - w[1] * S::from(0.5)).abs();
            for (i, y) in y.iter_mut().enumerate() {
                let x = S::from(i as f64 - 2.5);
                let own = (w[2] * x + w[3] + common).relu();
                *y = if i < 3 { own * w[1] + common * x } else { own * own };
            }
        }
    }

    fn models() -> Vec<(&'static str, Box<dyn Differentiable>)> {
        let inputs = DMatrix::from_vec(2, 3, Generator::seeded(1).gaussians(6));
        let two = TwoLayer {
            width: 4,
            outputs: 2,
            activation: Activation::Relu,
            biases: true,
            ..TwoLayer::default()
        };
        let two: Network = two.on(inputs.clone()).unwrap();
        let deep =
            Mlp { hidden: vec![4, 3], outputs: 2, activation: Activation::Relu, ..Mlp::default() };
        let deep: Network = deep.on(inputs).unwrap();
        let start = Generator::seeded(2).gaussians(deep.params());
        vec![
            ("two layers", Box::new(two.clone())),
            ("deep", Box::new(deep.clone())),
            ("centred", Box::new(Centred::at(deep, &start))),
            ("doubled", Box::new(Doubled(two))),
            ("user's", Box::new(Shared.auto())),
        ]
    }

    /// The plain twin: everything swept on the new piece.
    fn assert_as_swept(
        name: &str,
        state: &mut State<'_>,
        setting: &Setting<'_>,
        u: &[f64],
        before: (&[f64], &[f64]),
    ) -> (Vec<f64>, Vec<f64>) {
        let found = state.again(setting, u, before);
        let weights = setting.weights(u);
        let mut velocity = vec![0.0; u.len()];
        let drive = state.drive(setting, &weights, &mut velocity, None);
        let note = state.project(&weights, &mut velocity, &drive);
        for (found, wanted) in [(&found.0, &velocity), (&found.1, &note)] {
            let apart: Vec<f64> = found.iter().zip(wanted).map(|(a, b)| a - b).collect();
            // Sums of some tens of products, some of which were added and taken off again.
            let size = norm(before.0) + norm(before.1) + norm(wanted);
            assert!(norm(&apart) <= 1e-13 * size, "{name}: {:e} of {size:e}", norm(&apart));
        }
        found
    }

    #[test]
    fn what_one_sample_changes_is_what_a_whole_sweep_changes() {
        let square = Square::to(Generator::seeded(3).gaussians(6));
        let classes = CrossEntropy::new(vec![0, 1, 1], 2).unwrap();
        let losses: [&dyn Loss; 3] = [&square, &classes, &Coupled(6)];
        for (name, map) in models() {
            for loss in losses {
                let start = Generator::seeded(4).gaussians(map.shape().params);
                let u = Generator::seeded(5).gaussians(start.len());
                let setting =
                    Setting { map: &*map, loss, start: &start, eps: 0.3, initial: vec![0.0; 6] };
                let kinked = map.kinked().unwrap();
                let pieces = Pieces::at(kinked, &start).unwrap();
                let state = &mut *pieces.state.borrow_mut();
                let mut velocity = vec![0.0; u.len()];
                let drive = state.drive(&setting, &setting.weights(&u), &mut velocity, None);
                let mut at = (velocity, drive.outputs);
                for k in 0..kinked.kinks() {
                    // To the other side and, every third, on to slide along it, and off again.
                    state.change.before.clear();
                    state.turn(k, !state.on[k]);
                    at = assert_as_swept(name, state, &setting, &u, (&at.0, &at.1));
                    if k % 3 == 0 {
                        state.turn(k, false);
                        state.sliding.push((k, 0.0));
                        state.projection = state.projection_at(&setting.weights(&u));
                        at = assert_as_swept(name, state, &setting, &u, (&at.0, &at.1));
                        state.change.before = vec![k];
                        state.sliding.clear();
                        state.projection = state.projection_at(&setting.weights(&u));
                        state.turn(k, k % 2 == 0);
                        at = assert_as_swept(name, state, &setting, &u, (&at.0, &at.1));
                    }
                }
            }
        }
    }

    #[test]
    fn one_sample_costs_its_part_of_all() {
        let (_, map) = models().remove(0);
        let start = Generator::seeded(4).gaussians(map.shape().params);
        let loss = Square::to([0.0; 6]);
        let setting =
            Setting { map: &*map, loss: &loss, start: &start, eps: 1.0, initial: vec![0.0; 6] };
        let pieces = Pieces::at(map.kinked().unwrap(), &start).unwrap();
        let state = &mut *pieces.state.borrow_mut();
        state.turn(0, !state.on[0]);
        state.again(&setting, &start, (&start, &[0.0; 6]));
        // Two outputs of six, forward alone and forward and back, on two pieces.
        assert_eq!(state.spent.get(), 1.0);
    }
}
