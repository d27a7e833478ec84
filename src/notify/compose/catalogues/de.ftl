### Alert messages in German.

## What is compared, as a label
field-price = Preis
field-landed = Preis mit Versand
field-list-price = Listenpreis
field-lowest-new-price = Niedrigster Neupreis
field-rank = Bestsellerrang
field-rank-in = Bestsellerrang in { $category }
field-rating = Bewertung
field-review-count = Anzahl der Bewertungen
field-offer-count = Anzahl der Angebote
field-discount-percent = Rabatt
field-price-after-coupon = Preis nach Coupon
field-landed-after-coupon = Preis mit Versand nach Coupon

## What is compared, as the subject of a sentence
subject-price = Preis
subject-landed = Preis mit Versand
subject-list-price = Listenpreis
subject-lowest-new-price = Niedrigster Neupreis
subject-rank = Bestsellerrang
subject-rank-in = Bestsellerrang in { $category }
subject-rating = Bewertung
subject-review-count = Anzahl der Bewertungen
subject-offer-count = Anzahl der Angebote
subject-discount-percent = Rabatt
subject-price-after-coupon = Preis nach Coupon
subject-landed-after-coupon = Preis mit Versand nach Coupon

## A value has moved
moved-down = { $subject } auf { $value } gesunken
moved-up = { $subject } auf { $value } gestiegen
moved-same = { $subject } wieder bei { $value }
rank-better = { $subject } auf { $value } verbessert
rank-worse = { $subject } auf { $value } verschlechtert
was = zuvor { $was }
was-percent = zuvor { $was }, { $percent }
before = zuvor: { $before }
detail = { $what } ({ $detail })

## A value against its history
against-below = { $subject } { $gap } unter { $base }: { $value }
against-above = { $subject } { $gap } über { $base }: { $value }
against-equal = { $subject } gleich { $base }: { $value }
base-list-price = dem Listenpreis von { $was }
base-average = { $days ->
    [one] dem Durchschnitt des letzten Tages ({ $was })
   *[other] dem Durchschnitt der letzten { $days } Tage ({ $was })
}
base-highest = { $days ->
    [one] dem Höchststand des letzten Tages ({ $was })
   *[other] dem Höchststand der letzten { $days } Tage ({ $was })
}
base-lowest = { $days ->
    [one] dem Tiefststand des letzten Tages ({ $was })
   *[other] dem Tiefststand der letzten { $days } Tage ({ $was })
}

## A value at a threshold
level-target = { $subject } hat Ihr Ziel von { $limit } erreicht oder unterschritten: { $value }
level-at-most = { $subject } bei höchstens { $limit }: { $value }
level-at-least = { $subject } bei mindestens { $limit }: { $value }
level-below = { $subject } unter { $limit }: { $value }
level-above = { $subject } über { $limit }: { $value }

## A lowest value; of a rank, the best one
low-days = { $days ->
    [one] Tiefststand des letzten Tages
   *[other] Tiefststand der letzten { $days } Tage
}
low-ever = Tiefststand seit Beginn der Aufzeichnung
best-days = { $days ->
    [one] Bestwert des letzten Tages
   *[other] Bestwert der letzten { $days } Tage
}
best-ever = Bestwert seit Beginn der Aufzeichnung
lowest-new = { $subject } auf dem { $low }: { $value }
lowest-again = { $subject } wieder auf dem { $low }: { $value }
lowest-near = { $subject } höchstens { $percent } vom { $low } entfernt: { $value }
lowest-above = { $subject } über dem { $low }: { $value }

## Availability
available-in-stock = Jetzt auf Lager
available-back = Wieder auf Lager
available-low-stock = Nur noch wenige auf Lager
available-out-of-stock = Nicht auf Lager
available-preorder = Vorbestellbar
available-unavailable = Derzeit nicht verfügbar
available-no-featured-offer = Kein hervorgehobenes Angebot
available-undeliverable = Keine Lieferung an den beobachteten Ort

## Other states
coupon-offered = Coupon verfügbar
coupon-offered-text = Coupon verfügbar: { $text }
coupon-gone = Coupon nicht mehr verfügbar
delisted = Nicht mehr gelistet: Die Produktseite existiert nicht mehr
relisted = Wieder gelistet: Die Produktseite existiert
suppressed = Buy Box unterdrückt: Kein Angebot ist hervorgehoben
unsuppressed = Buy Box wieder da: Ein Angebot ist hervorgehoben
tracking-failing = Derzeit nicht abrufbar: Mehrere Versuche sind fehlgeschlagen
tracking-recovered = Wieder abrufbar
lasts-minutes = { $count ->
    [one] seit mindestens { $count } Minute
   *[other] seit mindestens { $count } Minuten
}
lasts-hours = { $count ->
    [one] seit mindestens { $count } Stunde
   *[other] seit mindestens { $count } Stunden
}
lasts-days = { $count ->
    [one] seit mindestens { $count } Tag
   *[other] seit mindestens { $count } Tagen
}

