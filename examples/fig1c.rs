//! Figure 1(c): the test loss against the scale of the start, and the linearization's.
//!
//! Writes `figures/fig1c.svg` and the numbers beside it; with `--quick` a size of seconds, `fig1c_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig1c")
}
