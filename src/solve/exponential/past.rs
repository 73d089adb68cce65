//! What a multistep method remembers, and the combinations it makes of it.
//!
//! The flow x' = f(t, x) is split as x' = −L (x − xₙ) + g(t) with g = f + L (x − xₙ), and g is replaced by a polynomial
//! `Σ_q` σ^q `G_q`, σ = (t − tₙ)/h, through past values. Then exactly
//!
//! ```text
//! x(tₙ + h) = xₙ + h Σ_q q! φ_{q+1}(−hL) G_q.
//! ```

use super::phi::Weights;
use super::polynomial::{Nodes, from_roots};
use super::tangent::Tangent;

/// A value of f. Images are `UᵀJ` of what they are images of.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) time: f64,
    /// f, of length p, and its image.
    pub(super) f: Vec<f64>,
    pub(super) f_image: Vec<f64>,
    /// The x that f was taken at, and its image.
    pub(super) x: Vec<f64>,
    pub(super) x_image: Vec<f64>,
    /// What is remembered with f where kinks are followed (`Switching::note`), else nothing.
    pub(super) note: Vec<f64>,
}

impl Value {
    /// Adds `share` times another value to this one, whose time stays.
    pub(super) fn add(&mut self, share: f64, other: &Value) {
        add(&mut self.f, share, &other.f);
        add(&mut self.f_image, share, &other.f_image);
        add(&mut self.x, share, &other.x);
        add(&mut self.x_image, share, &other.x_image);
        add(&mut self.note, share, &other.note);
    }
}

/// A displacement Σⱼ βⱼ fⱼ + `JᵀU` a, and its image.
#[derive(Debug, Clone)]
pub(super) struct Motion {
    pub(super) combination: Vec<f64>,
    pub(super) lifted: Vec<f64>,
    pub(super) image: Vec<f64>,
}

/// Values from the newest on, seen from a step that begins at `begin` with state image `x_image`.
pub(super) struct View<'a> {
    values: Vec<&'a Value>,
    /// Times of the values in units of the step.
    nodes: Vec<f64>,
    /// Images of g = f + L (x − xₙ).
    images: Vec<Vec<f64>>,
    length: f64,
    tangent: &'a Tangent<'a>,
    x_image: &'a [f64],
}

impl<'a> View<'a> {
    /// The values as seen from a step of that length.
    pub(super) fn new(
        values: impl Iterator<Item = &'a Value>,
        (begin, length): (f64, f64),
        x_image: &'a [f64],
        tangent: &'a Tangent<'a>,
    ) -> Self {
        let values: Vec<&Value> = values.collect();
        let nodes = values.iter().map(|v| (v.time - begin) / length).collect();
        let images = values.iter().map(|v| image_of_g(v, x_image, tangent.rates())).collect();
        View { values, nodes, images, length, tangent, x_image }
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Over the whole step, with the polynomial through the newest `count` values.
    pub(super) fn motion(&self, count: usize, weights: &Weights) -> Motion {
        let rows = Nodes(&self.nodes[..count]).interpolation();
        let (modes, h) = (self.x_image.len(), self.length);
        let mut combination = vec![0.0; count];
        let (mut image, mut lifted) = (vec![0.0; modes], vec![0.0; modes]);
        for (q, row) in rows.iter().enumerate() {
            let mut g = vec![0.0; modes];
            for (c, values) in row.iter().zip(&self.images) {
                add(&mut g, *c, values);
            }
            for (((image, lifted), g), (moved, lift)) in image
                .iter_mut()
                .zip(&mut lifted)
                .zip(&g)
                .zip(weights.moved(q).iter().zip(weights.lifted(q)))
            {
                *image += h * moved * g;
                *lifted -= h * h * lift * g;
            }
            let still = h / power(q + 1);
            combination.iter_mut().zip(row).for_each(|(b, c)| *b += still * c);
        }
        for (beta, value) in combination.iter().zip(&self.values) {
            for ((lifted, x), now) in lifted.iter_mut().zip(&value.x_image).zip(self.x_image) {
                *lifted += beta * (x - now);
            }
        }
        Motion { combination, lifted, image }
    }

    /// `x` += Σⱼ βⱼ fⱼ.
    pub(super) fn add_combination(&self, combination: &[f64], x: &mut [f64]) {
        for (beta, value) in combination.iter().zip(&self.values) {
            add(x, *beta, &value.f);
        }
    }

    /// How far a step through the newest `degree` + 1 values moves from steps whose polynomials leave out one of them,
    /// for each number in `left_out`; good to a hundredth of `tolerance`.
    pub(super) fn differences<const K: usize>(
        &self,
        degree: usize,
        left_out: [usize; K],
        weights: &Weights,
        tolerance: f64,
    ) -> [f64; K] {
        let nodes = &self.nodes[..=degree];
        let modes = self.x_image.len();
        let (mut g, mut f_image) = (vec![0.0; modes], vec![0.0; modes]);
        let mut f = vec![0.0; self.values[0].f.len()];
        for ((d, value), image) in
            Nodes(nodes).difference().iter().zip(&self.values).zip(&self.images)
        {
            add(&mut g, *d, image);
            add(&mut f_image, *d, &value.f_image);
            add(&mut f, *d, &value.f);
        }
        let parts = left_out.map(|left_out| {
            let roots = (0..=degree).filter(|i| *i != left_out).map(|i| nodes[i]);
            let mut still = 0.0;
            let mut after = vec![0.0; modes];
            for (q, c) in from_roots(roots).iter().enumerate() {
                still += self.length * c / power(q + 1);
                add(&mut after, self.length * c, weights.moved(q));
            }
            after.iter_mut().zip(&g).for_each(|(a, g)| *a *= g);
            (still, self.tangent.seen(&after))
        });
        let largest = parts.iter().fold(0.0, |m: f64, (still, _)| m.max(still.abs()));
        let unseen = self.tangent.unseen(&f, &f_image, 0.01 * tolerance / largest);
        parts.map(|(still, seen)| (still * still * unseen + seen).sqrt())
    }
}

/// `sum` += c v.
fn add(sum: &mut [f64], c: f64, v: &[f64]) {
    sum.iter_mut().zip(v).for_each(|(s, v)| *s += c * v);
}

/// The image of f + L (x − xₙ).
fn image_of_g(value: &Value, x_image: &[f64], rates: &[f64]) -> Vec<f64> {
    let parts = value.f_image.iter().zip(rates).zip(value.x_image.iter().zip(x_image));
    parts.map(|((f, rate), (x, now))| f + rate * (x - now)).collect()
}

#[allow(clippy::cast_precision_loss, reason = "a small power")]
fn power(q: usize) -> f64 {
    q as f64
}
