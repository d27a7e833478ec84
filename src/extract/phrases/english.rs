//! English: com, co.uk, ca, in, com.au, sg, ae, sa, ie, co.za; and anywhere by choice.

use super::Language;

pub(super) const ENGLISH: Language = Language {
    code: "en",
    unavailable: &["currently unavailable", "no longer available", "unavailable. we don't know", "not available for purchase"],
    out_of_stock: &["out of stock", "sold out", "temporarily unavailable", "back-ordered", "backordered"],
    preorder: &["will be released", "pre-order", "preorder", "not yet released", "not yet been released", "available for pre"],
    low_stock: &["only # left", "only # available", "# left in stock", "# remaining", "almost gone"],
    in_stock: &[
        "in stock", "usually ships", "usually dispatched", "ships within", "dispatched within", "available to ship", "available now",
        "available to dispatch", "ready to ship", "available for immediate", "available instantly", "ships in", "in 1-2 days", "get it as soon as",
        "usually despatched", "despatched within", "available for download",
    ],
    no_featured_offer: &[
        "see all buying options", "see all buying choices", "no featured offers available", "available from these sellers", "available from other sellers",
        "featured offers available",
    ],
    used: &["used", "buy used", "save with used", "pre-owned", "collectible"],
    rank_headings: &["best sellers rank", "bestsellers rank", "best seller rank", "bestseller rank", "sales rank"],
    rank_in: &["in"],
    sold_by: &["ships from and sold by", "dispatched from and sold by", "despatched from and sold by", "shipped and sold by", "sold and shipped by", "sold by"],
    sold_by_end: &[" and fulfilled by", " and ships from", " and dispatched from", " and shipped by", " exclusively for", " in easy-to-open", " gift-wrap", ". gift"],
    seller_labels: &["sold by", "shipper / seller", "ships from and sold by", "dispatched from and sold by", "dispatcher / seller", "seller"],
    store: &[("visit the ", " store"), ("visit the ", " storefront"), ("visit ", "'s store"), ("visit the ", "")],
    brand_labels: &["brand", "brand name"],
    not_list_price: &["one-time", "one time", "new condition", "new price", "price for new"],
    savings: &["you save", "savings", "save:"],
    maximum_first: &[],
    captcha: &["robot check", "enter the characters you see below", "click the button below to continue shopping", "continue shopping", "type the characters you see"],
    not_found: &["page not found", "couldn't find that page", "looking for something?", "document not found", "not a functioning page"],
    sign_in: &["sign in", "sign-in"],
    error: &["sorry! something went wrong", "503 - service unavailable", "service unavailable", "we're sorry", "an error occurred"],
    bestsellers: &["best sellers: ", "best sellers in", "bestsellers: ", "best sellers:"],
};
