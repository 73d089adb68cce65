//! A loss other than the square: under the logistic loss no output is a minimizer, so that neither κ nor the theorems
//! with a rate apply. Theorem 3 asks for convexity only, and bounds both gaps along the computed path.
use gradflow::data::synthetic::clusters;
use gradflow::prelude::*;
use gradflow::theory::{ConvexLoss, Theorem};

fn main() -> Result<()> {
    let data = clusters(8, 2, 2.0, 0)?;
    let net = TwoLayer { width: 16, ..TwoLayer::default() }.on(data.inputs().clone())?;
    let mut generator = Generator::seeded(0);
    let w0 = Initialization::Gaussian(1.0).weights(&net, &mut || generator.gaussian());
    let loss = Logistic::new(data.targets_sample_major())?;
    let flow = Flow::new(Centred::at(&net, &w0), loss, w0);
    let times = logarithmic(0.01, 20.0, 60);
    println!("    α    sup‖w − w̄‖  Theorem 3   sup‖y − ȳ‖  Theorem 3");
    for alpha in [1.0, 10.0, 100.0, 1000.0] {
        let found = ConvexLoss::of(&flow.at_scale(alpha), &times, &Gap::default())?;
        let sup = |gaps: &[f64]| gaps.iter().copied().fold(0.0, f64::max);
        let (w, y) = (sup(&found.weights_gap) / alpha / alpha, sup(&found.outputs_gap) / alpha);
        let bound = |theorem: &dyn Theorem| theorem.bound(20.0).expect("a convex loss, no kinks");
        let (over_w, over_y) = (bound(&found.weights), bound(&found.outputs));
        println!("{alpha:5}   {w:10.3e}  {over_w:10.3e}   {y:10.3e}  {over_y:10.3e}");
    }
    Ok(())
}
