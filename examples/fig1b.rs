//! Figure 1(b): from a large start neurons hardly move.
//!
//! Writes `figures/fig1b.svg` and the numbers beside it; with `--quick` a size of seconds, `fig1b_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig1b")
}
