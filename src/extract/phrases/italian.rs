//! Italian: it.

use super::Language;

pub(super) const ITALIAN: Language = Language {
    code: "it",
    unavailable: &["attualmente non disponibile", "non disponibile", "non è disponibile", "non è più disponibile"],
    out_of_stock: &["temporaneamente non disponibile", "temporaneamente esaurito", "esaurito", "non in stock"],
    preorder: &["questo articolo verrà pubblicato", "verrà rilasciato", "uscirà il", "sarà disponibile dal", "sarà disponibile il", "preordin", "pre-ordin", "prenota", "data di uscita"],
    low_stock: &["solo # disponibil", "solo #", "solo # rimanent", "ne rimangono #", "rimangono solo #", "ultimi # pezzi", "disponibilità: solo #"],
    in_stock: &["disponibilità immediata", "disponibile", "generalmente spedito", "spedizione entro", "spedito in", "in stock", "normalmente spedito", "solitamente spedito"],
    no_featured_offer: &["visualizza tutte le opzioni di acquisto", "vedi tutte le opzioni di acquisto", "nessuna offerta in evidenza", "nessuna offerta in vetrina", "disponibile presso questi venditori", "tutte le opzioni di acquisto"],
    used: &["usato", "da collezione"],
    rank_headings: &["posizione nella classifica bestseller", "classifica bestseller", "posizione nella classifica", "classifica bestseller di amazon"],
    rank_in: &["in", "nella categoria"],
    sold_by: &["venduto e spedito da", "spedito e venduto da", "venduto da"],
    sold_by_end: &[" e spedito da", ". confezione regalo", " e gestito da"],
    seller_labels: &["venduto da", "mittente / venditore", "venditore", "spedizione e vendita"],
    store: &[("visita lo store di ", ""), ("visita il negozio di ", ""), ("visita lo store ", "")],
    brand_labels: &["marca", "marchio", "brand"],
    not_list_price: &["acquisto singolo", "una tantum", "prezzo nuovo", "condizione nuovo"],
    savings: &["risparmi"],
    maximum_first: &[],
    captcha: &["inserisci i caratteri", "inserire i caratteri", "fai clic sul pulsante", "continua con gli acquisti", "continua gli acquisti"],
    not_found: &["pagina non trovata", "impossibile trovare la pagina", "non siamo riusciti a trovare", "stai cercando qualcosa"],
    sign_in: &["accedi", "accesso amazon", "amazon accedi"],
    error: &["siamo spiacenti", "ci dispiace", "si è verificato un errore"],
    bestsellers: &["bestseller: ", "i più venduti", "bestseller in "],
};
