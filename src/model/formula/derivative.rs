//! Symbolic derivatives: the chain, product, quotient and power rule along the arena, in one pass.

use super::arena::{Arena, Id, Node};
use super::function::Function;
use super::text::measure;
use super::{MAX_DEPTH, MAX_NODES};
use crate::scalar::Elementary;
use crate::{Error, Result};

pub(super) const REMEDY: &str =
    "evaluate the model with Auto, which differentiates numbers, or simplify the formula";

/// ∂(node `of`)/∂(parameter `param`), appended to the arena, which may grow to `most` nodes.
pub(super) fn differentiate(arena: &mut Arena, of: Id, param: usize, most: usize) -> Result<Id> {
    let reached = arena.reachable(&[of], |_| false);
    let zero = arena.number(0.0);
    let mut slope = vec![zero; of + 1];
    for id in (0..=of).filter(|&id| reached[id]) {
        slope[id] = match arena.node(id) {
            Node::Number(_) | Node::Pi | Node::Input(_) => zero,
            Node::Param(index) => arena.number(f64::from(u8::from(index == param))),
            Node::Neg(a) => arena.negated(slope[a]),
            Node::Add(a, b) => arena.sum(slope[a], slope[b]),
            Node::Sub(a, b) => arena.difference(slope[a], slope[b]),
            Node::Mul(a, b) => {
                let (left, right) = (arena.product(slope[a], b), arena.product(a, slope[b]));
                arena.sum(left, right)
            }
            Node::Div(a, b) => quotient_rule(arena, (a, slope[a]), (b, slope[b])),
            Node::Pow(a, b) => power_rule(arena, id, (a, slope[a]), (b, slope[b])),
            Node::Call(f, a) if slope[a] != zero => chain_rule(arena, f, id, (a, slope[a])),
            Node::Call(..) => zero,
        };
        if arena.len() > most {
            return Err(too_large(format!("more than {MAX_NODES}")));
        }
    }
    Ok(slope[of])
}

/// Refuses expressions that could not be written down and read again; `ids` together count as one.
pub(super) fn check_size(arena: &Arena, ids: &[Id]) -> Result<()> {
    let (nodes, depth) = measure(arena, ids);
    if nodes > MAX_NODES {
        return Err(too_large(nodes.to_string()));
    }
    if depth > MAX_DEPTH {
        return Err(Error::TooLarge {
            what: "a symbolic derivative".into(),
            needed: format!("{depth} levels of nesting"),
            limit: MAX_DEPTH.to_string(),
            remedy: REMEDY,
        });
    }
    Ok(())
}

fn too_large(nodes: String) -> Error {
    Error::TooLarge {
        what: "a symbolic derivative".into(),
        needed: format!("{nodes} operations, names and numbers"),
        limit: MAX_NODES.to_string(),
        remedy: REMEDY,
    }
}

/// (a/b)' = a'/b where b is constant, else (a'b − ab')/b².
fn quotient_rule(arena: &mut Arena, (a, da): (Id, Id), (b, db): (Id, Id)) -> Id {
    let zero = arena.number(0.0);
    if db == zero {
        return arena.quotient(da, b);
    }
    let (left, right) = (arena.product(da, b), arena.product(a, db));
    let (numerator, square) = (arena.difference(left, right), arena.square(b));
    arena.quotient(numerator, square)
}

/// (aᵇ)' = b aᵇ⁻¹ a' where b is a constant, else aᵇ (b' ln a + b a'/a).
fn power_rule(arena: &mut Arena, power: Id, (a, da): (Id, Id), (b, db): (Id, Id)) -> Id {
    let zero = arena.number(0.0);
    if da == zero && db == zero {
        return zero;
    }
    if arena.constant(b).is_some() {
        let less = one_less(arena, b);
        let lowered = arena.power(a, less);
        let slope = arena.product(b, lowered);
        return arena.product(slope, da);
    }
    let log = if db == zero { zero } else { call(arena, Function::LN, a) };
    let (left, ratio) = (arena.product(db, log), arena.quotient(da, a));
    let right = arena.product(b, ratio);
    let rate = arena.sum(left, right);
    arena.product(power, rate)
}

