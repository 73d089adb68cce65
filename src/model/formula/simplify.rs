//! Operations that simplify as they build: what derivatives are made with.
//!
//! 0 + a, 0·a, 1·a, a¹, −(−a), a − a, a/a, numbers with numbers; sums and products grow to the left, minus signs move out.
//! Values change by rounding at most, wherever all parts are finite.

use super::arena::{Arena, Id, Node};

impl Arena {
    fn is(&self, id: Id, value: f64) -> bool {
        self.node(id).as_number() == Some(value)
    }

    /// A number from two, where both are numbers and the result is finite.
    fn folded(&mut self, a: Id, b: Id, f: impl Fn(f64, f64) -> f64) -> Option<Id> {
        let value = f(self.node(a).as_number()?, self.node(b).as_number()?);
        value.is_finite().then(|| self.number(value))
    }

    /// −a.
    pub(super) fn negated(&mut self, a: Id) -> Id {
        match self.node(a) {
            Node::Number(bits) => self.number(0.0 - bits.value()),
            Node::Neg(inner) => inner,
            Node::Sub(x, y) => self.push(Node::Sub(y, x)),
            _ => self.push(Node::Neg(a)),
        }
    }

    /// a + b.
    pub(super) fn sum(&mut self, a: Id, b: Id) -> Id {
        self.accumulate(a, b, false)
    }

    /// a − b.
    pub(super) fn difference(&mut self, a: Id, b: Id) -> Id {
        self.accumulate(a, b, true)
    }

    /// a ± b, term by term of b, so that no parentheses are needed.
    fn accumulate(&mut self, a: Id, b: Id, minus: bool) -> Id {
        let (mut terms, mut left, mut sign) = (Vec::new(), b, minus);
        loop {
            match self.node(left) {
                Node::Add(x, y) => {
                    terms.push((y, sign));
                    left = x;
                }
                Node::Sub(x, y) => {
                    terms.push((y, !sign));
                    left = x;
                }
                Node::Neg(x) => (left, sign) = (x, !sign),
                _ => break,
            }
        }
        terms.push((left, sign));
        terms.into_iter().rev().fold(a, |sum, (term, minus)| self.term(sum, term, minus))
    }

    /// sum ± term.
    fn term(&mut self, sum: Id, term: Id, minus: bool) -> Id {
        if self.is(term, 0.0) {
            return sum;
        }
        if self.is(sum, 0.0) {
            return if minus { self.negated(term) } else { term };
        }
        if minus && sum == term {
            return self.number(0.0);
        }
        if !minus && sum == term {
            let two = self.number(2.0);
            return self.product(two, term);
        }
        if !minus && let Node::Neg(x) = self.node(sum) {
            return self.push(Node::Sub(term, x));
        }
        let folded = self.folded(sum, term, |x, y| if minus { x - y } else { x + y });
        folded.unwrap_or_else(|| {
            self.push(if minus { Node::Sub(sum, term) } else { Node::Add(sum, term) })
        })
    }

    /// a · b, factor by factor of b.
    pub(super) fn product(&mut self, a: Id, b: Id) -> Id {
        let (x, y) = (self.stripped(a), self.stripped(b));
        let product = self.unsigned_product(x, y);
        if (x == a) == (y == b) { product } else { self.negated(product) }
    }

    /// x of −x.
    fn stripped(&self, id: Id) -> Id {
        if let Node::Neg(x) = self.node(id) { x } else { id }
    }

    fn unsigned_product(&mut self, a: Id, b: Id) -> Id {
        let (a, b) = if self.node(b).as_number().is_some() { (b, a) } else { (a, b) };
        let (mut factors, mut left) = (Vec::new(), b);
        while let Node::Mul(x, y) | Node::Div(x, y) = self.node(left) {
            factors.push((y, matches!(self.node(left), Node::Div(..))));
            left = x;
        }
        let first = self.factor(a, left);
        factors.into_iter().rev().fold(first, |product, (factor, divides)| {
            if divides { self.quotient(product, factor) } else { self.factor(product, factor) }
        })
    }

    fn factor(&mut self, a: Id, b: Id) -> Id {
        if self.is(a, 0.0) || self.is(b, 1.0) {
            a
        } else if self.is(b, 0.0) || self.is(a, 1.0) {
            b
        } else if self.is(a, -1.0) {
            self.negated(b)
        } else if let Some(number) = self.folded(a, b, |x, y| x * y) {
            number
        } else {
            self.push(Node::Mul(a, b))
        }
    }

    /// a / b; fractions of numbers stay fractions unless they are whole.
    pub(super) fn quotient(&mut self, a: Id, b: Id) -> Id {
        if self.is(a, 0.0) || self.is(b, 1.0) {
            return a;
        }
        if a == b {
            return self.number(1.0);
        }
        match (self.node(a), self.node(b)) {
            (Node::Neg(x), _) => {
                let positive = self.quotient(x, b);
                self.negated(positive)
            }
            (Node::Number(x), Node::Number(y)) if (x.value() / y.value()).fract() == 0.0 => {
                self.number(x.value() / y.value())
            }
            _ => self.push(Node::Div(a, b)),
        }
    }

    /// a^b.
    pub(super) fn power(&mut self, a: Id, b: Id) -> Id {
        if self.is(b, 1.0) {
            a
        } else if self.is(b, 0.0) {
            self.number(1.0)
        } else {
            self.push(Node::Pow(a, b))
        }
    }

    /// a².
    pub(super) fn square(&mut self, a: Id) -> Id {
        let two = self.number(2.0);
        self.push(Node::Pow(a, two))
    }
}
