//! What a chart shows beside its lines: targets of rules, and events.

use jiff::Timestamp;

use super::{Dependencies, ServiceResult};
use crate::domain::rule::{Field, Op, Threshold};
use crate::domain::thin::Columns;
use crate::domain::{
    Availability, Condition, Currency, Money, Point, PointValue, Product, ProductId, RuleId, Series, TenantId,
};
use crate::store::{EventFilter, RuleFilter};

/// Rules of a product whose targets are shown.
const MAX_RULES: u32 = 100;
/// Alerts that are shown: the newest.
const MAX_ALERTS: u32 = 100;
/// Versions of the content that are shown: the newest.
const MAX_VERSIONS: u32 = 50;
/// Events of a chart: the newest.
const MAX_EVENTS: usize = 250;
/// Parts of the content that an event names.
const MAX_NAMED: usize = 5;

/// A price that a rule waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartTarget {
    /// The rule.
    pub rule_id: RuleId,
    /// Its name.
    pub name: Option<String>,
    /// The price, in minor units of the marketplace's currency.
    pub amount_minor: i64,
}

/// What kind of event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartEventKind {
    /// A rule fired.
    Alert,
    /// The content of the page changed.
    Content,
    /// The listing sold out.
    OutOfStock,
    /// It came back.
    BackInStock,
    /// Another seller has the featured offer.
    Seller,
}

impl ChartEventKind {
    /// The name used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Content => "content",
            Self::OutOfStock => "out_of_stock",
            Self::BackInStock => "back_in_stock",
            Self::Seller => "seller",
        }
    }
}

/// Something that happened at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: ChartEventKind,
    /// The name of the rule, of the seller, of the availability, or of what changed.
    pub text: String,
}

impl Dependencies {
    /// The prices that active rules about a product wait for.
    pub(super) async fn chart_targets(
        &self,
        tenant_id: TenantId,
        id: ProductId,
        currency: Currency,
        now: Timestamp,
    ) -> ServiceResult<Vec<ChartTarget>> {
        let rules = self.store.rules(tenant_id, &RuleFilter::of_product(id), None, MAX_RULES).await?;
        let mut targets = Vec::new();
        for rule in rules.items.into_iter().filter(|rule| rule.settings.is_active(now)) {
            let mut amounts = Vec::new();
            push_targets(&rule.settings.condition, &mut amounts);
            amounts.retain(|amount| amount.currency == currency);
            let target = |amount: Money| ChartTarget {
                rule_id: rule.id,
                name: rule.settings.name.clone(),
                amount_minor: amount.amount_minor,
            };
            targets.extend(amounts.into_iter().map(target));
        }
        Ok(targets)
    }

    /// What happened to a product within a window. The points are sorted by series and time.
    pub(super) async fn chart_events(
        &self,
        product: &Product,
        points: &[Point],
        columns: &Columns,
    ) -> ServiceResult<Vec<ChartEvent>> {
        let filter = EventFilter {
            product_id: Some(product.id),
            since: Some(columns.from),
            until: Some(columns.to),
            ..EventFilter::default()
        };
        let alerts = self.store.events(product.tenant_id, &filter, None, MAX_ALERTS).await?;
        let versions = self.store.content_versions(product.listing_id, None, MAX_VERSIONS).await?;
        let alert = |row: crate::store::EventRow| {
            let facts = row.event.facts;
            let text = facts.rule_name.unwrap_or_else(|| facts.condition.kind().to_owned());
            ChartEvent { at: row.event.at, kind: ChartEventKind::Alert, text }
        };
        let mut events: Vec<ChartEvent> = alerts.items.into_iter().map(alert).collect();
        // The oldest version of all is where tracking began, and no change.
        let is_all = versions.next_cursor.is_none();
        let changes = versions.items.len().saturating_sub(usize::from(is_all));
        events.extend(versions.items.into_iter().take(changes).map(|version| {
            let mut changed = version.changed;
            changed.truncate(MAX_NAMED);
            ChartEvent { at: version.at, kind: ChartEventKind::Content, text: changed.join(", ") }
        }));
        events.extend(stock_events(points));
        events.extend(seller_events(points));
        events.retain(|event| columns.from <= event.at && event.at <= columns.to);
        events.sort_by_key(|event| event.at);
        events.drain(..events.len().saturating_sub(MAX_EVENTS));
        Ok(events)
    }
}

