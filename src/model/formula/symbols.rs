//! Names as LaTeX: w1 as w_{1}, alpha2 as \alpha_{2}, other words upright.

use super::token::is_name;

/// Names of Greek letters that TeX knows.
const GREEK: [&str; 28] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "Gamma", "Delta", "Theta", "Lambda", "Sigma", "Omega",
];

/// A name as LaTeX, under `accents` (as `\bar`, the innermost first) and with one more subscript, which may be empty.
pub(super) fn symbol(name: &str, accents: &[&str], subscript: &str) -> String {
    let (head, mut below) = split(name);
    let head = if GREEK.contains(&head.as_str()) {
        format!("\\{head}")
    } else if head.chars().count() == 1 && head.chars().all(|c| c.is_ascii_alphabetic()) {
        head
    } else {
        format!("\\mathrm{{{}}}", escaped(&head))
    };
    let head = accents.iter().fold(head, |head, accent| format!("{accent}{{{head}}}"));
    if !subscript.is_empty() {
        below.push(subscript.to_string());
    }
    if below.is_empty() { head } else { format!("{head}_{{{}}}", below.join(",")) }
}

/// The letters a name starts with, and what follows as subscripts.
fn split(name: &str) -> (String, Vec<String>) {
    let end = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
    if !is_name(name) || end == 0 {
        return (name.to_string(), Vec::new());
    }
    let below = name[end..].split('_').filter(|part| !part.is_empty()).map(|part| {
        let plain = part.chars().count() == 1 || part.chars().all(|c| c.is_ascii_digit());
        if plain { part.to_string() } else { format!("\\mathrm{{{part}}}") }
    });
    (name[..end].to_string(), below.collect())
}

/// Text with the characters that mean something to TeX made harmless.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '#' | '$' | '%' | '&' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            '\\' => escaped.push_str("\\backslash "),
            '^' => escaped.push_str("\\hat{\\ }"),
            '~' => escaped.push_str("\\sim "),
            c if c.is_whitespace() || c.is_control() => escaped.push_str("\\ "),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_symbols() {
        for (name, wanted) in [
            ("w1", "w_{1}"),
            ("w_1", "w_{1}"),
            ("w1_2", "w_{1,2}"),
            ("alpha", "\\alpha"),
            ("alpha2", "\\alpha_{2}"),
            ("rate", "\\mathrm{rate}"),
            ("w_in", "w_{\\mathrm{in}}"),
            ("_", "\\mathrm{\\_}"),
            ("my col%", "\\mathrm{my\\ col\\%}"),
        ] {
            assert_eq!(symbol(name, &[], ""), wanted);
        }
        assert_eq!(symbol("w1", &["\\bar"], "0"), "\\bar{w}_{1,0}");
    }
}
