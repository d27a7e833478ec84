//! The group of a product: media have rules of their own.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

/// The group of a product, as far as rules differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ProductGroup {
    /// Books, music and films.
    Media,
    /// Anything else.
    Other,
}

/// The names of root categories of media, in lower case, on all marketplaces.
const MEDIA_ROOTS: &[&str] = &[
    // English
    "books",
    "kindle store",
    "audible books & originals",
    "music",
    "cds & vinyl",
    "digital music",
    "movies & tv",
    "movies & tv shows",
    "dvd & blu-ray",
    "film & tv",
    "prime video",
    "magazine subscriptions",
    "textbooks",
    // German
    "bücher",
    "fremdsprachige bücher",
    "kindle-shop",
    "musik-cds & vinyl",
    "musik-downloads",
    "zeitschriften",
    // French
    "livres",
    "livres anglais et étrangers",
    "livres en langues étrangères",
    "boutique kindle",
    "ebooks kindle",
    "cd et vinyles",
    "musique : cd & vinyles",
    "dvd et blu-ray",
    "téléchargements de musique",
    // Italian
    "libri",
    "libri in altre lingue",
    "cd e vinili",
    "musica digitale",
    "film e tv",
    // Spanish
    "libros",
    "libros en idiomas extranjeros",
    "tienda kindle",
    "música",
    "cds y vinilos",
    "películas y tv",
    "películas y series de tv",
    "música digital",
    // Portuguese
    "livros",
    "loja kindle",
    "cd e vinil",
    "dvd e blu-ray",
    "filmes e séries",
    "filmes e tv",
    // Dutch, Swedish, Polish, Turkish
    "boeken",
    "muziek, cd's en vinyl",
    "films en tv",
    "böcker",
    "musik",
    "filmer och tv",
    "książki",
    "muzyka",
    "filmy i tv",
    "filmy i programy tv",
    "kitap",
    "kitaplar",
    "müzik",
    "film ve tv",
    // Japanese, Chinese, Arabic
    "本",
    "洋書",
    "kindleストア",
    "ミュージック",
    "デジタルミュージック",
    "dvd",
    "雑誌",
    "图书",
    "kindle商店",
    "音乐",
    "音像",
    "影视",
    "كتب",
    "الكتب",
    "موسيقى",
    "أفلام",
];

/// Roots of which some call the products media and others do not.
const UNDECIDED_ROOTS: &[&str] = &[
    "video games",
    "pc & video games",
    "software",
    "games",
    "jeux vidéo",
    "logiciels",
    "videojuegos",
    "videogiochi",
    "consolas e videojogos",
    "tv- & videospiele",
    "tv-spel",
    "gry",
    "games e consoles",
    "ゲーム",
    "tvゲーム",
    "pcソフト",
    "游戏/娱乐",
    "ألعاب الفيديو",
    "apps & games",
    "apps für android",
    "handmade",
    "amazon renewed",
];

impl ProductGroup {
    /// The group of an observed product. `None`: what was read does not decide it.
    ///
    /// Pages of media have no byline of a brand, so a product with a brand outside the categories of media is none.
    pub(super) fn of_observed(category_path: &[String], has_brand: bool) -> Option<Self> {
        let root = category_path.first()?.trim().to_lowercase();
        let is_in = |roots: &[&str]| roots.contains(&root.as_str());
        match (is_in(MEDIA_ROOTS), is_in(UNDECIDED_ROOTS), has_brand) {
            (true, _, false) => Some(Self::Media),
            (false, false, true) => Some(Self::Other),
            _ => None,
        }
    }
}
