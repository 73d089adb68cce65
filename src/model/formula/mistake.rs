//! Errors that point at the column of a formula.

use crate::Error;

/// Formulas up to this many characters are shown whole.
const SHOWN: usize = 100;

/// The error at byte `at` of `text`.
pub(super) fn mistake(text: &str, at: usize, problem: impl Into<String>) -> Error {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (before, total) = (text[..at].chars().count(), text.chars().count());
    let (first, last) = if total <= SHOWN {
        (0, total)
    } else {
        let first = before.saturating_sub(SHOWN / 2).min(total - SHOWN);
        (first, first + SHOWN)
    };
    // A tab or a line break would move the caret away from its character.
    let mut formula: String = text
        .chars()
        .skip(first)
        .take(last - first)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut problem = problem.into();
    let mut column = before - first + 1;
    if total > SHOWN {
        problem = format!("{problem} (character {} of {total})", before + 1);
    }
    if first > 0 {
        formula.insert(0, '…');
        column += 1;
    }
    if last < total {
        formula.push('…');
    }
    Error::Formula { formula, column, problem }
}
