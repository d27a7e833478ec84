//! What is particular about e-mail.

use amazon_tracker::domain::ChannelKind;
use amazon_tracker::domain::rule::Severity;
use amazon_tracker::domain::{AlertMessage, ChannelConfig, EmailTarget, MessageLink};
use amazon_tracker::notify::channel::ChannelError;
use mail_parser::{Message, MessageParser, MimeHeaders};

use crate::fixture::{Fixture, Receiver};
use crate::mailbox::{Mailbox, Mood};
use crate::sample;

fn mailbox(fixture: &Fixture) -> &Mailbox {
    match &fixture.receiver {
        Receiver::Mail(mailbox) => mailbox,
        Receiver::Http(_) => panic!("not a mail server"),
    }
}

async fn sent(message: &AlertMessage) -> Vec<u8> {
    let fixture = Fixture::start(ChannelKind::Email);
    let sent = fixture.send(message).await;
    assert!(sent.is_ok(), "{sent:?} {:?}", fixture.complaints());
    mailbox(&fixture).mails().remove(0)
}

fn parse(raw: &[u8]) -> Message<'_> {
    MessageParser::default().parse(raw).unwrap()
}

fn header(mail: &Message<'_>, name: &str) -> String {
    mail.header_raw(name).unwrap_or_default().trim().to_owned()
}

#[actix_web::test]
async fn a_mail_has_a_text_and_a_page_with_the_chart_inside() {
    let raw = sent(&sample::with_chart(sample::simple())).await;
    let mail = parse(&raw);
    assert_eq!(mail.subject(), Some("Price drop: Kettle (1.7 l)"));
    let text = mail.body_text(0).unwrap();
    assert!(text.contains("Price: $89.99 (before: $119.99)") && text.contains("https://www.amazon.com/dp/B000000001"));
    let html = mail.body_html(0).unwrap();
    assert!(html.contains("$89.99 (before: $119.99)") && html.contains("color-scheme"), "{html}");
    let kinds: Vec<&str> = mail.parts.iter().filter_map(|part| part.content_type()?.subtype()).collect();
    assert_eq!(kinds, ["alternative", "plain", "related", "html", "png"]);
    let chart = mail.attachment(0).unwrap();
    assert_eq!(chart.contents(), sample::PNG);
    assert!(html.contains(&format!("src=\"cid:{}\"", chart.content_id().unwrap())));
    assert!(html.contains("alt=\"Price of 90 days @everyone\""));
}

#[actix_web::test]
async fn a_mail_can_be_unsubscribed_from_with_one_click_if_there_is_a_url() {
    let raw = sent(&sample::simple()).await;
    let mail = parse(&raw);
    assert_eq!(header(&mail, "List-Unsubscribe"), format!("<{}>", sample::UNSUBSCRIBE));
    assert_eq!(header(&mail, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert!(mail.body_html(0).unwrap().contains(sample::UNSUBSCRIBE));
    let mut long = sample::simple();
    let url = format!("{}{}", sample::UNSUBSCRIBE, "x".repeat(600));
    long.unsubscribe = Some(MessageLink { label: "Unsubscribe".to_owned(), url: url.clone() });
    let raw = sent(&long).await;
    assert_eq!(header(&parse(&raw), "List-Unsubscribe"), format!("<{url}>"));
    let raw = sent(&sample::bare()).await;
    assert_eq!(header(&parse(&raw), "List-Unsubscribe"), "");
    assert_eq!(header(&parse(&raw), "List-Unsubscribe-Post"), "");
}

#[actix_web::test]
async fn every_attempt_has_the_id_of_the_message() {
    let fixture = Fixture::start(ChannelKind::Email);
    let message = sample::simple();
    for _ in 0..2 {
        fixture.send(&message).await.unwrap();
    }
    for raw in mailbox(&fixture).mails() {
        assert_eq!(parse(&raw).message_id(), Some(format!("{}@example.com", message.id).as_str()));
    }
}

#[actix_web::test]
async fn a_title_injects_no_header_and_no_markup() {
    let mut message = sample::nasty();
    message.title = "Kettle\r\nBcc: all@example.com\r\n\r\n<script>".to_owned();
    message.severity = Severity::Urgent;
    let raw = sent(&message).await;
    let mail = parse(&raw);
    assert_eq!(mail.subject(), Some("Kettle Bcc: all@example.com <script>"));
    assert!(mail.bcc().is_none());
    assert!(!mail.body_html(0).unwrap().contains("<script>"));
    assert_eq!(header(&mail, "Importance"), "high");
    assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
}

#[actix_web::test]
async fn a_large_digest_is_not_cut_off_by_clients() {
    let raw = sent(&sample::digest(300)).await;
    let mail = parse(&raw);
    let html = mail.body_html(0).unwrap();
    let shown = (1..=300).filter(|n| html.contains(&format!("Item {n:03}"))).count();
    assert!(shown >= 20 && html.contains(&format!("and {} more", 300 - shown)), "{shown}");
    assert!(mail.attachment_count() <= 10);
}

#[actix_web::test]
async fn the_answers_of_a_mail_server_are_told_apart() {
    for (answer, expected) in [
        ("550 5.1.1 no such user", "Broken"),
        ("551 user not local", "Broken"),
        ("553 mailbox name not allowed", "Broken"),
        ("550 5.7.1 message refused as spam", "Refused"),
        ("552 5.2.2 mailbox full", "Refused"),
        ("421 4.7.0 too many messages", "Limited"),
        ("451 4.7.1 greylisted", "Limited"),
        ("450 mailbox busy", "Temporary"),
        ("535 authentication failed", "Temporary"),
        ("554 no service here", "Temporary"),
    ] {
        let fixture = Fixture::start(ChannelKind::Email);
        mailbox(&fixture).be(Mood::Says(answer));
        let error = fixture.send(&sample::simple()).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{answer}: {error:?}");
        assert!(error.to_string().contains(&answer[..3]), "{error}");
    }
}

#[actix_web::test]
async fn an_address_that_is_none_breaks_the_channel() {
    let fixture = Fixture::start(ChannelKind::Email);
    let target = EmailTarget { to: "jo@example.com\r\nRCPT TO:<x@example.com>".to_owned() };
    let error = fixture.senders.send(&ChannelConfig::Email(target), &sample::simple()).await.unwrap_err();
    assert!(matches!(error, ChannelError::Broken(_)), "{error:?}");
}
