//! Tests of whole charts.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use resvg::usvg::roxmltree::Document;

use super::fixture::{chart, day, gap, point, points};
use super::*;

/// The texts that are drawn.
fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.filter_map(|node| node.text().map(str::to_owned)).collect()
}

/// The data of the path of the price.
fn line(svg: &str) -> String {
    let document = Document::parse(svg).unwrap();
    let line = document.descendants().find(|node| node.attribute("stroke-width") == Some("2"));
    line.and_then(|node| node.attribute("d")).unwrap_or_default().to_owned()
}

/// The corners of a path of this module, in pixels.
fn corners(path: &str) -> Vec<(f64, f64)> {
    let (mut corners, mut at) = (Vec::new(), (0.0, 0.0));
    let starts = path.match_indices(['M', 'h', 'v', 'z']).map(|(start, _)| start);
    let starts: Vec<_> = starts.chain([path.len()]).collect();
    for command in starts.windows(2).map(|ends| &path[ends[0]..ends[1]]) {
        let (name, rest) = command.split_at(1);
        let number = |text: &str| text.parse::<f64>().unwrap();
        match name {
            "M" => at = rest.split_once(' ').map(|(x, y)| (number(x), number(y))).unwrap(),
            "h" => at.0 += number(rest),
            "v" => at.1 += number(rest),
            _ => continue,
        }
        corners.push(at);
    }
    corners
}

fn hours(hours: i64) -> Timestamp {
    day(20_600).checked_add(SignedDuration::from_hours(hours)).unwrap()
}

/// A price that jumps every few minutes of 90 days, with a gap every two days.
fn dense() -> (Vec<Point>, Vec<Gap>) {
    let minutes = |minutes: i64| day(20_600).checked_add(SignedDuration::from_mins(minutes)).unwrap();
    let points = (0..40_000).map(|at| point(minutes(at * 3), Some(30_000 + (at * 7_919) % 9_001))).collect();
    let gaps = (0..45).map(|at| Gap { from: hours(at * 48 + 20), to: hours(at * 48 + 28) }).collect();
    (points, gaps)
}

#[test]
fn lines_of_others_are_told_apart_without_colours_and_share_the_axis() {
    let (own, other) = (points(&[(20_600, Some(30_000))]), points(&[(20_610, Some(12_000)), (20_630, Some(11_000))]));
    let gaps = [gap(20_640, 20_650)];
    let beside = [
        Beside { name: "Rival <b>", points: &other, gaps: &gaps },
        Beside { name: "Without a price", points: &[], gaps: &[] },
    ];
    let svg = PriceChart { beside: &beside, ..chart(&own, &[]) }.svg();
    assert!(svg.contains("Rival &lt;b&gt;") && svg.contains("$100.00") && svg.contains("$300.00"), "{svg}");
    let dashed = svg.lines().filter(|line| line.contains("stroke-dasharray=\"7 3\"")).count();
    assert_eq!(dashed, 2, "the swatch and the line");
    let line = svg.lines().filter(|line| line.contains("stroke-dasharray=\"7 3\"")).nth(1).unwrap();
    assert_eq!(line.matches('M').count(), 2, "the gap divides it: {line}");
    assert!(!svg.contains("pattern"), "{svg}");
    let nothing = PriceChart { beside: &beside[1..], ..chart(&[], &[]) }.svg();
    assert!(nothing.contains("No price in this time"));
}

#[test]
fn a_chart_has_a_name_a_description_and_escaped_text() {
    let points = points(&[(20_610, Some(34_999))]);
    let svg = PriceChart { title: "Tom & Jerry's <b>\"best\"</b>\u{1b}", ..chart(&points, &[]) }.svg();
    let document = Document::parse(&svg).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    let child = |name: &str| root.children().find(|node| node.has_tag_name(name)).and_then(|node| node.text());
    assert_eq!(child("title"), Some("Tom & Jerry's <b>\"best\"</b> "));
    assert!(child("desc").unwrap().contains("last 349.99 USD"));
    assert_eq!(texts(&svg)[0], "Tom & Jerry's <b>\"best\"</b> ");
}

#[test]
fn a_window_without_a_price_says_so_and_has_no_amounts() {
    for (points, gaps) in [(vec![], vec![]), (points(&[(20_600, None)]), vec![]), (vec![], vec![gap(20_600, 20_690)])] {
        let svg = chart(&points, &gaps).svg();
        assert!(texts(&svg).contains(&"No price in this time".to_owned()));
        assert!(!texts(&svg).iter().any(|text| text.contains('$')));
        assert_eq!(line(&svg), "");
    }
}

#[test]
fn a_window_that_ends_before_it_begins_is_empty() {
    let points = points(&[(20_610, Some(34_999))]);
    for to in [day(20_600), day(10), Timestamp::MIN] {
        let svg = PriceChart { to, ..chart(&points, &[]) }.svg();
        assert!(texts(&svg).contains(&"No price in this time".to_owned()));
    }
}

