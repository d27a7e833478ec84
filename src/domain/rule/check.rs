//! What makes a condition invalid, beyond its shape.

use super::condition::{
    By, CompetitorPasses, Condition, ContentChanged, Direction, Lasts, Level, Lowest, MAX_DEPTH, MAX_LEAVES, Moved,
    NewOffer, SellerIs, StateIs, StateOf, StateValue, Versus,
};
use super::decimal::Decimal;
use super::field::{Field, Threshold, Unit};
use crate::domain::money::Currency;

/// Maximum days of a window.
const MAX_DAYS: u32 = 3650;
/// Maximum characters of a category or the name of a seller.
const MAX_TEXT_CHARS: usize = 200;
/// Maximum sellers that a test names.
const MAX_SELLERS: usize = 50;

/// What is wrong with a condition, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    /// The path of the field within the condition: `of[1].value`.
    pub field: String,
    /// What is wrong, to be read after the field.
    pub message: String,
}

/// Collects what is wrong.
struct Check {
    /// Of the product; `None`: the rule is about several.
    currency: Option<Currency>,
    errors: Vec<ConditionError>,
}

impl Condition {
    /// What is wrong with it; nothing if it is valid. `currency` is that of the product, if the rule is about one.
    pub fn check(&self, currency: Option<Currency>) -> Vec<ConditionError> {
        let mut check = Check { currency, errors: Vec::new() };
        if self.leaves().len() > MAX_LEAVES {
            check.error("", format!("has more than {MAX_LEAVES} tests"));
        }
        check.node(self, "", 1, true);
        check.errors
    }
}

impl Check {
    fn error(&mut self, path: &str, message: impl Into<String>) {
        self.errors.push(ConditionError { field: path.to_owned(), message: message.into() });
    }

    fn node(&mut self, node: &Condition, path: &str, depth: usize, is_positive: bool) {
        if depth > MAX_DEPTH {
            return self.error(path, format!("is nested more than {MAX_DEPTH} levels deep"));
        }
        match node {
            Condition::All { of } | Condition::Any { of } => {
                if of.is_empty() {
                    self.error(&join(path, "of"), "must not be empty");
                }
                for (n, child) in of.iter().enumerate() {
                    self.node(child, &join(path, &format!("of[{n}]")), depth + 1, is_positive);
                }
            }
            Condition::Not { of } => self.node(of, &join(path, "of"), depth + 1, !is_positive),
            leaf => {
                if !is_positive && leaf.is_momentary() {
                    self.error(path, "is true for a moment only, so it cannot be within `not`");
                }
                self.leaf(leaf, path);
            }
        }
    }

    fn leaf(&mut self, leaf: &Condition, path: &str) {
        match leaf {
            Condition::PriceAtOrBelow { target } => {
                self.threshold(Field::Price, Threshold::Money(*target), &join(path, "target"));
            }
            Condition::Level(level) => self.level(level, path),
            Condition::Moved(moved) => self.moved(moved, path),
            Condition::Lowest(lowest) => self.lowest(lowest, path),
            Condition::State(state) => self.state(state, path),
            Condition::Seller(seller) => self.seller(seller, path),
            Condition::Offer(NewOffer { new, not_in }) => {
                if !new {
                    self.error(&join(path, "new"), "must be true");
                }
                self.sellers(not_in, &join(path, "not_in"));
            }
            Condition::Content(ContentChanged { fields }) => {
                if fields.is_empty() {
                    self.error(&join(path, "fields"), "must not be empty");
                }
            }
            Condition::Competitor(test) => self.competitor(test, path),
            Condition::All { .. } | Condition::Any { .. } | Condition::Not { .. } => {}
        }
    }

    fn level(&mut self, level: &Level, path: &str) {
        self.threshold(level.field, level.value, &join(path, "value"));
        if let Some(rearm) = level.rearm {
            self.threshold(level.field, rearm, &join(path, "rearm"));
        }
        self.field_options(level.field, level.category.as_deref(), level.less_coupon, path);
    }

    fn moved(&mut self, moved: &Moved, path: &str) {
        self.field_options(moved.field, moved.category.as_deref(), moved.less_coupon, path);
        self.by(moved.by, moved.field, 1_000_000, path);
        if moved.dir == Direction::Any && !matches!(moved.vs, Versus::Told | Versus::Previous) {
            self.error(&join(path, "dir"), "must be `down` or `up`, unless `vs` is `told` or `previous`");
        }
        if let Versus::AvgDays(days) | Versus::MaxDays(days) | Versus::MinDays(days) = moved.vs {
            self.days(days, &join(path, "vs"));
            self.window(moved.field, moved.category.as_deref(), path);
        }
        if moved.less_coupon && moved.vs == Versus::Previous {
            self.error(&join(path, "less_coupon"), "cannot be compared with `previous`, whose coupon is not known");
        }
        if moved.vs == Versus::ListPrice && !matches!(moved.field, Field::Price | Field::Landed | Field::LowestNewPrice)
        {
            self.error(&join(path, "vs"), "only a price can be compared with the list price");
        }
    }

    fn by(&mut self, by: By, field: Field, max_percent_hundredths: i64, path: &str) {
        match by {
            By::Percent(percent) => self.percent(percent, &join(path, "by.percent"), max_percent_hundredths),
            By::Amount(amount) => self.threshold(field, amount, &join(path, "by.amount")),
            By::Any(true) => {}
            By::Any(false) => self.error(&join(path, "by.any"), "must be true"),
        }
    }

    fn competitor(&mut self, test: &CompetitorPasses, path: &str) {
        if self.currency.is_none() {
            self.error(&join(path, "set_id"), "needs a rule about one product: the own product of the set");
        }
        self.by(test.by, test.event.field(), 10_000, path);
    }

