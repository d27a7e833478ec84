//! One line of a file of products.

use serde::{Deserialize, Serialize};

use super::frequency::{Frequency, FrequencyError};
use super::interval::{Interval, IntervalError};
use super::job::ProductDefaults;
use super::listing::Listing;
use super::marketplace::{Marketplace, MarketplaceError};
use super::product::{ProductSettings, ProductStatus, check_frequency, check_label, normalize_tags, offers_interval};

/// The columns of a line as they stand in the file. An empty one is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportLine {
    /// An ASIN, or the URL of a product page.
    pub listing: String,
    /// The code of the marketplace of an ASIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marketplace: Option<String>,
    /// The label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Tags, separated by `;`, `,` or `|`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// How often to crawl it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency: Option<String>,
    /// `true`, `yes`, `1` or `x`: a competitor's product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_competitor: Option<String>,
    /// `active` or `paused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `true`, `yes`, `1` or `x`: its offer list is read as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch_offers: Option<String>,
    /// How often its offer list is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offers_frequency: Option<String>,
}

impl ImportLine {
    /// The product that the line asks for. `defaults` hold for what it does not say, `marketplace` where those say nothing either.
    ///
    /// # Errors
    /// The first column that is wrong, with the reason.
    pub fn product(
        &self,
        defaults: &ProductDefaults,
        marketplace: Marketplace,
        shortest: Interval,
    ) -> Result<(Listing, ProductSettings), String> {
        let in_column = |column: &'static str| move |error: String| format!("{column}: {error}");
        let stated = self.marketplace.as_deref().map(str::parse::<Marketplace>).transpose();
        let stated = stated.map_err(|error: MarketplaceError| in_column("marketplace")(error.to_string()))?;
        let fallback = stated.or(defaults.marketplace).unwrap_or(marketplace);
        let listing = Listing::named(&self.listing, fallback).map_err(in_column("listing"))?;
        if stated.is_some_and(|stated| stated != listing.marketplace) {
            return Err(format!("marketplace: the URL belongs to `{}`", listing.marketplace));
        }
        if let Some(label) = &self.label {
            check_label(label).map_err(in_column("label"))?;
        }
        let own = self.tags.as_deref().unwrap_or_default().split([';', ',', '|']).map(str::trim);
        let own = own.filter(|tag| !tag.is_empty()).map(str::to_owned);
        let tags = normalize_tags(own.chain(defaults.tags.iter().cloned()));
        let tags = tags.map_err(|errors| in_column("tags")(errors.join("; ")))?;
        let frequency = self.frequency.as_deref().map(str::parse::<Frequency>).transpose();
        let frequency = frequency.map_err(|error: FrequencyError| in_column("frequency")(error.to_string()))?;
        let frequency = frequency.or(defaults.frequency).unwrap_or_default();
        check_frequency(frequency, shortest).map_err(in_column("frequency"))?;
        let is_competitor = self.is_competitor.as_deref().map(truth).transpose();
        let is_competitor = is_competitor.map_err(in_column("is_competitor"))?.unwrap_or(defaults.is_competitor);
        let status = self.status.as_deref().map(str::parse::<ProductStatus>).transpose();
        let status = status.map_err(|error| in_column("status")(error.to_string()))?.unwrap_or(ProductStatus::Active);
        let offers_interval = self.offers_interval(defaults, shortest)?;
        let label = self.label.clone();
        Ok((listing, ProductSettings { label, tags, frequency, is_competitor, status, offers_interval }))
    }

    fn offers_interval(&self, defaults: &ProductDefaults, shortest: Interval) -> Result<Option<Interval>, String> {
        let is_watched = self.watch_offers.as_deref().map(truth).transpose();
        let is_watched = is_watched.map_err(|error| format!("watch_offers: {error}"))?;
        let of_column = |error: String| format!("offers_frequency: {error}");
        let interval = self.offers_frequency.as_deref().map(str::parse::<Interval>).transpose();
        let interval = interval.map_err(|error: IntervalError| of_column(error.to_string()))?;
        if let Some(interval) = interval {
            check_frequency(Frequency::fixed(interval), shortest).map_err(of_column)?;
        }
        Ok(match (is_watched, interval) {
            (None, None) => defaults.offers_interval,
            (is_watched, interval) => offers_interval(is_watched, interval.or(defaults.offers_interval)),
        })
    }
}

