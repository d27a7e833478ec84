//! `extract`: the data of a saved page.

use std::io::{ErrorKind, Read};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use url::Url;

use super::print_result;
use crate::domain::Marketplace;
use crate::extract::{Extractor, Page, PageContext, Progress};

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The marketplace of the page: `com`, `de`, …
    #[arg(long)]
    marketplace: Option<Marketplace>,
    /// The URL of the page; its host names the marketplace.
    #[arg(long)]
    url: Option<Url>,
    /// A saved page, or `-` for standard input.
    file: String,
}

pub(super) fn run(args: ExtractArgs) -> anyhow::Result<ExitCode> {
    let context = PageContext { marketplace: marketplace_of(&args)?, content_type: None, to_the_end: true };
    let page = match args.file.as_str() {
        "-" => read(std::io::stdin().lock(), "standard input", context),
        file => {
            let opened = std::fs::File::open(file).with_context(|| format!("{file} cannot be read"))?;
            read(opened, file, context)
        }
    }?;
    print_result(&format!("{}\n", serde_json::to_string(&page)?))
}

/// A URL of no marketplace is an error unless the marketplace is given too.
fn marketplace_of(args: &ExtractArgs) -> anyhow::Result<Option<Marketplace>> {
    let by_url = args.url.as_ref().map(|url| {
        let host = url.host_str().unwrap_or_default();
        Marketplace::from_host(host).with_context(|| format!("--url: `{host}` is not an Amazon marketplace"))
    });
    match (args.marketplace, by_url) {
        (Some(marketplace), Some(Ok(other))) if marketplace != other => {
            anyhow::bail!("--marketplace {marketplace}: the --url belongs to marketplace {other}")
        }
        (Some(marketplace), _) => Ok(Some(marketplace)),
        (None, by_url) => by_url.transpose(),
    }
}

/// Reads in chunks and no further than needed, as from the network.
fn read(mut source: impl Read, name: &str, context: PageContext) -> anyhow::Result<Page> {
    let mut extractor = Extractor::new(context);
    let mut piece = vec![0; 64 * 1024];
    loop {
        match source.read(&mut piece) {
            Ok(0) => break,
            Ok(read) if extractor.feed(&piece[..read])? == Progress::Settled => break,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).with_context(|| format!("{name} cannot be read")),
        }
    }
    Ok(extractor.finish())
}
