//! Expressions as LaTeX, with no parentheses but the needed ones. Plain TeX mathematics: no package is needed.

use super::arena::{Arena, Id, Node};
use super::function::Function;
use super::text::Written;
use crate::scalar::Elementary;

/// Where an operand stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Free,
    SumRight,
    DifferenceRight,
    ProductLeft,
    ProductRight,
    Base,
}

/// What is left to write.
enum Item {
    Node(Id, Place),
    Sign(&'static str),
}

/// What an expression begins with, seen from the left.
#[derive(PartialEq)]
enum Start {
    Minus,
    Digit,
    Other,
}

fn start(arena: &Arena, mut id: Id) -> Start {
    loop {
        id = match arena.node(id) {
            Node::Number(bits) if bits.value().is_sign_negative() => return Start::Minus,
            Node::Number(_) => return Start::Digit,
            Node::Neg(_) => return Start::Minus,
            Node::Mul(a, _) | Node::Add(a, _) | Node::Sub(a, _) => {
                if wraps(arena, a, Place::ProductLeft) && matches!(arena.node(id), Node::Mul(..)) {
                    return Start::Other;
                }
                a
            }
            Node::Pow(a, _) if !wraps(arena, a, Place::Base) => a,
            _ => return Start::Other,
        }
    }
}

fn wraps(arena: &Arena, id: Id, place: Place) -> bool {
    let node = arena.node(id);
    let sum = matches!(node, Node::Add(..) | Node::Sub(..));
    match place {
        Place::Free => false,
        Place::SumRight => start(arena, id) == Start::Minus,
        Place::DifferenceRight => sum || start(arena, id) == Start::Minus,
        Place::ProductLeft => sum,
        Place::ProductRight => sum || start(arena, id) == Start::Minus,
        Place::Base => match node {
            Node::Number(bits) => node.is_negative() || number(bits.value()).contains('^'),
            Node::Pi | Node::Param(_) | Node::Input(_) => false,
            Node::Call(f, _) => f.elementary() != Some(Elementary::Abs),
            _ => true,
        },
    }
}

/// What stands before and after the argument.
fn brackets(f: Function) -> (&'static str, &'static str) {
    let opening = match f.name() {
        "exp" => "\\exp\\left(",
        "ln" => "\\ln\\left(",
        "sqrt" => return ("\\sqrt{", "}"),
        "sin" => "\\sin\\left(",
        "cos" => "\\cos\\left(",
        "tan" => "\\tan\\left(",
        "tanh" => "\\tanh\\left(",
        "sinh" => "\\sinh\\left(",
        "cosh" => "\\cosh\\left(",
        "atan" => "\\arctan\\left(",
        "abs" => return ("\\left|", "\\right|"),
        "erf" => "\\mathrm{erf}\\left(",
        "sigmoid" => "\\mathrm{sigmoid}\\left(",
        "softplus" => "\\mathrm{softplus}\\left(",
        "relu" => "\\mathrm{relu}\\left(",
        "gelu" => "\\mathrm{gelu}\\left(",
        "step" => "\\mathrm{step}\\left(",
        _ => "\\mathrm{sign}\\left(",
    };
    (opening, "\\right)")
}

/// The name and the argument of a function whose powers are written fⁿ(x).
fn powered(arena: &Arena, base: Id, exponent: Id) -> Option<(&'static str, Id)> {
    let Node::Call(f, argument) = arena.node(base) else { return None };
    let n = arena.node(exponent).as_number()?;
    let name = match f.name() {
        "sin" => "\\sin",
        "cos" => "\\cos",
        "tan" => "\\tan",
        "tanh" => "\\tanh",
        "sinh" => "\\sinh",
        "cosh" => "\\cosh",
        _ => return None,
    };
    (n >= 2.0 && n.fract() == 0.0).then_some((name, argument))
}

fn layout(arena: &Arena, node: Node) -> Vec<Item> {
    use Item::Sign;
    let free = |id| Item::Node(id, Place::Free);
    match node {
        Node::Add(a, b) => vec![free(a), Sign(" + "), Item::Node(b, Place::SumRight)],
        Node::Sub(a, b) => vec![free(a), Sign(" - "), Item::Node(b, Place::DifferenceRight)],
        Node::Mul(a, b) => {
            let digits = start(arena, b) == Start::Digit && !wraps(arena, b, Place::ProductRight);
            let sign = Sign(if digits { " \\cdot " } else { "\\," });
            vec![Item::Node(a, Place::ProductLeft), sign, Item::Node(b, Place::ProductRight)]
        }
        Node::Div(a, b) => vec![Sign("\\frac{"), free(a), Sign("}{"), free(b), Sign("}")],
        Node::Pow(a, b) => match powered(arena, a, b) {
            Some((name, argument)) => {
                let (open, close) = ("}\\left(", "\\right)");
                vec![Sign(name), Sign("^{"), free(b), Sign(open), free(argument), Sign(close)]
            }
            None => vec![Item::Node(a, Place::Base), Sign("^{"), free(b), Sign("}")],
        },
        Node::Neg(a) => vec![Sign("-"), Item::Node(a, Place::ProductRight)],
        Node::Call(f, a) => {
            let (open, close) = brackets(f);
            vec![Sign(open), free(a), Sign(close)]
        }
        Node::Number(_) | Node::Pi | Node::Param(_) | Node::Input(_) => Vec::new(),
    }
}

/// The expression `root` as LaTeX.
pub(super) fn latex(arena: &Arena, root: Id, names: &Written<'_>) -> String {
    let mut text = String::new();
    let mut left = vec![Item::Node(root, Place::Free)];
    while let Some(item) = left.pop() {
        let (id, place) = match item {
            Item::Sign(sign) => {
                text.push_str(sign);
                continue;
            }
            Item::Node(id, place) => (id, place),
        };
        if wraps(arena, id, place) {
            text.push_str("\\left(");
            left.push(Item::Sign("\\right)"));
        }
        match arena.node(id) {
            Node::Number(bits) => text.push_str(&number(bits.value())),
            Node::Pi => text.push_str("\\pi"),
            Node::Param(index) => text.push_str(&names.params[index]),
            Node::Input(index) => text.push_str(&names.inputs[index]),
            node => left.extend(layout(arena, node).into_iter().rev()),
        }
    }
    text
}

fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) {
        return value.to_string();
    }
    let written = format!("{value:e}");
    match written.split_once('e') {
        Some((digits, exponent)) => format!("{digits} \\cdot 10^{{{exponent}}}"),
        None => written,
    }
}
