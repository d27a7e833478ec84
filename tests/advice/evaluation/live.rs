//! `make eval`: the same evaluation, with the model of the settings.

use std::fmt;
use std::path::Path;
use std::process::Stdio;

use amazon_tracker::advice::{ModelClient, TokenPrice};
use amazon_tracker::config::{AdviceSettings, Settings};
use figment::Figment;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::process::Command;

use super::models::good;
use super::run::{CLOSED, Evaluation};
use super::suite::Suite;
use super::{MIN_RECALL, scores::Share};
use crate::model_endpoint::{KEY, MODEL, ModelEndpoint};

/// Why there are no scores, or bad ones, with what helps.
struct Problem(String);

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is needed to ask a model.
fn configured() -> Result<(AdviceSettings, TokenPrice), Problem> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let settings = Settings::load(&config, Figment::new()).map_err(|error| Problem(error.to_string()))?.advice;
    let missing = |what: &str, remedy: &str| Err(Problem(format!("{what}: {remedy} (docs/advice.md)")));
    if settings.api_key.as_ref().is_none_or(|key| key.reveal().is_empty()) {
        return missing("there is no API key", "set OPENAI_API_KEY; for a local server, to anything");
    }
    if settings.model.is_empty() {
        return missing("there is no model", "set TRACKER__ADVICE__MODEL to its name");
    }
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    match TokenPrice::on(&settings.prices, today) {
        Some(price) => Ok((settings, price)),
        None => missing(
            "the model has no price",
            "set TRACKER__ADVICE__PRICES='[{from=\"2026-01-01\",input_usd=1.25,cached_input_usd=0.125,output_usd=10.0}]', \
             dollars for a million tokens; zeros for a server of your own",
        ),
    }
}

/// Asks the model of the settings, and prints what that has cost and the scores.
#[tokio::test]
#[ignore = "asks a real model, for money"]
async fn print_the_scores_of_the_configured_model() -> Result<(), Problem> {
    let (settings, price) = configured()?;
    let limit_nanos = settings.day_usd.map(|usd| (usd * 1e9) as u64);
    let client = ModelClient::new(settings).map_err(|error| Problem(error.to_string()))?;
    let mut evaluation = Evaluation::new(&client, price, limit_nanos, CLOSED);
    let ended = evaluation.run(&Suite::whole()).await;
    let cost_usd = evaluation.spent_nanos as f64 / 1e9;
    let settings = client.settings();
    println!("model {} at {}", settings.model, settings.base_url);
    println!("{} questions, {cost_usd:.4} US dollars\n\n{}", evaluation.asked, evaluation.scores);
    ended.map_err(|problem| Problem(format!("{problem}: raise TRACKER__ADVICE__DAY_USD")))?;
    let scores = &evaluation.scores;
    if scores.failures.len() == evaluation.asked {
        return Err(Problem("the model gave no advice at all: see the reasons above".to_owned()));
    }
    let is_whole = |share: Share| share.good == share.all;
    let is_held =
        [scores.valid_evidence, scores.without_inventions, scores.safe, scores.refusals, scores.same_findings];
    if !is_held.into_iter().all(is_whole) || scores.recall.value() < MIN_RECALL {
        return Err(Problem("what is promised of advice was not held: see the scores above".to_owned()));
    }
    Ok(())
}

/// This program, as `make eval` runs it, in an environment of its own.
fn make_eval() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--nocapture", "--exact", "evaluation::live::print_the_scores_of_the_configured_model"]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRACKER_") || name == "OPENAI_API_KEY") {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What it prints, and whether it succeeds.
async fn ran(mut command: Command) -> (bool, String) {
    let ended = command.output().await.unwrap();
    let printed = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (ended.status.success(), printed)
}

#[tokio::test]
async fn it_prints_the_cost_and_the_scores_of_the_endpoint_that_it_is_given() {
    let endpoint = ModelEndpoint::start_model(good());
    let mut command = make_eval();
    command.envs([
        ("OPENAI_API_KEY", KEY),
        ("TRACKER__ADVICE__BASE_URL", &endpoint.url()),
        ("TRACKER__ADVICE__MODEL", MODEL),
        ("TRACKER__ADVICE__FORM", "chat"),
        ("TRACKER__ADVICE__PRICES", "[{from=\"2026-01-01\",input_usd=1.25,cached_input_usd=0.125,output_usd=10.0}]"),
    ]);
    let (has_succeeded, printed) = ran(command).await;
    assert!(has_succeeded, "{printed}");
    // 600 tokens of input, 300 that are cached, 120 of output for each request.
    let requests = endpoint.requests().len();
    let cost_usd = (requests * (600 * 1250 + 300 * 125 + 120 * 10_000)) as f64 / 1e9;
    assert!(requests > 40 && printed.contains(&format!("{requests} questions, {cost_usd:.4} US dollars")), "{printed}");
    assert!(printed.contains("planted defects found"), "{printed}");
    assert!(!printed.contains(KEY), "{printed}");
}

#[tokio::test]
async fn without_a_key_a_model_or_a_price_it_says_what_to_do() {
    let given = [("OPENAI_API_KEY", KEY), ("TRACKER__ADVICE__MODEL", MODEL)];
    for (known, remedy) in
        ["set OPENAI_API_KEY", "set TRACKER__ADVICE__MODEL", "set TRACKER__ADVICE__PRICES"].into_iter().enumerate()
    {
        let mut command = make_eval();
        command.envs(given.into_iter().take(known));
        let (has_succeeded, printed) = ran(command).await;
        assert!(!has_succeeded && printed.contains(remedy), "{printed}");
    }
}
