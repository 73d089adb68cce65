//! Figure 2(b): the population loss against the scale of the start, and the exact lazy limit.
//!
//! Writes `figures/fig2b.svg` and the numbers beside it; with `--quick` a size of seconds, `fig2b_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig2b")
}
