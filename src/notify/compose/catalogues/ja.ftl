### Alert messages in Japanese.

## What is compared, as a label
field-price = 価格
field-landed = 送料込み価格
field-list-price = 参考価格
field-lowest-new-price = 新品の最安値
field-rank = 売れ筋ランキング
field-rank-in = 売れ筋ランキング（{ $category }）
field-rating = 評価
field-review-count = 評価の件数
field-offer-count = 出品数
field-discount-percent = 割引率
field-price-after-coupon = クーポン適用後の価格
field-landed-after-coupon = クーポン適用後の送料込み価格

## What is compared, as the subject of a sentence
subject-price = 価格
subject-landed = 送料込み価格
subject-list-price = 参考価格
subject-lowest-new-price = 新品の最安値
subject-rank = 売れ筋ランキング
subject-rank-in = 売れ筋ランキング（{ $category }）
subject-rating = 評価
subject-review-count = 評価の件数
subject-offer-count = 出品数
subject-discount-percent = 割引率
subject-price-after-coupon = クーポン適用後の価格
subject-landed-after-coupon = クーポン適用後の送料込み価格

## A value has moved
moved-down = { $subject }が{ $value }に下がりました
moved-up = { $subject }が{ $value }に上がりました
moved-same = { $subject }が{ $value }に戻りました
rank-better = { $subject }が{ $value }位に上昇しました
rank-worse = { $subject }が{ $value }位に下降しました
was = 以前は{ $was }
was-percent = 以前は{ $was }、{ $percent }
before = 以前：{ $before }
detail = { $what }（{ $detail }）

## A value against its history
against-below = { $subject }が{ $base }を{ $gap }下回っています：{ $value }
against-above = { $subject }が{ $base }を{ $gap }上回っています：{ $value }
against-equal = { $subject }が{ $base }と同じです：{ $value }
base-list-price = 参考価格（{ $was }）
base-average = { $days ->
   *[other] 過去{ $days }日間の平均（{ $was }）
}
base-highest = { $days ->
   *[other] 過去{ $days }日間の最高値（{ $was }）
}
base-lowest = { $days ->
   *[other] 過去{ $days }日間の最低値（{ $was }）
}

## A value at a threshold
level-target = { $subject }が目標の{ $limit }以下になりました：{ $value }
level-at-most = { $subject }が{ $limit }以下です：{ $value }
level-at-least = { $subject }が{ $limit }以上です：{ $value }
level-below = { $subject }が{ $limit }を下回っています：{ $value }
level-above = { $subject }が{ $limit }を上回っています：{ $value }

## A lowest value; of a rank, the best one
low-days = { $days ->
   *[other] 過去{ $days }日間の最低値
}
low-ever = 記録開始以来の最低値
best-days = { $days ->
   *[other] 過去{ $days }日間の最高位
}
best-ever = 記録開始以来の最高位
lowest-new = { $subject }が{ $low }になりました：{ $value }
lowest-again = { $subject }が再び{ $low }になりました：{ $value }
lowest-near = { $subject }が{ $low }から{ $percent }以内です：{ $value }
lowest-above = { $subject }が{ $low }を上回っています：{ $value }

## Availability
available-in-stock = 在庫あり
available-back = 再入荷しました
available-low-stock = 在庫残りわずか
available-out-of-stock = 在庫切れ
available-preorder = 予約受付中
available-unavailable = 現在お取り扱いできません
available-no-featured-offer = おすすめ出品なし
available-undeliverable = 対象地域には配送されません

## Other states
coupon-offered = クーポンがあります
coupon-offered-text = クーポンがあります：{ $text }
coupon-gone = クーポンは終了しました
delisted = 掲載終了：商品ページがなくなりました
relisted = 再掲載：商品ページがあります
suppressed = カートボックス非表示：おすすめ出品がありません
unsuppressed = カートボックス復活：おすすめ出品があります
tracking-failing = 現在ページを取得できません：複数回失敗しました
tracking-recovered = ページを再び取得できるようになりました
lasts-minutes = { $count ->
   *[other] { $count }分以上継続
}
lasts-hours = { $count ->
   *[other] { $count }時間以上継続
}
lasts-days = { $count ->
   *[other] { $count }日以上継続
}

