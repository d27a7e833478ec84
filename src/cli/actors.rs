//! `actors`: the actors of a running daemon, as a table.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::table::rows_of;
use super::{Flags, print_result};
use crate::config::Settings;

const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct ActorsArgs {
    /// The address of the daemon; default: `server.listen`.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// An access token of a superadmin; default: sign in with `ADMIN_EMAIL` and `ADMIN_PASSWORD`.
    #[arg(long, env = "ACCESS_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

pub(super) fn run(folder: &Path, args: ActorsArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(folder, Flags::default().with("server.listen", args.listen).0)?;
    let base = format!("http://{}/api/v1", settings.server.listen);
    let text = tokio::runtime::Runtime::new()?.block_on(async {
        let client = Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        if let Some(token) = args.token {
            return read(&client, &base, &token).await;
        }
        let token = sign_in(&client, &base, &settings).await?;
        let text = read(&client, &base, &token).await;
        // A session that stays open counts against the user's limit.
        let _ = client.post(format!("{base}/auth/logout")).bearer_auth(&token).send().await;
        text
    })?;
    print_result(&text)
}

async fn read(client: &Client, base: &str, token: &str) -> anyhow::Result<String> {
    let response = client.get(format!("{base}/system/actors")).bearer_auth(token).send().await;
    let answer = answered(response.with_context(|| format!("{base} does not answer"))?).await?;
    Ok(table_of(&answer["actors"]))
}

async fn sign_in(client: &Client, base: &str, settings: &Settings) -> anyhow::Result<String> {
    let auth = &settings.auth;
    let Some((email, password)) = auth.admin_email.as_ref().zip(auth.admin_password.as_ref()) else {
        bail!("give an access token of a superadmin (--token), or set ADMIN_EMAIL and ADMIN_PASSWORD");
    };
    let body = json!({ "email": email, "password": password.reveal() });
    let response = client.post(format!("{base}/auth/login")).json(&body).send().await;
    let answer = answered(response.with_context(|| format!("{base} does not answer"))?).await?;
    let token = answer["access_token"].as_str().context("the daemon returned no access token")?;
    Ok(token.to_owned())
}

/// The body of a successful response; the detail of any other one is the error.
async fn answered(response: Response) -> anyhow::Result<Value> {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    if !status.is_success() {
        bail!("the daemon answered {status}: {}", body["detail"].as_str().unwrap_or("no detail"));
    }
    Ok(body)
}

fn table_of(actors: &Value) -> String {
    let header = ["KIND", "RESIDENT", "INCARNATIONS", "RESTARTS", "QUEUED", "IN FLIGHT", "OLDEST", "LAST PANIC"];
    let row = |actor: &Value| {
        let number = |field: &str| actor[field].as_i64().unwrap_or_default().to_string();
        let oldest = actor["oldest_work_secs"].as_f64().map_or_else(|| "-".to_owned(), |secs| format!("{secs:.1} s"));
        let panic = match &actor["last_panic"] {
            Value::Null => "-".to_owned(),
            panic => format!(
                "{} {}",
                panic["at"].as_str().unwrap_or_default(),
                panic["message"].as_str().unwrap_or_default()
            ),
        };
        [
            actor["kind"].as_str().unwrap_or_default().to_owned(),
            number("resident"),
            number("incarnations"),
            number("restarts"),
            number("queued"),
            number("in_flight"),
            oldest,
            panic.replace('\n', " "),
        ]
    };
    let rows: Vec<_> =
        std::iter::once(header.map(str::to_owned)).chain(actors.as_array().into_iter().flatten().map(row)).collect();
    rows_of(&rows)
}
