//! Ridge regression on random features, and the shift of inputs that one draw of them does not survive (D'Amour et al. 2020,
//! *Underspecification presents challenges for credibility in modern machine learning*, the section on random features).
//!
//! **Setting.** x uniform on the sphere √d S^(d−1), y = β·x; f(x) = Σⱼ tⱼ relu(wⱼ·x) with N random directions ‖wⱼ‖ = 1 and t of
//! least ‖y − f(X)‖² + λ‖t‖². This is what a two-layer network whose outer layer trains alone becomes at t = ∞ (λ → 0):
//! seeds of a lazy network are independent random features.
//!
//! **Statement.** Predictors from independent features have the same risk in distribution; under a shift of the mean chosen for one
//! of them its risk is much larger than the others'. The section was not at hand: the shift below is *derived afresh*,
//! the one along which the predictor's mean error grows fastest, and the figure `underspecification` shows what it does.
//!
//! That the risks are the same is a limit: they tend to one number, [`RandomFeatures::limit_risk`].
//!
//! **Formulas**, exact at any d since products of two relus or linear functions are homogeneous of degree 2, so that they have
//! on √d S^(d−1) the mean that they have under N(0, Id) (Cho and Saul 2009), θⱼₖ being the angle of wⱼ and wₖ:
//!
//! ```text
//! E (f − y)² = Σⱼₖ tⱼtₖ (sin θⱼₖ + (π − θⱼₖ) cos θⱼₖ)/(2π) − Σⱼ tⱼ wⱼ·β + ‖β‖²,      E ∇f = ½ Σⱼ tⱼ wⱼ.
//! ```

use crate::linalg::{Lu, column_major, dot, gram_of, multiply, norm, transposed_product};
use crate::{Error, Result};
use nalgebra::DMatrix;
use std::f64::consts::PI;

/// f(x) = Σⱼ tⱼ relu(wⱼ·x).
#[derive(Debug, Clone, PartialEq)]
pub struct RandomFeatures {
    inner: DMatrix<f64>,
    outer: Vec<f64>,
}

impl RandomFeatures {
    /// Fitted to `target` (length n) at `inputs` (d × n): `inner` is d × N with wⱼ as columns, `ridge` is λ > 0.
    ///
    /// # Errors
    /// [`Error::Shape`] for sizes that do not fit; [`Error::Value`] for a λ that is not positive and finite, or numbers
    /// so large that the solution is not finite.
    ///
    /// ```
    /// use gradflow::theory::RandomFeatures;
    /// use nalgebra::dmatrix;
    /// // One feature relu(x), one sample x = 2, y = 3: t = 2·3/(2² + 1).
    /// let f = RandomFeatures::fitted(dmatrix![1.0], &dmatrix![2.0], &[3.0], 1.0)?;
    /// let found = f.values(&dmatrix![1.0, -1.0])?;
    /// assert!((found[0] - 1.2).abs() < 1e-15 && found[1] == 0.0);
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn fitted(
        inner: DMatrix<f64>,
        inputs: &DMatrix<f64>,
        target: &[f64],
        ridge: f64,
    ) -> Result<Self> {
        if !(ridge.is_finite() && ridge > 0.0) {
            return Err(Error::value("ridge λ", ridge, "a positive number"));
        }
        check("target", target.len(), inputs.ncols())?;
        let mut found = RandomFeatures { outer: vec![0.0; inner.ncols()], inner };
        let features = found.features(inputs)?;
        // t = Φᵀ(ΦΦᵀ + λ)⁻¹y, Φ being n × N; `features` is its transpose.
        let view = column_major(features.as_slice(), features.nrows(), features.ncols());
        let mut kernel = gram_of(view.transpose());
        (0..kernel.nrows()).for_each(|i| kernel[(i, i)] += ridge);
        let mut parts = target.to_vec();
        Lu::new(&kernel).solve(&mut parts);
        multiply(&mut found.outer, false, &features, false, &parts);
        match found.outer.iter().find(|t| !t.is_finite()) {
            Some(t) => Err(Error::value("outer weight", *t, "a finite number; scale the data")),
            None => Ok(found),
        }
    }

    /// relu(wⱼ·xᵢ), N × n.
    fn features(&self, inputs: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        check("dimension of the inputs", inputs.nrows(), self.inner.nrows())?;
        Ok(transposed_product(&self.inner, inputs).map(|z| z.max(0.0)))
    }

