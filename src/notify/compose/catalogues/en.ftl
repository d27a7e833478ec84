### Alert messages in English. Every catalogue has the same keys with the same variables.

## What is compared, as a label
field-price = Price
field-landed = Price with shipping
field-list-price = List price
field-lowest-new-price = Lowest new price
field-rank = Bestseller rank
field-rank-in = Bestseller rank in { $category }
field-rating = Rating
field-review-count = Number of ratings
field-offer-count = Number of offers
field-discount-percent = Discount
field-price-after-coupon = Price after coupon
field-landed-after-coupon = Price with shipping after coupon

## What is compared, as the subject of a sentence
subject-price = Price
subject-landed = Price with shipping
subject-list-price = List price
subject-lowest-new-price = Lowest new price
subject-rank = Bestseller rank
subject-rank-in = Bestseller rank in { $category }
subject-rating = Rating
subject-review-count = Number of ratings
subject-offer-count = Number of offers
subject-discount-percent = Discount
subject-price-after-coupon = Price after coupon
subject-landed-after-coupon = Price with shipping after coupon

## A value has moved
moved-down = { $subject } fell to { $value }
moved-up = { $subject } rose to { $value }
moved-same = { $subject } back at { $value }
rank-better = { $subject } improved to { $value }
rank-worse = { $subject } worsened to { $value }
was = was { $was }
was-percent = was { $was }, { $percent }
before = before: { $before }
detail = { $what } ({ $detail })

## A value against its history
against-below = { $subject } { $gap } below { $base }: { $value }
against-above = { $subject } { $gap } above { $base }: { $value }
against-equal = { $subject } equal to { $base }: { $value }
base-list-price = the list price of { $was }
base-average = { $days ->
    [one] the average of { $days } day ({ $was })
   *[other] the average of { $days } days ({ $was })
}
base-highest = { $days ->
    [one] the highest of { $days } day ({ $was })
   *[other] the highest of { $days } days ({ $was })
}
base-lowest = { $days ->
    [one] the lowest of { $days } day ({ $was })
   *[other] the lowest of { $days } days ({ $was })
}

## A value at a threshold
level-target = { $subject } at or below your target of { $limit }: { $value }
level-at-most = { $subject } at or below { $limit }: { $value }
level-at-least = { $subject } at or above { $limit }: { $value }
level-below = { $subject } below { $limit }: { $value }
level-above = { $subject } above { $limit }: { $value }

## A lowest value; of a rank, the best one
low-days = { $days ->
    [one] lowest in { $days } day
   *[other] lowest in { $days } days
}
low-ever = lowest on record
best-days = { $days ->
    [one] best in { $days } day
   *[other] best in { $days } days
}
best-ever = best on record
lowest-new = { $subject } at its { $low }: { $value }
lowest-again = { $subject } again at its { $low }: { $value }
lowest-near = { $subject } within { $percent } of its { $low }: { $value }
lowest-above = { $subject } above its { $low }: { $value }

## Availability
available-in-stock = Now in stock
available-back = Back in stock
available-low-stock = Only a few left in stock
available-out-of-stock = Out of stock
available-preorder = Available for pre-order
available-unavailable = Currently unavailable
available-no-featured-offer = No featured offer
available-undeliverable = Not delivered to the tracked location

## Other states
coupon-offered = Coupon offered
coupon-offered-text = Coupon offered: { $text }
coupon-gone = Coupon no longer offered
delisted = Delisted: the product page no longer exists
relisted = Listed again: the product page exists
suppressed = Buy Box suppressed: no offer is featured
unsuppressed = Buy Box restored: an offer is featured
tracking-failing = Cannot be crawled at the moment: several attempts have failed
tracking-recovered = Can be crawled again
lasts-minutes = { $count ->
    [one] for at least { $count } minute
   *[other] for at least { $count } minutes
}
lasts-hours = { $count ->
    [one] for at least { $count } hour
   *[other] for at least { $count } hours
}
lasts-days = { $count ->
    [one] for at least { $count } day
   *[other] for at least { $count } days
}

