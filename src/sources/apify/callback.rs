//! Callbacks: Apify tells when a run has ended. They come at least once, in any order, and are hints: the run is read again.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use tokio::sync::broadcast;
use url::Url;
use uuid::Uuid;

use crate::config::{ApifySettings, Secret};

/// The path below the public URL.
const PATH: &str = "api/v1/crawl/apify/callback";
/// Hints that a run may be late to hear; a late one is of no use.
const HINTS: usize = 64;

/// What takes callbacks and wakes those that wait for their runs.
#[derive(Debug)]
pub struct RunCallbacks {
    /// Where Apify reaches this installation; `None`: nowhere.
    url: Option<Url>,
    /// The account's token, from which the secret of each run is derived: every replica knows it, and nobody else.
    token: Option<Secret>,
    ended: broadcast::Sender<Uuid>,
}

impl RunCallbacks {
    /// Callbacks to this public URL, for runs of the account of the settings.
    pub fn new(settings: &ApifySettings, public_url: Option<&Url>) -> Self {
        let token = settings.token.clone().filter(|token| !token.reveal().is_empty());
        Self { url: public_url.and_then(|url| url.join(PATH).ok()), token, ended: broadcast::channel(HINTS).0 }
    }

    /// Takes a callback. False: its secret is wrong.
    pub fn take(&self, run: Uuid, secret: &str) -> bool {
        let given = URL_SAFE_NO_PAD.decode(secret).unwrap_or_default();
        // In constant time.
        let is_right = self.mac(run).is_some_and(|mac| mac.verify_slice(&given).is_ok());
        if is_right {
            // Nobody may be waiting for it here.
            let _ = self.ended.send(run);
        }
        is_right
    }

    /// The parameter `webhooks` of a run, which asks for a callback at its end.
    pub(super) fn parameter(&self, run: Uuid) -> Option<String> {
        let mut url = self.url.clone()?;
        url.query_pairs_mut().append_pair("run", &run.to_string());
        let secret = URL_SAFE_NO_PAD.encode(self.mac(run)?.finalize().into_bytes());
        let webhook = json!([{
            "eventTypes": ["ACTOR.RUN.SUCCEEDED", "ACTOR.RUN.FAILED", "ACTOR.RUN.ABORTED", "ACTOR.RUN.TIMED_OUT"],
            "requestUrl": url,
            "headersTemplate": json!({ "Authorization": format!("Bearer {secret}") }).to_string(),
            "idempotencyKey": run,
        }]);
        Some(STANDARD.encode(webhook.to_string()))
    }

    /// Resolves when a callback of the run has come.
    pub(super) fn of(&self, run: Uuid) -> impl Future<Output = ()> + use<> {
        let mut ended = self.ended.subscribe();
        async move {
            loop {
                match ended.recv().await {
                    Ok(ended) if ended == run => return,
                    Ok(_) => {}
                    // It may have been among those that were missed.
                    Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        }
    }

    fn mac(&self, run: Uuid) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.token.as_ref()?.reveal().as_bytes()).ok()?;
        mac.update(b"callback of run ");
        mac.update(run.as_bytes());
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn callbacks(token: &str) -> RunCallbacks {
        let settings = ApifySettings { token: Some(Secret::from(token)), ..ApifySettings::default() };
        RunCallbacks::new(&settings, Some(&"https://tracker.example.com/base/".parse().unwrap()))
    }

    fn secret(callbacks: &RunCallbacks, run: Uuid) -> String {
        let parameter = STANDARD.decode(callbacks.parameter(run).unwrap()).unwrap();
        let webhooks: serde_json::Value = serde_json::from_slice(&parameter).unwrap();
        let url = format!("https://tracker.example.com/base/api/v1/crawl/apify/callback?run={run}");
        assert_eq!(webhooks[0]["requestUrl"], url);
        let headers: serde_json::Value =
            serde_json::from_str(webhooks[0]["headersTemplate"].as_str().unwrap()).unwrap();
        headers["Authorization"].as_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned()
    }

    #[test]
    fn a_callback_with_the_secret_of_its_run_wakes_who_waits_for_it() {
        let (callbacks, run) = (callbacks("apify_api_a"), Uuid::now_v7());
        let secret = secret(&callbacks, run);
        let (mut waiting, mut other) = (Box::pin(callbacks.of(run)), Box::pin(callbacks.of(Uuid::now_v7())));
        assert!(callbacks.take(run, &secret) && callbacks.take(run, &secret), "at least once");
        assert!((&mut waiting).now_or_never().is_some() && (&mut other).now_or_never().is_none());
    }

    #[test]
    fn a_wrong_secret_wakes_nobody() {
        let (ours, run) = (callbacks("apify_api_a"), Uuid::now_v7());
        let mut waiting = Box::pin(ours.of(run));
        let of_another_run = secret(&ours, Uuid::now_v7());
        let of_another_account = secret(&callbacks("apify_api_b"), run);
        for wrong in [of_another_run.as_str(), &of_another_account, "", "AAAA", "not base64!"] {
            assert!(!ours.take(run, wrong), "{wrong}");
        }
        assert!((&mut waiting).now_or_never().is_none());
    }

    #[test]
    fn without_a_public_url_no_callback_is_asked_for_and_without_a_token_none_is_taken() {
        let settings = ApifySettings { token: Some(Secret::from("apify_api_a")), ..ApifySettings::default() };
        assert_eq!(RunCallbacks::new(&settings, None).parameter(Uuid::now_v7()), None);
        assert!(!RunCallbacks::new(&ApifySettings::default(), None).take(Uuid::now_v7(), "AAAA"));
    }
}
