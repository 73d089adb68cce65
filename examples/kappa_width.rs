//! How width makes a two-layer network lazy, and why the mean-field scaling does not: κ against m.
//!
//! Writes `figures/kappa_width.svg` and the numbers beside it.
use gradflow::experiment::{EXPONENTS, KappaWidth, expected_slope, kappa_column};
use gradflow::figure::Figure;
use gradflow::prelude::*;
use std::path::Path;

fn main() -> Result<()> {
    let table = KappaWidth::default().table()?;
    let widths = table.column("width")?;
    for kind in ["kappa", "symmetrized"] {
        for a in EXPONENTS {
            let kappa = table.column(&kappa_column(kind, a))?;
            let last = widths.len() - 1;
            let slope =
                (kappa[last] / kappa[last - 2]).ln() / (widths[last] / widths[last - 2]).ln();
            let theory = expected_slope(kind, a);
            println!("{kind:>11}, scaling m^-{a}: slope {slope:5.2} in m, theory {theory:5.2}");
        }
    }
    let path = Path::new("figures/kappa_width.svg");
    table.write(&path.with_extension("csv"))?;
    Figure::named("kappa-width")?.draw(&table, path)
}