## Sellers and offers
buy-box-won = カートボックスを獲得しました
buy-box-held = カートボックスを保持しています
buy-box-lost = カートボックスを{ $seller }に奪われました
buy-box-not-held = カートボックスは{ $seller }が保持しています
buy-box-new = カートボックスの新しい販売元：{ $seller }
buy-box-is = カートボックスの販売元：{ $seller }
buy-box-empty = カートボックスに販売元がありません
new-offer = 出品一覧に新しい販売元：{ $sellers }
new-offer-unnamed = 出品一覧に新しい販売元があります

## Competitors
competitor-undercut = { $competitor }は{ $value }、自社商品は{ $own }です
competitor-overtaken = { $competitor }のランキングは{ $value }、自社商品は{ $own }です

## Content of the page
content-changed = ページが変更されました：{ $fields }
content-changed-unnamed = ページが変更されました
content-title = タイトル
content-brand = ブランド
content-bullets = 箇条書き
content-image-ids = 画像
content-description = 説明
content-category-path = カテゴリー
content-has-a-plus = A+コンテンツ
content-has-video = 動画
content-parent-asin = 親商品
content-variation-count = バリエーション数
list = { $first }、{ $next }

## Without details
condition-met = アラートの条件を満たしました

## What has ended, and what happened several times
past = { $what }（{ $from }から{ $to }まで、現在は終了）
past-in-stock = { $from }から{ $to }まで在庫がありました
past-low-stock = { $from }から{ $to }まで在庫残りわずかでした
past-out-of-stock = { $from }から{ $to }まで在庫切れでした
past-preorder = { $from }から{ $to }まで予約を受け付けていました
past-coupon = { $from }から{ $to }までクーポンがありました
past-coupon-text = { $from }から{ $to }までクーポンがありました：{ $text }
past-buy-box-held = { $from }から{ $to }までカートボックスを保持していました
past-buy-box-not-held = { $from }から{ $to }まで{ $seller }がカートボックスを保持していました
repeated = { $times ->
   *[other] { $what }（{ $times }回）
}

## Titles
title = { $what }：{ $product }
digest-title = { $count ->
   *[other] アラート{ $count }件：{ $products }
}
more = { $count ->
   *[other] ほか{ $count }件
}

## Facts
fact-price = 価格
fact-price-then = 当時の価格
fact-last-price = 最後に確認した価格
value-before = { $now }（以前：{ $before }）
value-before-on = { $now }（以前：{ $before }、{ $date }）
value-on = { $value }（{ $date }）
fact-standing-days = { $days ->
   *[other] 過去{ $days }日間
}
fact-standing-since = { $date }以降
standing-lowest = 最安値
standing-minimum = 最安値：{ $price }
standing-average = 平均：{ $price }
standing-average-below = 平均：{ $price }（価格は{ $percent }低い）
standing-average-above = 平均：{ $price }（価格は{ $percent }高い）
fact-seen = 確認日時
fact-rule = アラート
fact-product = 商品

## Links
link-product = Amazonで見る
link-history = 履歴を見る
link-snooze = このアラートを一時停止

## Footers
footer = 設定されたアラートの条件を満たしたため、Amazon Trackerからお送りしています。
link-unsubscribe = 配信を停止
footer-notice = このチャンネルの所有者または管理者の方に、Amazon Trackerからお送りしています。

## A test of a channel
test-title = テスト：{ $title }
test-note = これは架空の商品を使ったテストメッセージです。チャンネルは正常に動作しています。
test-product = サンプルケトル (1.7 L) –「静音」 & <ステンレス> [2個セット]、100% *新品*_!
test-rule = サンプルアラート

## Notices
notice-channel-broken-title = チャンネルが動作していません：{ $name }
notice-channel-broken-text = チャンネル「{ $name }」へのメッセージを配信できません。受信側の応答：{ $reason }。チャンネルが修復されるまでアラートは保留されます。
notice-channel-broken-text-bare = チャンネル「{ $name }」へのメッセージを配信できません。チャンネルが修復されるまでアラートは保留されます。
notice-marketplace-failing-title = { $marketplace }を取得できません
notice-marketplace-failing-text = { $since }から{ $marketplace }のページを読み取れません。復旧するまで、対象商品のアラートは遅れます。
notice-marketplace-recovered-title = { $marketplace }が復旧しました
notice-marketplace-recovered-text = { $marketplace }のページを再び読み取れるようになりました。{ $from }から{ $to }まで取得できませんでした。
