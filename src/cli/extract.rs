//! `extract`: what a saved page says.

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use url::Url;

use super::print_result;
use crate::domain::Marketplace;
use crate::extract::{PageContext, extract};

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The site the page comes from: `com`, `de`, …
    #[arg(long)]
    marketplace: Option<Marketplace>,
    /// The address the page was saved from; its host tells the site.
    #[arg(long)]
    url: Option<Url>,
    /// A saved page, or `-` for standard input.
    file: String,
}

pub(super) fn run(args: ExtractArgs) -> anyhow::Result<ExitCode> {
    let by_url = args.url.as_ref().and_then(Url::host_str).and_then(Marketplace::from_host);
    let context = PageContext { marketplace: args.marketplace.or(by_url), content_type: None };
    let page = extract(&read(&args.file)?, context)?;
    print_result(&format!("{}\n", serde_json::to_string(&page)?))
}

fn read(file: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match file {
        "-" => std::io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?,
        file => std::fs::File::open(file)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .with_context(|| format!("{file} cannot be read"))?,
    };
    Ok(bytes)
}
