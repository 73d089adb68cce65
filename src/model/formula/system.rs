//! The system of differential equations that a formula generates, as text and as LaTeX.
//!
//! For a loss R at scale α the flow of R(αh)/α² is wᵢ' = −(1/α) Σⱼ rⱼ ∂hⱼ/∂wᵢ(w) with r = ∇R(αh(w)), which is
//! αh(w) − y⋆ for R = ½‖y − y⋆‖²; the linearized flow has the same form with Dh(w₀) in place of Dh(w) and
//! h̄(w̄) = h(w₀) + Dh(w₀)(w̄ − w₀) in place of h (Chizat, Oyallon and Bach 2019, §1.1). With inputs the sum runs over
//! samples, too.

use super::arena::{Arena, Id, Node};
use super::derivative::{REMEDY, check_size, differentiate};
use super::notation::{Notation, Style};
use super::{Formula, MAX_NODES};
use crate::{Error, Result};

/// Steps of differentiation for the whole Jacobian.
const MAX_WORK: usize = 20_000_000;

/// The model h, its Jacobian, its gradient flow and its linearized flow.
///
/// ```
/// use gradflow::model::Formula;
/// # fn main() -> gradflow::Result<()> {
/// let system = Formula::parse("w1*tanh(w2*x)", &["x"])?.system()?;
/// assert!(system.text().contains("∂h/∂w2 = w1*x*(1 - tanh(w2*x)^2)"));
/// assert!(system.text().contains("w1' = -(1/α) Σᵢ rᵢ*tanh(w2*xᵢ)"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct System {
    arena: Arena,
    outputs: Vec<Id>,
    /// ∂hⱼ/∂wᵢ at j p + i.
    jacobian: Vec<Id>,
    /// Σⱼ rⱼ ∂hⱼ/∂wᵢ, where rⱼ is the parameter p + j.
    descents: Vec<Id>,
    /// Σᵢ ∂hⱼ/∂wᵢ δᵢ, where δᵢ is the parameter p + k + i.
    tangents: Vec<Id>,
    params: Vec<String>,
    inputs: Vec<String>,
    named: Vec<bool>,
}

impl System {
    pub(super) fn of(formula: &Formula) -> Result<Self> {
        let (p, k) = (formula.params.len(), formula.outputs.len());
        let work = p.saturating_mul(k).saturating_mul(formula.arena.len());
        if work > MAX_WORK {
            return Err(Error::TooLarge {
                what: format!("the symbolic Jacobian of {k} outputs in {p} parameters"),
                needed: format!("{work} steps"),
                limit: MAX_WORK.to_string(),
                remedy: REMEDY,
            });
        }
        let mut arena = formula.arena.clone();
        let most = arena.len() + 2 * MAX_NODES;
        let mut jacobian = Vec::with_capacity(p * k);
        for &output in &formula.outputs {
            for param in 0..p {
                jacobian.push(differentiate(&mut arena, output, param, most)?);
            }
        }
        check_size(&arena, &jacobian)?;
        let mut weighted = |symbol: usize, slopes: Vec<Id>, first: bool| {
            let zero = arena.number(0.0);
            slopes.into_iter().enumerate().fold(zero, |sum, (index, slope)| {
                let symbol = arena.push(Node::Param(symbol + index));
                let (a, b) = if first { (symbol, slope) } else { (slope, symbol) };
                let term = arena.product(a, b);
                arena.sum(sum, term)
            })
        };
        let column = |i: usize| (0..k).map(|j| jacobian[j * p + i]).collect();
        let descents: Vec<Id> = (0..p).map(|i| weighted(p, column(i), true)).collect();
        let row = |j: usize| jacobian[j * p..(j + 1) * p].to_vec();
        let tangents: Vec<Id> = (0..k).map(|j| weighted(p + k, row(j), false)).collect();
        check_size(&arena, &[&jacobian[..], &descents, &tangents].concat())?;
        let (params, inputs) = (formula.params.clone(), formula.inputs.clone());
        let (outputs, named) = (formula.outputs.clone(), formula.named_inputs());
        Ok(System { arena, outputs, jacobian, descents, tangents, params, inputs, named })
    }

    /// The system as plain text; its right-hand sides are written as formulas are.
    pub fn text(&self) -> String {
        let sections = self.sections(Notation::Text);
        let row = |(left, right): (String, String)| format!("  {left} = {right}\n");
        let section = |(title, rows): Section| {
            format!("{title}\n{}", rows.into_iter().map(row).collect::<String>())
        };
        sections.into_iter().map(section).collect()
    }

    /// The system as LaTeX: one `align*` of amsmath for each part.
    pub fn latex(&self) -> String {
        let section = |(title, rows): Section| {
            let rows: Vec<String> =
                rows.into_iter().map(|(left, right)| format!("  {left} &= {right}")).collect();
            format!("% {title}\n\\begin{{align*}}\n{}\n\\end{{align*}}\n", rows.join(" \\\\\n"))
        };
        self.sections(Notation::Latex).into_iter().map(section).collect()
    }

