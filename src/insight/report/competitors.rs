//! The report of a competitor set.

use super::competitor_set::{Set, reason};
use super::competitor_tables::{content_section, growth_section, positions_table, undercuts_section};
use super::document::{Block, Cell, Chart, Fact, Report, ReportExclusion, Section};
use super::end_of_window::compared_at_end;
use super::price_chart::line;
use super::reported::ReportedProduct;
use super::wording::{CURRENCIES, PRICES, RANKS, UNKNOWN_TIMES, count, covered_until, percent, without_data};
use crate::domain::plain_text::clean;
use crate::domain::steps::Window;
use crate::domain::{ReportWindow, Series};
use crate::insight::comparison::MAX_UNDERCUTS;
use crate::insight::{Compared, Comparison, Exclusion, PriceBasis, comparison_in};

/// Lines of the chart beside the own one: the cheapest competitors.
const MAX_LINES: usize = 4;

const MAIN: &str = "positions";
const METHOD: &str = "Prices, places and ranks are those at the end of the window. Prices are compared with shipping if that is known of all \
     products, else without. A price counts if it was read within the last day of the window, or within two intervals of the product. \
     Ratings, sellers and content are those of the time the report was made.";

/// The report of an own product beside its competitors. `missing`: competitors of the set that could not be read, and why.
pub fn competitor_set_report(
    name: &str,
    own: &ReportedProduct<'_>,
    competitors: &[ReportedProduct<'_>],
    missing: Vec<ReportExclusion>,
    window: &ReportWindow,
) -> Report {
    let made_at = own.history.now();
    let title = format!("Competitors: {}", clean(name));
    let all = || std::iter::once(own).chain(competitors);
    let Some(passed) = own.window(window).filter(|passed| all().any(|product| is_known(product, *passed))) else {
        let coverage = vec![Fact::new("Competitors", integer(competitors.len()))];
        return without_data(title, window, made_at, coverage, "nothing is known of this time", missing);
    };
    let compared: Vec<Compared> = competitors.iter().map(|product| compared_at_end(product, passed)).collect();
    let comparison = comparison_in(&compared_at_end(own, passed), &compared, passed);
    let set = Set { own: *own, competitors, comparison, window: passed };
    let sections = [
        Some(Section::new(
            MAIN,
            "Prices and places",
            vec![Block::Facts { facts: set.facts() }, Block::Table(positions_table(&set))],
        )),
        set.chart_section(),
        Some(undercuts_section(&set)),
        Some(growth_section(&set)),
        content_section(&set),
    ];
    let mut coverage = vec![
        Fact::new("Competitors", integer(competitors.len())),
        Fact::new("With a price that is compared", integer(set.priced())),
        Fact::new("Left out", integer(competitors.len() - set.priced() + missing.len())),
    ];
    coverage.extend(covered_until(window, made_at));
    Report {
        title,
        made_at,
        window: window.clone(),
        coverage,
        summary: set.summary(),
        sections: sections.into_iter().flatten().collect(),
        main_section: MAIN.to_owned(),
        exclusions: set.exclusions().into_iter().chain(missing).collect(),
        method: [PRICES, METHOD, UNKNOWN_TIMES, RANKS, CURRENCIES].map(str::to_owned).to_vec(),
    }
}

/// True if anything that is compared is known of the window.
fn is_known(product: &ReportedProduct<'_>, window: Window) -> bool {
    let series = [Series::Price, Series::Availability, Series::ReviewCount, Series::Rating];
    let of_series = series.iter().any(|series| !product.numbers(&(*series).into(), window).is_empty());
    of_series || product.history.rank_keys().iter().any(|key| !product.numbers(key, window).is_empty())
}

fn integer(count: usize) -> Cell {
    Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

impl Set<'_> {
    fn facts(&self) -> Vec<Fact> {
        let basis = match self.comparison.basis {
            PriceBasis::Landed => "with shipping",
            PriceBasis::WithoutShipping => "without shipping: that of some is not known",
        };
        let mut facts = vec![Fact::new("Prices", Cell::text(basis))];
        facts.extend(
            self.comparison.category.as_deref().map(|category| Fact::new("Ranks in", Cell::text(clean(category)))),
        );
        match &self.comparison.position.value {
            Ok(position) => facts.extend([
                Fact::new("Own place", Cell::text(format!("{} of {}", position.rank, position.of))),
                Fact::new("Against the cheapest", Cell::share(position.percent_to_cheapest / 100.0)),
                Fact::new("Against the median", Cell::share(position.percent_to_median / 100.0)),
                Fact::new("Cheapest competitor", Cell::Money(self.money(position.cheapest_minor))),
                Fact::new("Median of the competitors", Cell::Money(self.money(position.median_minor))),
            ]),
            Err(missing) => facts.push(Fact::new("Own place", Cell::text(format!("not known: {missing}")))),
        }
        facts
    }

    /// The prices without shipping of the own product and the cheapest competitors of its marketplace.
    fn chart_section(&self) -> Option<Section> {
        let rows = self.comparison.competitors.iter().zip(self.competitors);
        let mut nearest: Vec<_> = rows.filter_map(|(row, product)| Some((row.price_minor.ok()?, product))).collect();
        nearest.sort_by_key(|(price, _)| *price);
        let products =
            std::iter::once(&self.own).chain(nearest.into_iter().take(MAX_LINES).map(|(_, product)| product));
        let currency = self.own.currency();
        let lines = products
            .map(|product| line(&product.name(), &product.numbers(&Series::Price.into(), self.window), currency));
        let lines: Vec<_> = lines.filter(|line| line.steps.iter().any(|(_, value)| value.is_some())).collect();
        let title = "Price without shipping".to_owned();
        let blocks = vec![Block::Chart(Chart { title, unit: currency.code(), lines })];
        let has_lines = blocks.iter().any(|block| matches!(block, Block::Chart(chart) if !chart.lines.is_empty()));
        has_lines.then(|| Section::new("price_history", "Price history", blocks))
    }

    fn exclusions(&self) -> Vec<ReportExclusion> {
        let rows = std::iter::once(&self.comparison.own).chain(&self.comparison.competitors);
        let products = std::iter::once(&self.own).chain(self.competitors);
        let excluded = rows.zip(products).filter_map(|(row, product)| Some((product, row.price_minor.err()?)));
        let exclusion = |(product, why): (&ReportedProduct<'_>, Exclusion)| ReportExclusion {
            what: format!("The price of {} ({})", product.name(), product.product.listing),
            reason: reason(why).to_owned(),
        };
        excluded.map(exclusion).collect()
    }

    fn summary(&self) -> Vec<String> {
        let Comparison { own, position, undercuts, .. } = &self.comparison;
        let mut lines = Vec::new();
        lines.push(match (&own.price_minor, &position.value) {
            (Err(why), _) => format!("The own price is not compared: {}.", reason(*why)),
            (Ok(price), Ok(position)) => format!(
                "The own price, {}, is number {} of {}: {} against the cheapest, {} against the median.",
                self.money(*price),
                position.rank,
                position.of,
                percent(position.percent_to_cheapest / 100.0),
                percent(position.percent_to_median / 100.0)
            ),
            (Ok(price), Err(missing)) => {
                format!("The own price is {}. Its place is not known: {missing}.", self.money(*price))
            }
        });
        lines.push(if undercuts.is_empty() {
            "At no known time was a competitor cheaper.".to_owned()
        } else {
            let at_least = if undercuts.len() >= MAX_UNDERCUTS { "at least " } else { "" };
            let lasting = undercuts.iter().filter(|undercut| undercut.to.is_none()).count();
            let times = count(undercuts.len(), "time", "times");
            format!("Competitors were cheaper {at_least}{times}; {lasting} of them lasted at the end.")
        });
        let rows = self.comparison.competitors.iter().zip(self.competitors);
        let gained = rows.filter_map(|(row, product)| Some((*row.reviews_gained.value.as_ref().ok()?, product)));
        if let Some((most, product)) = gained.max_by_key(|(gained, _)| *gained).filter(|(gained, _)| *gained > 0) {
            let own =
                own.reviews_gained.value.as_ref().map_or_else(|_| "not known".to_owned(), |own| format!("{own:+}"));
            lines.push(format!(
                "Most ratings gained by a competitor: {}, {most:+}; the own product: {own}.",
                product.name()
            ));
        }
        let left_out = self.competitors.len() - self.priced();
        if left_out > 0 {
            lines.push(format!("{} not compared.", count(left_out, "competitor is", "competitors are")));
        }
        lines
    }
}