#[test]
fn one_point_is_a_line_to_the_end_of_the_window() {
    let points = points(&[(20_645, Some(34_999))]);
    let corners = corners(&line(&chart(&points, &[]).svg()));
    let [from, to] = corners[..] else { panic!("{corners:?}") };
    assert!(from.0 > 300.0 && to.0 > 620.0 && (from.1 - to.1).abs() < 0.05, "{corners:?}");
}

#[test]
fn a_price_changes_at_its_time_and_no_line_crosses_a_gap() {
    let points = points(&[(20_600, Some(30_000)), (20_630, Some(35_000)), (20_660, None), (20_675, Some(30_000))]);
    let svg = chart(&points, &[gap(20_640, 20_650)]).svg();
    let path = line(&svg);
    assert_eq!(path.matches('M').count(), 3, "{path}");
    let corners = corners(&path);
    assert!(corners.windows(2).all(|ends| (ends[0].0 - ends[1].0).abs() < 0.05
        || (ends[0].1 - ends[1].1).abs() < 0.05
        || ends[0].0 < ends[1].0));
    let width = corners.last().unwrap().0 - corners[0].0;
    assert!((corners[1].0 - corners[0].0 - width / 3.0).abs() < 0.2, "the step is a third of the way: {corners:?}");
    assert!(svg.contains("url(#hatch-light)"));
    assert!(texts(&svg).contains(&"No data".to_owned()) && texts(&svg).contains(&"No offer".to_owned()));
}

#[test]
fn a_target_is_a_line_with_a_label_or_an_arrow_if_it_is_far_away() {
    let points = points(&[(20_600, Some(34_000)), (20_630, Some(39_000))]);
    let with =
        |amount, currency| PriceChart { target: Some(Money::new(amount, currency)), ..chart(&points, &[]) }.svg();
    let near = with(32_000, Currency::Usd);
    assert!(texts(&near).contains(&"Target $320.00".to_owned()) && near.contains("stroke-dasharray"));
    let far = with(1_000, Currency::Usd);
    assert!(texts(&far).contains(&"↓ Target $10.00".to_owned()) && !far.contains("stroke-dasharray"));
    assert!(texts(&with(9_900_000, Currency::Usd)).contains(&"↑ Target $99,000.00".to_owned()));
    assert!(!with(32_000, Currency::Eur).contains("Target"), "a target in another currency");
}

#[test]
fn labels_change_the_image() {
    let points = points(&[(20_600, Some(34_000))]);
    let plain = PriceChart { title: "", ..chart(&points, &[]) };
    let titled = PriceChart { title: "W", ..plain.clone() };
    let other = PriceChart { title: "M", ..plain.clone() };
    let [plain, titled, other] = [plain, titled, other].map(|chart| chart.png(1.0).unwrap());
    assert!(plain != titled && titled != other);
}

#[test]
fn thousands_of_points_stay_small_and_keep_the_lowest_and_the_highest() {
    let (points, gaps) = dense();
    for (width, height) in [(200, 100), (640, 240), (2_000, 1_000)] {
        let size = Size::new(width, height).unwrap();
        let svg = PriceChart { size, ..chart(&points, &gaps) }.svg();
        assert!(svg.len() < 60_000, "{width}: {} bytes", svg.len());
        // With two points only, the extremes are where they are with all.
        let extremes = [point(day(20_600), Some(30_000)), point(day(20_640), Some(39_000))];
        let expected = heights(&PriceChart { size, ..chart(&extremes, &[]) }.svg());
        assert_eq!(heights(&svg), expected, "{width}");
    }
}

/// The highest and the lowest place of the line, in tenths of a pixel.
fn heights(svg: &str) -> (i64, i64) {
    let heights = || corners(&line(svg)).into_iter().map(|(_, y)| (y * 10.0).round() as i64);
    (heights().min().unwrap(), heights().max().unwrap())
}

#[test]
fn a_line_that_is_interrupted_everywhere_stays_small() {
    let size = Size::new(2_000, 1_000).unwrap();
    // A new price every half hour; without a crawl for two of every four hours, and without an offer for every seventh.
    let price = |at: i64| (at % 7 > 0).then_some(30_000 + (at * 7_919) % 9_001);
    let points: Vec<_> = (0..2_160)
        .flat_map(|at| (0..20).map(move |part| (at, part)))
        .map(|(at, part)| {
            point(hours(at).checked_add(SignedDuration::from_mins(part * 3)).unwrap(), price(at * 20 + part))
        })
        .collect();
    let gaps: Vec<_> = (0..540).map(|at| Gap { from: hours(at * 4), to: hours(at * 4 + 2) }).collect();
    let svg = PriceChart { size, ..chart(&points, &gaps) }.svg();
    assert!(svg.len() < 60_000, "{} bytes", svg.len());
}

#[test]
fn the_same_chart_gives_the_same_bytes() {
    let (points, gaps) = dense();
    assert_eq!(chart(&points, &gaps).svg(), chart(&points, &gaps).svg());
}

#[test]
fn sizes_have_limits() {
    assert_eq!(Size::new(640, 240), Ok(Size::default()));
    for (width, height) in [(199, 240), (2_001, 240), (640, 99), (640, 1_001), (0, 0), (u32::MAX, u32::MAX)] {
        assert_eq!(Size::new(width, height), Err(ChartError::Size { width, height }));
    }
}

