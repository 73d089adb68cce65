//! Figure 4: random tangent kernels against their limit.
//!
//! Writes `figures/fig4.svg` and the numbers beside it; with `--quick` a size of seconds, `fig4_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig4")
}
