//! How fast is a flow solved, or a kernel formed, beside other programs? One problem of a benchmark set, one line of
//! JSON.
//!
//! ```text
//! side_by_side P2 1e-8 100 --data DIR [--activation relu] [--solver NAME] [--repeats 5]
//! side_by_side P5 1e-6 100 --data DIR
//! side_by_side linear P2|P3 --data DIR [--activation relu]
//! side_by_side ntk two|mlp --data DIR [--repeats 5]
//! ```
//!
//! `DIR` holds the set's arrays as `.npy` files: see `benches/README.md`.

mod clock;
mod flow;
mod gap;
mod kernel;
mod linear;

use gradflow::Result;
use gradflow::data::npy;
use gradflow::model::Activation;
use gradflow::solve::Method;
use nalgebra::DMatrix;
use std::path::PathBuf;

/// The command line.
struct Arguments {
    /// The words that are no flags.
    plain: Vec<String>,
    data: PathBuf,
    activation: Activation,
    solver: Method,
    repeats: usize,
}

impl Arguments {
    fn read() -> std::result::Result<Self, String> {
        let mut found = Arguments {
            plain: Vec::new(),
            data: PathBuf::new(),
            activation: Activation::Tanh,
            solver: Method::Automatic,
            repeats: 5,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--") else {
                found.plain.push(word);
                continue;
            };
            let value = words.next().ok_or(format!("--{flag} wants a value"))?;
            let refused = |e: gradflow::Error| e.to_string();
            match flag {
                "data" => found.data = value.into(),
                "activation" => found.activation = Activation::parse(&value).map_err(refused)?,
                "solver" => found.solver = Method::named(&value).map_err(refused)?,
                "repeats" => {
                    found.repeats = value.parse().map_err(|e| format!("--repeats: {e}"))?;
                }
                _ => return Err(format!("there is no --{flag}")),
            }
        }
        Ok(found)
    }

    /// An array of the set, with a column per row of the file.
    fn array(&self, name: &str) -> Result<DMatrix<f64>> {
        npy::read(&self.data.join(format!("{name}.npy")))
    }

    /// The same, where there is one.
    fn array_if_any(&self, name: &str) -> Option<DMatrix<f64>> {
        self.data.join(format!("{name}.npy")).exists().then(|| self.array(name).ok())?
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::read().unwrap_or_else(|refusal| stop(&refusal));
    let words: Vec<&str> = arguments.plain.iter().map(String::as_str).collect();
    let number =
        |word: &str| word.parse().unwrap_or_else(|_| stop(&format!("{word} is no number")));
    let line = match words[..] {
        ["ntk", net] => kernel::measure(&arguments, net)?,
        ["linear", problem] => linear::measure(&arguments, problem)?,
        ["P5", tolerance, alpha] => gap::measure(&arguments, number(tolerance), number(alpha))?,
        [problem, tolerance, alpha] => {
            flow::measure(&arguments, problem, number(tolerance), number(alpha))?
        }
        _ => stop("wanted PROBLEM TOLERANCE ALPHA, linear PROBLEM, or ntk two|mlp"),
    };
    println!("{line}");
    Ok(())
}

fn stop(refusal: &str) -> ! {
    eprintln!("side_by_side: {refusal}");
    std::process::exit(2);
}
