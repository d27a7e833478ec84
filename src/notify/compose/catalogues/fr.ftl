### Alert messages in French.

## What is compared, as a label
field-price = Prix
field-landed = Prix avec livraison
field-list-price = Prix conseillé
field-lowest-new-price = Prix neuf le plus bas
field-rank = Rang des ventes
field-rank-in = Rang des ventes dans { $category }
field-rating = Note
field-review-count = Nombre d’évaluations
field-offer-count = Nombre d’offres
field-discount-percent = Remise
field-price-after-coupon = Prix après coupon
field-landed-after-coupon = Prix avec livraison après coupon

## What is compared, as the subject of a sentence
subject-price = Le prix
subject-landed = Le prix avec livraison
subject-list-price = Le prix conseillé
subject-lowest-new-price = Le prix neuf le plus bas
subject-rank = Le rang des ventes
subject-rank-in = Le rang des ventes dans { $category }
subject-rating = La note
subject-review-count = Le nombre d’évaluations
subject-offer-count = Le nombre d’offres
subject-discount-percent = La remise
subject-price-after-coupon = Le prix après coupon
subject-landed-after-coupon = Le prix avec livraison après coupon

## A value has moved
moved-down = { $subject } baisse à { $value }
moved-up = { $subject } monte à { $value }
moved-same = { $subject } revient à { $value }
rank-better = { $subject } s’améliore : { $value }
rank-worse = { $subject } se dégrade : { $value }
was = auparavant { $was }
was-percent = auparavant { $was }, { $percent }
before = auparavant : { $before }
detail = { $what } ({ $detail })

## A value against its history
against-below = { $subject } est inférieur de { $gap } { $base } : { $value }
against-above = { $subject } est supérieur de { $gap } { $base } : { $value }
against-equal = { $subject } est identique { $base } : { $value }
base-list-price = au prix conseillé de { $was }
base-average = { $days ->
    [one] à la moyenne sur { $days } jour ({ $was })
   *[other] à la moyenne sur { $days } jours ({ $was })
}
base-highest = { $days ->
    [one] au maximum sur { $days } jour ({ $was })
   *[other] au maximum sur { $days } jours ({ $was })
}
base-lowest = { $days ->
    [one] au minimum sur { $days } jour ({ $was })
   *[other] au minimum sur { $days } jours ({ $was })
}

## A value at a threshold
level-target = { $subject } atteint votre objectif de { $limit } ou moins : { $value }
level-at-most = { $subject } est à { $limit } ou moins : { $value }
level-at-least = { $subject } est à { $limit } ou plus : { $value }
level-below = { $subject } est en dessous de { $limit } : { $value }
level-above = { $subject } est au-dessus de { $limit } : { $value }

## A lowest value; of a rank, the best one
low-days = { $days ->
    [one] plus bas niveau sur { $days } jour
   *[other] plus bas niveau sur { $days } jours
}
low-ever = plus bas niveau enregistré
best-days = { $days ->
    [one] meilleur niveau sur { $days } jour
   *[other] meilleur niveau sur { $days } jours
}
best-ever = meilleur niveau enregistré
lowest-new = { $subject } est à son { $low } : { $value }
lowest-again = { $subject } est de nouveau à son { $low } : { $value }
lowest-near = { $subject } est à { $percent } ou moins de son { $low } : { $value }
lowest-above = { $subject } est au-dessus de son { $low } : { $value }

## Availability
available-in-stock = En stock maintenant
available-back = De nouveau en stock
available-low-stock = Plus que quelques exemplaires en stock
available-out-of-stock = En rupture de stock
available-preorder = Disponible en précommande
available-unavailable = Actuellement indisponible
available-no-featured-offer = Aucune offre mise en avant
available-undeliverable = Non livré au lieu suivi

## Other states
coupon-offered = Coupon proposé
coupon-offered-text = Coupon proposé : { $text }
coupon-gone = Le coupon n’est plus proposé
delisted = Produit retiré : la page n’existe plus
relisted = Produit de nouveau en ligne : la page existe
suppressed = Buy Box supprimée : aucune offre n’est mise en avant
unsuppressed = Buy Box rétablie : une offre est mise en avant
tracking-failing = Page actuellement inaccessible : plusieurs tentatives ont échoué
tracking-recovered = Page de nouveau accessible
lasts-minutes = { $count ->
    [one] depuis au moins { $count } minute
   *[other] depuis au moins { $count } minutes
}
lasts-hours = { $count ->
    [one] depuis au moins { $count } heure
   *[other] depuis au moins { $count } heures
}
lasts-days = { $count ->
    [one] depuis au moins { $count } jour
   *[other] depuis au moins { $count } jours
}

