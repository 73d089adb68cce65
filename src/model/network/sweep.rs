//! One sweep forward, one back: values, tangents, gradients.

use super::super::activation::Resting;
use super::Network;
use std::sync::{Arc, Mutex, PoisonError};

/// The network evaluated at one point.
#[derive(Debug)]
pub(crate) struct Evaluation {
    w: Vec<f64>,
    /// Each hidden layer, n × width.
    pub(crate) hidden: Vec<Resting>,
    /// h(w), of length N.
    pub(crate) outputs: Vec<f64>,
}

/// The last evaluation, shared between threads; a clone starts with none.
#[derive(Debug, Default)]
pub(crate) struct LastStart(Mutex<Option<Arc<Evaluation>>>);

impl Clone for LastStart {
    fn clone(&self) -> Self {
        LastStart::default()
    }
}

impl LastStart {
    /// The evaluation at `w`, remembered or made.
    fn get(&self, w: &[f64], make: impl FnOnce() -> Evaluation) -> Arc<Evaluation> {
        let slot = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = slot().as_ref().filter(|last| same_bits(&last.w, w)) {
            return Arc::clone(last);
        }
        let made = Arc::new(make());
        *slot() = Some(Arc::clone(&made));
        made
    }
}

/// Equality that tells 0 from −0 and finds NaN equal to itself.
fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

impl Network {
    /// Everything that one evaluation at `w` finds.
    pub(crate) fn at(&self, w: &[f64]) -> Arc<Evaluation> {
        self.last_start.get(w, || self.evaluate(w))
    }

    fn evaluate(&self, w: &[f64]) -> Evaluation {
        let n = self.samples();
        let mut hidden: Vec<Resting> = Vec::with_capacity(self.layers.len() - 1);
        for (l, layer) in self.layers.iter().enumerate() {
            let mut z = vec![0.0; n * layer.outputs];
            layer.affine(&mut z, self.fed(l, |l| &hidden[l].value), w);
            if l + 1 == self.layers.len() {
                return Evaluation { w: w.to_vec(), hidden, outputs: z };
            }
            let (mut value, mut slope) = (vec![0.0; z.len()], vec![0.0; z.len()]);
            self.activation.fill(&z, &mut value, &mut slope);
            hidden.push(Resting { z, value, slope });
        }
        Evaluation { w: w.to_vec(), hidden, outputs: Vec::new() }
    }

    /// `dy` ← Dh(w) dw: Ż = s (A dWᵀ + Ȧ Wᵀ) + β db, Ȧ = φ'(Z) Ż.
    pub(crate) fn forward_tangent(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        let (at, n) = (self.at(w), self.samples());
        let mut tangent = self.buffers.take(0);
        for (l, layer) in self.layers.iter().enumerate() {
            let mut z = self.buffers.take(n * layer.outputs);
            layer.affine(&mut z, self.fed(l, |l| &at.hidden[l].value), dw);
            if l > 0 {
                layer.forward(true, &mut z, &tangent, w);
            }
            if let Some(hidden) = at.hidden.get(l) {
                z.iter_mut().zip(&hidden.slope).for_each(|(z, slope)| *z *= slope);
            }
            tangent = z;
        }
        dy.copy_from_slice(&tangent);
    }

    /// `dw` ← Dh(w)ᵀ dy: dW = s Gᵀ A, then G ← φ'(Z) · s G W.
    pub(crate) fn backward_signal(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        let (at, n) = (self.at(w), self.samples());
        let mut signal = self.buffers.take(dy.len());
        signal.copy_from_slice(dy);
        for (l, layer) in self.layers.iter().enumerate().rev() {
            let fed = self.fed(l, |l| &at.hidden[l].value);
            layer.weight_gradient(false, dw, &signal, fed);
            layer.bias_gradient(dw, &signal);
            if l > 0 {
                let mut h = self.buffers.take(n * layer.inputs);
                layer.backward(false, &mut h, &signal, w);
                h.iter_mut().zip(&at.hidden[l - 1].slope).for_each(|(h, slope)| *h *= slope);
                signal = h;
            }
        }
    }
}