    /// f at `inputs`, d × n.
    ///
    /// # Errors
    /// [`Error::Shape`] for inputs of another dimension.
    pub fn values(&self, inputs: &DMatrix<f64>) -> Result<Vec<f64>> {
        let features = self.features(inputs)?;
        let mut y = vec![0.0; inputs.ncols()];
        multiply(&mut y, false, &features, true, &self.outer);
        Ok(y)
    }

    /// E (f(x) − β·x)² for x uniform on √d S^(d−1), ‖wⱼ‖ = 1; β has length d.
    ///
    /// # Errors
    /// [`Error::Shape`] for a β of another length.
    pub fn risk(&self, beta: &[f64]) -> Result<f64> {
        check("β", beta.len(), self.inner.nrows())?;
        let inner = column_major(self.inner.as_slice(), self.inner.nrows(), self.inner.ncols());
        let products = gram_of(inner.transpose()).map(|c| {
            let c = c.clamp(-1.0, 1.0);
            ((1.0 - c * c).sqrt() + (PI - c.acos()) * c) / (2.0 * PI)
        });
        let mut image = vec![0.0; self.outer.len()];
        multiply(&mut image, false, &products, false, &self.outer);
        let gradient = self.mean_gradient();
        Ok(dot(&image, &self.outer) - 2.0 * dot(&gradient, beta) + dot(beta, beta))
    }

    /// E ∇f = ½ Σⱼ tⱼ wⱼ, of length d, for x of a law that is symmetric about 0.
    pub fn mean_gradient(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.inner.nrows()];
        multiply(&mut sum, false, &self.inner, false, &self.outer);
        sum.iter_mut().for_each(|g| *g *= 0.5);
        sum
    }

    /// The shift of length `size` along E ∇f − β: where the mean of f(x + μ) − β·(x + μ) grows fastest.
    ///
    /// # Errors
    /// [`Error::Shape`] for a β of another length.
    pub fn worst_shift(&self, beta: &[f64], size: f64) -> Result<Vec<f64>> {
        check("β", beta.len(), self.inner.nrows())?;
        Ok(shift_along(&self.mean_gradient(), beta, size))
    }
}

/// The shift of length `size` along `gradient` − β; zero where they are equal.
pub(crate) fn shift_along(gradient: &[f64], beta: &[f64], size: f64) -> Vec<f64> {
    let off: Vec<f64> = gradient.iter().zip(beta).map(|(g, b)| g - b).collect();
    let length = norm(&off);
    let factor = if length > 0.0 { size / length } else { 0.0 };
    off.into_iter().map(|g| factor * g).collect()
}

