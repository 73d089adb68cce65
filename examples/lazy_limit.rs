//! The paper's Theorem 2.2 as a picture: how the gaps of a network close as α grows, beside their sharp constants.
//!
//! Writes `lazy_limit` (centred) and `lazy_limit_doubled` into `figures/`, each as SVG and CSV.
use gradflow::experiment::{Order, Silent};
use gradflow::figure::Exhibit;
use gradflow::prelude::*;
use std::path::Path;

fn main() -> Result<()> {
    for name in ["lazy_limit", "lazy_limit_doubled"] {
        let exhibit = Exhibit::named(name)?;
        let outcome = exhibit.make(&Order::default(), Path::new("figures"), true, &Silent)?;
        println!("{name}: {}", exhibit.shows);
        for check in outcome.checks {
            println!(
                "  {} {:.3}, theory {}",
                check.quantity,
                check.found,
                check.paper.unwrap_or(f64::NAN)
            );
        }
    }
    Ok(())
}
