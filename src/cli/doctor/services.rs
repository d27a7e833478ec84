//! Redis and the mail server.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::report::{Finding, Report};
use crate::config::{MailSettings, RedisSettings};
use crate::domain::{DeliveryId, Email, EmailAddress, OutboxMessage};
use crate::notify::{Sender, SmtpSender};
use crate::replicas::Redis;
use crate::telemetry::Metrics;

const TEST_MAIL_LASTS: SignedDuration = SignedDuration::from_hours(1);

/// Connects, runs a script and writes a key of its own.
pub(super) async fn check_redis(settings: &RedisSettings, report: &mut Report) {
    const CHECK: &str = "redis";
    let redis = match Redis::new(settings, &Handle::current(), Arc::new(Metrics::new())) {
        Ok(Some(redis)) => redis,
        Ok(None) => {
            report.add(Finding::skipped(CHECK, "redis.url is not set: each process applies its limits by itself"));
            return;
        }
        Err(error) => {
            report.add(Finding::fault(CHECK, error.to_string(), "correct REDIS_URL"));
            return;
        }
    };
    report.add(match redis.check().await {
        Ok(()) => Finding::ok(CHECK, "reachable, runs scripts and takes writes"),
        Err(reason) => Finding::fault(
            CHECK,
            reason,
            "start Redis, and check host, port and password of REDIS_URL, that it is no read-only replica, and redis.timeout_ms",
        ),
    });
}

/// Connects, greets (EHLO) and signs in. Sends an e-mail only if an address is given.
pub(super) async fn check_mail(settings: &MailSettings, to: Option<&EmailAddress>, report: &mut Report) {
    const CHECK: &str = "mail";
    if settings.smtp_url.is_none() {
        report.add(match to {
            Some(_) => Finding::fault(CHECK, "mail.smtp_url is not set", "set SMTP_URL and MAIL_FROM"),
            None => Finding::skipped(CHECK, "mail.smtp_url is not set: links are written to the log"),
        });
        return;
    }
    let sender = match SmtpSender::new(settings) {
        Ok(sender) => sender,
        Err(error) => {
            report.add(Finding::fault(CHECK, error.to_string(), "correct SMTP_URL and MAIL_FROM"));
            return;
        }
    };
    if let Err(error) = sender.check().await {
        let remedy = "check host, port, TLS, user and password of SMTP_URL, and that the network lets SMTP out";
        report.add(Finding::fault(CHECK, error.to_string(), remedy));
        return;
    }
    let Some(to) = to else {
        report.add(Finding::ok(CHECK, "the server accepts the connection and the sign-in; no e-mail was sent"));
        return;
    };
    let mail = OutboxMessage::Email(Email {
        to: to.clone(),
        subject: "Test of amazon-tracker".to_owned(),
        text: "This e-mail was sent by `amazon-tracker doctor`: the mail server works.\n".to_owned(),
        html: None,
        attachment: None,
        useless_after: Timestamp::now() + TEST_MAIL_LASTS,
    });
    report.add(match sender.send(DeliveryId(Uuid::now_v7()), &mail).await {
        Ok(_) => Finding::ok(CHECK, format!("the server took an e-mail for {to}")),
        Err(error) => {
            Finding::fault(CHECK, error.to_string(), "check that the server lets MAIL_FROM send to this address")
        }
    });
}
