//! Which names are inputs and which are parameters, and the order of the parameters.

use super::function::Function;
use super::token::{Kind, Token};
use std::cmp::Ordering;
use std::collections::HashMap;

/// The two lists of names, with their places.
pub(super) struct Names<'a> {
    inputs: &'a [String],
    input_places: HashMap<&'a str, usize>,
    params: Vec<&'a str>,
    param_places: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    /// Every plain name that is neither a function, nor `pi`, nor an input is a parameter.
    pub(super) fn collect(text: &'a str, tokens: &[Token], inputs: &'a [String]) -> Self {
        let input_places = places(inputs.iter().map(String::as_str));
        let mut params: Vec<&str> = tokens
            .iter()
            .filter(|token| token.kind == Kind::Name)
            .map(|token| token.text(text))
            .filter(|name| !is_reserved(name) && !input_places.contains_key(name))
            .collect();
        params.sort_unstable();
        params.dedup();
        params.sort_by(|a, b| natural(a, b));
        let param_places = places(params.iter().copied());
        Names { inputs, input_places, params, param_places }
    }

    pub(super) fn inputs(&self) -> &'a [String] {
        self.inputs
    }

    pub(super) fn params(&self) -> Vec<String> {
        self.params.iter().map(ToString::to_string).collect()
    }

    pub(super) fn input(&self, name: &str) -> Option<usize> {
        self.input_places.get(name).copied()
    }

    pub(super) fn param(&self, name: &str) -> Option<usize> {
        self.param_places.get(name).copied()
    }
}

fn places<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    names.enumerate().map(|(place, name)| (name, place)).collect()
}

/// Whether a plain name means something already.
pub(super) fn is_reserved(name: &str) -> bool {
    name == "pi" || Function::named(name).is_some()
}

/// Letters by their codes, runs of digits by their value: a, b, w1, w2, w10.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let (x, y) = (chunk(left), chunk(right));
        let digits = |c: &str| c.as_bytes()[0].is_ascii_digit();
        let order = if digits(x) && digits(y) {
            let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            x.cmp(y)
        };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (&left[x.len()..], &right[y.len()..]);
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The run of digits, or of other characters, that a name starts with.
fn chunk(name: &str) -> &str {
    let digits = name.starts_with(|c: char| c.is_ascii_digit());
    let end = name.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(name.len());
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count() {
        let mut names = ["w10", "b", "w2", "w1_10", "w1_9", "a", "w", "w02", "w1"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "b", "w", "w1", "w1_9", "w1_10", "w02", "w2", "w10"]);
    }
}
