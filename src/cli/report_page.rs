//! `gradflow report`: every figure on one page.

use super::{remark, stdout_error};
use crate::figure::report;
use crate::{Result, files};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Where the figures are, and where the page goes.
#[derive(Debug, Args)]
pub(super) struct ReportOptions {
    /// The folder of figures
    #[arg(default_value = "figures")]
    folder: PathBuf,
    /// The page; FOLDER/report.html unless given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the numbers against the paper's as a Markdown table, and write no page
    #[arg(long, conflicts_with = "out")]
    markdown: bool,
    /// No remarks
    #[arg(long, short)]
    pub(super) quiet: bool,
}

pub(super) fn run(options: &ReportOptions, out: &mut dyn Write) -> Result<u8> {
    if options.markdown {
        let table = report::markdown(&options.folder)?;
        write!(out, "{table}").map_err(stdout_error)?;
        return Ok(0);
    }
    let page = options.out.clone().unwrap_or_else(|| options.folder.join("report.html"));
    files::write_whole(&page, report::html(&options.folder)?.as_bytes())?;
    if !options.quiet {
        remark("wrote", &page.display().to_string());
    }
    Ok(0)
}
