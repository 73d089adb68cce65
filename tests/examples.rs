//! Each example prints what the file beside it says.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that holds the examples' binaries, beside the command's own.
fn binaries() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_gradflow")).with_file_name("examples")
}

fn prints_its_out(name: &str) {
    prints_its_out_given(name, &[]);
}

fn prints_its_out_given(name: &str, options: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = Command::new(binaries().join(name)).args(options).current_dir(folder.path()).output();
    let run = run.unwrap_or_else(|e| panic!("{name} does not start: {e}"));
    assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let expected = std::fs::read_to_string(expected.with_extension("out")).expect("the .out file");
    assert_eq!(String::from_utf8_lossy(&run.stdout), expected, "{name}");
}

/// The paper's figures at their quick size; those of longer runs are made by `tests/experiments.rs`.
#[test]
fn figures_of_the_paper() {
    for name in ["fig1a", "fig1b", "fig4"] {
        prints_its_out_given(name, &["--quick"]);
    }
}

#[test]
fn first_flow() {
    prints_its_out("first_flow");
}

#[test]
fn own_model() {
    prints_its_out("own_model");
}

#[test]
fn symbolic() {
    prints_its_out("symbolic");
}

#[test]
fn lazy_limit() {
    prints_its_out("lazy_limit");
}

#[test]
fn certify() {
    prints_its_out("certify");
}

#[test]
fn divergence_bounds() {
    prints_its_out("divergence_bounds");
}

#[test]
fn kappa_width() {
    prints_its_out("kappa_width");
}

#[test]
fn lazy_or_not() {
    prints_its_out("lazy_or_not");
}

#[test]
fn logistic() {
    prints_its_out("logistic");
}

#[test]
fn large_user_model() {
    prints_its_out("large_user_model");
}

#[test]
fn double_descent() {
    prints_its_out("double_descent");
}

#[test]
fn fine_grained() {
    prints_its_out("fine_grained");
}

#[test]
fn underspecification() {
    prints_its_out("underspecification");
}

#[test]
fn depth() {
    prints_its_out("depth");
}

#[test]
fn wide_nets() {
    prints_its_out("wide_nets");
}
