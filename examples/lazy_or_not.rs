//! The same network, from small scales to large: when is it lazy? κ is computed before training; the share of the
//! weights' motion that the linearization misses, after it.
use gradflow::constants::{Laziness, Neighbourhood, OneStep};
use gradflow::data::synthetic::Teacher;
use gradflow::prelude::*;

fn main() -> Result<()> {
    let data = Teacher::seeded(4, 0)?.train_and_test(8, 1)?.0;
    let net = TwoLayer { width: 32, ..TwoLayer::default() }.on(data.inputs().clone())?;
    let mut generator = Generator::seeded(0);
    let w0 = Initialization::Gaussian(1.0).weights(&net, &mut || generator.gaussian());
    let map = Centred::at(&net, &w0);
    let near = Neighbourhood::of(&map, &w0)?;
    let flow = Flow::new(&map, Square::to(data.targets_sample_major()), w0.clone());
    println!("    α   κ between            one step Δ(Dh)/Δ(F)   sup‖w − w̄‖/sup‖w − w₀‖");
    for alpha in [0.1, 1.0, 10.0, 100.0] {
        let flow = flow.at_scale(alpha);
        let kappa = Laziness::of(&flow, &near)?.expect("a square loss has a minimizer").kappa();
        let step = OneStep::of(&flow, &near)?.ratio;
        let found = Gap::default().solve(&flow, &logarithmic(0.01, 50.0, 60))?;
        let missed = found.weights_gap.scaled / alpha / found.displacement.scaled;
        println!(
            "{alpha:5}   {:.2e} and {:.2e}   {step:19.2e}   {missed:22.2e}",
            kappa.lower, kappa.upper
        );
    }
    Ok(())
}
