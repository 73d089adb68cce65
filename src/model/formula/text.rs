//! Expressions as text that parses back to the same value, with no parentheses but the needed ones.

use super::arena::{Arena, Id, Node};

/// How the parameters and inputs are written.
pub(super) struct Written<'a> {
    pub(super) params: &'a [String],
    pub(super) inputs: &'a [String],
}

/// Where an operand stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Free,
    SumRight,
    /// Left operand of `*` and `/`, and operand of a minus sign: −ab is (−a)b.
    ProductLeft,
    ProductRight,
    Base,
    Exponent,
}

/// What is left to write.
enum Item {
    Node(Id, Place),
    Sign(&'static str),
}

/// Whether the text of the expression begins with a minus sign.
fn begins_with_minus(arena: &Arena, mut id: Id) -> bool {
    while let Node::Mul(left, _) | Node::Div(left, _) = arena.node(id) {
        id = left;
    }
    arena.node(id).is_negative()
}

/// Whether an expression needs parentheses at `place`.
fn wraps(arena: &Arena, id: Id, place: Place) -> bool {
    let node = arena.node(id);
    let strength = match node {
        Node::Add(..) | Node::Sub(..) => 1,
        Node::Mul(..) | Node::Div(..) => 2,
        _ if node.is_negative() => 2,
        Node::Pow(..) => 4,
        _ => 5,
    };
    match place {
        Place::Free => false,
        Place::SumRight => strength == 1 || begins_with_minus(arena, id),
        Place::ProductLeft => strength == 1,
        Place::ProductRight => strength <= 2,
        Place::Base => strength < 5,
        Place::Exponent => strength < 4 && !node.is_negative(),
    }
}

/// The operands of a node that stands at `place`, with their places and what is written before each and at the end.
fn layout(node: Node, place: Place) -> [Option<Item>; 4] {
    let pair = |a, left, sign, b, right| {
        [Some(Item::Node(a, left)), Some(Item::Sign(sign)), Some(Item::Node(b, right)), None]
    };
    match node {
        Node::Add(a, b) => pair(a, Place::Free, " + ", b, Place::SumRight),
        Node::Sub(a, b) => pair(a, Place::Free, " - ", b, Place::SumRight),
        Node::Mul(a, b) => pair(a, Place::ProductLeft, "*", b, Place::ProductRight),
        Node::Div(a, b) => pair(a, Place::ProductLeft, "/", b, Place::ProductRight),
        Node::Pow(a, b) => pair(a, Place::Base, "^", b, Place::Exponent),
        Node::Neg(a) => {
            let inner = if place == Place::Exponent { place } else { Place::ProductLeft };
            [Some(Item::Sign("-")), Some(Item::Node(a, inner)), None, None]
        }
        Node::Call(f, a) => [
            Some(Item::Sign(f.name())),
            Some(Item::Sign("(")),
            Some(Item::Node(a, Place::Free)),
            Some(Item::Sign(")")),
        ],
        Node::Number(_) | Node::Pi | Node::Param(_) | Node::Input(_) => [None, None, None, None],
    }
}

/// The expression `root` as text.
pub(super) fn text(arena: &Arena, root: Id, names: &Written<'_>) -> String {
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
        let node = arena.node(id);
        if wraps(arena, id, place) {
            text.push('(');
            left.push(Item::Sign(")"));
        }
        match node {
            Node::Number(bits) => text.push_str(&number(bits.value())),
            Node::Pi => text.push_str("pi"),
            Node::Param(index) => text.push_str(&names.params[index]),
            Node::Input(index) => text.push_str(&names.inputs[index]),
            _ => {}
        }
        left.extend(layout(node, place).into_iter().flatten().rev());
    }
    text
}

/// The shortest digits that read back as `value`.
fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// How many nodes the texts of `ids` would have together, and how deeply the parser would nest in them.
pub(super) fn measure(arena: &Arena, ids: &[Id]) -> (usize, usize) {
    let needed = arena.reachable(ids, |_| false);
    let mut sizes = vec![(0_usize, 0_usize); needed.len()];
    for id in (0..needed.len()).filter(|&id| needed[id]) {
        let node = arena.node(id);
        let (mut count, mut depth) = (1_usize, usize::from(node.is_negative()));
        for (item, right) in layout(node, Place::Free).into_iter().flatten().zip([0, 0, 1, 1]) {
            let Item::Node(child, place) = item else { continue };
            let level = match node {
                Node::Neg(_) | Node::Call(..) => 1,
                Node::Pow(..) => right,
                _ => 0,
            } + usize::from(wraps(arena, child, place));
            count = count.saturating_add(sizes[child].0);
            depth = depth.max(sizes[child].1 + level);
        }
        sizes[id] = (count, depth);
    }
    ids.iter().fold((0, 0), |(count, depth), &id| {
        (count.saturating_add(sizes[id].0), depth.max(sizes[id].1))
    })
}
