//! A text formula is a model: `tanh(w1) + w2^2; w2 + w1*w2` is h : R² → R².
//!
//! Parsed once, with errors that point at the column; evaluated on any [`Scalar`](crate::scalar::Scalar);
//! differentiated symbolically; able to write down the gradient flow it generates ([`System`]). The grammar:
//!
//! - outputs are separated by `;`, each an expression in `+ - * / ^ ( )`, with −w² = −(w²) and `**` for `^`;
//! - functions: exp, ln (or log), sqrt, sin, cos, tan, tanh, sinh, cosh, atan, sigmoid, softplus, erf, relu, abs, gelu,
//!   step, sign; the constant pi; numbers as `1/3`, `1e-3`, `.5`;
//! - a name that equals a column's is that **input**; columns with other names than letters, digits and `_`, or with
//!   the name of a function or of pi, are written in backticks; every other name is a **parameter**;
//! - parameters are ordered as people count: a, b, w1, w2, w10.
//!
//! aⁿ with a constant exponent is a power (a ≥ 0 unless n is whole); with any other exponent, exp(n ln a).
//!
//! The parser is our own because the well-kept one (exmex) neither says at which column a formula is wrong, nor bounds
//! its nesting, nor evaluates on numbers that borrow from a tape.

mod arena;
mod derivative;
mod function;
mod latex;
mod mistake;
mod model;
mod names;
mod notation;
mod parse;
mod program;
mod simplify;
mod symbols;
mod system;
mod text;
mod token;

pub use model::FormulaModel;
pub use system::System;

use crate::{Error, Result};
use arena::{Arena, Id};
use names::{Names, is_reserved};
use std::fmt;
use text::Written;

/// Parentheses, functions, powers and minus signs nest at most this deep.
const MAX_DEPTH: usize = 128;
/// Operations, names and numbers of a formula, and of a derivative.
const MAX_NODES: usize = 100_000;
/// Bytes of a formula's text.
const MAX_BYTES: usize = 1 << 20;

/// A formula with k outputs, p parameters and named inputs.
///
/// ```
/// use gradflow::model::{Differentiable, Formula, Model};
/// # fn main() -> gradflow::Result<()> {
/// let formula = Formula::parse("tanh(w1) + w2^2; w2 + w1*w2", &[])?;
/// assert_eq!(formula.params(), ["w1", "w2"]);
/// assert_eq!(formula.derivative(1, 0)?.to_string(), "w2"); // ∂(w₂ + w₁w₂)/∂w₁
/// let map = formula.without_inputs()?.auto();
/// assert_eq!(map.jacobian(&[0.0, 3.0]).as_slice(), [1.0, 3.0, 6.0, 1.0]); // columns (1, w₂) and (2w₂, 1 + w₁)
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Formula {
    arena: Arena,
    outputs: Vec<Id>,
    params: Vec<String>,
    inputs: Vec<String>,
}

impl Formula {
    /// Reads `text`; names in `inputs` are columns of the data, all others parameters.
    pub fn parse(text: &str, inputs: &[&str]) -> Result<Self> {
        if text.len() > MAX_BYTES {
            let bytes = text.len();
            let problem = format!(
                "the text has {bytes} bytes, at most {MAX_BYTES} are read; write a model of this size in Rust"
            );
            return Err(mistake::mistake(text, MAX_BYTES, problem));
        }
        let inputs: Vec<String> = inputs.iter().map(ToString::to_string).collect();
        let mut sorted: Vec<&String> = inputs.iter().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::Conflict {
                found: format!("two input columns are named `{}`", pair[0]),
                remedy: "give each column its own name".into(),
            });
        }
        let tokens = token::tokens(text)?;
        let names = Names::collect(text, &tokens, &inputs);
        let (arena, outputs) = parse::Parser::read(text, &tokens, &names)?;
        let params = names.params();
        if params.is_empty() {
            let problem = "the formula has no parameter, so there is nothing to train: \
                           all its names are functions, constants or columns; write one as w1*x";
            return Err(mistake::mistake(text, 0, problem));
        }
        Ok(Formula { arena, outputs, params, inputs })
    }

    /// The names of the parameters, in the order of w.
    pub fn params(&self) -> &[String] {
        &self.params
    }

    /// The names of the inputs, in the order given, named by the formula or not.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// k, the number of outputs (for each sample, where there are inputs).
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// ∂(output)/∂(parameter) as a formula of the same parameters and inputs, lightly simplified.
    ///
    /// At a kink the derivative is that of [`Scalar`](crate::scalar::Scalar): 0. Errs where an index is not below k
    /// or p, or where the derivative would exceed what a formula may hold.
    pub fn derivative(&self, output: usize, param: usize) -> Result<Formula> {
        let (k, p) = (self.outputs.len(), self.params.len());
        for (name, index, count) in [("output", output, k), ("param", param, p)] {
            if index >= count {
                return Err(Error::value(name, index, format!("an index below {count}")));
            }
        }
        let mut arena = self.arena.clone();
        let most = arena.len() + MAX_NODES;
        let slope = derivative::differentiate(&mut arena, self.outputs[output], param, most)?;
        derivative::check_size(&arena, &[slope])?;
        let (params, inputs) = (self.params.clone(), self.inputs.clone());
        Ok(Formula { arena, outputs: vec![slope], params, inputs })
    }

    /// The gradient flow and the linearized flow of this model, to be printed as text or as LaTeX.
    pub fn system(&self) -> Result<System> {
        System::of(self)
    }

    /// The right-hand sides as LaTeX.
    pub fn latex(&self) -> Vec<String> {
        let symbols = |names: &[String]| -> Vec<String> {
            names.iter().map(|name| symbols::symbol(name, &[], "")).collect()
        };
        let (params, inputs) = (symbols(&self.params), symbols(&self.inputs));
        let names = Written { params: &params, inputs: &inputs };
        self.outputs.iter().map(|&id| latex::latex(&self.arena, id, &names)).collect()
    }

    /// Which inputs the formula names.
    fn named_inputs(&self) -> Vec<bool> {
        self.arena.inputs_of(&self.outputs, self.inputs.len())
    }
}

/// The text of the formula, which parses to the same values.
impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs: Vec<String> = self.inputs.iter().map(|name| quoted(name)).collect();
        let names = Written { params: &self.params, inputs: &inputs };
        for (index, &id) in self.outputs.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}", text::text(&self.arena, id, &names))?;
        }
        Ok(())
    }
}

/// A column's name as a formula writes it.
fn quoted(name: &str) -> String {
    if token::is_name(name) && !is_reserved(name) { name.to_string() } else { format!("`{name}`") }
}
