use proptest::prelude::*;

use super::*;

fn is_plain(text: &str) -> bool {
    let is_wrong = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2066}'..='\u{2069}')
    };
    !text.is_empty() && !text.contains(is_wrong)
}

/// Every text of a message.
fn texts(message: &AlertMessage) -> Vec<&str> {
    let mut texts = vec![message.title.as_str(), &message.footer];
    texts.extend(message.note.as_deref());
    texts.extend(message.more.iter().flatten().map(String::as_str));
    texts.extend(message.unsubscribe.as_ref().map(|link| link.label.as_str()));
    for item in &message.items {
        texts.extend([item.title.as_str(), &item.summary]);
        texts.extend(item.facts.iter().flat_map(|fact| [fact.label.as_str(), &fact.value]));
        texts.extend(item.links.iter().flat_map(|link| [link.label.as_str(), &link.url]));
    }
    texts
}

#[test]
fn a_nasty_title_is_one_plain_line_and_otherwise_unchanged() {
    let mut entry = Entry::of(event(vec![words(available(AvailabilityIs::InStock), "in_stock", None)]));
    entry.event.facts.title = Some("<b>Kettle</b>\r\nBcc: x@example.org \u{202e}\u{0} {$value} { $n } (-.!".to_owned());
    let message = compose(Language::En, &[entry.clone()]);
    assert_eq!(message.items[0].title, "<b>Kettle</b> Bcc: x@example.org {$value} { $n } (-.!");
    assert_eq!(message.title, "Now in stock: <b>Kettle</b> Bcc: x@example.org {$value} { $n } (-.!");
    entry.event.facts.title = Some("word ".repeat(100));
    let message = compose(Language::En, &[entry]);
    assert!(message.title.ends_with("word…") && message.title.chars().count() <= 100, "{}", message.title);
    assert_eq!(message.items[0].title.len(), 499);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_others_write_every_text_is_one_plain_line(
        title in any::<String>(),
        name in any::<String>(),
        seller_name in any::<String>(),
        which in 0..8usize,
        is_over in any::<bool>(),
    ) {
        let language = Language::iter().nth(which).unwrap();
        let reasons = vec![
            words(seller(&[], &["me"], false), &seller_name, Some(&name)),
            words(state(StateOf::Coupon, true), &title, None),
        ];
        let mut entry = Entry::of(event(reasons));
        entry.event.facts.title = Some(title);
        entry.event.facts.rule_name = Some(name.clone());
        entry.ended_at = is_over.then(|| at("2026-03-06T00:00:00Z"));
        let single = compose(language, std::slice::from_ref(&entry));
        let digest = compose(language, &[entry.clone(), entry]);
        for text in texts(&single).into_iter().chain(texts(&digest)) {
            prop_assert!(is_plain(text), "{text:?}");
        }
        let notice = NoticeFacts::ChannelBroken { name, reason: seller_name };
        let notice = Composer::new().notice(single.id, &notice, &place(language), single.at);
        for text in texts(&notice) {
            prop_assert!(is_plain(text), "{text:?}");
        }
    }
}
