//! `gradflow figure`: the paper's figures, made or drawn again.

use super::{remark, stdout_error, words};
use crate::experiment::{Order, Progress, Size};
use crate::figure::{EXHIBITS, Exhibit, Outcome, report};
use crate::{Error, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What to draw, and how large.
#[derive(Debug, Args)]
#[command(
    after_help = "Numbers that are there already, made with the same settings, are drawn again; --again makes them anew.\n\
                  A killed run goes on where it was: finished runs are kept in hidden files beside the numbers."
)]
pub(super) struct FigureOptions {
    /// Figures by name: fig1a, fig1b, fig1c, …; none to list them
    names: Vec<String>,
    /// All of them
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// A size of seconds, into `NAME_quick`
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// The paper's size, into `NAME_full`
    #[arg(long)]
    full: bool,
    /// Seed of everything drawn at random
    #[arg(long, default_value = "0", value_parser = words::whole::<u64>)]
    seed: u64,
    /// The folder that pictures and numbers go into
    #[arg(long, default_value = "figures", value_name = "FOLDER")]
    out: PathBuf,
    /// Images in CIFAR-10's binary format, for the figures of convolutional networks and for the two classes of
    /// `true_random_labels` and `complexity_measure`
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Make numbers anew that are there already
    #[arg(long)]
    again: bool,
    /// One JSON object per figure instead of tables
    #[arg(long)]
    json: bool,
    /// No progress and no remarks
    #[arg(long)]
    pub(super) quiet: bool,
}

pub(super) fn run(options: &FigureOptions, out: &mut dyn Write) -> Result<u8> {
    let wanted: Vec<&Exhibit> = if options.all {
        EXHIBITS.iter().collect()
    } else {
        options.names.iter().map(|name| Exhibit::named(name)).collect::<Result<_>>()?
    };
    if wanted.is_empty() {
        return list(out);
    }
    let size = match (options.quick, options.full) {
        (true, _) => Size::Quick,
        (_, true) => Size::Full,
        _ => Size::Standard,
    };
    let order = Order { size, seed: options.seed, data: options.data.clone() };
    for exhibit in wanted {
        let bar = Bar::new(exhibit.name, options.quiet || options.json);
        let outcome = exhibit.make(&order, &options.out, options.again, &bar);
        bar.bar.finish_and_clear();
        let outcome = match outcome {
            // Asked for all, what cannot be made for want of data is said and left out.
            Err(Error::Conflict { found, remedy })
                if options.all && options.data.is_none() && exhibit.needs_images() =>
            {
                remark("skipped", &format!("{}: {found}; {remedy}", exhibit.name));
                continue;
            }
            other => other?,
        };
        if options.json {
            as_json(exhibit, &outcome, out)?;
        } else {
            as_table(exhibit, &outcome, out).map_err(stdout_error)?;
        }
        if !options.quiet && !options.json {
            let how = if outcome.made { "wrote" } else { "drew again" };
            remark(how, &outcome.picture.display().to_string());
            if exhibit.takes_images() && options.data.is_none() {
                let words = "two classes of CIFAR-10, for want of images: the data are generated; give --data PATH";
                remark("skipped", &format!("{}: {words}", exhibit.name));
            }
        }
    }
    Ok(0)
}

fn list(out: &mut dyn Write) -> Result<u8> {
    for Exhibit { name, source, shows, .. } in EXHIBITS {
        writeln!(out, "{name:<18} {source:<14} {shows}").map_err(stdout_error)?;
    }
    Ok(0)
}

fn as_table(exhibit: &Exhibit, outcome: &Outcome, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}, {}: {}", exhibit.name, exhibit.source, exhibit.shows)?;
    let widest = outcome.checks.iter().map(|c| c.quantity.chars().count()).max().unwrap_or(0);
    writeln!(
        out,
        "  {:<widest$}  {:>12}  {:>12}  {:>20}  verdict",
        "", "found", "paper", "allowed"
    )?;
    for check in &outcome.checks {
        let [quantity, found, paper, allowed, verdict] = report::cells(check);
        writeln!(out, "  {quantity:<widest$}  {found:>12}  {paper:>12}  {allowed:>20}  {verdict}")?;
    }
    writeln!(out)
}

fn as_json(exhibit: &Exhibit, outcome: &Outcome, out: &mut dyn Write) -> Result<()> {
    let number = |v: f64| serde_json::Number::from_f64(v).map(serde_json::Value::Number);
    let checks: Vec<serde_json::Value> = outcome
        .checks
        .iter()
        .map(|check| {
            serde_json::json!({
                "quantity": check.quantity,
                "found": number(check.found),
                "paper": check.paper.and_then(number),
                "allowed": [number(check.allowed.0), number(check.allowed.1)],
                "verdict": check.verdict(),
            })
        })
        .collect();
    let object = serde_json::json!({
        "figure": exhibit.name,
        "source": exhibit.source,
        "picture": outcome.picture,
        "numbers": outcome.numbers,
        "made": outcome.made,
        "checks": checks,
    });
    writeln!(out, "{object}").map_err(stdout_error)
}

/// Runs done, and what is left of the time.
struct Bar {
    bar: ProgressBar,
    /// Parts of the runs in progress.
    parts: Mutex<BTreeMap<usize, f64>>,
    /// Runs done.
    done: Mutex<f64>,
}

/// Positions of the bar per run.
const FINE: f64 = 1000.0;

impl Bar {
    fn new(name: &'static str, hidden: bool) -> Self {
        let target =
            if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = "{prefix} {bar:30} {percent:>3} %  {msg}  {elapsed} gone, about {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_prefix(name);
        Bar { bar, parts: Mutex::default(), done: Mutex::default() }
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates"
    )]
    fn show(&self) {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let done = *self.done.lock().unwrap_or_else(PoisonError::into_inner);
        self.bar.set_position((FINE * (done + parts.values().sum::<f64>())) as u64);
    }
}

impl Progress for Bar {
    fn begin(&self, runs: usize, done: usize) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = done as f64;
        self.bar.set_length(runs as u64 * 1000);
        // What was found does not count for the estimate of time.
        self.bar.set_position(done as u64 * 1000);
        self.bar.reset_eta();
        self.bar.set_message(format!("{runs} runs"));
    }

    fn advance(&self, run: usize, part: f64) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(run, part.clamp(0.0, 1.0));
        self.show();
    }

    fn finish(&self, run: usize, label: &str) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) += 1.0;
        self.bar.set_message(label.to_string());
        self.show();
    }
}
