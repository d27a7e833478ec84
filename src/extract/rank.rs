//! Bestseller ranks: "#1,234 in Kitchen (See Top 100 in Kitchen)" and the equivalents in other languages.

use crate::domain::Rank;

use super::phrases::{self, Language};
use super::text;
use crate::domain::Marketplace;

/// The ranks of a rank row, in page order.
pub(super) fn ranks(raw: &str, marketplace: Option<Marketplace>) -> Vec<Rank> {
    let mut ranks: Vec<Rank> = Vec::new();
    let raw: String = raw.chars().map(text::western_digit).collect();
    for line in text::lines(&raw) {
        for entry in entries(&line) {
            if let Some(rank) = phrases::languages(marketplace).find_map(|language| one_rank(&entry, language))
                && !ranks.contains(&rank)
            {
                ranks.push(rank);
            }
        }
    }
    ranks
}

/// Splits a line into entries. Without line breaks between them, each entry starts with a marker and a number.
fn entries(line: &str) -> Vec<String> {
    let line = without_heading(&without_top_100(line)).trim().to_owned();
    let mut starts: Vec<usize> = MARKERS
        .iter()
        .flat_map(|marker| line.match_indices(marker).map(|(at, found)| (at, at + found.len())))
        .filter(|(at, end)| {
            let bound = *at == 0 || line[..*at].ends_with([' ', ':', ')']);
            bound && line[*end..].trim_start().starts_with(|c: char| c.is_ascii_digit())
        })
        .map(|(at, _)| at)
        .collect();
    starts.sort_unstable();
    starts.dedup();
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([line.len()]);
    starts.iter().zip(ends).map(|(start, end)| line[*start..end].trim().to_owned()).collect()
}

/// Markers before a rank's number.
const MARKERS: &[&str] =
    &["#", "Nr. ", "nr ", "Nr ", "Nº ", "nº", "n°", "N° ", "N.º ", "n. ", "No. ", "第", "رقم ", "Pozycja "];

/// Removes the heading: the words before the first number, unless the category comes before the number, as in Japanese.
fn without_heading(line: &str) -> String {
    if let Some((before, after)) = line.split_once([':', '：']) {
        // An unknown heading also ends with a colon and has no number.
        let numberless = !before.contains(|c: char| c.is_ascii_digit());
        if numberless || phrases::any_language_contains(before, |language| language.rank_headings) {
            return after.trim_start().to_owned();
        }
    }
    if !phrases::any_language_contains(line, |language| language.rank_headings) {
        return line.to_owned();
    }
    let first = line.find(|c: char| c.is_ascii_digit()).unwrap_or(line.len());
    let marked =
        MARKERS.iter().filter_map(|marker| line[..first].rfind(marker).filter(|at| at + marker.len() >= first)).min();
    line[marked.unwrap_or(first)..].to_owned()
}

/// Removes "(See Top 100 in …)" in every language: brackets with the number 100 or the heading of a ranking.
fn without_top_100(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find(['(', '（']) {
        let width = rest[open..].chars().next().map_or(1, char::len_utf8);
        let Some(close) = matching_bracket(&rest[open..]) else { break };
        let inside = &rest[open + width..open + close];
        out.push_str(&rest[..open]);
        if !is_top_100(inside) {
            out.push_str(&rest[open..open + close]);
            out.push(')');
        }
        let after = &rest[open + close..];
        rest = after.strip_prefix([')', '）']).unwrap_or(after);
    }
    out.push_str(rest);
    out
}

