### Alert messages in Portuguese, as in Brazil.

## What is compared, as a label
field-price = Preço
field-landed = Preço com frete
field-list-price = Preço de tabela
field-lowest-new-price = Menor preço do produto novo
field-rank = Posição entre os mais vendidos
field-rank-in = Posição entre os mais vendidos em { $category }
field-rating = Avaliação
field-review-count = Número de avaliações
field-offer-count = Número de ofertas
field-discount-percent = Desconto
field-price-after-coupon = Preço com cupom
field-landed-after-coupon = Preço com frete e cupom

## What is compared, as the subject of a sentence
subject-price = O preço
subject-landed = O preço com frete
subject-list-price = O preço de tabela
subject-lowest-new-price = O menor preço do produto novo
subject-rank = A posição entre os mais vendidos
subject-rank-in = A posição entre os mais vendidos em { $category }
subject-rating = A avaliação
subject-review-count = O número de avaliações
subject-offer-count = O número de ofertas
subject-discount-percent = O desconto
subject-price-after-coupon = O preço com cupom
subject-landed-after-coupon = O preço com frete e cupom

## A value has moved
moved-down = { $subject } caiu para { $value }
moved-up = { $subject } subiu para { $value }
moved-same = { $subject } voltou a { $value }
rank-better = { $subject } melhorou para { $value }
rank-worse = { $subject } piorou para { $value }
was = antes { $was }
was-percent = antes { $was }, { $percent }
before = antes: { $before }
detail = { $what } ({ $detail })

## A value against its history
against-below = { $subject } está { $gap } abaixo { $base }: { $value }
against-above = { $subject } está { $gap } acima { $base }: { $value }
against-equal = { $subject } está no nível { $base }: { $value }
base-list-price = do preço de tabela de { $was }
base-average = { $days ->
    [one] da média de { $days } dia ({ $was })
   *[other] da média de { $days } dias ({ $was })
}
base-highest = { $days ->
    [one] do máximo de { $days } dia ({ $was })
   *[other] do máximo de { $days } dias ({ $was })
}
base-lowest = { $days ->
    [one] do mínimo de { $days } dia ({ $was })
   *[other] do mínimo de { $days } dias ({ $was })
}

## A value at a threshold
level-target = { $subject } atingiu sua meta de { $limit } ou menos: { $value }
level-at-most = { $subject } está em { $limit } ou menos: { $value }
level-at-least = { $subject } está em { $limit } ou mais: { $value }
level-below = { $subject } está abaixo de { $limit }: { $value }
level-above = { $subject } está acima de { $limit }: { $value }

## A lowest value; of a rank, the best one
low-days = { $days ->
    [one] menor nível em { $days } dia
   *[other] menor nível em { $days } dias
}
low-ever = menor nível registrado
best-days = { $days ->
    [one] melhor nível em { $days } dia
   *[other] melhor nível em { $days } dias
}
best-ever = melhor nível registrado
lowest-new = { $subject } está no { $low }: { $value }
lowest-again = { $subject } está de novo no { $low }: { $value }
lowest-near = { $subject } está a até { $percent } do { $low }: { $value }
lowest-above = { $subject } está acima do { $low }: { $value }

## Availability
available-in-stock = Agora em estoque
available-back = De volta ao estoque
available-low-stock = Poucas unidades em estoque
available-out-of-stock = Fora de estoque
available-preorder = Disponível em pré-venda
available-unavailable = Indisponível no momento
available-no-featured-offer = Nenhuma oferta em destaque
available-undeliverable = Sem entrega no local monitorado

## Other states
coupon-offered = Cupom disponível
coupon-offered-text = Cupom disponível: { $text }
coupon-gone = O cupom não está mais disponível
delisted = Produto removido: a página não existe mais
relisted = Produto publicado de novo: a página existe
suppressed = Buy Box suprimida: nenhuma oferta em destaque
unsuppressed = Buy Box restaurada: há uma oferta em destaque
tracking-failing = Página inacessível no momento: várias tentativas falharam
tracking-recovered = Página acessível de novo
lasts-minutes = { $count ->
    [one] há pelo menos { $count } minuto
   *[other] há pelo menos { $count } minutos
}
lasts-hours = { $count ->
    [one] há pelo menos { $count } hora
   *[other] há pelo menos { $count } horas
}
lasts-days = { $count ->
    [one] há pelo menos { $count } dia
   *[other] há pelo menos { $count } dias
}

