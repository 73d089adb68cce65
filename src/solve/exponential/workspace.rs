//! The memory that steps work with, kept from one to the next: a step in the loop asks for none.

use super::past::{Motion, Value, View};
use super::phi::Weights;
use super::polynomial::MOST;

/// What steps work with.
#[derive(Default)]
pub(super) struct Workspace {
    pub(super) weights: Weights,
    /// The past from the beginning of the step, and from its end.
    pub(super) before: View,
    pub(super) after: View,
    /// Values and motions that nobody needs any more.
    pub(super) values: Vec<Value>,
    pub(super) motions: Vec<Motion>,
    /// Of length p, and two with a number per mode.
    pub(super) long: Vec<f64>,
    pub(super) short: [Vec<f64>; 2],
}

impl Workspace {
    /// With room for all values that there can be: pages are not touched before they are used.
    pub(super) fn new(p: usize, modes: usize) -> Self {
        let fresh = || Value {
            time: 0.0,
            f: vec![0.0; p],
            f_image: vec![0.0; modes],
            x: vec![0.0; p],
            x_image: vec![0.0; modes],
            note: Vec::new(),
        };
        let mut values = Vec::with_capacity(2 * MOST);
        values.extend(std::iter::repeat_with(fresh).take(MOST + 1));
        Workspace { values, motions: Vec::with_capacity(MOST), ..Workspace::default() }
    }

    /// A motion to write to.
    pub(super) fn motion(&mut self) -> Motion {
        self.motions.pop().unwrap_or_default()
    }

    /// A value to write to, for vectors of length p and images of this length.
    pub(super) fn value(&mut self, p: usize, modes: usize) -> Value {
        let mut value = self.values.pop().unwrap_or_default();
        value.f.resize(p, 0.0);
        value.x.resize(p, 0.0);
        value.f_image.resize(modes, 0.0);
        value.x_image.resize(modes, 0.0);
        value
    }
}
