//! The URL of a list of products: a bestseller list, or search results.

use std::fmt;

use url::Url;

use super::marketplace::Marketplace;

/// Parts of paths by which lists are told.
const LISTS: &[&str] =
    &["bestsellers", "/zgbs", "new-releases", "movers-and-shakers", "most-wished-for", "most-gifted"];
/// Those of bestseller lists.
const BESTSELLERS: &[&str] = &["bestsellers", "/zgbs"];
/// Parameters that say which page it is.
const PAGES: &[&str] = &["pg", "page", "ref", "qid", "sprefix", "crid"];

/// A list of products on a marketplace, without its page number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUrl {
    marketplace: Marketplace,
    path: String,
    query: Vec<(String, String)>,
    is_search: bool,
}

impl ListUrl {
    /// Parses a URL as people copy it from a browser.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&text).map_err(|error| format!("not a URL: {error}"))?;
        let host = url.host_str().unwrap_or_default();
        let marketplace =
            Marketplace::from_host(host).ok_or_else(|| format!("`{host}` is not the host of an Amazon marketplace"))?;
        // The reference at the end of a path says where the visitor came from.
        let path = url.path().split("/ref=").next().unwrap_or_default().trim_end_matches('/').to_owned();
        let query: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !PAGES.contains(&&**name))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let has = |name: &str| query.iter().any(|(known, value)| known == name && !value.is_empty());
        let is_search = path == "/s" || path.ends_with("/s") || path == "/gp/search";
        let is_list = LISTS.iter().any(|list| path.to_ascii_lowercase().contains(list));
        let names_results = ["k", "field-keywords", "rh", "node", "i", "bbn", "me"].into_iter().any(has);
        if !(is_list || is_search && names_results) {
            return Err("neither a bestseller list nor search results".to_owned());
        }
        Ok(Self { marketplace, path, query, is_search: is_search && !is_list })
    }

    /// The marketplace.
    pub fn marketplace(&self) -> Marketplace {
        self.marketplace
    }

    /// A bestseller list, rather than another list or search results.
    pub fn is_bestsellers(&self) -> bool {
        let path = self.path.to_ascii_lowercase();
        !self.is_search && BESTSELLERS.iter().any(|list| path.contains(list))
    }

    /// Path and query of one of its pages, from 1 on.
    pub fn page(&self, page: u32) -> String {
        let name = if self.is_search { "page" } else { "pg" };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        if page > 1 {
            query.append_pair(name, &page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }
}

impl fmt::Display for ListUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.marketplace.host(), self.page(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_lists_have_their_own_parameter() {
        let list = ListUrl::parse("https://www.amazon.de/gp/bestsellers/electronics/ref=zg_bs_nav?pg=2").unwrap();
        assert_eq!(list.to_string(), "https://www.amazon.de/gp/bestsellers/electronics");
        assert_eq!((list.marketplace(), list.page(2)), (Marketplace::De, "/gp/bestsellers/electronics?pg=2".into()));
        let search = ListUrl::parse("amazon.co.uk/s?k=head phones&i=electronics&page=3&ref=nb_sb").unwrap();
        assert_eq!(search.page(1), "/s?k=head+phones&i=electronics");
        assert_eq!(search.page(4), "/s?k=head+phones&i=electronics&page=4");
    }

    #[test]
    fn bestseller_lists_are_told_from_other_lists() {
        for (url, is_bestsellers) in [
            ("https://www.amazon.de/gp/bestsellers/electronics", true),
            ("https://www.amazon.com/Best-Sellers/zgbs/books", true),
            ("https://www.amazon.de/gp/new-releases/books", false),
            ("https://www.amazon.de/s?k=bestsellers", false),
        ] {
            assert_eq!(ListUrl::parse(url).unwrap().is_bestsellers(), is_bestsellers, "{url}");
        }
    }

    #[test]
    fn other_pages_are_no_lists() {
        for (text, named) in [
            ("https://www.amazon.de/dp/B07FZ8S74R", "neither"),
            ("https://www.amazon.de/s", "neither"),
            ("https://www.amazon.de/s?k=", "neither"),
            ("https://example.com/gp/bestsellers", "example.com"),
            ("https://127.0.0.1/s?k=x", "127.0.0.1"),
            ("", "not a URL"),
        ] {
            let error = ListUrl::parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn a_list_survives_its_own_text() {
        for text in ["https://www.amazon.com/Best-Sellers/zgbs/books", "https://www.amazon.fr/s?k=caf%C3%A9+moulu"] {
            let list = ListUrl::parse(text).unwrap();
            assert_eq!(ListUrl::parse(&list.to_string()).unwrap(), list);
        }
    }
}