fn truth(word: &str) -> Result<bool, String> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "x" => Ok(true),
        "false" | "no" | "n" | "0" => Ok(false),
        _ => Err(format!("`{word}` is not true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(listing: &str) -> ImportLine {
        ImportLine { listing: listing.to_owned(), ..ImportLine::default() }
    }

    fn read(line: &ImportLine) -> Result<(Listing, ProductSettings), String> {
        line.product(&ProductDefaults::default(), Marketplace::De, Interval::HOURLY)
    }

    #[test]
    fn an_asin_belongs_to_the_marketplace_that_is_named_first() {
        let asin = "B07FZ8S74R";
        assert_eq!(read(&line(asin)).unwrap().0.to_string(), "de/B07FZ8S74R");
        let named = ImportLine { marketplace: Some("co.jp".into()), ..line(asin) };
        assert_eq!(read(&named).unwrap().0.marketplace, Marketplace::Jp);
        let defaults = ProductDefaults { marketplace: Some(Marketplace::Us), ..ProductDefaults::default() };
        let read = line(asin).product(&defaults, Marketplace::De, Interval::HOURLY).unwrap();
        assert_eq!((read.0.marketplace, read.1), (Marketplace::Us, ProductSettings::default()));
    }

    #[test]
    fn every_column_is_read() {
        let line = ImportLine {
            label: Some("Dot".into()),
            tags: Some("echo; home|echo".into()),
            frequency: Some("6h".into()),
            is_competitor: Some("Yes".into()),
            status: Some("paused".into()),
            ..line("https://www.amazon.co.uk/Echo-Dot/dp/B07FZ8S74R/ref=sr_1_1")
        };
        let defaults = ProductDefaults { tags: vec!["imported".into(), "home".into()], ..ProductDefaults::default() };
        let (listing, settings) = line.product(&defaults, Marketplace::De, Interval::HOURLY).unwrap();
        assert_eq!(listing.to_string(), "co.uk/B07FZ8S74R");
        assert_eq!(settings.tags, ["echo", "home", "imported"]);
        assert_eq!((settings.frequency.to_string(), settings.is_competitor), ("6h".into(), true));
        assert_eq!(settings.status, ProductStatus::Paused);
    }

    #[test]
    fn a_line_says_whether_offers_are_watched_or_the_defaults_do() {
        let given = |watch: Option<&str>, frequency: Option<&str>, default: Option<Interval>| {
            let (watch_offers, offers_frequency) = (watch.map(str::to_owned), frequency.map(str::to_owned));
            let line = ImportLine { watch_offers, offers_frequency, ..line("B07FZ8S74R") };
            let defaults = ProductDefaults { offers_interval: default, ..ProductDefaults::default() };
            line.product(&defaults, Marketplace::De, Interval::HOURLY).unwrap().1.offers_interval
        };
        assert_eq!(given(None, None, None), None);
        assert_eq!(given(Some("yes"), None, None), Some(Interval::DAILY));
        assert_eq!(given(None, Some("hourly"), None), Some(Interval::HOURLY));
        assert_eq!(given(None, None, Some(Interval::WEEKLY)), Some(Interval::WEEKLY));
        assert_eq!(given(Some("x"), None, Some(Interval::WEEKLY)), Some(Interval::WEEKLY));
        assert_eq!(given(Some("no"), None, Some(Interval::WEEKLY)), None);
    }

    #[test]
    fn an_error_names_its_column() {
        let good = line("B07FZ8S74R");
        for (line, column) in [
            (line("hello"), "listing"),
            (line("https://example.com/dp/B07FZ8S74R"), "listing"),
            (ImportLine { marketplace: Some("mars".into()), ..good.clone() }, "marketplace"),
            (ImportLine { marketplace: Some("fr".into()), ..line("amazon.de/dp/B07FZ8S74R") }, "marketplace"),
            (ImportLine { label: Some("a\tb".into()), ..good.clone() }, "label"),
            (ImportLine { tags: Some("x".repeat(51)), ..good.clone() }, "tags"),
            (ImportLine { frequency: Some("often".into()), ..good.clone() }, "frequency"),
            (ImportLine { frequency: Some("1m".into()), ..good.clone() }, "frequency"),
            (ImportLine { is_competitor: Some("maybe".into()), ..good.clone() }, "is_competitor"),
            (ImportLine { status: Some("gone".into()), ..good.clone() }, "status"),
            (ImportLine { watch_offers: Some("maybe".into()), ..good.clone() }, "watch_offers"),
            (ImportLine { offers_frequency: Some("adaptive".into()), ..good.clone() }, "offers_frequency"),
            (ImportLine { offers_frequency: Some("1m".into()), ..good.clone() }, "offers_frequency"),
        ] {
            let error = read(&line).unwrap_err();
            assert!(error.starts_with(&format!("{column}: ")), "{error}");
        }
    }
}