/// c − 1: a number for a number, a fraction for a fraction.
fn one_less(arena: &mut Arena, c: Id) -> Id {
    let one = arena.number(1.0);
    if let Node::Div(p, q) = arena.node(c)
        && arena.node(p).as_number().is_some()
        && arena.node(q).as_number().is_some()
    {
        let less = arena.difference(p, q);
        return arena.quotient(less, q);
    }
    arena.difference(c, one)
}

/// f(a)' = f'(a) a', with a' in front; `y` is f(a).
fn chain_rule(arena: &mut Arena, f: Function, y: Id, (a, da): (Id, Id)) -> Id {
    let (one, two) = (arena.number(1.0), arena.number(2.0));
    let slope = match f.elementary() {
        None => return made_rule(arena, f, y, (a, da)),
        Some(Elementary::Exp) => y,
        Some(Elementary::Ln) => return arena.quotient(da, a),
        Some(Elementary::Sqrt) => {
            let double = arena.product(two, y);
            return arena.quotient(da, double);
        }
        Some(Elementary::Sin) => call(arena, Function::COS, a),
        Some(Elementary::Cos) => {
            let sine = call(arena, Function::SIN, a);
            arena.negated(sine)
        }
        Some(Elementary::Tanh) => {
            let square = arena.square(y);
            arena.difference(one, square)
        }
        Some(Elementary::Atan) => {
            let square = arena.square(a);
            let denominator = arena.sum(one, square);
            return arena.quotient(da, denominator);
        }
        Some(Elementary::Sigmoid) => {
            // 1 − σ(a) without cancellation.
            let minus = arena.negated(a);
            let other = call(arena, Function::SIGMOID, minus);
            arena.product(y, other)
        }
        Some(Elementary::Softplus) => call(arena, Function::SIGMOID, a),
        Some(Elementary::Erf) => erf_slope(arena, a),
        Some(Elementary::Relu) => call(arena, Function::STEP, a),
        Some(Elementary::Abs) => call(arena, Function::SIGN, a),
        Some(Elementary::Step | Elementary::Sign) => arena.number(0.0),
    };
    arena.product(da, slope)
}

/// 2/√π exp(−a²).
fn erf_slope(arena: &mut Arena, a: Id) -> Id {
    let (one, two, pi) = (arena.number(1.0), arena.number(2.0), arena.push(Node::Pi));
    let root = call(arena, Function::SQRT, pi);
    let (factor, bell) = (arena.quotient(two, root), bell(arena, a, one));
    arena.product(factor, bell)
}

/// The chain rule of the functions made from elementary ones.
fn made_rule(arena: &mut Arena, f: Function, y: Id, (a, da): (Id, Id)) -> Id {
    let (one, two) = (arena.number(1.0), arena.number(2.0));
    let slope = match f {
        Function::Sinh => call(arena, Function::Cosh, a),
        Function::Cosh => call(arena, Function::Sinh, a),
        Function::Tan => {
            let square = arena.square(y);
            arena.sum(one, square)
        }
        // gelu' = Φ + a φ.
        _ => {
            let (half, root) = (arena.quotient(one, two), call(arena, Function::SQRT, two));
            let scaled = arena.quotient(a, root);
            let erf = call(arena, Function::ERF, scaled);
            let above = arena.sum(one, erf);
            let distribution = arena.product(half, above);
            let pi = arena.push(Node::Pi);
            let two_pi = arena.product(two, pi);
            let (norm, bell) = (call(arena, Function::SQRT, two_pi), bell(arena, a, two));
            let weighted = arena.product(a, bell);
            let density = arena.quotient(weighted, norm);
            arena.sum(distribution, density)
        }
    };
    arena.product(da, slope)
}

fn call(arena: &mut Arena, f: Function, a: Id) -> Id {
    arena.push(Node::Call(f, a))
}

/// exp(−a²/c).
fn bell(arena: &mut Arena, a: Id, c: Id) -> Id {
    let square = arena.square(a);
    let ratio = arena.quotient(square, c);
    let minus = arena.negated(ratio);
    call(arena, Function::EXP, minus)
}