fn matching_bracket(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn is_top_100(inside: &str) -> bool {
    inside.contains("100") || phrases::any_language_contains(inside, |language| language.rank_headings)
}

/// Parses one entry: number, connector, category; or category and number, as in Japanese and Chinese.
fn one_rank(entry: &str, language: &Language) -> Option<Rank> {
    number_first(entry, language).or_else(|| number_last(entry))
}

fn number_first(entry: &str, language: &Language) -> Option<Rank> {
    let entry = MARKERS.iter().find_map(|marker| entry.strip_prefix(marker.trim_end())).unwrap_or(entry).trim_start();
    let entry = entry.trim_start_matches(['#', '-', '–', ' ']);
    let (rank, rest) = leading_count(entry)?;
    let rest = rest.trim_start();
    let category = match rest.strip_prefix(['位', '名']) {
        Some(rest) => rest.trim_start().trim_start_matches(['-', '–']),
        None => language.rank_in.iter().find_map(|connector| {
            let (word, after) = split_at_ignoring_case(rest, connector)?;
            let bound = after.starts_with(' ') || !word.ends_with(char::is_alphabetic) || !word.is_ascii();
            bound.then_some(after)
        })?,
    };
    rank_of(rank, category)
}

/// "书籍商品里排第12,345名", "本 - 1,234位", "Kitap kategorisinde 3.220 sırada".
fn number_last(entry: &str) -> Option<Rank> {
    const UNITS: &[&str] = &["位", "名", ". sıra", " sıra", ". sirada"];
    // The last number with a unit, because a category may contain numbers ("3Dプリンタ - 5位").
    let unit = UNITS.iter().filter_map(|unit| entry.rfind(unit)).max()?;
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, ',' | '.');
    let start = unit - entry[..unit].chars().rev().take_while(|c| is_of_number(*c)).map(char::len_utf8).sum::<usize>();
    let (rank, rest) = leading_count(&entry[start..])?;
    if start == 0 || !UNITS.iter().any(|unit| rest.starts_with(unit)) {
        return None;
    }
    let category = entry[..start].trim_end_matches(['第', '#', ' ', '-', '–', ':']);
    let category = ["商品里排", "里排", "商品里", "kategorisinde", "排名"]
        .iter()
        .find_map(|tail| category.strip_suffix(tail))
        .unwrap_or(category);
    rank_of(rank, category)
}

fn rank_of(rank: u32, category: &str) -> Option<Rank> {
    let category = category.trim().trim_end_matches(['(', '（']).trim();
    let plausible = rank > 0 && !category.is_empty() && category.chars().count() < 200;
    plausible.then(|| Rank { rank, category: category.to_owned() })
}

/// The integer at the start, with any separators between groups of three digits (two in India), and the rest of the
/// text.
fn leading_count(text: &str) -> Option<(u32, &str)> {
    let mut digits = String::new();
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if c.is_ascii_digit() {
            digits.push(c);
            end = at + 1;
        } else {
            let group = text[at + c.len_utf8()..].chars().take_while(char::is_ascii_digit).count();
            let separates = matches!(c, ',' | '.' | '\'' | '\u{a0}' | '\u{202f}' | ' ') && matches!(group, 2 | 3);
            if !separates || digits.is_empty() {
                break;
            }
        }
    }
    Some((digits.parse().ok()?, &text[end..]))
}

