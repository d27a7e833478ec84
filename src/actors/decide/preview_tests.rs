//! A preview finds the crossings that live evaluation fired: crawls are decided one after the other, and the rule is then played over the
//! points that their commits have.
//!
//! Left out is what history does not keep, as the documentation of previews says:
//! - *content and offer lists*: tests `content` and `offer`;
//! - *crawls that found nothing*: `delisted` and `tracking_failing` become true by them, and tests that count crawls or time, or compare
//!   with the creation of the rule or with a window, go by when crawls found something. Such rules meet crawls at each interval, which
//!   all find a page that is believed;
//! - *what a page did not state*: each page states all fields. One whose offer is not believed says of all else what the page before said,
//!   and each page comes with an offer list;
//! - *the time between claim and crawl*: there is none.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CrawlMade, CrawlPolicy, decide};
use crate::domain::rule::{Again, Competitors, Decimal, Replay, ReplayedCrossing, Window, Windows};
use crate::domain::{
    Asin, Availability, Block, Condition, CrawlDemand, Currency, Failure, Fulfillment, Interval, Listing, ListingId,
    ListingState, Marketplace, Money, Observation, Offer, OfferCondition, OfferList, Outcome, Point, ProductId, Rank,
    Rating, Reading, Rule, RuleId, RuleSettings, RuleState, SellerId, Series, TenantId, Verdict,
};
use crate::store::{Claim, Lane};

const ASIN: &str = "B08PZHYWJS";
const SHOPS: [(&str, &str); 3] = [("Shop", "A1SHOP0000"), ("Other", "A2OTHER000"), ("Amazon.com", "ATVPDKIKX0DER")];
const COUPONS: [&str; 3] = ["Save 10% with coupon", "Apply $4.50 coupon", "Save 5% or $3"];

/// A page, in small numbers.
#[derive(Debug, Clone)]
struct Page {
    price: Option<i64>,
    shipping: Option<i64>,
    list_price: Option<i64>,
    shop: Option<usize>,
    availability: usize,
    coupon: Option<usize>,
    rating: u16,
    reviews: u32,
    rank: Option<u32>,
    lowest: Option<i64>,
}

/// What a crawl brought.
#[derive(Debug, Clone)]
enum Crawl {
    Page(Page),
    /// The page before with another price.
    Price(Option<i64>),
    /// The page before, whose price could not be read.
    PriceUnread,
    Nothing(Outcome),
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::Usd)
}

fn reading<T>(value: Option<T>) -> Reading<T> {
    value.map_or(Reading::Absent, Reading::Is)
}

impl Page {
    fn observation(&self) -> Observation {
        let offer = |minor| Offer {
            seller: None,
            seller_id: None,
            condition: OfferCondition::New,
            condition_text: None,
            price: usd(minor),
            shipping: Reading::Absent,
            fulfilled_by: Fulfillment::Merchant,
            is_prime: false,
            is_featured: false,
        };
        let seller_id = |shop: usize| SHOPS[shop].1.parse::<SellerId>().unwrap();
        Observation {
            price: reading(self.price.map(usd)),
            shipping: reading(self.shipping.map(usd)),
            list_price: reading(self.list_price.map(usd)),
            seller: reading(self.shop.map(|shop| SHOPS[shop].0.to_owned())),
            seller_id: reading(self.shop.map(seller_id)),
            coupon: reading(self.coupon.map(|coupon| COUPONS[coupon].to_owned())),
            availability: Availability::ALL[1 + self.availability],
            rating: Reading::Is(Rating(self.rating)),
            review_count: Reading::Is(self.reviews),
            ranks: reading(self.rank.map(|rank| vec![Rank { rank, category: "Audio".to_owned() }])),
            offers: Some(OfferList { offers: self.lowest.map(offer).into_iter().collect(), is_complete: true }),
            ..Observation::empty(ASIN.parse::<Asin>().unwrap())
        }
    }
}

fn hour(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_hours(hours)).unwrap()
}

fn me() -> Vec<SellerId> {
    vec![SHOPS[0].1.parse().unwrap()]
}

/// A listing that is crawled every hour, and its rule.
struct Live {
    claim: Claim,
    hours: i64,
    /// The last page that was believed.
    page: Page,
    history: Vec<Point>,
    fired: Vec<ReplayedCrossing>,
}

