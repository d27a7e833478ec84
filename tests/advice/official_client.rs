//! The endpoint of these tests, used by OpenAI's own client: what it accepts there, it may be taken for.

use std::process::Stdio;

use tokio::process::Command;

use crate::model_endpoint::{Behaviour, KEY, MODEL, ModelEndpoint};
use crate::question::good_answer;

/// `make test-advice-double`, which installs the client.
#[tokio::test]
#[ignore = "needs Python with the package `openai`"]
async fn the_official_client_reads_every_behaviour_of_the_endpoint() {
    let endpoint = ModelEndpoint::start(good_answer());
    let soon = || Behaviour::RateLimited { retry_after_ms: "20", retry_after: "60" };
    // In the order in which the script asks, for each of the two APIs.
    for _ in 0..2 {
        endpoint.behave([
            Behaviour::Text(good_answer()),
            soon(),
            Behaviour::Status(500, None),
            Behaviour::Text(good_answer()),
            Behaviour::Status(503, Some(false)),
            Behaviour::ContextTooLong,
            Behaviour::Unauthorized,
            Behaviour::Forbidden,
            Behaviour::NoSuchModel,
            Behaviour::Incomplete,
            Behaviour::Filtered,
            Behaviour::Refusal,
            Behaviour::NoUsage(good_answer()),
            Behaviour::Reset,
            Behaviour::Text(good_answer()),
        ]);
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/advice/official_client.py");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let ended = Command::new(python)
        .args([script, &endpoint.url(), KEY, MODEL])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let shown = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{shown:?}");
}
