### Alert messages in Spanish.

## What is compared, as a label
field-price = Precio
field-landed = Precio con envío
field-list-price = Precio recomendado
field-lowest-new-price = Precio nuevo más bajo
field-rank = Puesto en ventas
field-rank-in = Puesto en ventas en { $category }
field-rating = Valoración
field-review-count = Número de valoraciones
field-offer-count = Número de ofertas
field-discount-percent = Descuento
field-price-after-coupon = Precio tras el cupón
field-landed-after-coupon = Precio con envío tras el cupón

## What is compared, as the subject of a sentence
subject-price = El precio
subject-landed = El precio con envío
subject-list-price = El precio recomendado
subject-lowest-new-price = El precio nuevo más bajo
subject-rank = El puesto en ventas
subject-rank-in = El puesto en ventas en { $category }
subject-rating = La valoración
subject-review-count = El número de valoraciones
subject-offer-count = El número de ofertas
subject-discount-percent = El descuento
subject-price-after-coupon = El precio tras el cupón
subject-landed-after-coupon = El precio con envío tras el cupón

## A value has moved
moved-down = { $subject } baja a { $value }
moved-up = { $subject } sube a { $value }
moved-same = { $subject } vuelve a { $value }
rank-better = { $subject } mejora a { $value }
rank-worse = { $subject } empeora a { $value }
was = antes { $was }
was-percent = antes { $was }, { $percent }
before = antes: { $before }
detail = { $what } ({ $detail })

## A value against its history
against-below = { $subject } está { $gap } por debajo { $base }: { $value }
against-above = { $subject } está { $gap } por encima { $base }: { $value }
against-equal = { $subject } está al nivel { $base }: { $value }
base-list-price = del precio recomendado de { $was }
base-average = { $days ->
    [one] de la media de { $days } día ({ $was })
   *[other] de la media de { $days } días ({ $was })
}
base-highest = { $days ->
    [one] del máximo de { $days } día ({ $was })
   *[other] del máximo de { $days } días ({ $was })
}
base-lowest = { $days ->
    [one] del mínimo de { $days } día ({ $was })
   *[other] del mínimo de { $days } días ({ $was })
}

## A value at a threshold
level-target = { $subject } alcanza el objetivo fijado de { $limit } o menos: { $value }
level-at-most = { $subject } está en { $limit } o menos: { $value }
level-at-least = { $subject } está en { $limit } o más: { $value }
level-below = { $subject } está por debajo de { $limit }: { $value }
level-above = { $subject } está por encima de { $limit }: { $value }

## A lowest value; of a rank, the best one
low-days = { $days ->
    [one] mínimo de { $days } día
   *[other] mínimo de { $days } días
}
low-ever = mínimo registrado
best-days = { $days ->
    [one] mejor nivel de { $days } día
   *[other] mejor nivel de { $days } días
}
best-ever = mejor nivel registrado
lowest-new = { $subject } está en su { $low }: { $value }
lowest-again = { $subject } está de nuevo en su { $low }: { $value }
lowest-near = { $subject } está a menos de un { $percent } de su { $low }: { $value }
lowest-above = { $subject } está por encima de su { $low }: { $value }

## Availability
available-in-stock = Ya en stock
available-back = De nuevo en stock
available-low-stock = Quedan pocas unidades en stock
available-out-of-stock = Agotado
available-preorder = Disponible en preventa
available-unavailable = No disponible por el momento
available-no-featured-offer = Sin oferta destacada
available-undeliverable = Sin envío al lugar de seguimiento

## Other states
coupon-offered = Cupón disponible
coupon-offered-text = Cupón disponible: { $text }
coupon-gone = El cupón ya no está disponible
delisted = Producto retirado: la página ya no existe
relisted = Producto publicado de nuevo: la página existe
suppressed = Buy Box suprimida: no hay oferta destacada
unsuppressed = Buy Box restablecida: hay una oferta destacada
tracking-failing = Página inaccesible por el momento: han fallado varios intentos
tracking-recovered = Página accesible de nuevo
lasts-minutes = { $count ->
    [one] desde hace al menos { $count } minuto
   *[other] desde hace al menos { $count } minutos
}
lasts-hours = { $count ->
    [one] desde hace al menos { $count } hora
   *[other] desde hace al menos { $count } horas
}
lasts-days = { $count ->
    [one] desde hace al menos { $count } día
   *[other] desde hace al menos { $count } días
}

