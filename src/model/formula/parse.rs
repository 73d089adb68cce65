//! From tokens to nodes: operator precedence with an explicit stack (Dijkstra 1961, the shunting yard).
//!
//! Tightest first: functions and parentheses; `^`, from the right; unary minus; `*` and `/`; `+` and `-`. So
//! −w² is −(w²), and 2^-1 is allowed.

use super::arena::{Arena, Id, Node};
use super::function::Function;
use super::mistake::mistake;
use super::names::Names;
use super::token::{Kind, Token};
use super::{MAX_DEPTH, MAX_NODES};
use crate::error::nearest;
use crate::{Error, Result};

/// What waits on the stack for its right end.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Waiting {
    Binary(Kind),
    Minus,
    Open,
    Call(Function),
}

impl Waiting {
    /// How tightly it binds; what is open binds nothing.
    fn strength(self) -> u8 {
        match self {
            Waiting::Open | Waiting::Call(_) => 0,
            Waiting::Binary(Kind::Plus | Kind::Minus) => 1,
            Waiting::Binary(Kind::Power) => 4,
            Waiting::Binary(_) => 2,
            Waiting::Minus => 3,
        }
    }

    /// Whether it adds a level of nesting; sums and products go on and on at one level.
    fn nests(self) -> bool {
        !matches!(self, Waiting::Binary(Kind::Plus | Kind::Minus | Kind::Times | Kind::Over))
    }
}

/// The state between two tokens.
pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    names: &'a Names<'a>,
    arena: Arena,
    waiting: Vec<(Waiting, usize)>,
    operands: Vec<Id>,
    outputs: Vec<Id>,
    depth: usize,
    nodes: usize,
}

impl<'a> Parser<'a> {
    /// The expressions between the semicolons of `text`, whose tokens and names are at hand.
    pub(super) fn read(
        text: &'a str,
        tokens: &'a [Token],
        names: &'a Names<'a>,
    ) -> Result<(Arena, Vec<Id>)> {
        let mut parser = Parser {
            text,
            tokens,
            names,
            arena: Arena::default(),
            waiting: Vec::new(),
            operands: Vec::new(),
            outputs: Vec::new(),
            depth: 0,
            nodes: 0,
        };
        let (mut at, mut complete) = (0, false);
        while at < tokens.len() {
            (at, complete) = if complete { parser.after(at)? } else { parser.before(at)? };
        }
        Ok((parser.arena, parser.outputs))
    }

    fn error(&self, at: usize, problem: impl Into<String>) -> Error {
        mistake(self.text, self.tokens[at].start, problem)
    }