## Sellers and offers
buy-box-won = Sie haben die Buy Box gewonnen
buy-box-held = Sie haben die Buy Box
buy-box-lost = Sie haben die Buy Box an { $seller } verloren
buy-box-not-held = { $seller } hat die Buy Box, nicht Sie
buy-box-new = Neuer Verkäufer in der Buy Box: { $seller }
buy-box-is = Verkäufer in der Buy Box: { $seller }
buy-box-empty = Kein Verkäufer in der Buy Box
new-offer = Neu in der Angebotsliste: { $sellers }
new-offer-unnamed = Neuer Verkäufer in der Angebotsliste

## Competitors
competitor-undercut = { $competitor } kostet { $value }, Ihr Produkt { $own }
competitor-overtaken = { $competitor } hat Rang { $value }, Ihr Produkt { $own }

## Content of the page
content-changed = Seite geändert: { $fields }
content-changed-unnamed = Seite geändert
content-title = Titel
content-brand = Marke
content-bullets = Aufzählungspunkte
content-image-ids = Bilder
content-description = Beschreibung
content-category-path = Kategorie
content-has-a-plus = A+ Inhalte
content-has-video = Video
content-parent-asin = übergeordnetes Produkt
content-variation-count = Anzahl der Varianten
list = { $first }, { $next }

## Without details
condition-met = Die Bedingung Ihres Alarms ist erfüllt

## What has ended, and what happened several times
past = { $what } (vom { $from } bis { $to }, inzwischen vorbei)
past-in-stock = War vom { $from } bis { $to } auf Lager
past-low-stock = War vom { $from } bis { $to } nur noch in geringer Stückzahl auf Lager
past-out-of-stock = War vom { $from } bis { $to } nicht auf Lager
past-preorder = War vom { $from } bis { $to } vorbestellbar
past-coupon = Vom { $from } bis { $to } gab es einen Coupon
past-coupon-text = Vom { $from } bis { $to } gab es einen Coupon: { $text }
past-buy-box-held = Sie hatten die Buy Box vom { $from } bis { $to }
past-buy-box-not-held = { $seller } hatte die Buy Box vom { $from } bis { $to }
repeated = { $times ->
    [one] { $what } ({ $times }-mal)
   *[other] { $what } ({ $times }-mal)
}

## Titles
title = { $what }: { $product }
digest-title = { $count ->
    [one] { $count } Alarm: { $products }
   *[other] { $count } Alarme: { $products }
}
more = { $count ->
    [one] und { $count } weiterer
   *[other] und { $count } weitere
}

## Facts
fact-price = Preis
fact-price-then = Preis zu diesem Zeitpunkt
fact-last-price = Letzter bekannter Preis
value-before = { $now } (zuvor: { $before })
value-before-on = { $now } (zuvor: { $before }, am { $date })
value-on = { $value }, am { $date }
fact-standing-days = { $days ->
    [one] Letzter Tag
   *[other] Letzte { $days } Tage
}
fact-standing-since = Seit { $date }
standing-lowest = Tiefstpreis
standing-minimum = Tiefstpreis: { $price }
standing-average = Durchschnitt: { $price }
standing-average-below = Durchschnitt: { $price } (Preis { $percent } darunter)
standing-average-above = Durchschnitt: { $price } (Preis { $percent } darüber)
fact-seen = Gesehen
fact-rule = Alarm
fact-product = Produkt

## Links
link-product = Bei Amazon ansehen
link-history = Verlauf ansehen
link-snooze = Alarm stummschalten

## Footers
footer = Gesendet von Amazon Tracker, weil einer Ihrer Alarme ausgelöst hat.
link-unsubscribe = Abbestellen
footer-notice = Gesendet von Amazon Tracker, weil dieser Kanal Ihnen gehört oder Sie ihn verwalten.

## A test of a channel
test-title = Test: { $title }
test-note = Dies ist eine Testnachricht mit einem erfundenen Produkt. Der Kanal funktioniert.
test-product = Beispiel-Wasserkocher (1,7 l) – „leise“ & <Stahl> [2er-Pack], 100 % *neu*_!
test-rule = Beispielalarm

## Notices
notice-channel-broken-title = Kanal funktioniert nicht: { $name }
notice-channel-broken-text = Nachrichten an den Kanal „{ $name }“ können nicht zugestellt werden. Der Empfänger meldete: { $reason }. Alarme warten, bis Sie den Kanal repariert haben.
notice-channel-broken-text-bare = Nachrichten an den Kanal „{ $name }“ können nicht zugestellt werden. Alarme warten, bis Sie den Kanal repariert haben.
notice-marketplace-failing-title = { $marketplace } ist nicht abrufbar
notice-marketplace-failing-text = Seiten von { $marketplace } sind seit dem { $since } nicht lesbar. Alarme zu Produkten von dort verzögern sich, bis der Abruf wieder gelingt.
notice-marketplace-recovered-title = { $marketplace } ist wieder abrufbar
notice-marketplace-recovered-text = Seiten von { $marketplace } sind wieder lesbar. Sie waren vom { $from } bis { $to } nicht abrufbar.