/// Amounts near all limits.
fn amount() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        Just(None),
        any::<i64>().prop_map(Some),
        (0_i64..100_000).prop_map(Some),
        proptest::sample::select(&[0, 1, -1, i64::MIN, i64::MAX][..]).prop_map(Some),
    ]
}

/// Seconds around the window of [`chart`], or anywhere.
fn time() -> impl Strategy<Value = Timestamp> {
    let (from, to) = (day(20_590).as_second(), day(20_700).as_second());
    let all = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    prop_oneof![9 => from..to, 1 => all].prop_map(|second| Timestamp::from_second(second).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_history_gives_a_chart_within_its_size(
        changes in proptest::collection::vec((time(), amount()), 0..60),
        gaps in proptest::collection::vec((time(), time()), 0..20),
        target in amount(),
        window in (time(), time()),
        currency in proptest::sample::select(Currency::ALL),
        size in (Size::MIN_WIDTH..=Size::MAX_WIDTH, Size::MIN_HEIGHT..=Size::MAX_HEIGHT),
        title in ".{0,80}",
    ) {
        let points: Vec<_> = changes.into_iter().map(|(at, amount)| point(at, amount)).collect();
        let gaps: Vec<_> = gaps.into_iter().map(|(from, to)| Gap { from, to }).collect();
        let chart = PriceChart {
            target: target.map(|target| Money::new(target, currency)),
            currency,
            from: window.0.min(window.1),
            to: window.1,
            zone: TimeZone::get("America/New_York").unwrap(),
            title: &title,
            theme: Theme::Dark,
            size: Size::new(size.0, size.1).unwrap(),
            ..chart(&points, &gaps)
        };
        let svg = chart.svg();
        prop_assert!(svg.len() < 60_000);
        prop_assert!(Document::parse(&svg).is_ok(), "{svg}");
        for (x, y) in corners(&line(&svg)) {
            prop_assert!((0.0..=f64::from(size.0)).contains(&x), "{x}");
            prop_assert!((16.0..=f64::from(size.1) - 28.0).contains(&y), "{y}");
        }
    }
}

#[test]
fn the_amounts_begin_at_zero_if_they_should() {
    let points = points(&[(20_610, Some(39_900)), (20_640, Some(34_999))]);
    let lowest = |from_zero| PriceChart { from_zero, ..chart(&points, &[]) }.svg().contains(">$0.00<");
    assert_eq!((lowest(true), lowest(false)), (true, false));
}

#[test]
fn the_sales_rank_has_a_line_and_an_axis_of_its_own_with_the_best_rank_at_the_top() {
    let prices = points(&[(20_600, Some(30_000)), (20_640, Some(32_000))]);
    let ranks = points(&[(20_600, Some(1_900)), (20_620, Some(1_100)), (20_650, Some(4_200))]);
    let plain = chart(&prices, &[]);
    let ranked = PriceChart { ranks: &ranks, ..plain.clone() };
    let (without, with) = (plain.svg(), ranked.svg());
    let lines = |svg: &str| {
        let document = Document::parse(svg).unwrap();
        let lines = document.descendants().filter(|node| node.attribute("stroke-width") == Some("1.25"));
        lines.map(|node| corners(node.attribute("d").unwrap())).collect::<Vec<_>>()
    };
    assert!(lines(&without).is_empty());
    let [line] = &lines(&with)[..] else { panic!("{with}") };
    let [first, best, worst] = [0, 2, 4].map(|corner| line[corner].1);
    assert!(best < first && first < worst, "{line:?}");
    let labels = texts(&with);
    for label in ["Sales rank", "#2,000", "#4,000"] {
        assert!(labels.contains(&label.to_owned()), "{label} is not in {labels:?}");
    }
    assert!(!labels.contains(&"#0".to_owned()));
    assert!(with.contains("Sales rank: #1,100 – #4,200."), "{with}");
    let right = |svg: &str| corners(&self::line(svg)).iter().map(|corner| corner.0).fold(0.0, f64::max);
    assert!(right(&with) < right(&without), "its labels have room");
    assert!(ranked.png(2.0).unwrap() != plain.png(2.0).unwrap());
}

#[test]
fn a_picture_can_be_as_its_reader_prefers() {
    let points = points(&[(20_600, Some(30_000))]);
    let auto = PriceChart { theme: Theme::Auto, ..chart(&points, &[]) };
    let svg = auto.svg();
    let document = Document::parse(&svg).unwrap();
    let style = document.descendants().find(|node| node.has_tag_name("style")).and_then(|node| node.text()).unwrap();
    let (light, dark) = style.split_once("@media").unwrap();
    for colours in [light, dark] {
        for (used, _) in svg.match_indices("var(").map(|(at, _)| svg[at + 4..].split_once(')').unwrap()) {
            assert!(colours.contains(&format!("{used}:#")), "{used} has no value in {colours}");
        }
    }
    assert_eq!(auto.png(1.0).unwrap(), chart(&points, &[]).png(1.0).unwrap(), "a PNG cannot, and is light");
}
