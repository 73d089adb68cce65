//! Single numbers on the command line, with messages for people rather than for programmers.

use std::str::FromStr;
use std::time::Duration;

/// A whole number, 0 or more.
pub(super) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| {
        let all_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let wanted =
            if all_digits { "a smaller whole number" } else { "a whole number, 0 or more" };
        format!("wanted {wanted}")
    })
}

/// A number; its range is checked where it is used.
pub(super) fn real(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| "wanted a number such as 1e-8 or 0.5".into())
}

/// A number of seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let wanted = "wanted a number of seconds above 0, at most 1e9";
    match real(text) {
        Ok(s) if s > 0.0 && s <= 1e9 => Ok(Duration::from_secs_f64(s)),
        _ => Err(wanted.into()),
    }
}