## Sellers and offers
buy-box-won = You won the Buy Box
buy-box-held = You have the Buy Box
buy-box-lost = You lost the Buy Box to { $seller }
buy-box-not-held = { $seller } has the Buy Box, not you
buy-box-new = New seller in the Buy Box: { $seller }
buy-box-is = Seller in the Buy Box: { $seller }
buy-box-empty = No seller in the Buy Box
new-offer = New in the offer list: { $sellers }
new-offer-unnamed = New seller in the offer list

## Competitors
competitor-undercut = { $competitor } costs { $value }, your product { $own }
competitor-overtaken = { $competitor } ranks { $value }, your product { $own }

## Content of the page
content-changed = Page changed: { $fields }
content-changed-unnamed = Page changed
content-title = title
content-brand = brand
content-bullets = bullet points
content-image-ids = images
content-description = description
content-category-path = category
content-has-a-plus = A+ content
content-has-video = video
content-parent-asin = parent product
content-variation-count = number of variations
list = { $first }, { $next }

## Without details
condition-met = The condition of your alert is met

## What has ended, and what happened several times
past = { $what } (from { $from } to { $to }, no longer the case)
past-in-stock = Was in stock from { $from } to { $to }
past-low-stock = Had only a few left in stock from { $from } to { $to }
past-out-of-stock = Was out of stock from { $from } to { $to }
past-preorder = Could be pre-ordered from { $from } to { $to }
past-coupon = A coupon was offered from { $from } to { $to }
past-coupon-text = A coupon was offered from { $from } to { $to }: { $text }
past-buy-box-held = You had the Buy Box from { $from } to { $to }
past-buy-box-not-held = { $seller } had the Buy Box from { $from } to { $to }
repeated = { $times ->
    [one] { $what } ({ $times } time)
   *[other] { $what } ({ $times } times)
}

## Titles
title = { $what }: { $product }
digest-title = { $count ->
    [one] { $count } alert: { $products }
   *[other] { $count } alerts: { $products }
}
more = { $count ->
    [one] and { $count } more
   *[other] and { $count } more
}

## Facts
fact-price = Price
fact-price-then = Price at that time
fact-last-price = Last known price
value-before = { $now } (before: { $before })
value-before-on = { $now } (before: { $before }, on { $date })
value-on = { $value }, on { $date }
fact-standing-days = { $days ->
    [one] Last day
   *[other] Last { $days } days
}
fact-standing-since = Since { $date }
standing-lowest = lowest price
standing-minimum = lowest: { $price }
standing-average = average: { $price }
standing-average-below = average: { $price } (price { $percent } below it)
standing-average-above = average: { $price } (price { $percent } above it)
fact-seen = Seen
fact-rule = Alert
fact-product = Product

## Links
link-product = View at Amazon
link-history = View history
link-snooze = Snooze this alert

## Footers
footer = Sent by Amazon Tracker because one of your alerts fired.
link-unsubscribe = Unsubscribe
footer-notice = Sent by Amazon Tracker because you own or manage this channel.

## A test of a channel
test-title = Test: { $title }
test-note = This is a test message with a made-up product. The channel works.
test-product = Sample kettle (1.7 l) – "quiet" & <steel> [2-pack], 100% *new*_!
test-rule = Sample alert

## Notices
notice-channel-broken-title = Channel not working: { $name }
notice-channel-broken-text = Messages to the channel "{ $name }" cannot be delivered. The receiver reported: { $reason }. Alerts wait until you repair the channel.
notice-channel-broken-text-bare = Messages to the channel "{ $name }" cannot be delivered. Alerts wait until you repair the channel.
notice-marketplace-failing-title = { $marketplace } cannot be crawled
notice-marketplace-failing-text = Pages of { $marketplace } have not been readable since { $since }. Alerts for its products are delayed until crawls succeed again.
notice-marketplace-recovered-title = { $marketplace } can be crawled again
notice-marketplace-recovered-text = Pages of { $marketplace } are readable again. They could not be crawled from { $from } to { $to }.
