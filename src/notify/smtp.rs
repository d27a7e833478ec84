//! E-mail, handed to a mail server by SMTP.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{SendError, Sender, wrong_channel};
use crate::config::MailSettings;
use crate::domain::{DeliveryId, Email, EmailAddress, OutboxMessage};

const NAME: &str = "amazon-tracker";

/// Why mail cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The URL of the server. What it says is not shown: it may hold a password.
    #[error("mail.smtp_url names no mail server")]
    Url,
    /// The sender's address.
    #[error("mail.from is no address that mail can come from")]
    From,
}

/// Sends e-mails.
pub struct SmtpSender {
    /// None: there is no mail server.
    server: Option<(AsyncSmtpTransport<Tokio1Executor>, Mailbox)>,
    timeout: Duration,
}

impl SmtpSender {
    /// A sender to the server of the settings. Connections are made when they are needed.
    ///
    /// # Errors
    /// [`SmtpError`]
    pub fn new(settings: &MailSettings) -> Result<Self, SmtpError> {
        let timeout = Duration::from_secs(settings.timeout_secs);
        let (Some(url), Some(from)) = (&settings.smtp_url, &settings.from) else {
            return Ok(Self { server: None, timeout });
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal()).map_err(|_| SmtpError::Url)?;
        let transport = builder.timeout(Some(timeout)).build();
        let from = Mailbox::new(Some(NAME.to_owned()), address(from).ok_or(SmtpError::From)?);
        Ok(Self { server: Some((transport, from)), timeout })
    }
}

fn address(address: &EmailAddress) -> Option<Address> {
    address.as_str().parse().ok()
}

/// Whoever gets it twice, because an answer was lost, can tell by the id.
fn compose(from: &Mailbox, id: DeliveryId, mail: &Email) -> Result<Message, SendError> {
    let refused = |what: &str| SendError::Permanent(format!("the mail cannot be written: {what}"));
    let to = address(&mail.to).ok_or_else(|| refused("its address is none"))?;
    let id = format!("<{id}@{}>", from.email.domain());
    let builder = Message::builder().from(from.clone()).to(Mailbox::new(None, to)).subject(mail.subject.clone());
    let builder = builder.message_id(Some(id)).header(ContentType::TEXT_PLAIN);
    builder.body(mail.text.clone()).map_err(|error| refused(&error.to_string()))
}

#[async_trait]
impl Sender for SmtpSender {
    fn channel(&self) -> &'static str {
        "email"
    }

    async fn send(&self, id: DeliveryId, message: &OutboxMessage) -> Result<(), SendError> {
        let (Some((transport, from)), OutboxMessage::Email(mail)) = (&self.server, message) else {
            return Err(wrong_channel(self.channel()));
        };
        if jiff::Timestamp::now() > mail.useless_after {
            return Err(SendError::Permanent("it comes too late to be of use".to_owned()));
        }
        let later = |reason: String| SendError::Temporary { reason, retry_after: None };
        // A connection for each mail: one that is given up half-way must not be used for the next.
        match tokio::time::timeout(self.timeout, transport.send(compose(from, id, mail)?)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if refuses_the_mail(&error) => Err(SendError::Permanent(describe(&error))),
            Ok(Err(error)) => Err(later(describe(&error))),
            Err(_) => Err(later("the mail server did not answer in time".to_owned())),
        }
    }
}

/// It is the receiver or the content that is refused (RFC 5321, section 4.2.3), and not us: a wrong password, or a server that
/// serves nobody today, is mended by somebody.
fn refuses_the_mail(error: &lettre::transport::smtp::Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    code.is_some_and(|code| ["550", "551", "552", "553"].contains(&code.as_str()))
}

/// What the server said, without what we sent.
fn describe(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_of_two_lines_makes_no_header_of_its_own() {
        let from = Mailbox::new(None, "noreply@example.com".parse().unwrap());
        let mail = Email {
            to: "jo@example.com".parse().unwrap(),
            subject: "Hello\r\nBcc: all@example.com".to_owned(),
            text: "Text\r\n.\r\nMAIL FROM:<x@example.com>".to_owned(),
            useless_after: jiff::Timestamp::MAX,
        };
        let written = compose(&from, DeliveryId(uuid::Uuid::nil()), &mail).unwrap();
        let text = String::from_utf8(written.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc:")), "{head}");
    }
}