impl Live {
    fn new(page: &Page) -> Self {
        let claim = Claim {
            listing_id: ListingId(1),
            listing: Listing::new(Marketplace::Us, ASIN.parse().unwrap()),
            token: 1,
            claimed_at: hour(0),
            attempt: 1,
            lane: Lane::Scheduled,
            state: ListingState::default(),
            demand: CrawlDemand::fixed(Interval::HOURLY),
            offers_interval: Some(Interval::HOURLY),
            rules: Vec::new(),
            windows: Windows::default(),
            competitors: Competitors::default(),
        };
        let mut live = Self { claim, hours: 0, page: page.clone(), history: Vec::new(), fired: Vec::new() };
        live.crawl(&Crawl::Page(page.clone()));
        live
    }

    /// The rule is created, and its listing is crawled at once.
    fn create(&mut self, settings: &RuleSettings) {
        self.claim.rules = vec![Rule {
            id: RuleId::new(),
            condition_version: 1,
            tenant_id: TenantId::BUILT_IN,
            product_id: ProductId::new(),
            listing_id: ListingId(1),
            is_wide: false,
            settings: settings.clone(),
            own_sellers: me(),
            state: RuleState::default(),
            revision: 0,
        }];
        self.crawl(&Crawl::Page(self.page.clone()));
    }

    fn crawl(&mut self, crawl: &Crawl) {
        let at = hour(self.hours);
        let outcome = self.outcome_of(crawl, at);
        self.claim.claimed_at = at;
        let keys = self.claim.rules.iter().flat_map(|rule| rule.settings.condition.windows());
        let window = |key| (Window::of(self.history.iter(), &key, at), key);
        self.claim.windows = Windows(keys.map(window).map(|(window, key)| (key, window)).collect());
        let policy = CrawlPolicy { recheck: Duration::from_secs(60), retry: Duration::from_secs(30) };
        let commit =
            decide(&self.claim, &outcome, CrawlMade { source: "test", at, is_marketplace_failing: false }, policy, 0.5)
                .commit;
        self.history.extend(commit.points);
        self.claim.state = commit.state.unwrap();
        for step in commit.rule_steps {
            self.claim.rules[0].state = step.after;
            self.fired.extend(step.event.map(|event| ReplayedCrossing {
                at: event.at,
                number: event.facts.crossing,
                reasons: event.facts.reasons,
                told_at: event.told_with_others_at.unwrap_or(event.at),
            }));
        }
        self.hours += 1;
    }

    fn outcome_of(&mut self, crawl: &Crawl, at: Timestamp) -> Outcome {
        let page = match crawl {
            Crawl::Page(page) => page.clone(),
            Crawl::Price(price) => Page { price: *price, ..self.page.clone() },
            Crawl::PriceUnread => {
                let unread = Observation { price: Reading::Unknown, ..self.page.observation() };
                return Outcome::Observed(Box::new(unread));
            }
            Crawl::Nothing(outcome) => return outcome.clone(),
        };
        let judged = self.claim.state.judge(&page.observation(), at);
        if judged.verdict == Verdict::Held {
            let unbelieved = Page { price: page.price, ..self.page.clone() };
            return Outcome::Observed(Box::new(unbelieved.observation()));
        }
        let outcome = Outcome::Observed(Box::new(page.observation()));
        self.page = Page { price: judged.state.number(Series::Price), ..page };
        outcome
    }
}

/// The crossings that live evaluation fired, and those that the preview finds.
fn live_and_previewed(
    settings: &RuleSettings,
    first: &Page,
    before: &[Crawl],
    after: &[Crawl],
) -> (Vec<ReplayedCrossing>, Vec<ReplayedCrossing>) {
    let mut live = Live::new(first);
    before.iter().for_each(|crawl| live.crawl(crawl));
    let from = hour(live.hours);
    live.create(settings);
    after.iter().for_each(|crawl| live.crawl(crawl));
    let (to, interval) = (hour(live.hours - 1), Duration::from_secs(3600));
    let (me, points) = (&me()[..], &live.history[..]);
    let replay = Replay { settings, me, marketplace: Marketplace::Us, points, from, to, interval };
    (live.fired, replay.crossings())
}

/// A price that is believed at once, or any.
fn price(is_believed: bool) -> impl Strategy<Value = Option<i64>> {
    let believed = (8_000_i64..12_000).prop_map(Some);
    if is_believed {
        return believed.boxed();
    }
    prop_oneof![12 => believed, 1 => Just(None), 1 => (2_000_i64..40_000).prop_map(Some)].boxed()
}