fn check(what: &str, found: usize, wanted: usize) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::Shape {
        what: what.into(),
        found: found.to_string(),
        wanted: wanted.to_string(),
        remedy: "give a column per sample, and features and inputs of one dimension",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Flow;
    use crate::loss::Square;
    use crate::model::{Activation, Restricted, Scaling, TwoLayer};
    use crate::random::Generator;
    use crate::solve::Eigen;

    fn sphere(d: usize, n: usize, radius: f64, generator: &mut Generator) -> DMatrix<f64> {
        DMatrix::from_vec(d, n, (0..n).flat_map(|_| generator.sphere(d)).collect()) * radius
    }

    /// Risk, mean gradient and the effect of a small shift, by 4·10⁵ fresh inputs, to five standard errors or so.
    #[test]
    fn risk_and_mean_gradient_are_those_of_samples() {
        let (d, n, features) = (3, 7, 5);
        let mut generator = Generator::seeded(0);
        let radius = (d as f64).sqrt();
        let x = sphere(d, n, radius, &mut generator);
        let (inner, beta) = (sphere(d, features, 1.0, &mut generator), generator.sphere(d));
        let target: Vec<f64> = x.column_iter().map(|x| dot(x.as_slice(), &beta)).collect();
        let f = RandomFeatures::fitted(inner, &x, &target, 0.1).unwrap();
        let fresh = sphere(d, 400_000, radius, &mut generator);
        let values = f.values(&fresh).unwrap();
        let (mut risk, mut gradient) = (0.0, vec![0.0; d]);
        for (x, value) in fresh.column_iter().zip(&values) {
            risk += (value - dot(x.as_slice(), &beta)).powi(2) / values.len() as f64;
            for (w, t) in f.inner.column_iter().zip(&f.outer) {
                if w.dot(&x) > 0.0 {
                    gradient
                        .iter_mut()
                        .zip(&w)
                        .for_each(|(g, w)| *g += t * w / values.len() as f64);
                }
            }
        }
        let error = 5.0 / (values.len() as f64).sqrt();
        assert!((f.risk(&beta).unwrap() - risk).abs() < error * (1.0 + risk));
        let found = f.mean_gradient();
        assert!(
            found.iter().zip(&gradient).all(|(a, b)| (a - b).abs() < error),
            "{found:?} {gradient:?}"
        );
        let shift = f.worst_shift(&beta, 2.0).unwrap();
        assert!((norm(&shift) - 2.0).abs() < 1e-14);
        // Along it, and in no other direction, the mean error grows at the rate ‖E ∇f − β‖; by central differences.
        let size = 0.05;
        let grown = |shift: &[f64]| {
            let ends = [1.0, -1.0].map(|sign| {
                let mut x = fresh.clone();
                x.column_iter_mut()
                    .for_each(|mut x| x.iter_mut().zip(shift).for_each(|(x, s)| *x += sign * s));
                f.values(&x).unwrap().iter().sum::<f64>() / values.len() as f64
            });
            (ends[0] - ends[1]) / (2.0 * size) - dot(shift, &beta) / size
        };
        let off: Vec<f64> = found.iter().zip(&beta).map(|(g, b)| g - b).collect();
        let worst = f.worst_shift(&beta, size).unwrap();
        assert!((grown(&worst) - norm(&off)).abs() < error, "{} {}", grown(&worst), norm(&off));
        let other: Vec<f64> = generator.sphere(d).iter().map(|u| size * u).collect();
        assert!((grown(&other) - dot(&other, &off) / size).abs() < error);
        assert!(grown(&other) < grown(&worst));
    }

    /// A network whose outer layer alone trains, from zero, ends at the ridgeless fit on its relus, its limit of small λ.
    #[test]
    fn an_outer_layer_trains_to_the_ridgeless_fit() {
        let (d, n, width) = (4, 6, 15);
        let mut generator = Generator::seeded(1);
        let x = sphere(d, n, 2.0, &mut generator);
        let inner = sphere(d, width, 1.0, &mut generator);
        let target = generator.gaussians(n);
        let net = TwoLayer {
            width,
            activation: Activation::Relu,
            scaling: Scaling::One,
            ..TwoLayer::default()
        };
        let net = net.on(x.clone()).unwrap();
        // Column-major d × width is B by rows.
        let mut start = inner.as_slice().to_vec();
        start.extend(vec![0.0; width]);
        let part = Restricted::to(&net, &start, d * width..start.len(), 0..n);
        let own = part.own_start().to_vec();
        let flow = Flow::new(part, Square::to(target.clone()), own);
        let end = flow.linearized().solve(&Eigen, &[0.0, f64::INFINITY]).unwrap().weights(1);
        let fitted = RandomFeatures::fitted(inner, &x, &target, 1e-9).unwrap();
        let size = norm(&end);
        assert!(end.iter().zip(&fitted.outer).all(|(a, b)| (a - b).abs() < 1e-6 * size));
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let (w, x) = (DMatrix::from_element(2, 3, 1.0), DMatrix::from_element(2, 4, 1.0));
        let good = RandomFeatures::fitted(w.clone(), &x, &[1.0; 4], 1.0).unwrap();
        assert!(RandomFeatures::fitted(w.clone(), &x, &[1.0; 3], 1.0).is_err());
        assert!(RandomFeatures::fitted(w.clone(), &x, &[1.0; 4], 0.0).is_err());
        assert!(RandomFeatures::fitted(w, &x, &[f64::MAX; 4], 1e-300).is_err());
        assert!(good.values(&DMatrix::zeros(3, 1)).is_err() && good.risk(&[1.0]).is_err());
        assert!(good.worst_shift(&[1.0; 3], 1.0).is_err());
        // A predictor without error in the mean has no worst shift.
        assert_eq!(good.worst_shift(&good.mean_gradient(), 1.0).unwrap(), [0.0, 0.0]);
    }
}
