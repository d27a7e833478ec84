//! The columns of a file of products, by the names that people and other programs give them.

use crate::domain::ImportLine;

/// A column that is read.
struct Column {
    /// Our own name for it.
    name: &'static str,
    /// Other names, in lower case.
    synonyms: &'static [&'static str],
    field: fn(&mut ImportLine) -> Field<'_>,
}

enum Field<'l> {
    Listing(&'l mut String),
    Text(&'l mut Option<String>),
}

/// `Locale` and `ASIN` stand in the exports of Keepa, `Amazon URL` in those of CamelCamelCamel.
const KNOWN: &[Column] = &[
    Column {
        name: "listing",
        synonyms: &["asin", "url", "link", "amazon url", "product url", "amazon link"],
        field: |line| Field::Listing(&mut line.listing),
    },
    Column {
        name: "marketplace",
        synonyms: &["locale", "domain", "site", "country"],
        field: |line| Field::Text(&mut line.marketplace),
    },
    Column { name: "label", synonyms: &["name", "title", "product name"], field: |line| Field::Text(&mut line.label) },
    Column { name: "tags", synonyms: &["tag", "labels"], field: |line| Field::Text(&mut line.tags) },
    Column { name: "frequency", synonyms: &["interval"], field: |line| Field::Text(&mut line.frequency) },
    Column { name: "is_competitor", synonyms: &["competitor"], field: |line| Field::Text(&mut line.is_competitor) },
    Column { name: "status", synonyms: &[], field: |line| Field::Text(&mut line.status) },
    Column { name: "watch_offers", synonyms: &[], field: |line| Field::Text(&mut line.watch_offers) },
    Column { name: "offers_frequency", synonyms: &[], field: |line| Field::Text(&mut line.offers_frequency) },
];

/// Our own names of all columns that are read.
pub const COLUMNS: [&str; KNOWN.len()] = {
    let mut names = [""; KNOWN.len()];
    let mut n = 0;
    while n < KNOWN.len() {
        names[n] = KNOWN[n].name;
        n += 1;
    }
    names
};

/// Longer titles of other programs are cut: they become labels.
const MAX_LABEL_CHARS: usize = crate::domain::product::MAX_LABEL_CHARS;

/// Which column of a file is which.
#[derive(Debug, Clone)]
pub(super) struct Header(Vec<Option<usize>>);

impl Header {
    /// The header that a first line is, if one of its columns names listings.
    pub fn of(cells: &[String]) -> Option<Self> {
        let column = |cell: &String| {
            let cell = cell.trim().to_lowercase();
            KNOWN.iter().position(|column| column.name == cell || column.synonyms.contains(&cell.as_str()))
        };
        let columns: Vec<Option<usize>> = cells.iter().map(column).collect();
        columns.contains(&Some(0)).then_some(Self(columns))
    }

    /// The line with these cells. Of two columns with the same meaning the first one with a value counts: a file may have both ASIN
    /// and URL.
    pub fn line(&self, cells: Vec<String>) -> ImportLine {
        let mut line = ImportLine::default();
        for (column, cell) in self.0.iter().zip(cells) {
            let (Some(column), cell) = (column, tidy(cell)) else { continue };
            if cell.is_empty() {
                continue;
            }
            match (KNOWN[*column].field)(&mut line) {
                Field::Listing(field) if field.is_empty() => *field = cell,
                Field::Text(field) if field.is_none() => *field = Some(cell),
                Field::Listing(_) | Field::Text(_) => {}
            }
        }
        if let Some(label) = &mut line.label
            && let Some((end, _)) = label.char_indices().nth(MAX_LABEL_CHARS)
        {
            label.truncate(end);
        }
        line.marketplace = line.marketplace.map(|name| code_of(&name));
        line
    }
}

/// A cell without surrounding spaces and guard: most have neither.
fn tidy(cell: String) -> String {
    let tidy = unguarded(cell.trim());
    if tidy.len() == cell.len() { cell } else { tidy.to_owned() }
}

/// An export writes an apostrophe before a cell that a spreadsheet would calculate.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => cell,
    }
}

/// The code of a marketplace that is named by its country, as Keepa does, or by its host.
fn code_of(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let name = name.strip_prefix("www.").unwrap_or(&name);
    let name = name.strip_prefix("amazon.").unwrap_or(name);
    match name {
        "us" => "com",
        "uk" | "gb" => "co.uk",
        "jp" => "co.jp",
        "mx" => "com.mx",
        "br" => "com.br",
        "au" => "com.au",
        "tr" => "com.tr",
        "be" => "com.be",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn columns_are_known_by_several_names() {
        let header = Header::of(&cells(&["Locale", "ASIN", "Title", "Sales Rank: Current"])).unwrap();
        let line = header.line(cells(&["us", "B07FZ8S74R", "Echo Dot", "12"]));
        assert_eq!((line.listing.as_str(), line.marketplace.as_deref()), ("B07FZ8S74R", Some("com")));
        assert_eq!(line.label.as_deref(), Some("Echo Dot"));
        assert!(Header::of(&cells(&["Title", "Price"])).is_none());
        assert!(Header::of(&cells(&["B07FZ8S74R"])).is_none());
    }

    #[test]
    fn of_two_columns_of_one_meaning_the_first_with_a_value_counts() {
        let header = Header::of(&cells(&["asin", "url"])).unwrap();
        let url = "https://www.amazon.de/dp/B07FZ8S74R";
        assert_eq!(header.line(cells(&["", url])).listing, url);
        assert_eq!(header.line(cells(&["B000000000", url])).listing, "B000000000");
    }

    #[test]
    fn a_cell_that_an_export_guarded_is_read_as_it_was() {
        let header = Header::of(&cells(&["asin", "label"])).unwrap();
        assert_eq!(header.line(cells(&["B07FZ8S74R", "'=1+1"])).label.as_deref(), Some("=1+1"));
        assert_eq!(header.line(cells(&["B07FZ8S74R", "'tis"])).label.as_deref(), Some("'tis"));
    }

    #[test]
    fn a_title_that_is_too_long_for_a_label_is_cut() {
        let header = Header::of(&cells(&["asin", "title"])).unwrap();
        let line = header.line(cells(&["B07FZ8S74R", &"ä".repeat(300)]));
        assert_eq!(line.label.unwrap().chars().count(), MAX_LABEL_CHARS);
    }
}
