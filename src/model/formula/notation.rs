//! The two notations of a system, text and LaTeX, word by word.

use super::arena::{Arena, Id};
use super::latex::latex;
use super::quoted;
use super::symbols::symbol;
use super::text::{Written, text};

/// Plain Unicode text or LaTeX.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Notation {
    Text,
    Latex,
}

/// w1 with a bar over its first letter.
fn barred(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| format!("{first}\u{304}{}", letters.as_str()))
}

impl Notation {
    fn pick<T>(self, text: impl FnOnce() -> T, latex: impl FnOnce() -> T) -> T {
        if self == Notation::Text { text() } else { latex() }
    }

    /// A parameter w.
    pub(super) fn name(self, name: &str) -> String {
        self.pick(|| name.to_string(), || symbol(name, &[], ""))
    }

    /// w₀.
    pub(super) fn at_start(self, name: &str) -> String {
        self.pick(|| format!("{name}₀"), || symbol(name, &[], "0"))
    }

    /// (w̄ − w₀).
    pub(super) fn moved(self, name: &str) -> String {
        let bar = self.pick(|| barred(name), || symbol(name, &["\\bar"], ""));
        let difference = format!("{bar} - {}", self.at_start(name));
        self.pick(|| format!("({difference})"), || format!("\\left({difference}\\right)"))
    }

    /// w' or w̄'.
    pub(super) fn velocity(self, name: &str, bar: bool) -> String {
        let accents: &[&str] = if bar { &["\\bar", "\\dot"] } else { &["\\dot"] };
        let name_text = if bar { barred(name) } else { name.to_string() };
        self.pick(|| format!("{name_text}'"), || symbol(name, accents, ""))
    }

    /// An input, with the index of its sample where `sample` is not empty.
    pub(super) fn input(self, name: &str, sample: &str) -> String {
        self.pick(|| format!("{}{sample}", quoted(name)), || symbol(name, &[], sample))
    }

    /// The index of a sample.
    pub(super) fn sample(self) -> &'static str {
        self.pick(|| "ᵢ", || "i")
    }

    /// All weights at the start.
    pub(super) fn start(self) -> &'static str {
        self.pick(|| "w₀", || "w_{0}")
    }

    /// All weights of the linearized flow.
    pub(super) fn bar_w(self) -> &'static str {
        self.pick(|| "w\u{304}", || "\\bar{w}")
    }

    /// The scale α, by the name that is free.
    pub(super) fn scale(self, free: &'static str) -> String {
        self.pick(
            || match free {
                "alpha" => "α".into(),
                "lambda" => "λ".into(),
                other => other.into(),
            },
            || symbol(free, &[], ""),
        )
    }
}

/// A notation with the symbols that the names of one formula leave free.
pub(super) struct Style<'a> {
    pub(super) notation: Notation,
    pub(super) arena: &'a Arena,
    /// Whether outputs are numbered.
    pub(super) several: bool,
    /// Whether the flow sums over samples.
    pub(super) summed: bool,
    pub(super) map: &'static str,
    pub(super) residual: &'static str,
    pub(super) alpha: String,
    pub(super) alpha_text: String,
    /// The inputs x.
    pub(super) inputs: Vec<String>,
    /// The inputs xᵢ of a sample.
    pub(super) samples: Vec<String>,
    /// Which inputs the formula names.
    pub(super) named: &'a [bool],
}

impl Style<'_> {
    /// A right-hand side.
    pub(super) fn write(&self, id: Id, params: &[String], inputs: &[String]) -> String {
        let names = Written { params, inputs };
        self.notation.pick(|| text(self.arena, id, &names), || latex(self.arena, id, &names))
    }

    /// `word` with the number of its output, and the index of the sample where asked.
    fn numbered(&self, word: &str, j: usize, bar: bool, sample: bool) -> String {
        let number = if self.several { (j + 1).to_string() } else { String::new() };
        let sample = if sample && self.summed { self.notation.sample() } else { "" };
        let name = format!("{word}{number}");
        let accents: &[&str] = if bar { &["\\bar"] } else { &[] };
        self.notation.pick(
            || format!("{}{sample}", if bar { barred(&name) } else { name.clone() }),
            || symbol(&name, accents, sample),
        )
    }

    /// hⱼ(w, x) or h̄ⱼ(w, x).
    pub(super) fn map(&self, j: usize, bar: bool, weights: &str, inputs: &[String]) -> String {
        let named = inputs.iter().zip(self.named).filter(|(_, named)| **named);
        let arguments: String = named.map(|(input, _)| format!(", {input}")).collect();
        format!("{}({weights}{arguments})", self.numbered(self.map, j, bar, false))
    }

    /// ∂hⱼ/∂w.
    pub(super) fn partial(&self, j: usize, param: &str) -> String {
        let map = self.numbered(self.map, j, false, false);
        self.notation.pick(
            || format!("∂{map}/∂{param}"),
            || format!("\\frac{{\\partial {map}}}{{\\partial {param}}}"),
        )
    }

    /// rⱼ of a sample.
    pub(super) fn residual(&self, j: usize, bar: bool) -> String {
        self.numbered(self.residual, j, bar, true)
    }

    /// αhⱼ(w, xᵢ) − y⋆ⱼᵢ.
    pub(super) fn misfit(&self, j: usize, bar: bool) -> String {
        let weights = if bar { self.notation.bar_w() } else { "w" };
        let output = self.map(j, bar, weights, &self.samples);
        let target = self.notation.pick(
            || self.numbered("y⋆", j, false, true),
            || self.numbered("y", j, false, true).replacen('y', "y^{\\star}", 1),
        );
        let times = self.notation.pick(|| "*", || "\\,");
        format!("{}{times}{output} - {target}", self.alpha)
    }

    /// −(1/α) Σᵢ `right`, in brackets where it has several terms; a minus sign of a single term goes to the front.
    pub(super) fn descent(&self, right: &str, terms: bool) -> String {
        let alpha = &self.alpha;
        let (sign, right) = match right.strip_prefix('-') {
            Some(rest) if !terms => ("", rest),
            _ => ("-", right),
        };
        let right = match (terms, self.notation) {
            (false, _) => right.to_string(),
            (true, Notation::Text) => format!("[{right}]"),
            (true, Notation::Latex) => format!("\\left[{right}\\right]"),
        };
        let sum = if self.summed { self.notation.pick(|| "Σᵢ ", || "\\sum_{i} ") } else { "" };
        self.notation.pick(
            || format!("{sign}(1/{alpha}) {sum}{right}"),
            || format!("{sign}\\frac{{1}}{{{alpha}}} {sum}{right}"),
        )
    }
}
