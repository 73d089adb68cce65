//! How width makes a two-layer network lazy, and why the mean-field scaling does not: κ against m.
//!
//! Writes `figures/kappa_width.svg` and the numbers beside it.
use gradflow::experiment::{Order, Silent};
use gradflow::figure::Exhibit;
use gradflow::prelude::*;
use std::path::Path;

fn main() -> Result<()> {
    let exhibit = Exhibit::named("kappa_width")?;
    let outcome = exhibit.make(&Order::default(), Path::new("figures"), true, &Silent)?;
    for check in outcome.checks {
        let theory = check.paper.unwrap_or(f64::NAN);
        println!("{:<46} {:5.2}, theory {theory:5.2}", check.quantity, check.found);
    }
    Ok(())
}
