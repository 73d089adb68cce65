//! Figure 3(a): a convolutional network against its scale α, and its exact linearization.
//!
//! `--data PATH` names images (CIFAR-10's folder, or files), `--data synthetic` a stand-in. Writes `figures/fig3a.svg` and the
//! numbers beside it; with `--quick` a size of seconds, `fig3a_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig3a")
}