fn split_at_ignoring_case<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| text.split_at(word.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str, code: &str) -> Vec<(u32, String)> {
        ranks(raw, code.parse().ok()).into_iter().map(|rank| (rank.rank, rank.category)).collect()
    }

    #[test]
    fn ranks_are_read_in_every_language() {
        for (raw, code, expected) in [
            (
                "Best Sellers Rank: #14,402 in Kitchen (See Top 100 in Kitchen)\u{2}#46 in Canister Vacuum Cleaners",
                "ae",
                vec![(14402, "Kitchen"), (46, "Canister Vacuum Cleaners")],
            ),
            (
                "Amazon Bestsellers Rank: 8,557 in Books (See Top 100 in Books)\u{2}#4 in Home & Garden (Books)",
                "co.uk",
                vec![(8557, "Books"), (4, "Home & Garden (Books)")],
            ),
            (
                "Amazon Best Sellers Rank: #12,345 Paid in Kindle Store (See Top 100 Paid in Kindle Store)\u{2}#7 in Sea Stories",
                "com",
                vec![(12345, "Kindle Store"), (7, "Sea Stories")],
            ),
            (
                "Amazon Bestseller-Rang: Nr. 7.123 Bezahlt in Kindle-Shop (Siehe Top 100 Bezahlt in Kindle-Shop)",
                "de",
                vec![(7123, "Kindle-Shop")],
            ),
            (
                "Best Sellers Rank\u{2} #105 in Home > Home Décor\u{2}#8146 in Home > Textiles",
                "ca",
                vec![(105, "Home > Home Décor"), (8146, "Home > Textiles")],
            ),
            (
                "Amazon Bestseller-Rang: Nr. 52.871 in Fremdsprachige Bücher (Siehe Top 100 in Fremdsprachige Bücher)\u{2}Nr. 3 in C",
                "de",
                vec![(52871, "Fremdsprachige Bücher"), (3, "C")],
            ),
            (
                "Classement des meilleures ventes d'Amazon: 25.472 en Livres (Voir les 100 premiers en Livres)\u{2}n°66 dans Guides",
                "fr",
                vec![(25472, "Livres"), (66, "Guides")],
            ),
            (
                "Clasificación en los más vendidos de Amazon: nº1,643,215 en Hogar y cocina (Ver el Top 100 en Hogar y cocina)\u{2}nº2,417 en Robots",
                "es",
                vec![(1643215, "Hogar y cocina"), (2417, "Robots")],
            ),
            (
                "Posizione nella classifica Bestseller di Amazon: n. 1.234 in Libri (Visualizza i Top 100 nella categoria Libri)",
                "it",
                vec![(1234, "Libri")],
            ),
            (
                "Ranking dos mais vendidos: Nº 1.448 em Livros (Conheça o Top 100 na categoria Livros)\u{2}Nº 10 em Política",
                "com.br",
                vec![(1448, "Livros"), (10, "Política")],
            ),
            ("Plaats in bestsellerlijst: #1.234 in Boeken (Top 100 in Boeken bekijken)", "nl", vec![(1234, "Boeken")]),
            ("Rangordning för bästsäljare: #1 234 i Böcker (Visa Topp 100 i Böcker)", "se", vec![(1234, "Böcker")]),
            (
                "Ranking najlepiej sprzedających się: #1 234 w kategorii Książki (Zobacz Top 100 w kategorii Książki)",
                "pl",
                vec![(1234, "Książki")],
            ),
            (
                "Ranking najlepiej sprzedających się produktów\u{2}Pozycja 105 136 w kategorii Narzędzia i renowacja domu (Zobacz Top 100 w kategorii Narzędzia i renowacja domu) Pozycja 216 w kategorii Wiertarki udarowe",
                "pl",
                vec![(105136, "Narzędzia i renowacja domu"), (216, "Wiertarki udarowe")],
            ),
            (
                "تصنيف الأفضل مبيعاً\u{2} #١٬٤٣١ في ألعاب الفيديو (شاهد أفضل ١٠٠ في ألعاب الفيديو) #٤١ في أغطية",
                "sa",
                vec![(1431, "ألعاب الفيديو"), (41, "أغطية")],
            ),
            ("En Çok Satanlar Sıralaması: #1.234. sırada: Mutfak", "com.tr", vec![(1234, "Mutfak")]),
            (
                "売れ筋ランキング\u{2} - 5,678位産業・研究開発用品\u{2}3Dプリンタ - 5位",
                "co.jp",
                vec![(5678, "産業・研究開発用品"), (5, "3Dプリンタ")],
            ),
            (
                "Amazon 売れ筋ランキング: - 1,234位本 (本の売れ筋ランキングを見る)\u{2}- 12位絵本",
                "co.jp",
                vec![(1234, "本"), (12, "絵本")],
            ),
            (
                "亚马逊热销商品排名\u{2}手机通讯商品里排第13,280名 (查看销售排行榜)\u{2}第3512位 - 手机通讯 > 手机配件",
                "cn",
                vec![(13280, "手机通讯"), (3512, "手机通讯 > 手机配件")],
            ),
            (
                "تصنيف الأفضل مبيعاً: #1,234 في الإلكترونيات (شاهد أفضل 100 في الإلكترونيات)",
                "ae",
                vec![(1234, "الإلكترونيات")],
            ),
        ] {
            let expected: Vec<(u32, String)> =
                expected.into_iter().map(|(rank, category)| (rank, category.to_owned())).collect();
            assert_eq!(read(raw, code), expected, "{raw}");
        }
    }
}
