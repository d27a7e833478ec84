//! A listing: one product page on one marketplace, shared by everyone who watches it.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::asin::{Asin, AsinError};
use super::marketplace::Marketplace;

/// The natural key of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listing {
    /// The site.
    pub marketplace: Marketplace,
    /// The product on it.
    pub asin: Asin,
}

/// Why a URL does not name a listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingUrlError {
    /// Not a URL at all.
    #[error("not a URL: {0}")]
    Syntax(#[from] url::ParseError),
    /// A URL of another site.
    #[error("`{0}` is not a marketplace of Amazon")]
    Host(String),
    /// An Amazon URL without a product in its path.
    #[error("the URL names no product: its path has no /dp/ASIN or /gp/product/ASIN")]
    NoAsin,
    /// The place of the ASIN holds something else.
    #[error("the URL's ASIN is wrong: {0}")]
    Asin(#[from] AsinError),
}

impl Listing {
    /// A listing by its parts.
    pub const fn new(marketplace: Marketplace, asin: Asin) -> Self {
        Self { marketplace, asin }
    }

    /// The page of the listing on Amazon itself.
    pub fn url(&self) -> String {
        format!("https://{}/dp/{}", self.marketplace.host(), self.asin)
    }

    /// Reads the listing out of what people paste: `/dp/`, `/gp/product/`, `/gp/aw/d/`, mobile hosts, with or without a
    /// scheme, a title in the path, `ref=` and a query.
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

/// The path segment where Amazon's product URLs carry the ASIN.
fn asin_segment<'a>(segments: &[&'a str]) -> Option<&'a str> {
    const BEFORE_ASIN: &[&[&str]] = &[
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
        let is_here = |marker: &&&[&str]| {
            tail.len() > marker.len()
                && marker.iter().zip(tail).all(|(word, segment)| segment.eq_ignore_ascii_case(word))
        };
        let marker = BEFORE_ASIN.iter().find(is_here)?;
        // `/gp/product/glance/ASIN` and `/dp/product/ASIN` are old forms of the same thing.
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
    fn reads_every_form_people_paste() {
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
    fn tells_a_foreign_host_from_a_path_without_product() {
        assert!(matches!(Listing::from_url("https://example.com/dp/B08PZHYWJS"), Err(ListingUrlError::Host(_))));
        assert!(matches!(Listing::from_url("https://amazon.de.evil.io/dp/B08PZHYWJS"), Err(ListingUrlError::Host(_))));
        assert!(matches!(Listing::from_url("https://www.amazon.de/s?k=dp"), Err(ListingUrlError::NoAsin)));
        assert!(matches!(Listing::from_url("https://www.amazon.de/dp/short"), Err(ListingUrlError::Asin(_))));
        assert!(Listing::from_url("").is_err());
        assert!(Listing::from_url("javascript:alert(1)").is_err());
    }
}