    fn lowest(&mut self, lowest: &Lowest, path: &str) {
        if lowest.days.is_some() == lowest.ever {
            self.error(&join(path, "days"), "give either `days` or `\"ever\": true`");
        }
        if let Some(days) = lowest.days {
            self.days(days, &join(path, "days"));
        }
        if let Some(percent) = lowest.within_percent {
            self.percent(percent, &join(path, "within_percent"), 10_000);
        }
        if !(1..=1000).contains(&lowest.min_points) {
            self.error(&join(path, "min_points"), "must be between 1 and 1000");
        }
        self.field_options(lowest.field, lowest.category.as_deref(), false, path);
        self.window(lowest.field, lowest.category.as_deref(), path);
    }

    fn state(&mut self, state: &StateIs, path: &str) {
        match (state.of, state.is) {
            (StateOf::Availability, StateValue::Flag(_)) => self.error(
                &join(path, "is"),
                "must be one of `in_stock`, `low_stock`, `out_of_stock`, `unavailable`, `preorder`",
            ),
            (StateOf::Availability, StateValue::Availability(_)) | (_, StateValue::Flag(_)) => {}
            (_, StateValue::Availability(_)) => self.error(&join(path, "is"), "must be true or false"),
        }
        match state.lasts {
            Some(Lasts::Secs(secs)) if secs > 90 * 86_400 => {
                self.error(&join(path, "for.secs"), "must be at most 90 days")
            }
            Some(Lasts::Crawls(crawls)) if !(1..=100).contains(&crawls) => {
                self.error(&join(path, "for.crawls"), "must be between 1 and 100");
            }
            _ => {}
        }
    }

    fn seller(&mut self, seller: &SellerIs, path: &str) {
        if seller.is.is_empty() && seller.not.is_empty() && !seller.new {
            self.error(&join(path, "is"), "give `is`, `not` or `\"new\": true`");
        }
        if !(1..=100).contains(&seller.crawls) {
            self.error(&join(path, "crawls"), "must be between 1 and 100");
        }
        self.sellers(&seller.is, &join(path, "is"));
        self.sellers(&seller.not, &join(path, "not"));
    }

    fn sellers(&mut self, sellers: &[String], path: &str) {
        if sellers.len() > MAX_SELLERS {
            self.error(path, format!("must have at most {MAX_SELLERS} sellers"));
        }
        if sellers.iter().any(|seller| seller.trim().is_empty() || seller.chars().count() > MAX_TEXT_CHARS) {
            self.error(path, format!("sellers must have 1 to {MAX_TEXT_CHARS} characters"));
        }
    }

    fn threshold(&mut self, field: Field, threshold: Threshold, path: &str) {
        let name = field.as_str();
        match (field.unit(), threshold) {
            (Unit::Money, Threshold::Money(money)) => {
                if let Some(currency) = self.currency.filter(|currency| *currency != money.currency) {
                    self.error(
                        &join(path, "currency"),
                        format!("must be {currency}, the currency of the product's marketplace"),
                    );
                }
                if money.amount_minor < 0 {
                    self.error(&join(path, "amount_minor"), "must not be negative");
                }
            }
            (Unit::Money, Threshold::Number(_)) => {
                self.error(
                    path,
                    format!("of `{name}` must be an amount of money: {{\"amount_minor\": …, \"currency\": …}}"),
                );
            }
            (_, Threshold::Money(_)) => self.error(path, format!("of `{name}` must be a number")),
            (Unit::Count, Threshold::Number(number)) if !number.is_whole() => {
                self.error(path, format!("of `{name}` must be a whole number"));
            }
            (Unit::Count, Threshold::Number(number)) if number.hundredths < 0 => {
                self.error(path, "must not be negative")
            }
            (_, Threshold::Number(_)) => {}
        }
    }

    fn field_options(&mut self, field: Field, category: Option<&str>, less_coupon: bool, path: &str) {
        match category {
            Some(_) if field != Field::Rank => self.error(&join(path, "category"), "is for `rank` only"),
            Some(category) if category.is_empty() || category.chars().count() > MAX_TEXT_CHARS => {
                self.error(&join(path, "category"), format!("must have 1 to {MAX_TEXT_CHARS} characters"));
            }
            _ => {}
        }
        if less_coupon && !matches!(field, Field::Price | Field::Landed) {
            self.error(&join(path, "less_coupon"), "is for `price` and `landed` only");
        }
    }

    /// History can only be asked about what it keeps.
    fn window(&mut self, field: Field, category: Option<&str>, path: &str) {
        if field.series().is_none() {
            self.error(&join(path, "field"), format!("history does not keep `{}`", field.as_str()));
        }
        if field == Field::Rank && category.is_none() {
            self.error(&join(path, "category"), "is required: history keeps a rank for each category");
        }
    }

    fn days(&mut self, days: u32, path: &str) {
        if !(1..=MAX_DAYS).contains(&days) {
            self.error(path, format!("must be between 1 and {MAX_DAYS} days"));
        }
    }

    fn percent(&mut self, percent: Decimal, path: &str, max_hundredths: i64) {
        if percent.hundredths < 1 || percent.hundredths > max_hundredths {
            self.error(path, format!("must be between 0.01 and {}", max_hundredths / 100));
        }
    }
}

impl Condition {
    /// True of a test that holds for one crawl only.
    fn is_momentary(&self) -> bool {
        match self {
            Self::Moved(moved) => matches!(moved.vs, Versus::Told | Versus::Extreme | Versus::Previous),
            Self::Lowest(lowest) => !lowest.or_equal && lowest.within_percent.is_none(),
            Self::Seller(seller) => seller.new,
            Self::Offer(_) | Self::Content(_) | Self::Competitor(_) => true,
            _ => false,
        }
    }
}

pub(super) fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}
