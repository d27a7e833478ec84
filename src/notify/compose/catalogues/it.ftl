### Alert messages in Italian.

## What is compared, as a label
field-price = Prezzo
field-landed = Prezzo con spedizione
field-list-price = Prezzo consigliato
field-lowest-new-price = Prezzo più basso del nuovo
field-rank = Posizione bestseller
field-rank-in = Posizione bestseller in { $category }
field-rating = Valutazione
field-review-count = Numero di valutazioni
field-offer-count = Numero di offerte
field-discount-percent = Sconto
field-price-after-coupon = Prezzo con coupon
field-landed-after-coupon = Prezzo con spedizione e coupon

## What is compared, as the subject of a sentence
subject-price = Il prezzo
subject-landed = Il prezzo con spedizione
subject-list-price = Il prezzo consigliato
subject-lowest-new-price = Il prezzo più basso del nuovo
subject-rank = La posizione bestseller
subject-rank-in = La posizione bestseller in { $category }
subject-rating = La valutazione
subject-review-count = Il numero di valutazioni
subject-offer-count = Il numero di offerte
subject-discount-percent = Lo sconto
subject-price-after-coupon = Il prezzo con coupon
subject-landed-after-coupon = Il prezzo con spedizione e coupon

## A value has moved
moved-down = { $subject } scende a { $value }
moved-up = { $subject } sale a { $value }
moved-same = { $subject } torna a { $value }
rank-better = { $subject } migliora a { $value }
rank-worse = { $subject } peggiora a { $value }
was = prima { $was }
was-percent = prima { $was }, { $percent }
before = prima: { $before }
detail = { $what } ({ $detail })

## A value against its history
against-below = { $subject } è { $gap } sotto { $base }: { $value }
against-above = { $subject } è { $gap } sopra { $base }: { $value }
against-equal = { $subject } è in linea con { $base }: { $value }
base-list-price = il prezzo consigliato di { $was }
base-average = { $days ->
    [one] la media di { $days } giorno ({ $was })
   *[other] la media di { $days } giorni ({ $was })
}
base-highest = { $days ->
    [one] il massimo di { $days } giorno ({ $was })
   *[other] il massimo di { $days } giorni ({ $was })
}
base-lowest = { $days ->
    [one] il minimo di { $days } giorno ({ $was })
   *[other] il minimo di { $days } giorni ({ $was })
}

## A value at a threshold
level-target = { $subject } raggiunge l’obiettivo impostato di { $limit } o meno: { $value }
level-at-most = { $subject } è a { $limit } o meno: { $value }
level-at-least = { $subject } è a { $limit } o più: { $value }
level-below = { $subject } è sotto { $limit }: { $value }
level-above = { $subject } è sopra { $limit }: { $value }

## A lowest value; of a rank, the best one
low-days = { $days ->
    [one] minimo di { $days } giorno
   *[other] minimo di { $days } giorni
}
low-ever = minimo registrato
best-days = { $days ->
    [one] miglior livello di { $days } giorno
   *[other] miglior livello di { $days } giorni
}
best-ever = miglior livello registrato
lowest-new = { $subject } è al { $low }: { $value }
lowest-again = { $subject } è di nuovo al { $low }: { $value }
lowest-near = { $subject } è entro il { $percent } dal { $low }: { $value }
lowest-above = { $subject } è sopra il { $low }: { $value }

## Availability
available-in-stock = Ora disponibile
available-back = Di nuovo disponibile
available-low-stock = Solo pochi pezzi disponibili
available-out-of-stock = Esaurito
available-preorder = Disponibile in preordine
available-unavailable = Attualmente non disponibile
available-no-featured-offer = Nessuna offerta in evidenza
available-undeliverable = Nessuna consegna al luogo monitorato

## Other states
coupon-offered = Coupon disponibile
coupon-offered-text = Coupon disponibile: { $text }
coupon-gone = Coupon non più disponibile
delisted = Prodotto rimosso: la pagina non esiste più
relisted = Prodotto di nuovo online: la pagina esiste
suppressed = Buy Box soppressa: nessuna offerta in evidenza
unsuppressed = Buy Box ripristinata: un’offerta è in evidenza
tracking-failing = Pagina al momento non accessibile: diversi tentativi sono falliti
tracking-recovered = Pagina di nuovo accessibile
lasts-minutes = { $count ->
    [one] da almeno { $count } minuto
   *[other] da almeno { $count } minuti
}
lasts-hours = { $count ->
    [one] da almeno { $count } ora
   *[other] da almeno { $count } ore
}
lasts-days = { $count ->
    [one] da almeno { $count } giorno
   *[other] da almeno { $count } giorni
}

