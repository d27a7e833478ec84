//! The sources of observations.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::clock;
use super::report::{Finding, Report};
use crate::config::{ApifySettings, Settings, SourceName};
use crate::domain::Marketplace;
use crate::sources::apify::{ApifyClient, ApifyError};
use crate::sources::direct::DirectSource;
use crate::telemetry::Metrics;

pub(super) async fn check(
    settings: &Settings,
    marketplaces: &BTreeSet<Marketplace>,
    may_ask_amazon: bool,
    report: &mut Report,
) {
    let crawl = &settings.crawl;
    let names: BTreeSet<SourceName> =
        crawl.sources.iter().chain(crawl.sources_by_marketplace.values().flatten()).copied().collect();
    if names.contains(&SourceName::Direct) {
        check_direct(settings, marketplaces, may_ask_amazon, report).await;
    }
    if names.contains(&SourceName::Apify) {
        check_apify(&settings.apify, report).await;
    }
}

async fn check_direct(
    settings: &Settings,
    marketplaces: &BTreeSet<Marketplace>,
    may_ask_amazon: bool,
    report: &mut Report,
) {
    const CHECK: &str = "source/direct";
    let source = match DirectSource::new(settings.crawl.clone(), Arc::new(Metrics::new())) {
        Ok(source) => source,
        Err(error) => {
            report.add(Finding::fault(
                CHECK,
                error.to_string(),
                "correct crawl.proxies, crawl.user_agent and crawl.cookies",
            ));
            return;
        }
    };
    if settings.crawl.base_url.is_none() && !may_ask_amazon {
        report.add(Finding::skipped(CHECK, "not requested from Amazon; add --amazon to do so"));
        return;
    }
    // So that each proxy is used once.
    let requests = marketplaces.len().max(settings.crawl.proxies.len());
    let mut is_clock_compared = false;
    for &marketplace in marketplaces.iter().cycle().take(requests) {
        let check = format!("{CHECK}/{marketplace}");
        let before = Timestamp::now();
        let answer = match source.probe(marketplace).await {
            Ok(answer) => answer,
            Err(reason) => {
                let remedy = "check the network, DNS, the firewall, crawl.base_url and crawl.proxies";
                report.add(Finding::fault(check, format!("cannot be reached: {reason}"), remedy));
                continue;
            }
        };
        let after = Timestamp::now();
        report.add(match answer.status {
            403 | 429 | 503 => Finding::warning(
                check,
                format!("reachable, but it refuses requests with status {}", answer.status),
                "wait, lower crawl.requests_per_minute, or use other crawl.proxies or another source",
            ),
            500.. => Finding::warning(check, format!("it fails with status {}", answer.status), "try again later"),
            status => Finding::ok(check, format!("reachable, status {status}")),
        });
        if let Some(theirs) = answer.date.filter(|_| !is_clock_compared) {
            is_clock_compared = true;
            report.add(clock::compare("HTTP servers", before, theirs, after));
        }
    }
}

async fn check_apify(settings: &ApifySettings, report: &mut Report) {
    const CHECK: &str = "source/apify";
    let client = match ApifyClient::new(settings.clone()) {
        Ok(client) => client,
        Err(error) => {
            report.add(Finding::fault(CHECK, error.to_string(), "install the certificates of the system"));
            return;
        }
    };
    let (error, remedy) = match client.check().await {
        Ok(()) => {
            report.add(Finding::ok(CHECK, format!("the token is valid, and the actor {} is there", settings.actor)));
            return;
        }
        Err(error) => {
            let remedy = match &error {
                ApifyError::Refused { status: 401 | 403, .. } => "set APIFY_API_TOKEN to a valid token of the account",
                ApifyError::Refused { status: 402, .. } => "add credit to the Apify account, or raise its limit",
                ApifyError::Refused { status: 404, .. } => "correct apify.actor: an id, or user~name",
                ApifyError::Refused { .. } => "correct the settings in [apify]",
                ApifyError::Later { .. } => "wait a minute and try again",
                ApifyError::NoAnswer(_) | ApifyError::Unreadable(_) => {
                    "check the network and apify.base_url; see https://status.apify.com"
                }
            };
            (error, remedy)
        }
    };
    report.add(Finding::fault(CHECK, error.to_string(), remedy));
}