## Sellers and offers
buy-box-won = Ha ganado la Buy Box
buy-box-held = Usted tiene la Buy Box
buy-box-lost = Ha perdido la Buy Box frente a { $seller }
buy-box-not-held = { $seller } tiene la Buy Box, no usted
buy-box-new = Nuevo vendedor en la Buy Box: { $seller }
buy-box-is = Vendedor en la Buy Box: { $seller }
buy-box-empty = Ningún vendedor en la Buy Box
new-offer = Nuevo en la lista de ofertas: { $sellers }
new-offer-unnamed = Nuevo vendedor en la lista de ofertas

## Competitors
competitor-undercut = { $competitor } cuesta { $value }; su producto, { $own }
competitor-overtaken = { $competitor } ocupa el puesto { $value }; su producto, el { $own }

## Content of the page
content-changed = Página modificada: { $fields }
content-changed-unnamed = Página modificada
content-title = título
content-brand = marca
content-bullets = puntos clave
content-image-ids = imágenes
content-description = descripción
content-category-path = categoría
content-has-a-plus = contenido A+
content-has-video = vídeo
content-parent-asin = producto principal
content-variation-count = número de variantes
list = { $first }, { $next }

## Without details
condition-met = Se cumple la condición de su alerta

## What has ended, and what happened several times
past = { $what } (desde { $from } hasta { $to }; ya no es así)
past-in-stock = Estuvo en stock desde { $from } hasta { $to }
past-low-stock = Quedaron pocas unidades en stock desde { $from } hasta { $to }
past-out-of-stock = Estuvo agotado desde { $from } hasta { $to }
past-preorder = Estuvo en preventa desde { $from } hasta { $to }
past-coupon = Hubo un cupón desde { $from } hasta { $to }
past-coupon-text = Hubo un cupón desde { $from } hasta { $to }: { $text }
past-buy-box-held = Tuvo la Buy Box desde { $from } hasta { $to }
past-buy-box-not-held = { $seller } tuvo la Buy Box desde { $from } hasta { $to }
repeated = { $times ->
    [one] { $what } ({ $times } vez)
   *[other] { $what } ({ $times } veces)
}

## Titles
title = { $what }: { $product }
digest-title = { $count ->
    [one] { $count } alerta: { $products }
   *[other] { $count } alertas: { $products }
}
more = { $count ->
    [one] y { $count } más
   *[other] y { $count } más
}

## Facts
fact-price = Precio
fact-price-then = Precio en ese momento
fact-last-price = Último precio conocido
value-before = { $now } (antes: { $before })
value-before-on = { $now } (antes: { $before }, el { $date })
value-on = { $value }, el { $date }
fact-standing-days = { $days ->
    [one] Último día
   *[other] Últimos { $days } días
}
fact-standing-since = Desde el { $date }
standing-lowest = precio más bajo
standing-minimum = mínimo: { $price }
standing-average = media: { $price }
standing-average-below = media: { $price } (precio un { $percent } inferior)
standing-average-above = media: { $price } (precio un { $percent } superior)
fact-seen = Visto
fact-rule = Alerta
fact-product = Producto

## Links
link-product = Ver en Amazon
link-history = Ver el historial
link-snooze = Silenciar esta alerta

## Footers
footer = Enviado por Amazon Tracker porque se ha activado una de sus alertas.
link-unsubscribe = Cancelar la suscripción
footer-notice = Enviado por Amazon Tracker porque este canal es suyo o usted lo administra.

## A test of a channel
test-title = Prueba: { $title }
test-note = Este es un mensaje de prueba con un producto ficticio. El canal funciona.
test-product = Hervidor de ejemplo (1,7 l) – «silencioso» & <acero> [2 unidades], 100 % *nuevo*_!
test-rule = Alerta de ejemplo

## Notices
notice-channel-broken-title = El canal no funciona: { $name }
notice-channel-broken-text = Los mensajes al canal «{ $name }» no se pueden entregar. El receptor respondió: { $reason }. Las alertas esperan hasta que repare el canal.
notice-channel-broken-text-bare = Los mensajes al canal «{ $name }» no se pueden entregar. Las alertas esperan hasta que repare el canal.
notice-marketplace-failing-title = { $marketplace } no es accesible
notice-marketplace-failing-text = Las páginas de { $marketplace } no se pueden leer desde el { $since }. Las alertas de sus productos se retrasan hasta que se restablezca el acceso.
notice-marketplace-recovered-title = { $marketplace } vuelve a ser accesible
notice-marketplace-recovered-text = Las páginas de { $marketplace } se pueden leer de nuevo. No fueron accesibles desde { $from } hasta { $to }.