    /// The four parts of the system.
    fn sections(&self, notation: Notation) -> [Section; 4] {
        let style = self.style(notation);
        let names = |f: &dyn Fn(&str) -> String| self.params.iter().map(|name| f(name)).collect();
        let plain: Vec<String> = names(&|name| notation.name(name));
        let start: Vec<String> = names(&|name| notation.at_start(name));
        let flow = format!(
            "gradient flow of R({a} {h})/{a}², R = ½‖y − y⋆‖² (else {r} = ∂R/∂y at y = {a} {h}(w))",
            a = style.alpha_text,
            h = style.map,
            r = style.residual
        );
        [
            ("model".into(), self.model(&style, &plain)),
            ("Jacobian".into(), self.partials(&style, &plain)),
            (flow, self.flow(&style, &plain, false)),
            ("linearized flow, tangent at the start w₀".into(), {
                let mut rows = self.tangent(&style, &start);
                rows.extend(self.flow(&style, &start, true));
                rows
            }),
        ]
    }

    /// hⱼ(w, x).
    fn model(&self, style: &Style<'_>, params: &[String]) -> Vec<(String, String)> {
        let row = |(j, &id): (usize, &Id)| {
            (style.map(j, false, "w", &style.inputs), style.write(id, params, &style.inputs))
        };
        self.outputs.iter().enumerate().map(row).collect()
    }

    /// ∂hⱼ/∂wᵢ.
    fn partials(&self, style: &Style<'_>, params: &[String]) -> Vec<(String, String)> {
        let row = |(place, &id): (usize, &Id)| {
            let (j, i) = (place / params.len(), place % params.len());
            (style.partial(j, &params[i]), style.write(id, params, &style.inputs))
        };
        self.jacobian.iter().enumerate().map(row).collect()
    }

    /// r and w'; of the linearized flow where `bar` holds, with slopes at the given `weights`.
    fn flow(&self, style: &Style<'_>, weights: &[String], bar: bool) -> Vec<(String, String)> {
        let residuals: Vec<String> =
            (0..self.outputs.len()).map(|j| style.residual(j, bar)).collect();
        let mut rows: Vec<(String, String)> =
            residuals.iter().enumerate().map(|(j, r)| (r.clone(), style.misfit(j, bar))).collect();
        let symbols = [weights, &residuals].concat();
        for (name, &id) in self.params.iter().zip(&self.descents) {
            let right = style.write(id, &symbols, &style.samples);
            let node = self.arena.node(id);
            let terms = matches!(node, Node::Add(..) | Node::Sub(..));
            let zero = node.as_number() == Some(0.0);
            let right = if zero { right } else { style.descent(&right, terms) };
            rows.push((style.notation.velocity(name, bar), right));
        }
        rows
    }

    /// h̄ⱼ(w̄, x) = hⱼ(w₀, x) + Σᵢ ∂hⱼ/∂wᵢ(w₀, x) (w̄ᵢ − w₀ᵢ).
    fn tangent(&self, style: &Style<'_>, start: &[String]) -> Vec<(String, String)> {
        let residuals = vec![String::new(); self.outputs.len()];
        let moves: Vec<String> =
            self.params.iter().map(|name| style.notation.moved(name)).collect();
        let symbols = [start, &residuals, &moves].concat();
        let row = |(j, &id): (usize, &Id)| {
            let origin = style.map(j, false, style.notation.start(), &style.inputs);
            let right = style.write(id, &symbols, &style.inputs);
            let right = match (self.arena.node(id).as_number(), right.strip_prefix('-')) {
                (Some(_), _) => origin,
                (None, Some(rest)) => format!("{origin} - {rest}"),
                (None, None) => format!("{origin} + {right}"),
            };
            (style.map(j, true, style.notation.bar_w(), &style.inputs), right)
        };
        self.tangents.iter().enumerate().map(row).collect()
    }

    fn style(&self, notation: Notation) -> Style<'_> {
        let taken = |symbol: &str| {
            let bears =
                |word: &String| word.trim_end_matches(|c: char| c.is_ascii_digit()) == symbol;
            self.params.iter().chain(&self.inputs).any(bears)
        };
        let free = |choice: [&'static str; 3]| {
            choice.into_iter().find(|symbol| !taken(symbol)).unwrap_or(choice[2])
        };
        let used: Vec<&String> = self
            .inputs
            .iter()
            .zip(&self.named)
            .filter(|(_, named)| **named)
            .map(|(name, _)| name)
            .collect();
        Style {
            notation,
            arena: &self.arena,
            several: self.outputs.len() > 1,
            summed: !used.is_empty(),
            map: free(["h", "f", "map"]),
            residual: free(["r", "e", "res"]),
            alpha_text: Notation::Text.scale(free(["alpha", "lambda", "scale"])),
            alpha: notation.scale(free(["alpha", "lambda", "scale"])),
            inputs: self.inputs.iter().map(|name| notation.input(name, "")).collect(),
            samples: self
                .inputs
                .iter()
                .map(|name| notation.input(name, notation.sample()))
                .collect(),
            named: &self.named,
        }
    }
}

/// A title and its equations, left and right.
type Section = (String, Vec<(String, String)>);
