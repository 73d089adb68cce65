//! The command `gradflow`.
fn main() {}
