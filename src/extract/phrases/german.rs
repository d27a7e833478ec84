//! German: de; also Austria and Switzerland.

use super::Language;

pub(super) const GERMAN: Language = Language {
    code: "de",
    unavailable: &["derzeit nicht verfügbar", "zurzeit nicht verfügbar", "nicht mehr verfügbar", "momentan nicht verfügbar"],
    out_of_stock: &["derzeit nicht auf lager", "nicht auf lager", "vorübergehend nicht", "ausverkauft", "zur zeit nicht auf lager", "vergriffen"],
    preorder: &["dieser artikel erscheint", "erscheint am", "vorbestell", "noch nicht erschienen", "bestellen sie jetzt vor"],
    low_stock: &["nur noch # auf lager", "nur noch # stück", "nur noch # verfügbar", "noch # auf lager", "nur noch #"],
    in_stock: &["auf lager", "gewöhnlich versandfertig", "versandfertig", "versandbereit", "lieferbar", "sofort verfügbar", "sofort lieferbar", "versand in", "verfügbar ab"],
    no_featured_offer: &["alle kaufoptionen", "keine hervorgehobenen angebote", "alle angebote ansehen", "erhältlich bei diesen anbietern", "bei diesen anbietern erhältlich"],
    used: &["gebraucht", "sammlerstück"],
    rank_headings: &["bestseller-rang", "amazon bestseller", "verkaufsrang"],
    rank_in: &["in"],
    sold_by: &["verkauf und versand durch", "verkauf durch", "verkauft von", "versand und verkauf durch", "verkauft und versendet von", "verkäufer:"],
    sold_by_end: &[" und versand durch", ". für weitere", ". geschenk", " und versandt", ". versand durch"],
    seller_labels: &["verkäufer", "verkauf durch", "versender / verkäufer", "versand und verkauf", "verkauft von", "verkauf und versand"],
    store: &[("besuche den ", "-store"), ("besuche den ", " store"), ("besuchen sie den ", "-store"), ("besuchen sie den ", " store")],
    brand_labels: &["marke", "markenname"],
    not_list_price: &["einmaliger", "einmalkauf", "preis für neu", "neupreis", "neuzustand"],
    savings: &["sie sparen", "du sparst", "ersparnis"],
    maximum_first: &[],
    captcha: &["geben sie die zeichen unten ein", "geben sie die angezeigten zeichen", "klicke auf die schaltfläche unten, um den einkauf fortzusetzen", "weiter einkaufen", "weiter shoppen"],
    not_found: &["seite wurde nicht gefunden", "seite nicht gefunden", "suchen sie bestimmte informationen", "suchen sie etwas bestimmtes"],
    sign_in: &["anmelden", "amazon anmeldung"],
    error: &["tut uns leid", "ein fehler ist aufgetreten"],
    bestsellers: &["bestseller: ", "bestseller in "],
};