prop_compose! {
    fn page(is_believed: bool)(
        price in price(is_believed),
        shipping in option::of(0_i64..500),
        list_price in option::of(9_000_i64..15_000),
        shop in option::weighted(0.9, 0..SHOPS.len()),
        availability in 0..Availability::ALL.len() - 1,
        coupon in option::weighted(0.3, 0..COUPONS.len()),
        (rating, reviews) in (380_u16..450, 90_u32..120),
        rank in option::weighted(0.9, 1_u32..30),
        lowest in option::weighted(0.9, 7_000_i64..12_000),
    ) -> Page {
        Page { price, shipping, list_price, shop, availability, coupon, rating, reviews, rank, lowest }
    }
}

/// A crawl that finds a page.
fn reading_crawl(is_believed: bool) -> impl Strategy<Value = Crawl> {
    prop_oneof![page(is_believed).prop_map(Crawl::Page), price(is_believed).prop_map(Crawl::Price)]
}

/// Any crawl.
fn crawl() -> impl Strategy<Value = Crawl> {
    let nothing = prop_oneof![
        Just(Outcome::Blocked(Block::Captcha)),
        Just(Outcome::NotFound),
        Just(Outcome::Failed(Failure::Timeout)),
    ];
    prop_oneof![6 => reading_crawl(false), 1 => Just(Crawl::PriceUnread), 2 => nothing.prop_map(Crawl::Nothing)]
}

/// A field, with a number near those of pages.
fn field_and_value() -> impl Strategy<Value = (&'static str, Value)> {
    let money = || (7_000_i64..13_000).prop_map(|minor| json!({"amount_minor": minor, "currency": "USD"}));
    prop_oneof![
        (prop::sample::select(vec!["price", "landed", "list_price", "lowest_new_price"]), money()),
        (Just("rank"), (1..30).prop_map(Value::from)),
        (Just("rating"), (380..450).prop_map(|hundredths| json!(f64::from(hundredths) / 100.0))),
        (Just("review_count"), (90..120).prop_map(Value::from)),
        (Just("offer_count"), (0..3).prop_map(Value::from)),
        (Just("discount_percent"), (0..40).prop_map(Value::from)),
    ]
}

/// A condition with a member that is left out if it is null.
fn with(mut condition: Value, name: &str, value: Value) -> Value {
    if !value.is_null() {
        condition[name] = value;
    }
    condition
}

fn of_field(kind: &str, field: &str, has_category: bool, less_coupon: bool) -> Value {
    let category = if field == "rank" && has_category { json!("Audio") } else { Value::Null };
    let less_coupon = if matches!(field, "price" | "landed") && less_coupon { json!(true) } else { Value::Null };
    with(with(json!({"kind": kind, "field": field}), "category", category), "less_coupon", less_coupon)
}

fn level() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["lte", "gte"]);
    (field_and_value(), op, any::<bool>(), any::<bool>()).prop_map(|((field, value), op, has_category, less_coupon)| {
        let level = of_field("level", field, has_category, less_coupon);
        with(with(level, "op", json!(op)), "value", value)
    })
}

fn moved(vs: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let dir = prop::sample::select(vec!["down", "up", "any"]);
    let by = prop_oneof![Just(json!({"any": true})), (1..15).prop_map(|percent| json!({"percent": percent}))];
    (field_and_value(), dir, by, vs, any::<bool>(), any::<bool>()).prop_map(
        |((field, _), dir, by, vs, has_category, less_coupon)| {
            let moved = of_field("moved", field, has_category, less_coupon);
            with(with(with(moved, "dir", json!(dir)), "by", by), "vs", vs)
        },
    )
}

fn lowest(is_timed: bool) -> impl Strategy<Value = Value> {
    let within = option::of(1..10);
    (field_and_value(), option::of(1..3), any::<bool>(), within, 1..5).prop_map(
        move |((field, _), days, or_equal, within, min_points)| {
            let lowest = with(of_field("lowest", field, true, false), "min_points", json!(min_points));
            if !is_timed {
                return with(lowest, "ever", json!(true));
            }
            let span = days.map_or_else(|| ("ever", json!(true)), |days| ("days", json!(days)));
            let lowest = with(with(lowest, span.0, span.1), "or_equal", json!(or_equal));
            with(lowest, "within_percent", json!(within))
        },
    )
}