## Sellers and offers
buy-box-won = Você ganhou a Buy Box
buy-box-held = Você tem a Buy Box
buy-box-lost = Você perdeu a Buy Box para { $seller }
buy-box-not-held = { $seller } tem a Buy Box, não você
buy-box-new = Novo vendedor na Buy Box: { $seller }
buy-box-is = Vendedor na Buy Box: { $seller }
buy-box-empty = Nenhum vendedor na Buy Box
new-offer = Novo na lista de ofertas: { $sellers }
new-offer-unnamed = Novo vendedor na lista de ofertas

## Competitors
competitor-undercut = { $competitor } custa { $value }, seu produto { $own }
competitor-overtaken = { $competitor } está na posição { $value }, seu produto na { $own }

## Content of the page
content-changed = Página alterada: { $fields }
content-changed-unnamed = Página alterada
content-title = título
content-brand = marca
content-bullets = tópicos
content-image-ids = imagens
content-description = descrição
content-category-path = categoria
content-has-a-plus = conteúdo A+
content-has-video = vídeo
content-parent-asin = produto principal
content-variation-count = número de variações
list = { $first }, { $next }

## Without details
condition-met = A condição do seu alerta foi atendida

## What has ended, and what happened several times
past = { $what } (de { $from } a { $to }; não é mais o caso)
past-in-stock = Esteve em estoque de { $from } a { $to }
past-low-stock = Teve poucas unidades em estoque de { $from } a { $to }
past-out-of-stock = Esteve fora de estoque de { $from } a { $to }
past-preorder = Esteve em pré-venda de { $from } a { $to }
past-coupon = Havia um cupom de { $from } a { $to }
past-coupon-text = Havia um cupom de { $from } a { $to }: { $text }
past-buy-box-held = Você teve a Buy Box de { $from } a { $to }
past-buy-box-not-held = { $seller } teve a Buy Box de { $from } a { $to }
repeated = { $times ->
    [one] { $what } ({ $times } vez)
   *[other] { $what } ({ $times } vezes)
}

## Titles
title = { $what }: { $product }
digest-title = { $count ->
    [one] { $count } alerta: { $products }
   *[other] { $count } alertas: { $products }
}
more = { $count ->
    [one] e mais { $count }
   *[other] e mais { $count }
}

## Facts
fact-price = Preço
fact-price-then = Preço naquele momento
fact-last-price = Último preço conhecido
value-before = { $now } (antes: { $before })
value-before-on = { $now } (antes: { $before }, em { $date })
value-on = { $value }, em { $date }
fact-standing-days = { $days ->
    [one] Último dia
   *[other] Últimos { $days } dias
}
fact-standing-since = Desde { $date }
standing-lowest = menor preço
standing-minimum = mínimo: { $price }
standing-average = média: { $price }
standing-average-below = média: { $price } (preço { $percent } abaixo)
standing-average-above = média: { $price } (preço { $percent } acima)
fact-seen = Visto
fact-rule = Alerta
fact-product = Produto

## Links
link-product = Ver na Amazon
link-history = Ver o histórico
link-snooze = Silenciar este alerta

## Footers
footer = Enviado por Amazon Tracker porque um dos seus alertas foi acionado.
link-unsubscribe = Cancelar a inscrição
footer-notice = Enviado por Amazon Tracker porque este canal é seu ou você o administra.

## A test of a channel
test-title = Teste: { $title }
test-note = Esta é uma mensagem de teste com um produto fictício. O canal funciona.
test-product = Chaleira de exemplo (1,7 l) – "silenciosa" & <aço> [2 unidades], 100% *nova*_!
test-rule = Alerta de exemplo

## Notices
notice-channel-broken-title = O canal não funciona: { $name }
notice-channel-broken-text = As mensagens para o canal "{ $name }" não podem ser entregues. Resposta do destinatário: { $reason }. Os alertas aguardam até que você repare o canal.
notice-channel-broken-text-bare = As mensagens para o canal "{ $name }" não podem ser entregues. Os alertas aguardam até que você repare o canal.
notice-marketplace-failing-title = { $marketplace } está inacessível
notice-marketplace-failing-text = As páginas de { $marketplace } não podem ser lidas desde { $since }. Os alertas sobre seus produtos estão atrasados até que o acesso seja restabelecido.
notice-marketplace-recovered-title = { $marketplace } está acessível de novo
notice-marketplace-recovered-text = As páginas de { $marketplace } podem ser lidas de novo. Elas estiveram inacessíveis de { $from } a { $to }.
