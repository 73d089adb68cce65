//! Figure 2(a): the test loss against the width, for the scalings 1/√m and 1/m.
//!
//! Writes `figures/fig2a.svg` and the numbers beside it; with `--quick` a size of seconds, `fig2a_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig2a")
}
