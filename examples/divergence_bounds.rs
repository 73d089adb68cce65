//! How much tighter? The measured gap of the outputs under the paper's bounds and under ours, against t and against α.
//!
//! Writes `figures/divergence_bounds.svg` and the numbers beside it.
use gradflow::constants::Neighbourhood;
use gradflow::data::synthetic::Teacher;
use gradflow::experiment::{Survey, bounds_table};
use gradflow::figure::Figure;
use gradflow::prelude::*;
use std::path::Path;

fn main() -> Result<()> {
    let data = Teacher::seeded(3, 2)?.train_and_test(3, 1)?.0;
    let net = TwoLayer { width: 40, ..TwoLayer::default() }.on(data.inputs().clone())?;
    let mut generator = Generator::seeded(2);
    let w0 = Initialization::Gaussian(1.0).weights(&net, &mut || generator.gaussian());
    let map = Centred::at(&net, &w0);
    let near = Neighbourhood::of(&map, &w0)?;
    let flow = Flow::new(&map, Square::to(data.targets_sample_major()), w0.clone());
    let times = logarithmic(1e-2, 20.0, 60);
    let alphas: Vec<f64> = (0..=12).map(|k| 10_f64.powf(0.25 * f64::from(k))).collect();
    let asked = ["2.3", "2.4", "1", "2", "A"];
    let surveys = alphas
        .iter()
        .map(|&a| Survey::of(&flow.at_scale(a), &near, &Gap::default(), &times, &asked))
        .collect::<Result<Vec<_>>>()?;
    println!("    α   sup‖y − ȳ‖   bound/measured");
    for survey in surveys.iter().step_by(4) {
        let alpha = survey.run.curved.alpha;
        println!("{alpha:5}   {:.3e}", survey.run.outputs_gap.scaled / alpha);
        for checked in &survey.checked {
            if let Some(ratio) = checked
                .ratio()
                .filter(|_| checked.theorem.quantity() == gradflow::theory::Quantity::OutputsGap)
            {
                println!("                     {ratio:10.3e}   {}", checked.theorem.name());
            }
        }
    }
    let table = bounds_table(&surveys, 12)?
        .note("model", "two-layer tanh network, width 40, 1/√m, centred")
        .note("data", data.source())
        .note("loss", flow.loss.name())
        .note("horizon", 20)
        .note("rtol", "1e-8")
        .note("seed", 2);
    let path = Path::new("figures/divergence_bounds.svg");
    table.write(&path.with_extension("csv"))?;
    Figure::named("divergence-bounds")?.draw(&table, path)
}
