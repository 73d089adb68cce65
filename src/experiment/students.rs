//! The paper's students: two-layer relu networks, f(x) = Σⱼ aⱼ relu(bⱼ·x), beside a teacher of three neurons
//! (Chizat et al. 2019, §3.1, with the settings of the authors' code).

use super::plan::Order;
use crate::Result;
use crate::data::synthetic::Teacher;
use crate::flow::Flow;
use crate::loss::{Square, SquareScale};
use crate::model::{Activation, Network, Scaling, TwoLayer, doubled_start};
use crate::random::Generator;

/// How the student's neurons are drawn, before they are multiplied by τ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neurons {
    /// Everything N(0, 1).
    Gaussian,
    /// The same, the second half of the neurons a copy of the first with the outer weight |a| turned to −|a|.
    GaussianDoubled,
    /// Inner weights uniform on the sphere, outer weights uniform on (0, 1) in the first half of the neurons and on
    /// (−1, 0) in the second.
    Sphere,
    /// The same, the second half a copy of the first but for the sign of the outer weights.
    SphereDoubled,
}

/// A teacher, samples to train on and to test on, and a network over each.
pub(super) struct Student {
    pub(super) teacher: Teacher,
    pub(super) net: Network,
    pub(super) elsewhere: Network,
    /// f at the samples.
    pub(super) target: Vec<f64>,
    pub(super) test_target: Vec<f64>,
    /// The neurons drawn at τ = 1: B by rows, then a.
    pub(super) neurons: Vec<f64>,
}

/// Sizes of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Dimension of the inputs.
    pub(super) d: usize,
    /// Training samples.
    pub(super) n: usize,
    /// Test samples.
    pub(super) test: usize,
    /// Neurons.
    pub(super) width: usize,
}

impl Student {
    /// Repetition `repeat`: teacher, data and neurons are its own.
    pub(super) fn drawn(
        order: &Order,
        sizes: Sizes,
        neurons: Neurons,
        repeat: usize,
    ) -> Result<Self> {
        let teacher = Teacher::seeded(sizes.d, order.seed_of(repeat))?;
        let (train, test) = teacher.train_and_test(sizes.n, sizes.test)?;
        let (target, test_target) = (train.targets_sample_major(), test.targets_sample_major());
        let net = network(sizes.width).on(train.inputs().clone())?;
        let elsewhere = net.with_inputs(test.inputs().clone())?;
        let mut stream = order.stream("student", repeat).split(&sizes.width.to_string());
        let neurons = neurons.draw(&net, sizes, &mut stream)?;
        Ok(Student { teacher, net, elsewhere, target, test_target, neurons })
    }

    /// The neurons times τ.
    pub(super) fn start(&self, tau: f64) -> Vec<f64> {
        self.neurons.iter().map(|w| tau * w).collect()
    }

    /// The flow from the neurons times τ, under half the mean square.
    pub(super) fn flow(&self, tau: f64) -> Flow<&Network, Square> {
        let loss = Square::to(self.target.clone()).scaled(SquareScale::HalfMean);
        Flow::new(&self.net, loss, self.start(tau))
    }

    /// Half the mean square on the test samples, for outputs of f.
    pub(super) fn test_loss(&self, outputs: &[f64]) -> f64 {
        half_mean_square(outputs, &self.test_target)
    }
}

/// 1/(2n) Σ (yᵢ − tᵢ)².
pub(super) fn half_mean_square(y: &[f64], target: &[f64]) -> f64 {
    let sum: f64 = y.iter().zip(target).map(|(y, t)| (y - t).powi(2)).sum();
    0.5 * sum / target.len() as f64
}

/// Σⱼ aⱼ relu(bⱼ·x), without a factor.
pub(super) fn network(width: usize) -> TwoLayer {
    TwoLayer { width, activation: Activation::Relu, scaling: Scaling::One, ..TwoLayer::default() }
}

impl Neurons {
    fn draw(self, net: &Network, sizes: Sizes, stream: &mut Generator) -> Result<Vec<f64>> {
        let Sizes { d, width, .. } = sizes;
        let mut w = match self {
            Neurons::Gaussian | Neurons::GaussianDoubled => stream.gaussians(width * (d + 1)),
            Neurons::Sphere | Neurons::SphereDoubled => {
                let mut inner: Vec<f64> = (0..width).flat_map(|_| stream.sphere(d)).collect();
                inner.extend((0..width).map(|j| {
                    let size = stream.uniform(0.0, 1.0);
                    if j < width / 2 { size } else { -size }
                }));
                inner
            }
        };
        if self == Neurons::GaussianDoubled {
            w[width * d..].iter_mut().for_each(|a| *a = a.abs());
        }
        if matches!(self, Neurons::GaussianDoubled | Neurons::SphereDoubled) {
            doubled_start(net, &mut w)?;
        }
        Ok(w)
    }
}

/// Mean and, from two values on, standard deviation (divided by n − 1) of `values`.
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Differentiable;

    #[test]
    fn doubled_students_begin_at_zero_and_others_do_not() {
        let sizes = Sizes { d: 3, n: 5, test: 4, width: 6 };
        for (neurons, zero) in [
            (Neurons::Gaussian, false),
            (Neurons::GaussianDoubled, true),
            (Neurons::Sphere, false),
            (Neurons::SphereDoubled, true),
        ] {
            let student = Student::drawn(&Order::default(), sizes, neurons, 0).unwrap();
            let mut y = [1.0; 5];
            student.net.value(&student.start(2.0), &mut y);
            assert_eq!(y.iter().all(|y| y.abs() < 1e-15), zero, "{neurons:?}");
        }
    }

    #[test]
    fn repetitions_differ_in_teacher_data_and_neurons() {
        let sizes = Sizes { d: 3, n: 5, test: 4, width: 6 };
        let drawn = |k| Student::drawn(&Order::default(), sizes, Neurons::Gaussian, k).unwrap();
        let (a, b) = (drawn(0), drawn(1));
        assert!(a.net.inputs() != b.net.inputs() && a.neurons != b.neurons);
        assert!(a.teacher.inner() != b.teacher.inner());
    }

    #[test]
    fn a_deviation_divides_by_one_less() {
        assert_eq!(mean_and_deviation(&[1.0, 3.0]), (2.0, 2.0_f64.sqrt()));
    }
}