fn state(is_timed: bool) -> impl Strategy<Value = Value> {
    let groups = prop::sample::select(vec!["in_stock", "low_stock", "out_of_stock", "unavailable", "preorder"]);
    let of_page = prop_oneof![
        3 => groups.prop_map(|group| json!({"kind": "state", "of": "availability", "is": group})),
        2 => (prop::sample::select(vec!["coupon", "suppressed"]), any::<bool>())
            .prop_map(|(of, is)| json!({"kind": "state", "of": of, "is": is})),
    ];
    let of_crawls = (prop::sample::select(vec!["delisted", "tracking_failing"]), any::<bool>())
        .prop_map(|(of, is)| json!({"kind": "state", "of": of, "is": is}));
    let lasts = prop_oneof![
        Just(Value::Null),
        (1..5).prop_map(|crawls| json!({"crawls": crawls})),
        (0..20_000).prop_map(|secs| json!({"secs": secs})),
    ];
    let timed = (prop_oneof![4 => of_page.clone(), 1 => of_crawls], lasts);
    if is_timed { timed.prop_map(|(state, lasts)| with(state, "for", lasts)).boxed() } else { of_page.boxed() }
}

fn seller(is_timed: bool) -> impl Strategy<Value = Value> {
    let names = || prop::collection::vec(prop::sample::select(vec!["me", "amazon", "shop", SHOPS[1].1]), 0..2);
    (names(), names(), any::<bool>(), 1..4).prop_map(move |(is, not, new, crawls)| {
        let crawls = if is_timed { json!(crawls) } else { Value::Null };
        with(json!({"kind": "seller", "is": is, "not": not, "new": new}), "crawls", crawls)
    })
}

/// Conditions within the limits. Of those that are not timed, what they say follows from what changes alone.
fn condition(is_timed: bool) -> impl Strategy<Value = Condition> {
    let compared = prop::sample::select(vec!["told", "extreme", "previous", "list_price"]);
    let windows = (prop::sample::select(vec!["avg_days", "max_days", "min_days"]), 1..3)
        .prop_map(|(window, days)| json!({ window: days }));
    let vs = if is_timed {
        prop_oneof![4 => compared.prop_map(Value::from), 1 => Just(json!("created")), 2 => windows].boxed()
    } else {
        compared.prop_map(Value::from).boxed()
    };
    let leaf =
        prop_oneof![3 => level(), 4 => moved(vs), 2 => lowest(is_timed), 3 => state(is_timed), 2 => seller(is_timed)];
    let leaf = leaf.prop_filter("valid", is_valid);
    let tree = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(|of| json!({"kind": "all", "of": of})),
            vec(inner.clone(), 1..4).prop_map(|of| json!({"kind": "any", "of": of})),
            inner.prop_map(|of| json!({"kind": "not", "of": of})),
        ]
    });
    tree.prop_filter("valid", is_valid).prop_map(|tree| Condition::from_json(&tree).unwrap())
}

fn is_valid(condition: &Value) -> bool {
    Condition::from_json(condition).is_ok_and(|condition| condition.check(Some(Currency::Usd)).is_empty())
}

prop_compose! {
    fn settings(is_timed: bool)(
        condition in condition(is_timed),
        again in option::weighted(0.3, 1_i64..10),
        cooldown_secs in prop_oneof![2 => Just(0_u32), 1 => 0_u32..40_000],
    ) -> RuleSettings {
        let again = again.map(|percent| Again { further_percent: Decimal::whole(percent) });
        RuleSettings { again, cooldown_secs, ..RuleSettings::of(condition) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_preview_finds_the_crossings_of_what_changed_whatever_crawls_failed(
        settings in settings(false), first in page(false), before in vec(crawl(), 0..10), after in vec(crawl(), 1..50),
    ) {
        let (live, previewed) = live_and_previewed(&settings, &first, &before, &after);
        prop_assert_eq!(live, previewed, "{}", serde_json::to_string(&settings.condition).unwrap());
    }

    #[test]
    fn a_preview_finds_the_crossings_of_what_lasted_when_every_crawl_found_a_page(
        settings in settings(true), first in page(true), before in vec(reading_crawl(true), 0..10),
        after in vec(reading_crawl(true), 1..60),
    ) {
        let (live, previewed) = live_and_previewed(&settings, &first, &before, &after);
        prop_assert_eq!(live, previewed, "{}", serde_json::to_string(&settings.condition).unwrap());
    }
}
