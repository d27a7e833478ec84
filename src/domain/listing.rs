//! A listing: one product page on one marketplace, shared by all tenants that watch it.

use std::fmt;

use percent_encoding::percent_decode_str;
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
    /// A short link: its host tells where it leads.
    #[error("`{}` is a host of short links: open the link in a browser and use the address of the page", .0.host_str().unwrap_or_default())]
    ShortLink(Url),
    /// The path segment for the ASIN is not an ASIN.
    #[error("invalid ASIN in the URL: {0}")]
    Asin(#[from] AsinError),
}

impl Listing {
    /// A listing from its parts.
    pub const fn new(marketplace: Marketplace, asin: Asin) -> Self {
        Self { marketplace, asin }
    }

    /// A listing from its text form, `de/B000000000`.
    pub fn from_key(text: &str) -> Option<Self> {
        let (marketplace, asin) = text.split_once('/')?;
        Some(Self::new(marketplace.parse().ok()?, asin.parse().ok()?))
    }

    /// A listing as people name it: by the URL of its page, by an ASIN on the given marketplace, or by its text form.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn named(text: &str, marketplace: Marketplace) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(asin) = text.parse() {
            return Ok(Self::new(marketplace, asin));
        }
        if let Some(listing) = Self::from_key(text) {
            return Ok(listing);
        }
        if text.contains('.') {
            return Self::from_url(text).map_err(|error| error.to_string());
        }
        text.parse::<Asin>().map(|asin| Self::new(marketplace, asin)).map_err(|error| error.to_string())
    }

    /// The URL of the product page.
    pub fn url(&self) -> String {
        format!("https://{}/dp/{}", self.marketplace.host(), self.asin)
    }

    /// Parses the URL of a product page, as people paste it: with or without a scheme, a title in the path, `ref=` and a query; of
    /// mobile hosts; percent-encoded; behind an advertisement or the choice of a language; with text around it, or invisible
    /// characters in it.
    ///
    /// # Errors
    /// See [`ListingUrlError`].
    pub fn from_url(text: &str) -> Result<Self, ListingUrlError> {
        let text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        let url = parse_url(link_in(text.trim()))?;
        Self::from_parsed(&url, 0)
    }

    fn from_parsed(url: &Url, depth: u8) -> Result<Self, ListingUrlError> {
        let host = url.host_str().unwrap_or_default();
        if SHORT_HOSTS.contains(&host) && !(host == "amzn.com" && url.path().contains("/dp/")) {
            return Err(ListingUrlError::ShortLink(url.clone()));
        }
        let marketplace = if host == "amzn.com" { Some(Marketplace::Us) } else { Marketplace::from_host(host) };
        let marketplace = marketplace.ok_or_else(|| ListingUrlError::Host(host.to_owned()))?;
        let path = decoded(url.path());
        let segments: Vec<&str> = path.split(['/', '?', '#']).filter(|segment| !segment.is_empty()).collect();
        if let Some(segment) = asin_segment(&segments) {
            return Ok(Self { marketplace, asin: asin_in(segment).parse()? });
        }
        // Advertisements (`/sspa/click`, `slredirect`) and other detours name their target in the query.
        let target = url.query_pairs().find_map(|(name, value)| (name == "url").then(|| value.into_owned()));
        match target.and_then(|target| url.join(&target).ok()) {
            Some(target) if depth < MAX_DETOURS => Self::from_parsed(&target, depth + 1),
            _ => Err(ListingUrlError::NoAsin),
        }
    }
}

/// Detours within one another that are followed.
const MAX_DETOURS: u8 = 3;

/// Hosts of short links, which tell their target only when they are requested.
const SHORT_HOSTS: &[&str] = &["a.co", "amzn.to", "amzn.eu", "amzn.asia", "amzn.com"];

/// Characters without width that messengers and word processors put into links: direction marks, joiners, byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The link in a text: "Look at <https://www.amazon.de/dp/B0…>!"
fn link_in(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let start = ["https://", "http://"].iter().filter_map(|scheme| lower.find(scheme)).min();
    let link = match start {
        Some(start) => &text[start..],
        None => text.split_whitespace().find(|word| word.contains('/')).unwrap_or(text),
    };
    let end = link.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(link.len());
    link[..end].trim_start_matches(['<', '(', '['])
}

fn parse_url(text: &str) -> Result<Url, ListingUrlError> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        _ => Ok(Url::parse(&format!("https://{text}"))?),
    }
}

/// A path without percent-encoding, of which people paste up to two layers.
fn decoded(path: &str) -> String {
    let once = percent_decode_str(path).decode_utf8_lossy().into_owned();
    percent_decode_str(&once).decode_utf8_lossy().into_owned()
}

