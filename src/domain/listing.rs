//! A listing: one product page on one marketplace, shared by all tenants that watch it.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::asin::{Asin, AsinError};
use super::marketplace::Marketplace;

/// The natural key of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listing {
    /// The marketplace.
    pub marketplace: Marketplace,
    /// The product on that marketplace.
    pub asin: Asin,
}

/// Why a URL does not identify a listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingUrlError {
    /// Not a URL.
    #[error("not a URL: {0}")]
    Syntax(#[from] url::ParseError),
    /// A URL of another site.
    #[error("`{0}` is not the host of an Amazon marketplace")]
    Host(String),
    /// An Amazon URL without an ASIN in its path.
    #[error("no ASIN in the URL: expected /dp/ASIN or /gp/product/ASIN in its path")]
    NoAsin,
    /// The path segment for the ASIN is not an ASIN.
    #[error("invalid ASIN in the URL: {0}")]
    Asin(#[from] AsinError),
}

impl Listing {
    /// A listing from its parts.
    pub const fn new(marketplace: Marketplace, asin: Asin) -> Self {
        Self { marketplace, asin }
    }

    /// The URL of the product page.
    pub fn url(&self) -> String {
        format!("https://{}/dp/{}", self.marketplace.host(), self.asin)
    }

    /// Parses the URL of a product page: `/dp/`, `/gp/product/`, `/gp/aw/d/`, mobile hosts, with or without a scheme, a
    /// title in the path, `ref=` and a query.
    pub fn from_url(text: &str) -> Result<Self, ListingUrlError> {
        let text = text.trim();
        let url = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            _ => Url::parse(&format!("https://{text}"))?,
        };
        let host = url.host_str().unwrap_or_default();
        let marketplace = Marketplace::from_host(host).ok_or_else(|| ListingUrlError::Host(host.to_owned()))?;
        let segments: Vec<&str> = url.path_segments().map(Iterator::collect).unwrap_or_default();
        let asin = asin_segment(&segments).ok_or(ListingUrlError::NoAsin)?;
        Ok(Self { marketplace, asin: asin.parse()? })
    }
}

/// The path segment that holds the ASIN in Amazon's product URLs.
fn asin_segment<'a>(segments: &[&'a str]) -> Option<&'a str> {
    const ASIN_PREFIXES: &[&[&str]] = &[
        &["dp"],
        &["gp", "product"],
        &["gp", "aw", "d"],
        &["gp", "offer-listing"],
        &["product-reviews"],
        &["exec", "obidos", "ASIN"],
        &["exec", "obidos", "tg", "detail", "-"],
        &["o", "ASIN"],
    ];
    (0..segments.len()).find_map(|start| {
        let tail = &segments[start..];
        let matches_here = |marker: &&&[&str]| {
            tail.len() > marker.len()
                && marker.iter().zip(tail).all(|(word, segment)| segment.eq_ignore_ascii_case(word))
        };
        let marker = ASIN_PREFIXES.iter().find(matches_here)?;
        // `/gp/product/glance/ASIN` and `/dp/product/ASIN` are old forms of the same URLs.
        tail[marker.len()..].iter().find(|segment| !matches!(**segment, "glance" | "product")).copied()
    })
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.marketplace, self.asin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_form_of_url_is_parsed() {
        for url in [
            "https://www.amazon.de/Sony-WH-1000XM4/dp/B08PZHYWJS/ref=sr_1_1?th=1&psc=1",
            "https://www.amazon.de/gp/product/B08PZHYWJS",
            "http://m.amazon.de/gp/aw/d/b08pzhywjs?x=y",
            "amazon.de/dp/B08PZHYWJS",
            "https://amazon.de/exec/obidos/ASIN/B08PZHYWJS/tag-20",
            "https://www.amazon.de/exec/obidos/tg/detail/-/B08PZHYWJS",
            "https://www.amazon.de/product-reviews/B08PZHYWJS/ref=cm_cr_dp",
            "HTTPS://WWW.AMAZON.DE/DP/B08PZHYWJS",
            "https://www.amazon.de/GP/Product/B08PZHYWJS",
            " https://www.amazon.de/gp/offer-listing/B08PZHYWJS ",
        ] {
            assert_eq!(Listing::from_url(url).unwrap().to_string(), "de/B08PZHYWJS", "{url}");
        }
    }

    #[test]
    fn a_foreign_host_and_a_path_without_asin_are_different_errors() {
        assert!(matches!(Listing::from_url("https://example.com/dp/B08PZHYWJS"), Err(ListingUrlError::Host(_))));
        assert!(matches!(Listing::from_url("https://amazon.de.evil.io/dp/B08PZHYWJS"), Err(ListingUrlError::Host(_))));
        assert!(matches!(Listing::from_url("https://www.amazon.de/s?k=dp"), Err(ListingUrlError::NoAsin)));
        assert!(matches!(Listing::from_url("https://www.amazon.de/dp/short"), Err(ListingUrlError::Asin(_))));
        assert!(Listing::from_url("").is_err());
        assert!(Listing::from_url("javascript:alert(1)").is_err());
    }
}