/// The prices below which a condition holds, or a part of it.
fn push_targets(condition: &Condition, amounts: &mut Vec<Money>) {
    match condition {
        Condition::PriceAtOrBelow { target } => amounts.push(*target),
        Condition::Level(level) if level.op == Op::Lte && matches!(level.field, Field::Price | Field::Landed) => {
            if let Threshold::Money(target) = level.value {
                amounts.push(target);
            }
        }
        Condition::All { of } | Condition::Any { of } => of.iter().for_each(|part| push_targets(part, amounts)),
        _ => {}
    }
}

fn stock_events(points: &[Point]) -> Vec<ChartEvent> {
    let read = points.iter().filter(|point| point.key.series == Series::Availability).filter_map(|point| {
        let availability = Availability::from_number(point.value.as_ref()?.number()?)?;
        Some((point.at, availability)).filter(|(_, availability)| *availability != Availability::Unknown)
    });
    let read: Vec<(Timestamp, Availability)> = read.collect();
    let turn = |pair: &[(Timestamp, Availability)]| {
        let ((_, before), (at, after)) = (pair[0], pair[1]);
        let kind = match (before.is_out(), after.is_out()) {
            (false, true) => ChartEventKind::OutOfStock,
            (true, false) => ChartEventKind::BackInStock,
            _ => return None,
        };
        Some(ChartEvent { at, kind, text: after.as_str().to_owned() })
    };
    read.windows(2).filter_map(turn).collect()
}

fn seller_events(points: &[Point]) -> Vec<ChartEvent> {
    let named = points.iter().filter(|point| point.key.series == Series::Seller);
    let named: Vec<(Timestamp, &str)> =
        named.filter_map(|point| Some((point.at, point.value.as_ref().and_then(PointValue::text)?))).collect();
    let others = named.windows(2).filter(|pair| pair[0].1 != pair[1].1);
    others.map(|pair| ChartEvent { at: pair[1].0, kind: ChartEventKind::Seller, text: pair[1].1.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rule::Level;

    #[test]
    fn what_sold_out_and_came_back_is_told_once_each() {
        let states = [(0, 1), (1, 3), (2, 5), (3, 0), (4, 1), (5, 2)];
        let points = states.map(|(second, number)| Point {
            key: Series::Availability.into(),
            at: Timestamp::from_second(second).unwrap(),
            value: Some(PointValue::Number(number)),
        });
        let told: Vec<_> = stock_events(&points).into_iter().map(|event| (event.at.as_second(), event.kind)).collect();
        assert_eq!(told, [(1, ChartEventKind::OutOfStock), (4, ChartEventKind::BackInStock)]);
    }

    #[test]
    fn targets_are_found_within_a_tree_but_not_under_a_not() {
        let target = |minor| Money::new(minor, Currency::Eur);
        let at_or_below = |minor| Condition::PriceAtOrBelow { target: target(minor) };
        let level = Level {
            field: Field::Landed,
            op: Op::Lte,
            value: Threshold::Money(target(3)),
            category: None,
            rearm: None,
            less_coupon: false,
        };
        let not = Condition::Not { of: Box::new(at_or_below(2)) };
        let tree =
            Condition::All { of: vec![at_or_below(1), not, Condition::Any { of: vec![Condition::Level(level)] }] };
        let mut found = Vec::new();
        push_targets(&tree, &mut found);
        assert_eq!(found, [target(1), target(3)]);
    }
}
