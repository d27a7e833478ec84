//! E-mail over SMTP.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Body, Mailbox, Message, MultiPart, SinglePart};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::channel::Sent;
use super::{SendError, Sender, unsupported};
use crate::config::MailSettings;
use crate::domain::{DeliveryId, Email, EmailAddress, MailAttachment, OutboxMessage};

const NAME: &str = "amazon-tracker";

/// Invalid mail settings.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The URL of the server is invalid. The text does not include it, because it may contain a password.
    #[error("mail.smtp_url is not a valid SMTP URL")]
    Url,
    /// The sender's address is invalid.
    #[error("mail.from is not a valid sender address")]
    From,
}

/// Sends e-mails.
pub struct SmtpSender {
    /// `None` if no mail server is configured.
    server: Option<(AsyncSmtpTransport<Tokio1Executor>, Mailbox)>,
    timeout: Duration,
}

impl SmtpSender {
    /// A sender for the configured server. Connections are opened on demand.
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

    /// Connects to the server, greets it and signs in, without sending anything.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn check(&self) -> Result<(), SendError> {
        let Some((transport, _)) = &self.server else { return Err(unsupported(self.channel())) };
        let temporary = |reason: String| SendError::Temporary { reason, retry_after: None };
        match tokio::time::timeout(self.timeout, transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(temporary("the mail server closed the connection".to_owned())),
            Ok(Err(error)) => Err(temporary(describe(&error))),
            Err(_) => Err(temporary("the mail server did not answer in time".to_owned())),
        }
    }
}

fn address(address: &EmailAddress) -> Option<Address> {
    address.as_str().parse().ok()
}

/// Builds the message. Its `Message-ID` is the same for every attempt, so that duplicates can be detected.
fn compose(from: &Mailbox, id: DeliveryId, mail: &Email) -> Result<Message, SendError> {
    let invalid = |reason: &str| SendError::Permanent(format!("invalid e-mail: {reason}"));
    let to = address(&mail.to).ok_or_else(|| invalid("the recipient's address is not valid"))?;
    let id = format!("<{id}@{}>", from.email.domain());
    let builder = Message::builder().from(from.clone()).to(Mailbox::new(None, to)).subject(mail.subject.clone());
    let builder = builder.message_id(Some(id));
    let texts = mail.html.as_ref().map(|html| MultiPart::alternative_plain_html(mail.text.clone(), html.clone()));
    let composed = match (texts, &mail.attachment) {
        (None, None) => builder.header(ContentType::TEXT_PLAIN).body(mail.text.clone()),
        (Some(texts), None) => builder.multipart(texts),
        (texts, Some(file)) => {
            let file = attached(file).map_err(|reason| invalid(&reason))?;
            builder.multipart(match texts {
                Some(texts) => MultiPart::mixed().multipart(texts).singlepart(file),
                None => MultiPart::mixed().singlepart(SinglePart::plain(mail.text.clone())).singlepart(file),
            })
        }
    };
    composed.map_err(|error| invalid(&error.to_string()))
}

fn attached(file: &MailAttachment) -> Result<SinglePart, String> {
    let content_type = ContentType::parse(&file.content_type).map_err(|error| error.to_string())?;
    let content = BASE64_STANDARD.decode(&file.base64).map_err(|error| error.to_string())?;
    Ok(Attachment::new(file.name.clone()).body(Body::new(content), content_type))
}

#[async_trait]
impl Sender for SmtpSender {
    fn channel(&self) -> &'static str {
        "email"
    }

    async fn send(&self, id: DeliveryId, message: &OutboxMessage) -> Result<Sent, SendError> {
        let (Some((transport, from)), OutboxMessage::Email(mail)) = (&self.server, message) else {
            return Err(unsupported(self.channel()));
        };
        if jiff::Timestamp::now() > mail.useless_after {
            return Err(SendError::Permanent("the e-mail has expired".to_owned()));
        }
        let temporary = |reason: String| SendError::Temporary { reason, retry_after: None };
        // Each e-mail uses its own connection: one that timed out in the middle of a message must not be reused.
        match tokio::time::timeout(self.timeout, transport.send(compose(from, id, mail)?)).await {
            Ok(Ok(_)) => Ok(Sent::default()),
            Ok(Err(error)) if is_permanent(&error) => Err(SendError::Permanent(describe(&error))),
            Ok(Err(error)) => Err(temporary(describe(&error))),
            Err(_) => Err(temporary("the mail server did not answer in time".to_owned())),
        }
    }
}

/// True when the server rejects the recipient or the content (RFC 5321, section 4.2.3). Other permanent codes, such as
/// a failed authentication, are retried: an operator can fix their cause.
fn is_permanent(error: &lettre::transport::smtp::Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    code.is_some_and(|code| ["550", "551", "552", "553"].contains(&code.as_str()))
}

/// Describes the error without the content of the message.
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
    fn a_subject_with_a_line_break_cannot_inject_a_header() {
        let from = Mailbox::new(None, "noreply@example.com".parse().unwrap());
        let mail = Email {
            to: "jo@example.com".parse().unwrap(),
            subject: "Hello\r\nBcc: all@example.com".to_owned(),
            text: "Text\r\n.\r\nMAIL FROM:<x@example.com>".to_owned(),
            html: None,
            attachment: None,
            useless_after: jiff::Timestamp::MAX,
        };
        let written = compose(&from, DeliveryId(uuid::Uuid::nil()), &mail).unwrap();
        let text = String::from_utf8(written.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc:")), "{head}");
    }
    #[test]
    fn an_e_mail_has_both_texts_and_its_file() {
        let from = Mailbox::new(None, "noreply@example.com".parse().unwrap());
        let mail = Email {
            to: "jo@example.com".parse().unwrap(),
            subject: "A report".to_owned(),
            text: "Text".to_owned(),
            html: Some("<p>Text</p>".to_owned()),
            attachment: Some(MailAttachment {
                name: "report.xlsx".to_owned(),
                content_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned(),
                base64: BASE64_STANDARD.encode(b"PK\x03\x04\xff"),
            }),
            useless_after: jiff::Timestamp::MAX,
        };
        let id = DeliveryId(uuid::Uuid::nil());
        let text = |mail: &Email| String::from_utf8(compose(&from, id, mail).unwrap().formatted()).unwrap();
        let whole = text(&mail);
        for part in ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "report.xlsx", "UEsDBP8="] {
            assert!(whole.contains(part), "{part}: {whole}");
        }
        let small = text(&Email { attachment: None, ..mail.clone() });
        assert!(small.contains("multipart/alternative") && !small.contains("multipart/mixed"));
        let file = MailAttachment { base64: "?".to_owned(), ..mail.attachment.clone().unwrap() };
        assert!(compose(&from, id, &Email { attachment: Some(file), ..mail }).is_err());
    }
}
