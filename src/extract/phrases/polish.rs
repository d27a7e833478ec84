//! Polish: pl.

use super::Language;

pub(super) const POLISH: Language = Language {
    code: "pl",
    unavailable: &["obecnie niedostępny", "obecnie niedostępn", "aktualnie niedostępn", "niedostępny", "niedostępne", "niedostępna"],
    out_of_stock: &["tymczasowo niedostępn", "chwilowo niedostępn", "brak w magazynie", "tymczasowo brak", "wyprzedan", "chwilowy brak"],
    preorder: &["przedsprzedaż", "zamów przed premierą", "premiera", "zostanie wydany", "zostanie wydana", "ukaże się"],
    low_stock: &["zostało tylko #", "pozostało tylko #", "tylko # w magazynie", "pozostało: #", "została tylko #", "zostały tylko #", "pozostały tylko #", "tylko # szt"],
    in_stock: &["dostępny", "dostępne", "dostępna", "w magazynie", "zwykle wysyłan", "wysyłka w ciągu", "zazwyczaj wysyłan", "wysyłane w ciągu", "na stanie"],
    no_featured_offer: &["zobacz wszystkie opcje zakupu", "wszystkie opcje zakupu", "brak polecanych ofert", "brak wyróżnionych ofert", "dostępne u tych sprzedawców", "dostępny u tych sprzedawców"],
    used: &["używany", "używane", "kolekcjonersk"],
    rank_headings: &["ranking najlepiej sprzedających się", "pozycja w rankingu bestsellerów", "ranking bestsellerów", "najlepiej sprzedające się"],
    rank_in: &["w kategorii", "w", "we"],
    sold_by: &["wysyłka i sprzedaż przez", "sprzedaż i wysyłka przez", "wysyłane i sprzedawane przez", "wysyłka i sprzedaż:", "sprzedawane i wysyłane przez", "sprzedawane przez", "sprzedaż przez"],
    sold_by_end: &[" i wysyłane przez", " i wysyłka przez", " i realizowane przez", ". pakowanie"],
    seller_labels: &["sprzedawca", "sprzedawane przez", "nadawca / sprzedawca", "wysyłka i sprzedaż", "sprzedaż"],
    store: &[("odwiedź sklep ", ""), ("przejdź do sklepu ", ""), ("odwiedź sklep marki ", "")],
    brand_labels: &["marka", "nazwa marki"],
    not_list_price: &["jednorazow", "cena nowego", "stan nowy"],
    savings: &["oszczędzasz", "oszczędność"],
    maximum_first: &[],
    captcha: &["wpisz znaki", "wprowadź znaki", "wprowadź poniższe znaki", "kliknij poniższy przycisk, aby kontynuować", "kontynuuj zakupy"],
    not_found: &["nie znaleziono strony", "strona nie została znaleziona", "nie możemy znaleźć tej strony", "szukasz czegoś"],
    sign_in: &["zaloguj się", "logowanie"],
    error: &["przepraszamy", "coś poszło nie tak", "wystąpił błąd"],
    bestsellers: &["bestsellery: ", "najlepiej sprzedające się produkty", "bestsellery w"],
};
