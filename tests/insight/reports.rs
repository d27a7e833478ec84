//! What reports say.

use amazon_tracker::domain::*;
use amazon_tracker::files::report::{ReportFormat, email, render};
use amazon_tracker::insight::Peer;
use amazon_tracker::insight::listing_rules::{ListingContent, check};
use amazon_tracker::insight::report::{Block, *};
use proptest::prelude::*;
use serde_json::json;

use crate::grid::{Grid, Known, SLOTS_PER_DAY, grids, time};
use crate::report_fixture::{Tracked, cell, hour, made_at, money, table, week};

fn rows(products: &[Tracked]) -> Vec<ProductRow> {
    products.iter().map(|tracked| product_row(&tracked.reported(), &week())).collect()
}

/// The acceptance test of weekly reports: due on Mondays at 05:00 in Shanghai, when it is still Sunday in UTC.
#[test]
fn a_weekly_report_of_monday_morning_in_shanghai_is_about_the_whole_week_there() {
    let monday = CronTimes::new("0 5 * * 1", "Asia/Shanghai").unwrap();
    let due = monday.next_after("2026-11-25T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(due, made_at());
    let window = ReportPeriod::LastWeek.window(due, monday.time_zone()).unwrap();
    // In the week before, at the beginning, in the last hour, and at the end, which belongs to the next week.
    let prices = [(-1, Some(5000)), (0, Some(4000)), (167, Some(3580)), (168, Some(9900))];
    let report =
        product_report(&Tracked::new("Kettle", Marketplace::De).prices(&prices).done().reported(), &[], None, &window);
    let values = table(&report, "values");
    let eur = |minor| money(minor, Currency::Eur);
    assert_eq!(*cell(values, "Price", "First"), eur(4000));
    assert_eq!(*cell(values, "Price", "Highest"), eur(4000), "neither the week before nor the one after counts");
    assert_eq!((cell(values, "Price", "Last"), cell(values, "Price", "Change")), (&eur(3580), &eur(-420)));
    assert_eq!(*cell(values, "Price", "Lowest at"), Cell::Time("2026-11-29T15:00:00Z".parse().unwrap()));
    assert_eq!(email(&report).subject, "Kettle: week 48 of 2026 (23–29 November)");
    let html = String::from_utf8(render(&report, ReportFormat::Html).unwrap()).unwrap();
    assert!(html.contains("2026-11-23 00:00 to 2026-11-30 00:00 (Asia/Shanghai)"));
}

#[test]
fn a_report_without_data_says_so_in_every_format() {
    let unknown = Tracked::new("Kettle", Marketplace::De).prices(&[(169, Some(100))]).done();
    let of_one = product_report(&unknown.reported(), &[], None, &week());
    let of_many = products_report(
        &ProductsScope::Tag("new".to_owned()),
        &rows(std::slice::from_ref(&unknown)),
        &week(),
        made_at(),
    );
    let of_none = products_report(&ProductsScope::All, &[], &week(), made_at());
    let of_set = competitor_set_report("Kettles", &unknown.reported(), &[unknown.reported()], Vec::new(), &week());
    for report in [of_one, of_many, of_none, of_set] {
        assert!(!report.has_data() && report.summary[0].starts_with("No data: "), "{report:?}");
        for format in [ReportFormat::Json, ReportFormat::Markdown, ReportFormat::Html, ReportFormat::Csv] {
            let text = String::from_utf8(render(&report, format).unwrap()).unwrap();
            assert!(text.contains("No data") && !text.contains("<table"), "{text}");
        }
        let email = email(&report);
        assert!(email.text.contains("No data") && email.html.contains("No data"));
    }
}

#[test]
fn a_product_report_tells_what_happened_with_its_evidence() {
    let tracked = Tracked::new("Kettle", Marketplace::De)
        .prices(&[(-2_000, Some(3999)), (30, Some(3499)), (60, None), (72, Some(2999))])
        .with(Series::Availability, &[(-2_000, Some(1)), (60, Some(3)), (72, Some(1))])
        .with(Series::Rating, &[(-100, Some(450))])
        .with(Series::ReviewCount, &[(-100, Some(1200)), (100, Some(1215))])
        .ranks("Kitchen", &[(-100, Some(900)), (50, Some(400))])
        .done();
    let content = json!({"title": "KETTLE!!! BEST PRICE", "bullets": ["x"]});
    let checked = check(
        &ListingContent::observed(Marketplace::De, content.as_object().unwrap()),
        hour(170).to_zoned(jiff::tz::TimeZone::UTC).date(),
    );
    let report = product_report(&tracked.reported(), &[], Some(&checked), &week());
    let ids: Vec<&str> = report.sections.iter().map(|section| section.id.as_str()).collect();
    assert_eq!(ids, ["flags", "values", "price", "availability", "insight", "listing_check"]);
    let evidence = |flag: &str| cell(table(&report, "flags"), flag, "Evidence").clone();
    assert_eq!(
        evidence("Lowest price since tracking began"),
        Cell::text("29.99 EUR, in this time first on 26 November 2026")
    );
    assert_eq!(evidence("The price fell"), Cell::text("-25.0 %, from 39.99 EUR to 29.99 EUR"));
    assert_eq!(evidence("Out of stock"), Cell::text("7 % of the known time, once"));
    assert_eq!(evidence("The sales rank became better"), Cell::text("from 900 to 400 in Kitchen"));
    let stock = table(&report, "availability");
    assert_eq!(stock.rows, [vec![Cell::Time(hour(60)), Cell::Time(hour(72)), Cell::Number(12.0)]]);
    assert_eq!(*cell(table(&report, "values"), "Number of ratings", "Change"), Cell::Integer(15));
    assert_eq!(*cell(table(&report, "values"), "Rating in stars", "Average"), Cell::Number(4.5));
    let insight = table(&report, "insight");
    assert!(matches!(cell(insight, "Deal score (0 to 10)", "Result"), Cell::Number(_)), "{insight:?}");
    assert_eq!(*cell(insight, "Season", "Missing because"), Cell::text("it is known for 90.5 days; 730 are needed"));
    assert!(!table(&report, "listing_check").rows.is_empty());
    assert!(report.exclusions.is_empty());
    let price = report.sections.iter().find(|section| section.id == "price").unwrap();
    let Block::Chart(chart) = &price.blocks[0] else { panic!("a chart first") };
    assert_eq!(chart.unit, "EUR");
    let steps = [(0, Some(39.99)), (30, Some(34.99)), (60, None), (72, Some(29.99)), (168, None)];
    assert_eq!(chart.lines[0].steps, steps.map(|(hours, value)| (hour(hours), value)));
}

#[test]
fn what_is_stale_or_thin_is_left_out_with_its_reason() {
    let stale = Tracked::new("Stale", Marketplace::De)
        .prices(&[(-10, Some(1000)), (90, Some(500))])
        .unobserved(100, 169)
        .done();
    let thin = Tracked::new("Thin", Marketplace::De).prices(&[(120, Some(1000)), (130, Some(500))]).done();
    let gone = Tracked::new("Gone", Marketplace::De).prices(&[(-10, Some(1000)), (160, None)]).done();
    let without = Tracked::new("Without a price", Marketplace::De).prices(&[(-10, None)]).done();
    let mut unread = Tracked::new("Unread", Marketplace::De).prices(&[(-10, Some(1000))]).done();
    let mut seen = Observation::empty(None);
    seen.availability = Availability::InStock;
    unread.product.state = unread.product.state.judge(&seen, made_at()).state;
    let good = Tracked::new("Good", Marketplace::De).prices(&[(-10, Some(1000)), (30, Some(900))]).done();
    let rows = rows(&[stale, thin, gone, without, unread, good]);
    let reasons: Vec<Option<RowExclusion>> = rows.iter().map(|row| row.excluded).collect();
    let share = 48.0 / 168.0;
    let expected = [
        Some(RowExclusion::Stale),
        Some(RowExclusion::Thin { share }),
        Some(RowExclusion::NoPriceAtEnd),
        Some(RowExclusion::NoPrice),
        None,
        None,
    ];
    assert_eq!(reasons, expected);
    assert_eq!((rows[0].close_minor, rows[0].low_minor), (None, Some(500)));
    let report = products_report(&ProductsScope::All, &rows, &week(), made_at());
    assert_eq!(report.exclusions.len(), 4);
    let thin = report.exclusions.iter().find(|exclusion| exclusion.what == "Thin (de/B08PZHYWJS)").unwrap();
    assert_eq!(thin.reason, "its price is known for 29 % of the time; 50 % are needed");
    assert_eq!(*cell(table(&report, "products"), "Stale", "Change"), Cell::Unknown);
    assert_eq!(table(&report, "movers").rows.len(), 1);
}

#[test]
fn amounts_in_different_currencies_are_neither_added_up_nor_compared() {
    let euro = Tracked::new("Euro", Marketplace::De).prices(&[(-10, Some(10_000)), (30, Some(9_000))]).done();
    let yen = Tracked::new("Yen", Marketplace::Jp).prices(&[(-10, Some(5)), (30, Some(10))]).done();
    let report = products_report(&ProductsScope::All, &rows(&[euro.clone(), yen.clone()]), &week(), made_at());
    let products = table(&report, "products");
    assert_eq!(*cell(products, "Yen", "Change"), money(5, Currency::Jpy));
    assert_eq!(*cell(products, "Euro", "Change"), money(-1_000, Currency::Eur));
    assert!(report.method.iter().any(|line| line.contains("no exchange rates")));
    let set = competitor_set_report("Pans", &euro.reported(), &[yen.reported()], Vec::new(), &week());
    let positions = table(&set, "positions");
    assert_eq!(
        (cell(positions, "Yen", "Price"), cell(positions, "Yen", "Against the own price")),
        (&Cell::Unknown, &Cell::Unknown)
    );
    let why = "its prices are in another currency, and exchange rates are not known";
    assert_eq!(
        set.exclusions,
        [ReportExclusion { what: "The price of Yen (co.jp/B08PZHYWJS)".to_owned(), reason: why.to_owned() }]
    );
    assert!(set.sections.iter().find(|section| section.id == "undercuts").unwrap().table().is_none(), "no winner");
    assert_eq!(
        *cell(table(&set, "growth"), "Yen", "Last price"),
        money(10, Currency::Jpy),
        "beside itself it is compared"
    );
}

#[test]
fn a_set_is_compared_at_the_end_of_the_window_and_not_later() {
    let own =
        Tracked::new("Own", Marketplace::De).prices(&[(-10, Some(1000))]).ranks("Kitchen", &[(-10, Some(9))]).done();
    // Each becomes the cheapest after the end of the week.
    let rival = |name: &str, price: i64| {
        Tracked::new(name, Marketplace::De)
            .prices(&[(-10, Some(1500)), (20, Some(price)), (169, Some(1))])
            .with(Series::ReviewCount, &[(-10, Some(10)), (100, Some(10 + price))])
            .ranks("Kitchen", &[(-10, Some(5)), (169, Some(1))])
            .done()
    };
    let rivals = [rival("A", 900), rival("B", 1200), rival("C", 1300)];
    let reported: Vec<_> = rivals.iter().map(Tracked::reported).collect();
    let missing = vec![ReportExclusion { what: "D".to_owned(), reason: "it was deleted".to_owned() }];
    let report = competitor_set_report("Kettles", &own.reported(), &reported, missing.clone(), &week());
    let positions = table(&report, "positions");
    let names: Vec<&Cell> = positions.rows.iter().map(|row| &row[0]).collect();
    assert_eq!(names, ["A", "Own", "B", "C"].map(Cell::text).iter().collect::<Vec<_>>());
    assert_eq!(*cell(positions, "A", "Price"), money(900, Currency::Eur));
    assert_eq!(*cell(positions, "A", "Against the own price"), Cell::Share(-0.1));
    assert_eq!(*cell(positions, "A", "Rank"), Cell::Integer(5));
    let undercuts = table(&report, "undercuts");
    assert_eq!(undercuts.rows.len(), 1);
    assert_eq!(
        (cell(undercuts, "A", "From"), cell(undercuts, "A", "Until")),
        (&Cell::Time(hour(20)), &Cell::text("lasts"))
    );
    assert_eq!(*cell(table(&report, "growth"), "C", "Ratings gained"), Cell::Integer(1300));
    assert_eq!(report.exclusions, missing);
    assert!(report.summary[0].contains("10.00 EUR, is number 2 of 4"), "{:?}", report.summary);
}

#[test]
fn a_window_that_has_not_ended_is_covered_until_now() {
    let window = ReportPeriod::Dates { from: "2026-11-23".parse().unwrap(), to: "2026-12-31".parse().unwrap() };
    let window = window.window(made_at(), "Asia/Shanghai").unwrap();
    let tracked = Tracked::new("Kettle", Marketplace::De).prices(&[(-10, Some(1000)), (173, Some(900))]).done();
    let row = product_row(&tracked.reported(), &window);
    assert_eq!((row.close_minor, row.excluded), (Some(900), None), "what was read just now counts");
    let report = products_report(&ProductsScope::All, &[row], &window, made_at());
    let until = report.coverage.iter().find(|fact| fact.name == "Covered until").unwrap();
    assert_eq!(until.value, Cell::Time(made_at()));
}

#[test]
fn a_product_that_is_not_observed_is_among_the_failures() {
    let mut failing = Tracked::new("Kettle", Marketplace::De).prices(&[(-10, Some(1000))]).done();
    failing.product.last_outcome = Some("not_found".to_owned());
    let report = products_report(&ProductsScope::All, &rows(&[failing]), &week(), made_at());
    let why = "Amazon says that the product does not exist on this marketplace.";
    assert_eq!(*cell(table(&report, "failures"), "Kettle", "Why"), Cell::text(why));
}

#[test]
fn a_product_of_which_only_the_stock_is_known_has_no_empty_table() {
    let tracked = Tracked::new("Kettle", Marketplace::De).with(Series::Availability, &[(-10, Some(3))]).done();
    let report = product_report(&tracked.reported(), &[], None, &week());
    assert!(
        report.has_data()
            && report.sections.iter().all(|section| section.table().is_none_or(|table| !table.rows.is_empty()))
    );
    assert!(String::from_utf8(render(&report, ReportFormat::Csv).unwrap()).unwrap().contains("out of stock for 100 %"));
    let row = product_row(&tracked.reported(), &week());
    assert!(row.has_data() && products_report(&ProductsScope::All, &[row], &week(), made_at()).has_data());
}

/// The product of a grid of slots.
fn of_grid(grid: &Grid) -> (Tracked, amazon_tracker::insight::ListingHistory) {
    let mut tracked = Tracked::new("Grid", Marketplace::De);
    tracked.product.state.checked_at = Some(grid.now());
    (tracked, grid.history())
}

fn values(slots: &[Known<i64>]) -> Vec<i64> {
    slots.iter().filter_map(|slot| slot.flatten()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_values_of_a_window_are_those_of_its_slots(grid in grids(20..60), from in 0usize..20, days in 3usize..40) {
        let to = (from + days * SLOTS_PER_DAY).min(grid.slots);
        let window = ReportWindow { from: time(from), to: time(to), time_zone: "UTC".to_owned(), name: "a test".to_owned() };
        let (tracked, history) = of_grid(&grid);
        let reported = ReportedProduct { product: &tracked.product, history: &history, content: None };
        let row = product_row(&reported, &window);
        let slots = grid.known(&grid.prices)[from..to].to_vec();
        let prices = values(&slots);
        prop_assert_eq!(row.open_minor, prices.first().copied());
        prop_assert_eq!(row.low_minor, prices.iter().min().copied());
        prop_assert_eq!(row.high_minor, prices.iter().max().copied());
        // Two days: two intervals.
        let last_known = slots.iter().rposition(Option::is_some);
        let is_current = last_known.is_some_and(|last| slots.len() - 1 - last <= 2 * SLOTS_PER_DAY);
        prop_assert_eq!(row.close_minor, last_known.and_then(|last| slots[last].flatten()).filter(|_| is_current));
        let share = slots.iter().flatten().count() as f64 / slots.len() as f64;
        let expected = match (last_known, row.open_minor, row.close_minor) {
            (None, ..) => Some(RowExclusion::NoData),
            (_, None, _) => Some(RowExclusion::NoPrice),
            _ if !is_current => Some(RowExclusion::Stale),
            (.., None) => Some(RowExclusion::NoPriceAtEnd),
            _ => (share < 0.5).then_some(RowExclusion::Thin { share }),
        };
        match (row.excluded, expected) {
            (Some(RowExclusion::Thin { share: found }), Some(RowExclusion::Thin { share })) => prop_assert!((found - share).abs() < 1e-9),
            (found, expected) => prop_assert_eq!(found, expected),
        }
        let report = product_report(&reported, &[], None, &window);
        if report.has_data() && !prices.is_empty() {
            let values = table(&report, "values");
            let sum: i64 = prices.iter().sum();
            let count = prices.len() as i64;
            prop_assert_eq!(cell(values, "Price", "Average"), &money((2 * sum + count).div_euclid(2 * count), Currency::Eur));
            let changes = prices.windows(2).filter(|pair| pair[0] != pair[1]).count();
            prop_assert_eq!(cell(values, "Price", "Changes"), &Cell::Integer(changes as i64));
            let until = grid.known(&grid.prices)[..to].to_vec();
            let until = self::values(&until);
            let is_lowest = row.close_minor.is_some_and(|close| {
                until.iter().all(|price| *price >= close) && until.iter().any(|price| *price > close)
            });
            prop_assert_eq!(row.is_lowest_of_all_time, is_lowest);
        }
        for format in ReportFormat::ALL {
            prop_assert!(render(&report, format).is_ok());
        }
    }

    #[test]
    fn each_product_is_counted_once(grids in prop::collection::vec(grids(20..25), 1..6)) {
        let window = ReportWindow { from: time(10), to: time(38), time_zone: "UTC".to_owned(), name: "a test".to_owned() };
        let rows: Vec<ProductRow> = grids
            .iter()
            .map(|grid| {
                let (tracked, history) = of_grid(grid);
                product_row(&ReportedProduct { product: &tracked.product, history: &history, content: None }, &window)
            })
            .collect();
        let again: Vec<ProductRow> = serde_json::from_str(&serde_json::to_string(&rows).unwrap()).unwrap();
        prop_assert_eq!(&again, &rows, "rows are kept between the steps of a job");
        let report = products_report(&ProductsScope::All, &rows, &window, time(40));
        prop_assume!(report.has_data());
        let count = |name: &str| {
            let section = report.sections.iter().find(|section| section.id == "counts").unwrap();
            let Block::Facts { facts } = &section.blocks[0] else { panic!("facts") };
            let facts = facts.iter().chain(&report.coverage);
            facts.filter(|fact| fact.name == name).map(|fact| fact.value.clone()).next()
        };
        let counts = ["Cheaper at the end", "Dearer at the end", "At the same price", "Left out"].map(count);
        let sum: i64 = counts.clone().into_iter().map(|count| match count { Some(Cell::Integer(count)) => count, _ => panic!("{counts:?}") }).sum();
        prop_assert_eq!(sum, rows.len() as i64);
        prop_assert_eq!(table(&report, "products").rows.len(), rows.len());
    }
}

#[test]
fn a_report_knows_the_place_among_current_offers() {
    let own = Tracked::new("Own", Marketplace::De).prices(&[(-10, Some(1000))]).done();
    let peer = |price| Peer { price_minor: Some(price), product_id: ProductId::new(), ..Peer::from(&own.product) };
    let report = product_report(&own.reported(), &[peer(900), peer(1100), peer(1200)], None, &week());
    assert_eq!(*cell(table(&report, "insight"), "Place among competitors", "Result"), Cell::Integer(2));
}
