//! Dutch: nl; also com.be.

use super::Language;

pub(super) const DUTCH: Language = Language {
    code: "nl",
    unavailable: &["momenteel niet verkrijgbaar", "momenteel niet beschikbaar", "niet meer beschikbaar", "op dit moment niet beschikbaar", "niet beschikbaar"],
    out_of_stock: &["tijdelijk niet op voorraad", "niet op voorraad", "tijdelijk uitverkocht", "uitverkocht"],
    preorder: &["dit artikel verschijnt", "wordt uitgebracht", "pre-order", "reserveer", "verschijnt op", "nog niet verschenen", "komt uit op"],
    low_stock: &["nog slechts # op voorraad", "slechts # op voorraad", "nog maar # op voorraad", "nog # op voorraad", "nog slechts #", "nog maar #"],
    in_stock: &["op voorraad", "gewoonlijk verzonden", "meestal verzonden", "wordt verzonden binnen", "verzonden binnen", "beschikbaar", "verzending binnen"],
    no_featured_offer: &["alle koopopties bekijken", "bekijk alle koopopties", "geen aanbevolen aanbiedingen", "geen uitgelichte aanbiedingen", "verkrijgbaar bij deze verkopers", "alle aankoopopties bekijken"],
    used: &["tweedehands", "gebruikt", "verzamel"],
    rank_headings: &["plaats in bestsellerlijst", "bestsellerlijst", "plaats in de bestsellerlijst", "amazon-bestsellerlijst"],
    rank_in: &["in"],
    sold_by: &["verzonden en verkocht door", "verkocht en verzonden door", "verkocht door"],
    sold_by_end: &[" en verzonden door", " en afgehandeld door", ". cadeauverpakking"],
    seller_labels: &["verkocht door", "verzender / verkoper", "verkoper", "verzonden en verkocht door"],
    store: &[("bezoek de ", "-store"), ("bezoek de ", " store"), ("bezoek de ", "-winkel"), ("bezoek de ", " winkel")],
    brand_labels: &["merk", "merknaam"],
    not_list_price: &["eenmalige", "nieuwprijs", "prijs voor nieuw"],
    savings: &["je bespaart", "u bespaart", "besparing"],
    maximum_first: &[],
    captcha: &["voer de onderstaande tekens in", "voer de tekens in", "typ de tekens", "klik op de onderstaande knop om verder te winkelen", "verder winkelen", "doorgaan met winkelen"],
    not_found: &["pagina niet gevonden", "kunnen die pagina niet vinden", "zoek je iets", "ben je iets op zoek"],
    sign_in: &["inloggen", "aanmelden bij amazon"],
    error: &["sorry! er is iets", "er is iets misgegaan", "onze excuses", "er is een fout"],
    bestsellers: &["bestsellers: ", "bestverkochte", "bestsellers in "],
};