    fn source(&self, at: usize) -> &'a str {
        &self.text[self.tokens[at].start..self.tokens[at].end]
    }

    /// Token `at` where an operand is due; says where to go on, and whether an operand is complete there.
    fn before(&mut self, at: usize) -> Result<(usize, bool)> {
        match self.tokens[at].kind {
            Kind::Number(value) => self.leaf(Node::number(value), at)?,
            Kind::Column => self.column(at)?,
            Kind::Name => return self.name(at),
            Kind::Plus => return Ok((at + 1, false)),
            Kind::Minus => {
                self.wait(Waiting::Minus, at)?;
                return Ok((at + 1, false));
            }
            Kind::Open => {
                self.wait(Waiting::Open, at)?;
                return Ok((at + 1, false));
            }
            _ => return Err(self.missing(at)),
        }
        Ok((at + 1, true))
    }

    fn column(&mut self, at: usize) -> Result<()> {
        let name = self.tokens[at].text(self.text);
        match self.names.input(name) {
            Some(index) => self.leaf(Node::Input(index), at),
            None => {
                let known = self.names.inputs();
                let hint = nearest(name, known);
                let columns = if known.is_empty() { "none".into() } else { known.join(", ") };
                Err(self.error(at, format!("no column `{name}`{hint}; known columns: {columns}")))
            }
        }
    }

    /// A function, `pi`, an input or a parameter.
    fn name(&mut self, at: usize) -> Result<(usize, bool)> {
        let name = self.source(at);
        let called = self.tokens[at + 1].kind == Kind::Open;
        match Function::named(name) {
            Some(f) if called => {
                self.wait(Waiting::Call(f), at)?;
                return Ok((at + 2, false));
            }
            Some(_) => {
                let problem = format!(
                    "`{name}` is a function; write {name}(…), or `{name}` in backticks for a column"
                );
                return Err(self.error(at, problem));
            }
            None if called => return Err(self.error(at, self.not_a_function(name))),
            None if name == "pi" => self.leaf(Node::Pi, at)?,
            None => {
                let leaf = match (self.names.input(name), self.names.param(name)) {
                    (Some(index), _) => Node::Input(index),
                    (None, Some(index)) => Node::Param(index),
                    // Names::collect has seen every token that comes here.
                    (None, None) => return Err(self.error(at, format!("unknown name `{name}`"))),
                };
                self.leaf(leaf, at)?;
            }
        }
        Ok((at + 1, true))
    }

    fn not_a_function(&self, name: &str) -> String {
        let known = Function::known();
        let hint = nearest(name, &known);
        let product =
            if hint.is_empty() { format!("; for a product write {name}*(…)") } else { "".into() };
        format!("unknown function `{name}`{hint}{product}; known: {}", known.join(", "))
    }

    /// Token `at` after a complete operand.
    fn after(&mut self, at: usize) -> Result<(usize, bool)> {
        match self.tokens[at].kind {
            kind @ (Kind::Plus | Kind::Minus | Kind::Times | Kind::Over | Kind::Power) => {
                let strength = Waiting::Binary(kind).strength();
                // Equal strength closes from the left; powers alone wait for the right.
                self.close(if kind == Kind::Power { strength + 1 } else { strength })?;
                self.wait(Waiting::Binary(kind), at)?;
                Ok((at + 1, false))
            }
            Kind::Close => {
                self.close(1)?;
                self.close_group(at)?;
                Ok((at + 1, true))
            }
            Kind::Semicolon | Kind::End => {
                self.close(1)?;
                if let Some(&(_, open)) = self.waiting.last() {
                    let problem = "this parenthesis is never closed; add `)`";
                    return Err(self.error(self.parenthesis(open), problem));
                }
                self.outputs.append(&mut self.operands);
                Ok((at + 1, false))
            }
            Kind::Comma => {
                let problem =
                    "found `,`; functions take one argument, and outputs are separated by `;`";
                Err(self.error(at, problem))
            }
            Kind::Number(_) | Kind::Name | Kind::Column | Kind::Open => {
                Err(self.error(at, self.implicit(at)))
            }
        }
    }

    /// The parenthesis of the group or call that token `open` begins.
    fn parenthesis(&self, open: usize) -> usize {
        if self.tokens[open].kind == Kind::Name { open + 1 } else { open }
    }

    fn implicit(&self, at: usize) -> String {
        let short = |text: &'a str| if text.chars().count() > 20 { "…" } else { text };
        let (left, right) = match (self.tokens[at - 1].kind, self.tokens[at].kind) {
            (Kind::Close, Kind::Open) => ("(…)", "(…)"),
            (Kind::Close, _) => ("(…)", short(self.source(at))),
            (_, Kind::Open) => (short(self.source(at - 1)), "(…)"),
            _ => (short(self.source(at - 1)), short(self.source(at))),
        };
        format!("no operator before `{}`; write {left}*{right}", short(self.source(at)))
    }

    /// The problem with token `at`, where an operand is due.
    fn missing(&self, at: usize) -> Error {
        let wanted = "wanted a number, a name, a function or `(`";
        let kind = self.tokens[at].kind;
        if !matches!(kind, Kind::Close | Kind::Semicolon | Kind::End) {
            return self.error(at, format!("found `{}`; {wanted}", self.source(at)));
        }
        match at.checked_sub(1).map(|before| (before, self.tokens[before].kind)) {
            None if kind == Kind::End => {
                mistake(self.text, 0, "the formula is empty; write one as w1*tanh(w2)")
            }
            Some((before, Kind::Semicolon)) => self.error(
                before,
                "there is no output after this `;`; outputs are separated by `;`: write it or remove the `;`",
            ),
            Some((before, Kind::Open)) if kind == Kind::Close => match self.waiting.last() {
                Some((Waiting::Call(f), _)) => {
                    self.error(at, format!("{} has no argument; write it in the parentheses", f.name()))
                }
                _ => self.error(before, "nothing stands in these parentheses"),
            },
            Some((before, Kind::Open)) => {
                self.error(before, format!("nothing stands after this `(`; {wanted}"))
            }
            Some((before, _)) if kind != Kind::Semicolon || !self.waiting.is_empty() => {
                let sign = self.source(before);
                self.error(before, format!("nothing stands after this `{sign}`; {wanted}"))
            }
            _ if kind == Kind::Close => self.error(at, "this `)` closes nothing; remove it"),
            _ => self.error(at, "there is no output before this `;`; write it or remove the `;`"),
        }
    }

    fn wait(&mut self, waiting: Waiting, at: usize) -> Result<()> {
        if waiting.nests() {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                let problem = format!(
                    "parentheses, functions, powers and minus signs nest more than {MAX_DEPTH} deep; \
                     simplify the formula"
                );
                return Err(self.error(at, problem));
            }
        }
        self.waiting.push((waiting, at));
        Ok(())
    }

    fn leaf(&mut self, node: Node, at: usize) -> Result<()> {
        let id = self.push(node, at)?;
        self.operands.push(id);
        Ok(())
    }

    fn push(&mut self, node: Node, at: usize) -> Result<Id> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let problem = format!(
                "more than {MAX_NODES} operations, names and numbers; write a model of this size in Rust"
            );
            return Err(self.error(at, problem));
        }
        Ok(self.arena.push(node))
    }

    /// Applies what waits and binds at least as tightly as `strength`, which is not 0.
    fn close(&mut self, strength: u8) -> Result<()> {
        while let Some(&(waiting, at)) = self.waiting.last() {
            if waiting.strength() < strength {
                break;
            }
            self.waiting.pop();
            self.depth -= usize::from(waiting.nests());
            match waiting {
                Waiting::Binary(kind) => self.binary(kind, at)?,
                _ => self.unary(waiting, at)?,
            }
        }
        Ok(())
    }

    /// The parenthesis `at` closes what was opened last.
    fn close_group(&mut self, at: usize) -> Result<()> {
        match self.waiting.pop() {
            None => Err(self.error(at, "this `)` closes nothing; remove it or add its `(`")),
            Some((waiting, opened)) => {
                self.depth -= usize::from(waiting.nests());
                if waiting == Waiting::Open { Ok(()) } else { self.unary(waiting, opened) }
            }
        }
    }

    fn unary(&mut self, waiting: Waiting, at: usize) -> Result<()> {
        let Some(a) = self.operands.pop() else { return Err(self.missing(at)) };
        let node = match (waiting, self.arena.node(a).as_number()) {
            (Waiting::Call(f), _) => Node::Call(f, a),
            (_, Some(value)) if value.is_sign_positive() => Node::number(-value),
            _ => Node::Neg(a),
        };
        self.finish(node, at)
    }

    fn binary(&mut self, kind: Kind, at: usize) -> Result<()> {
        let (Some(b), Some(a)) = (self.operands.pop(), self.operands.pop()) else {
            return Err(self.missing(at));
        };
        let node = match kind {
            Kind::Plus => Node::Add(a, b),
            Kind::Minus => Node::Sub(a, b),
            Kind::Times => Node::Mul(a, b),
            Kind::Over => Node::Div(a, b),
            _ => Node::Pow(a, b),
        };
        self.finish(node, at)
    }

    /// Pushes the result of the operation at token `at`, unless it is known to have no value.
    fn finish(&mut self, node: Node, at: usize) -> Result<()> {
        let id = self.push(node, at)?;
        let constant = |id: Id| self.arena.constant(id);
        let problem = match (node, constant(id)) {
            (Node::Div(_, b), _) if constant(b) == Some(0.0) => "division by zero".to_string(),
            (Node::Pow(a, b), _)
                if constant(b).is_none() && constant(a).is_some_and(|a| a <= 0.0) =>
            {
                "a number that is not positive has no power with a variable exponent".to_string()
            }
            (Node::Call(f, a), Some(value)) if !value.is_finite() => {
                let argument = constant(a).unwrap_or(f64::NAN);
                format!("{}({argument}) is not a finite number", f.name())
            }
            (_, Some(value)) if !value.is_finite() => {
                "the result is not a finite number".to_string()
            }
            _ => {
                self.operands.push(id);
                return Ok(());
            }
        };
        Err(self.error(at, format!("{problem}; change the numbers here")))
    }
}
