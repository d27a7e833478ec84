//! Atom feeds: valid XML and the same again, whatever stands in the texts.

use amazon_tracker::domain::*;
use amazon_tracker::notify::AlertSender;
use quick_xml::Reader;
use quick_xml::events::Event as Xml;

use crate::fixture::senders;
use crate::sample::{self, NASTY};

fn sender() -> AlertSender {
    let read_key = std::sync::Arc::new(|| Box::pin(async { None }) as _);
    let url = "https://tracker.example.com/".parse().unwrap();
    AlertSender::new(senders("http://127.0.0.1:9", "smtp://127.0.0.1:9"), url, read_key, Box::new(|_| Ok(())))
}

fn channel(name: &str) -> Channel {
    let at = "2026-11-28T12:00:00Z".parse().unwrap();
    Channel {
        id: ChannelId::new(),
        tenant_id: TenantId::BUILT_IN,
        name: name.to_owned(),
        config: ChannelConfig::Atom(AtomTarget { secret: Some(FeedSecret::new()) }),
        policy: Policy::default(),
        language: Language::De,
        status: ChannelStatus::Ok,
        last_error: None,
        failing_since: None,
        delivered_at: None,
        version: 1,
        created_at: at,
        updated_at: at,
    }
}

fn event(title: &str) -> MessageEvent {
    let mut event = sample::simple().events.remove(0);
    event.facts.title = Some(title.to_owned());
    event.facts.rule_name = Some(NASTY.to_owned());
    MessageEvent { event, times: 1, ended_at: None, points: Vec::new() }
}

/// The texts of the elements with this name, which the whole document must allow to read.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let (mut texts, mut open) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(start) => open.push(String::from_utf8(start.name().as_ref().to_vec()).unwrap()),
            Xml::End(_) => drop(open.pop()),
            Xml::Text(text) if open.last().is_some_and(|open| open == name) => {
                texts.push(text.unescape().unwrap().into_owned());
            }
            Xml::Eof => return texts,
            _ => {}
        }
    }
}

#[test]
fn a_feed_is_xml_whatever_its_texts_are_and_has_one_entry_for_each_event() {
    let url = "https://tracker.example.com/feeds/x.atom".parse().unwrap();
    let events = [event(&sample::nasty_title()), event("Wasserkocher\u{0}\u{8}]]> & <b>")];
    let (sender, channel) = (sender(), channel(NASTY));
    let xml = sender.feed(&channel, &url, &events);
    let ids: Vec<String> = events.iter().map(|event| format!("urn:uuid:{}", event.event.id)).collect();
    assert_eq!(texts(&xml, "id"), [[format!("urn:uuid:{}", channel.id)].as_slice(), &ids].concat());
    assert_eq!(texts(&xml, "updated").len(), 3);
    let titles = texts(&xml, "title");
    assert!(titles[2].contains("Wasserkocher") && titles[2].contains("<b>"), "{titles:?}");
    for content in texts(&xml, "content") {
        assert!(!content.contains("<b>&_*[") && !content.contains("snooze"), "{content}");
    }
    assert!(xml.chars().all(|c| c >= ' ' || "\n\t\r".contains(c)), "XML has no control characters");
    assert_eq!(sender.feed(&channel, &url, &events), xml, "an entry never changes");
}

#[test]
fn a_feed_without_events_is_a_feed() {
    let url = "https://tracker.example.com/feeds/x.atom".parse().unwrap();
    let xml = sender().feed(&channel("Kettles"), &url, &[]);
    assert_eq!((texts(&xml, "title"), texts(&xml, "updated").len()), (vec!["Kettles".to_owned()], 1));
}