/// The ASIN at the start of a segment, without what was pasted behind it (`;`, `&`, `.`, `=`, `,`); hyphens may divide an ISBN-10.
fn asin_in(segment: &str) -> String {
    let end = segment.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(segment.len());
    let (word, rest) = (&segment[..end], &segment[end..]);
    let plain = word.replace('-', "");
    // Anything else is not cut off but refused: "B08PZHYWJé" is a mistake.
    if rest.is_empty() || rest.starts_with([';', '&', '.', '=', ',', ')', ']', '!', ':', '\'', ' ']) {
        plain
    } else {
        segment.to_owned()
    }
}

/// The path segment that holds the ASIN in Amazon's product URLs.
fn asin_segment<'a>(segments: &[&'a str]) -> Option<&'a str> {
    const ASIN_PREFIXES: &[&[&str]] = &[
        &["dp"],
        &["gp", "product", "images"],
        &["gp", "product"],
        &["gp", "aw", "d"],
        &["gp", "offer-listing"],
        &["product-reviews"],
        &["exec", "obidos", "ASIN"],
        &["exec", "obidos", "tg", "detail", "-"],
        &["o", "ASIN"],
    ];
    let after_prefix = (0..segments.len()).find_map(|start| {
        let tail = &segments[start..];
        let matches_here = |marker: &&&[&str]| {
            tail.len() > marker.len()
                && marker.iter().zip(tail).all(|(word, segment)| segment.eq_ignore_ascii_case(word))
        };
        let marker = ASIN_PREFIXES.iter().find(matches_here)?;
        // `/gp/product/glance/ASIN` and `/dp/product/ASIN` are old forms of the same URLs.
        tail[marker.len()..].iter().find(|segment| !matches!(**segment, "glance" | "product")).copied()
    });
    after_prefix.or_else(|| match segments {
        // `/d/Some-Title/ASIN`.
        ["d", rest @ ..] => rest.iter().rev().find(|segment| asin_in(segment).parse::<Asin>().is_ok()).copied(),
        _ => None,
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
            "https://www.amazon.de/dp/B08PZHYWJS%3FSubscriptionId%3D12",
            "https://www.amazon.de/Sony%2FWH/dp%2FB08PZHYWJS",
            "https://www.amazon.de/dp/B08PZHYWJS;jsessionid=1",
            "https://www.amazon.de/dp/B08PZHYWJS&tag=x-21",
            "https://www.amazon.de/dp/B08PZHYWJS.",
            "https://www.amazon.de//dp//B08PZHYWJS",
            "https://www.amazon.de/d/Sony-WH-1000XM4/B08PZHYWJS",
            "https://www.amazon.de/gp/product/images/B08PZHYWJS/",
            "https://www.amazon.de/sspa/click?ie=UTF8&url=%2FSony%2Fdp%2FB08PZHYWJS%2Fref%3Dsr_1",
            "https://www.amazon.de/gp/slredirect/picassoRedirect.html?url=%2Fdp%2FB08PZHYWJS%2Fref%3Dx",
            "<https://www.amazon.de/dp/B08PZHYWJS>",
            "Have a look: https://www.amazon.de/dp/B08PZHYWJS (good!)",
            "\u{200e}https://www.amazon.de/dp/B08PZ\u{200b}HYWJS\u{feff}",
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
        assert!(matches!(Listing::from_url("https://amzn.to/3xYz"), Err(ListingUrlError::ShortLink(_))));
        assert!(matches!(Listing::from_url("https://www.amazon.de/dp/B08PZHYWJé"), Err(ListingUrlError::Asin(_))));
        let loops = "https://www.amazon.de/sspa/click?url=https%3A%2F%2Fwww.amazon.de%2Fsspa%2Fclick";
        assert!(matches!(Listing::from_url(loops), Err(ListingUrlError::NoAsin)));
        let stranger = "https://www.amazon.de/sspa/click?url=https%3A%2F%2Fevil.io%2Fdp%2FB08PZHYWJS";
        assert!(matches!(Listing::from_url(stranger), Err(ListingUrlError::Host(_))));
        assert_eq!(Listing::from_url("https://amzn.com/dp/B08PZHYWJS").unwrap().to_string(), "com/B08PZHYWJS");
        let isbn = Listing::from_url("https://www.amazon.de/dp/0-306-40615-2").unwrap();
        assert_eq!(isbn.to_string(), "de/0306406152");
        assert!(Listing::from_url("").is_err());
        assert!(Listing::from_url("javascript:alert(1)").is_err());
    }
}