## Sellers and offers
buy-box-won = Vous avez remporté la Buy Box
buy-box-held = Vous détenez la Buy Box
buy-box-lost = Vous avez perdu la Buy Box au profit de { $seller }
buy-box-not-held = La Buy Box est détenue par { $seller } et non par vous
buy-box-new = Nouveau vendeur dans la Buy Box : { $seller }
buy-box-is = Vendeur dans la Buy Box : { $seller }
buy-box-empty = Aucun vendeur dans la Buy Box
new-offer = Nouveau dans la liste des offres : { $sellers }
new-offer-unnamed = Nouveau vendeur dans la liste des offres

## Competitors
competitor-undercut = { $competitor } coûte { $value }, votre produit { $own }
competitor-overtaken = { $competitor } est classé { $value }, votre produit { $own }

## Content of the page
content-changed = Page modifiée : { $fields }
content-changed-unnamed = Page modifiée
content-title = titre
content-brand = marque
content-bullets = points clés
content-image-ids = images
content-description = description
content-category-path = catégorie
content-has-a-plus = contenu A+
content-has-video = vidéo
content-parent-asin = produit parent
content-variation-count = nombre de variantes
list = { $first }, { $next }

## Without details
condition-met = La condition de votre alerte est remplie

## What has ended, and what happened several times
past = { $what } (du { $from } à { $to }, ce n’est plus le cas)
past-in-stock = A été en stock du { $from } à { $to }
past-low-stock = Stock limité à quelques exemplaires du { $from } à { $to }
past-out-of-stock = A été en rupture de stock du { $from } à { $to }
past-preorder = A été disponible en précommande du { $from } à { $to }
past-coupon = Un coupon a été proposé du { $from } à { $to }
past-coupon-text = Un coupon a été proposé du { $from } à { $to } : { $text }
past-buy-box-held = Vous avez détenu la Buy Box du { $from } à { $to }
past-buy-box-not-held = La Buy Box a été détenue par { $seller } du { $from } à { $to }
repeated = { $times ->
    [one] { $what } ({ $times } fois)
   *[other] { $what } ({ $times } fois)
}

## Titles
title = { $what } : { $product }
digest-title = { $count ->
    [one] { $count } alerte : { $products }
   *[other] { $count } alertes : { $products }
}
more = { $count ->
    [one] et { $count } autre
   *[other] et { $count } autres
}

## Facts
fact-price = Prix
fact-price-then = Prix à ce moment-là
fact-last-price = Dernier prix connu
value-before = { $now } (auparavant : { $before })
value-before-on = { $now } (auparavant : { $before }, le { $date })
value-on = { $value }, le { $date }
fact-standing-days = { $days ->
    [one] Dernier jour
   *[other] { $days } derniers jours
}
fact-standing-since = Depuis le { $date }
standing-lowest = prix le plus bas
standing-minimum = minimum : { $price }
standing-average = moyenne : { $price }
standing-average-below = moyenne : { $price } (prix inférieur de { $percent })
standing-average-above = moyenne : { $price } (prix supérieur de { $percent })
fact-seen = Constaté
fact-rule = Alerte
fact-product = Produit

## Links
link-product = Voir sur Amazon
link-history = Voir l’historique
link-snooze = Suspendre cette alerte

## Footers
footer = Envoyé par Amazon Tracker, car une de vos alertes s’est déclenchée.
link-unsubscribe = Se désabonner
footer-notice = Envoyé par Amazon Tracker, car ce canal vous appartient ou vous le gérez.

## A test of a channel
test-title = Test : { $title }
test-note = Ceci est un message de test avec un produit fictif. Le canal fonctionne.
test-product = Bouilloire d’exemple (1,7 l) – « silencieuse » & <acier> [lot de 2], 100 % *neuve*_ !
test-rule = Alerte d’exemple

## Notices
notice-channel-broken-title = Canal hors service : { $name }
notice-channel-broken-text = Les messages au canal « { $name } » ne peuvent pas être remis. Réponse du destinataire : { $reason }. Les alertes attendent que vous répariez le canal.
notice-channel-broken-text-bare = Les messages au canal « { $name } » ne peuvent pas être remis. Les alertes attendent que vous répariez le canal.
notice-marketplace-failing-title = { $marketplace } est inaccessible
notice-marketplace-failing-text = Les pages de { $marketplace } sont illisibles depuis le { $since }. Les alertes sur ses produits sont retardées jusqu’au rétablissement.
notice-marketplace-recovered-title = { $marketplace } est de nouveau accessible
notice-marketplace-recovered-text = Les pages de { $marketplace } sont de nouveau lisibles. Elles étaient inaccessibles du { $from } à { $to }.
