//! How much tighter? The measured gap of the outputs under the paper's bounds and under ours, against t and against α.
//!
//! Writes `figures/divergence_bounds.svg` and the numbers beside it.
use gradflow::experiment::{DivergenceBounds, Order, Silent};
use gradflow::figure::Exhibit;
use gradflow::prelude::*;
use gradflow::theory::Quantity;
use std::path::Path;

fn main() -> Result<()> {
    println!("    α   sup‖y − ȳ‖   bound/measured");
    for survey in DivergenceBounds::surveys()?.iter().step_by(4) {
        let alpha = survey.run.curved.alpha;
        println!("{alpha:5}   {:.3e}", survey.run.outputs_gap.scaled / alpha);
        let of_outputs =
            survey.checked.iter().filter(|c| c.theorem.quantity() == Quantity::OutputsGap);
        for checked in of_outputs {
            if let Some(ratio) = checked.ratio() {
                println!("                     {ratio:10.3e}   {}", checked.theorem.name());
            }
        }
    }
    let exhibit = Exhibit::named("divergence_bounds")?;
    exhibit.make(&Order::default(), Path::new("figures"), true, &Silent)?;
    Ok(())
}
