//! Wide neural networks of any depth evolve as linear models under gradient descent (Lee et al. 2019). As they widen, the
//! distance to the linear model falls at least as n^(−1/2); at infinite width the trained networks are a Gaussian process, whose mean
//! and variance have closed forms at every time.
use gradflow::prelude::*;
use gradflow::theory::{Schedule, Trained, WideEnsemble, WideNet};
use nalgebra::dmatrix;

fn main() -> Result<()> {
    let (x, y) = (dmatrix![-1.0, 0.2, 0.9; 0.5, -0.8, 0.4], dmatrix![1.0; -0.5; 0.3]);
    let (sigma_w, sigma_b) = (1.5, 0.1);
    println!("    n   sup‖f − f_lin‖   sup‖θ − θ₀‖/√n, means of ten draws");
    let mut generator = Generator::seeded(0);
    for n in [32, 128, 512, 2048] {
        let parametrization = Parametrization::Ntk { sigma_w, sigma_b };
        let net = Mlp { hidden: vec![n], parametrization, ..Mlp::default() }.on(x.clone())?;
        let (mut outputs, mut weights) = (0.0, 0.0);
        for _ in 0..10 {
            let start = Initialization::Ntk.weights(&net, &mut || generator.gaussian());
            let flow = Flow::new(&net, Square::to(y.as_slice().to_vec()), start);
            let found = Gap::default().solve(&flow, &uniform(5.0, 50))?;
            outputs += found.outputs_gap.scaled / 10.0;
            weights += found.displacement.scaled / (n as f64).sqrt() / 10.0;
        }
        println!("{n:5}   {outputs:14.1e}   {weights:14.1e}");
    }
    let net = WideNet::ntk(1, Activation::Tanh, sigma_w, sigma_b)?;
    let nets = WideEnsemble::new(&net, &x, &y, &dmatrix![0.5; 0.5])?;
    println!("    t   f(x) of infinitely wide nets");
    for time in [0.0, 0.5, 2.0, f64::INFINITY] {
        let found = nets.after(Schedule::Flow { time }, Trained::AllLayers)?;
        println!("{time:5}   {:6.3} ± {:.3}", found.mean[0], found.covariance[0].sqrt());
    }
    Ok(())
}
