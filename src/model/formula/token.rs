//! A formula's text as tokens.

use super::mistake::mistake;
use crate::Result;

/// What a token is; names and numbers are read from the text they span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Number(f64),
    Name,
    /// A name in backticks: a column of the data.
    Column,
    Plus,
    Minus,
    Times,
    Over,
    Power,
    Open,
    Close,
    Comma,
    Semicolon,
    End,
}

/// A token and the bytes it spans.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    /// The text of the token, without backticks.
    pub(super) fn text<'a>(&self, formula: &'a str) -> &'a str {
        let text = &formula[self.start..self.end];
        if self.kind == Kind::Column { &text[1..text.len() - 1] } else { text }
    }
}

/// Whether `text` can be written without backticks: a letter or `_`, then letters, digits and `_`.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty() && text.chars().all(in_name)
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// All tokens, the last of which is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(c) = text[start..].chars().next() {
        if c.is_whitespace() {
            start += c.len_utf8();
            continue;
        }
        let token = match c {
            '0'..='9' | '.' => number(text, start)?,
            '`' => column(text, start)?,
            c if in_name(c) => Token { kind: Kind::Name, start, end: start + run(&text[start..]) },
            c => symbol(text, start, c)?,
        };
        start = token.end;
        found.push(token);
    }
    found.push(Token { kind: Kind::End, start: text.len(), end: text.len() });
    Ok(found)
}

/// The bytes of the name that `text` starts with.
fn run(text: &str) -> usize {
    text.find(|c| !in_name(c)).unwrap_or(text.len())
}

fn symbol(text: &str, start: usize, c: char) -> Result<Token> {
    let kind = match c {
        '*' if text[start + 1..].starts_with('*') => {
            return Ok(Token { kind: Kind::Power, start, end: start + 2 });
        }
        '+' => Kind::Plus,
        '-' | '−' => Kind::Minus,
        '*' | '·' | '×' => Kind::Times,
        '/' => Kind::Over,
        '^' => Kind::Power,
        '(' => Kind::Open,
        ')' => Kind::Close,
        ',' => Kind::Comma,
        ';' => Kind::Semicolon,
        c => return Err(mistake(text, start, unreadable(c))),
    };
    Ok(Token { kind, start, end: start + c.len_utf8() })
}

fn unreadable(c: char) -> String {
    let remedy = match c {
        '=' => "write the right-hand side only, as w1*tanh(w2)",
        '[' | ']' | '{' | '}' => "group with ( and )",
        '"' | '\'' => "write the name of a column in backticks, as `my col`",
        '²' | '³' => "write a power as w^2",
        'π' => "write pi",
        _ => {
            "a formula has ASCII names, numbers, + - * / ^ ( ) and `;`; other column names go in backticks"
        }
    };
    if c.is_control() {
        format!("found the control character U+{:04X}; {remedy}", u32::from(c))
    } else {
        format!("found `{c}`; {remedy}")
    }
}

fn column(text: &str, start: usize) -> Result<Token> {
    match text[start + 1..].find('`') {
        None => Err(mistake(text, start, "this backtick is never closed; write `column name`")),
        Some(0) => {
            Err(mistake(text, start, "an empty name; write a column's name between backticks"))
        }
        Some(length) => Ok(Token { kind: Kind::Column, start, end: start + length + 2 }),
    }
}

/// Digits with at most one point, then `e`, a sign and digits, as far as they go.
fn number(text: &str, start: usize) -> Result<Token> {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(start);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    let mantissa = &text[start..end];
    if bytes.get(end) == Some(&b'.') || mantissa == "." {
        let problem = "this point belongs to no number; write a number as 0.5, .5 or 1e-3";
        return Err(mistake(text, if mantissa == "." { start } else { end }, problem));
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = end + 1 + sign;
        if digits(exponent) > exponent {
            end = digits(exponent);
        }
    }
    let written = &text[start..end];
    // Only `f64::from_str` of digits: it cannot fail, and NaN would be refused as a number out of range.
    let value: f64 = written.parse().unwrap_or(f64::NAN);
    let vanished = value == 0.0 && mantissa.contains(|c| matches!(c, '1'..='9'));
    if !value.is_finite() || vanished {
        let problem = "this number is outside the range of double precision, 5e-324 to 1.797e308; rescale the formula";
        return Err(mistake(text, start, problem));
    }
    Ok(Token { kind: Kind::Number(value), start, end })
}