## Sellers and offers
buy-box-won = Ha ottenuto la Buy Box
buy-box-held = La Buy Box è sua
buy-box-lost = Ha perso la Buy Box a favore di { $seller }
buy-box-not-held = La Buy Box è di { $seller }, non sua
buy-box-new = Nuovo venditore nella Buy Box: { $seller }
buy-box-is = Venditore nella Buy Box: { $seller }
buy-box-empty = Nessun venditore nella Buy Box
new-offer = Nuovo nell’elenco delle offerte: { $sellers }
new-offer-unnamed = Nuovo venditore nell’elenco delle offerte

## Competitors
competitor-undercut = { $competitor } costa { $value }, il suo prodotto { $own }
competitor-overtaken = { $competitor } è alla posizione { $value }, il suo prodotto alla { $own }

## Content of the page
content-changed = Pagina modificata: { $fields }
content-changed-unnamed = Pagina modificata
content-title = titolo
content-brand = marca
content-bullets = punti elenco
content-image-ids = immagini
content-description = descrizione
content-category-path = categoria
content-has-a-plus = contenuti A+
content-has-video = video
content-parent-asin = prodotto principale
content-variation-count = numero di varianti
list = { $first }, { $next }

## Without details
condition-met = La condizione del suo avviso è soddisfatta

## What has ended, and what happened several times
past = { $what } (da { $from } a { $to }; ora non più)
past-in-stock = Disponibile da { $from } a { $to }, ora non più
past-low-stock = Solo pochi pezzi disponibili da { $from } a { $to }, ora non più
past-out-of-stock = Esaurito da { $from } a { $to }, ora non più
past-preorder = In preordine da { $from } a { $to }, ora non più
past-coupon = Un coupon era disponibile da { $from } a { $to }
past-coupon-text = Un coupon era disponibile da { $from } a { $to }: { $text }
past-buy-box-held = La Buy Box era sua da { $from } a { $to }
past-buy-box-not-held = La Buy Box era di { $seller } da { $from } a { $to }
repeated = { $times ->
    [one] { $what } ({ $times } volta)
   *[other] { $what } ({ $times } volte)
}

## Titles
title = { $what }: { $product }
digest-title = { $count ->
    [one] { $count } avviso: { $products }
   *[other] { $count } avvisi: { $products }
}
more = { $count ->
    [one] e { $count } altro
   *[other] e altri { $count }
}

## Facts
fact-price = Prezzo
fact-price-then = Prezzo in quel momento
fact-last-price = Ultimo prezzo noto
value-before = { $now } (prima: { $before })
value-before-on = { $now } (prima: { $before }, il { $date })
value-on = { $value }, il { $date }
fact-standing-days = { $days ->
    [one] Ultimo giorno
   *[other] Ultimi { $days } giorni
}
fact-standing-since = Dal { $date }
standing-lowest = prezzo più basso
standing-minimum = minimo: { $price }
standing-average = media: { $price }
standing-average-below = media: { $price } (prezzo { $percent } sotto)
standing-average-above = media: { $price } (prezzo { $percent } sopra)
fact-seen = Rilevato
fact-rule = Avviso
fact-product = Prodotto

## Links
link-product = Vedi su Amazon
link-history = Vedi lo storico
link-snooze = Silenzia questo avviso

## Footers
footer = Inviato da Amazon Tracker perché è scattato uno dei suoi avvisi.
link-unsubscribe = Annulla l’iscrizione
footer-notice = Inviato da Amazon Tracker perché questo canale è suo o lo gestisce lei.

## A test of a channel
test-title = Prova: { $title }
test-note = Questo è un messaggio di prova con un prodotto inventato. Il canale funziona.
test-product = Bollitore di esempio (1,7 l) – «silenzioso» & <acciaio> [2 pezzi], 100% *nuovo*_!
test-rule = Avviso di esempio

## Notices
notice-channel-broken-title = Il canale non funziona: { $name }
notice-channel-broken-text = I messaggi al canale «{ $name }» non possono essere recapitati. Risposta del destinatario: { $reason }. Gli avvisi restano in attesa finché non ripara il canale.
notice-channel-broken-text-bare = I messaggi al canale «{ $name }» non possono essere recapitati. Gli avvisi restano in attesa finché non ripara il canale.
notice-marketplace-failing-title = { $marketplace } non è accessibile
notice-marketplace-failing-text = Le pagine di { $marketplace } non sono leggibili dal { $since }. Gli avvisi sui suoi prodotti sono in ritardo finché l’accesso non viene ripristinato.
notice-marketplace-recovered-title = { $marketplace } è di nuovo accessibile
notice-marketplace-recovered-text = Le pagine di { $marketplace } sono di nuovo leggibili. Non erano accessibili da { $from } a { $to }.
