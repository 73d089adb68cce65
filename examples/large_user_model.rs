//! Your own h need not be small: a two-layer network written as plain loops, with 2000 parameters and 100 outputs.
use gradflow::prelude::*;
use gradflow::random::Generator;

/// h(w)ᵢ = 200^(−1/2) Σⱼ aⱼ tanh(bⱼ·xᵢ + cⱼ), the ten numbers of a neuron next to each other in w.
struct Neurons {
    inputs: Vec<[f64; 8]>,
}

impl Model for Neurons {
    fn shape(&self) -> Shape {
        Shape { params: 2000, outputs: self.inputs.len() }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        for (y, x) in y.iter_mut().zip(&self.inputs) {
            let mut sum = S::from(0.0);
            for neuron in w.chunks_exact(10) {
                let activation = (0..8).fold(neuron[8], |z, k| z + neuron[k] * S::from(x[k]));
                sum = sum + neuron[9] * activation.tanh();
            }
            *y = sum * S::from(0.005_f64.sqrt());
        }
    }
}

fn main() -> Result<()> {
    let mut chance = Generator::seeded(0);
    let inputs = vec![[0.0; 8]; 100].iter().map(|x| x.map(|_| chance.gaussian())).collect();
    let start: Vec<f64> = chance.gaussians(2000).iter().map(|w| 0.5 * w).collect();
    let model = Centred::at(Neurons { inputs }.auto(), &start);
    let flow = Flow::new(model, Square::to(chance.gaussians(100)), start).scaled(10.0);
    let path = flow.solve(&Tsit45::default(), &uniform(0.04, 4))?;
    for (t, y) in path.times.iter().zip(&path.outputs) {
        println!("t = {t:.2}: loss {:.3}", flow.loss.value(y));
    }
    Ok(())
}
