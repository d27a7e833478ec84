//! Phrases that rules forbid. Amazon names a few in English; the others are their translations. No list can be complete, so a text
//! without any of them has passed this list only.

use super::words::is_unspaced;

/// A list of phrases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhraseList {
    /// Promotion in titles.
    Promotion,
    /// Guarantees and refunds in bullets.
    Guarantee,
}

/// In lower case. Only phrases that say nothing about a product itself: "free" alone stands in "BPA free".
const PROMOTION: &[&str] = &[
    "free shipping",
    "free delivery",
    "100% quality guaranteed",
    "quality guaranteed",
    "satisfaction guaranteed",
    "money back guarantee",
    "money-back guarantee",
    "best seller",
    "best-seller",
    "bestseller",
    "hot item",
    "hot sale",
    "on sale",
    "limited time offer",
    "special offer",
    "buy now",
    "order now",
    "best price",
    "lowest price",
    "best deal",
    "kostenloser versand",
    "versandkostenfrei",
    "gratisversand",
    "geld-zurück-garantie",
    "sonderangebot",
    "livraison gratuite",
    "satisfait ou remboursé",
    "meilleure vente",
    "offre spéciale",
    "meilleur prix",
    "spedizione gratuita",
    "soddisfatti o rimborsati",
    "offerta speciale",
    "miglior prezzo",
    "envío gratis",
    "envío gratuito",
    "oferta especial",
    "mejor precio",
    "más vendido",
    "satisfacción garantizada",
    "frete grátis",
    "portes grátis",
    "envio grátis",
    "oferta especial",
    "melhor preço",
    "mais vendido",
    "gratis verzending",
    "niet goed geld terug",
    "fri frakt",
    "darmowa dostawa",
    "ücretsiz kargo",
    "en çok satan",
    "送料無料",
    "返金保証",
    "包邮",
    "免运费",
    "شحن مجاني",
    "توصيل مجاني",
];

const GUARANTEE: &[&str] = &[
    "full refund",
    "money back guarantee",
    "money-back guarantee",
    "money back guaranteed",
    "satisfaction guarantee",
    "satisfaction guaranteed",
    "100% satisfaction",
    "unconditional guarantee",
    "lifetime guarantee",
    "if not satisfied, send it back",
    "refund guarantee",
    "risk-free purchase",
    "risk free purchase",
    "geld-zurück-garantie",
    "geld zurück garantie",
    "volle rückerstattung",
    "zufriedenheitsgarantie",
    "satisfait ou remboursé",
    "remboursement intégral",
    "garantie de remboursement",
    "soddisfatti o rimborsati",
    "rimborso completo",
    "garanzia di rimborso",
    "reembolso completo",
    "garantía de devolución",
    "satisfacción garantizada",
    "garantía de satisfacción",
    "reembolso total",
    "garantia de reembolso",
    "satisfação garantida",
    "dinheiro de volta",
    "niet goed geld terug",
    "volledige terugbetaling",
    "pengarna tillbaka",
    "gwarancja zwrotu pieniędzy",
    "para iade garantisi",
    "返金保証",
    "全額返金",
    "全额退款",
    "ضمان استرداد",
];

impl PhraseList {
    fn phrases(self) -> &'static [&'static str] {
        match self {
            Self::Promotion => PROMOTION,
            Self::Guarantee => GUARANTEE,
        }
    }

    /// The phrases of the list that are in a text, as whole words.
    pub(super) fn found_in(self, text: &str) -> Vec<String> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().replace('’', "'");
        let is_in = |phrase: &&&str| text.match_indices(**phrase).any(|(at, _)| stands_alone(&text, at, phrase));
        let mut found: Vec<&str> = self.phrases().iter().filter(is_in).copied().collect();
        // "quality guaranteed" within "100% quality guaranteed" is said once.
        let whole = found.clone();
        found.retain(|phrase| !whole.iter().any(|other| other != phrase && other.contains(phrase)));
        found.dedup();
        found.into_iter().map(str::to_owned).collect()
    }
}

fn stands_alone(text: &str, at: usize, phrase: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    is_unspaced(phrase)
        || (!is_letter(text[..at].chars().next_back()) && !is_letter(text[at + phrase.len()..].chars().next()))
}
