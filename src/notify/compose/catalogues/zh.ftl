### Alert messages in Chinese, simplified.

## What is compared, as a label
field-price = 价格
field-landed = 含运费价格
field-list-price = 参考价
field-lowest-new-price = 全新商品最低价
field-rank = 销售排名
field-rank-in = 销售排名（{ $category }）
field-rating = 评分
field-review-count = 评价数
field-offer-count = 报价数
field-discount-percent = 折扣
field-price-after-coupon = 券后价
field-landed-after-coupon = 含运费券后价

## What is compared, as the subject of a sentence
subject-price = 价格
subject-landed = 含运费价格
subject-list-price = 参考价
subject-lowest-new-price = 全新商品最低价
subject-rank = 销售排名
subject-rank-in = 销售排名（{ $category }）
subject-rating = 评分
subject-review-count = 评价数
subject-offer-count = 报价数
subject-discount-percent = 折扣
subject-price-after-coupon = 券后价
subject-landed-after-coupon = 含运费券后价

## A value has moved
moved-down = { $subject }降至 { $value }
moved-up = { $subject }升至 { $value }
moved-same = { $subject }回到 { $value }
rank-better = { $subject }上升至第 { $value } 名
rank-worse = { $subject }下降至第 { $value } 名
was = 之前 { $was }
was-percent = 之前 { $was }，{ $percent }
before = 之前：{ $before }
detail = { $what }（{ $detail }）

## A value against its history
against-below = { $subject }比{ $base }低 { $gap }：{ $value }
against-above = { $subject }比{ $base }高 { $gap }：{ $value }
against-equal = { $subject }与{ $base }相同：{ $value }
base-list-price = 参考价（{ $was }）
base-average = { $days ->
   *[other] 近 { $days } 天平均值（{ $was }）
}
base-highest = { $days ->
   *[other] 近 { $days } 天最高值（{ $was }）
}
base-lowest = { $days ->
   *[other] 近 { $days } 天最低值（{ $was }）
}

## A value at a threshold
level-target = { $subject }已达到您的目标 { $limit } 或更低：{ $value }
level-at-most = { $subject }不高于 { $limit }：{ $value }
level-at-least = { $subject }不低于 { $limit }：{ $value }
level-below = { $subject }低于 { $limit }：{ $value }
level-above = { $subject }高于 { $limit }：{ $value }

## A lowest value; of a rank, the best one
low-days = { $days ->
   *[other] { $days } 天内最低值
}
low-ever = 有记录以来最低值
best-days = { $days ->
   *[other] { $days } 天内最佳名次
}
best-ever = 有记录以来最佳名次
lowest-new = { $subject }为 { $low }：{ $value }
lowest-again = { $subject }再次为 { $low }：{ $value }
lowest-near = { $subject }与 { $low }相差不超过 { $percent }：{ $value }
lowest-above = { $subject }高于 { $low }：{ $value }

## Availability
available-in-stock = 现在有货
available-back = 重新有货
available-low-stock = 库存不多
available-out-of-stock = 缺货
available-preorder = 可预订
available-unavailable = 目前无法购买
available-no-featured-offer = 没有推荐报价
available-undeliverable = 不配送至所跟踪的地区

## Other states
coupon-offered = 提供优惠券
coupon-offered-text = 提供优惠券：{ $text }
coupon-gone = 不再提供优惠券
delisted = 已下架：商品页面不存在
relisted = 重新上架：商品页面存在
suppressed = Buy Box 被隐藏：没有推荐报价
unsuppressed = Buy Box 已恢复：有推荐报价
tracking-failing = 暂时无法抓取：多次尝试失败
tracking-recovered = 已可重新抓取
lasts-minutes = { $count ->
   *[other] 已持续至少 { $count } 分钟
}
lasts-hours = { $count ->
   *[other] 已持续至少 { $count } 小时
}
lasts-days = { $count ->
   *[other] 已持续至少 { $count } 天
}

## Sellers and offers
buy-box-won = 您赢得了 Buy Box
buy-box-held = 您拥有 Buy Box
buy-box-lost = 您的 Buy Box 被 { $seller } 取代
buy-box-not-held = Buy Box 属于 { $seller }，不属于您
buy-box-new = Buy Box 的新卖家：{ $seller }
buy-box-is = Buy Box 的卖家：{ $seller }
buy-box-empty = Buy Box 没有卖家
new-offer = 报价列表中的新卖家：{ $sellers }
new-offer-unnamed = 报价列表中有新卖家

## Competitors
competitor-undercut = { $competitor } 的价格为 { $value }，您的商品为 { $own }
competitor-overtaken = { $competitor } 的排名为 { $value }，您的商品为 { $own }

## Content of the page
content-changed = 页面已更改：{ $fields }
content-changed-unnamed = 页面已更改
content-title = 标题
content-brand = 品牌
content-bullets = 要点
content-image-ids = 图片
content-description = 描述
content-category-path = 分类
content-has-a-plus = A+ 内容
content-has-video = 视频
content-parent-asin = 父商品
content-variation-count = 变体数量
list = { $first }、{ $next }

## Without details
condition-met = 您的提醒条件已满足

## What has ended, and what happened several times
past = { $what }（{ $from } 至 { $to }，现已结束）
past-in-stock = { $from } 至 { $to } 有货
past-low-stock = { $from } 至 { $to } 库存不多
past-out-of-stock = { $from } 至 { $to } 缺货
past-preorder = { $from } 至 { $to } 可预订
past-coupon = { $from } 至 { $to } 提供过优惠券
past-coupon-text = { $from } 至 { $to } 提供过优惠券：{ $text }
past-buy-box-held = { $from } 至 { $to } 您拥有 Buy Box
past-buy-box-not-held = { $from } 至 { $to } Buy Box 属于 { $seller }
repeated = { $times ->
   *[other] { $what }（{ $times } 次）
}

## Titles
title = { $what }：{ $product }
digest-title = { $count ->
   *[other] { $count } 条提醒：{ $products }
}
more = { $count ->
   *[other] 另有 { $count } 条
}

## Facts
fact-price = 价格
fact-price-then = 当时价格
fact-last-price = 最近一次价格
value-before = { $now }（之前：{ $before }）
value-before-on = { $now }（之前：{ $before }，{ $date }）
value-on = { $value }（{ $date }）
fact-standing-days = { $days ->
   *[other] 最近 { $days } 天
}
fact-standing-since = { $date } 以来
standing-lowest = 最低价
standing-minimum = 最低：{ $price }
standing-average = 平均：{ $price }
standing-average-below = 平均：{ $price }（价格低 { $percent }）
standing-average-above = 平均：{ $price }（价格高 { $percent }）
fact-seen = 发现时间
fact-rule = 提醒
fact-product = 商品

## Links
link-product = 在亚马逊查看
link-history = 查看历史
link-snooze = 暂停此提醒

## Footers
footer = 您设置的提醒已触发，由 Amazon Tracker 发送。
link-unsubscribe = 取消订阅
footer-notice = 您是此渠道的所有者或管理者，由 Amazon Tracker 发送。

## A test of a channel
test-title = 测试：{ $title }
test-note = 这是一条测试消息，商品为虚构。该渠道工作正常。
test-product = 示例电热水壶 (1.7 升) –“静音” & <不锈钢> [2 件装]，100% *全新*_!
test-rule = 示例提醒

## Notices
notice-channel-broken-title = 渠道无法使用：{ $name }
notice-channel-broken-text = 发往渠道“{ $name }”的消息无法送达。接收方返回：{ $reason }。在您修复该渠道之前，提醒将暂缓发送。
notice-channel-broken-text-bare = 发往渠道“{ $name }”的消息无法送达。在您修复该渠道之前，提醒将暂缓发送。
notice-marketplace-failing-title = 无法抓取 { $marketplace }
notice-marketplace-failing-text = 自 { $since } 起无法读取 { $marketplace } 的页面。在恢复之前，该站点商品的提醒会延迟。
notice-marketplace-recovered-title = { $marketplace } 已可重新抓取
notice-marketplace-recovered-text = { $marketplace } 的页面已可重新读取。{ $from } 至 { $to } 期间无法抓取。
