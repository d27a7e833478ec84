//! Layouts that Amazon shows to some visitors, on some devices, or showed in earlier years: one small page for each.

use amazon_tracker::domain::{ListPriceKind, Rank};
use amazon_tracker::extract::{Item, Page, PageContext, PageKind, extract};

use crate::pages::read_buy_box;

fn read_page(body: &str) -> Page {
    let page = format!(
        "<html><head><link rel='canonical' href='https://www.amazon.com/dp/B0OWNPG099'></head><body>{body}{}\
         <div id='navFooter'></div></body></html>",
        " ".repeat(400)
    );
    extract(page.as_bytes(), PageContext::default()).expect("a small page needs little memory")
}

fn price(amount: &str) -> String {
    format!(
        "<div id='corePrice_feature_div'><span class='a-price'><span class='a-offscreen'>{amount}</span></span></div>"
    )
}

#[test]
fn the_selected_row_of_the_accordion_decides_price_and_seller() {
    let new = format!(
        "<div id='newAccordionRow_0' class='a-box'>{}<div id='merchant-info'>Sold by Acme and Fulfilled by Amazon.</div></div>",
        price("$10.00")
    );
    let local = format!(
        "<div id='almAccordionRow' class='a-box a-accordion-active'>{}<table><tr><td>Ships from</td><td>Amazon</td></tr>\
         <tr><td>Sold by</td><td>Whole Foods</td></tr></table></div>",
        price("$8.00")
    );
    let page = read_buy_box(&format!("<div id='buyBoxAccordion'>{new}{local}</div>"));
    assert_eq!((page.price_minor, page.seller.as_deref()), (Some(800), Some("Whole Foods")), "{:?}", page.diagnostics);

    let local_not_selected = local.replace(" a-accordion-active", "");
    let new_selected = new.replace("class='a-box'", "class='a-box a-accordion-active'");
    let page = read_buy_box(&format!("<div id='buyBoxAccordion'>{local_not_selected}{new_selected}</div>"));
    assert_eq!((page.price_minor, page.seller.as_deref()), (Some(1000), Some("Acme")), "{:?}", page.diagnostics);
}

#[test]
fn a_mobile_page_has_its_count_of_reviews_in_a_label_and_its_ranks_in_a_list() {
    let page = read_page(
        "<div id='dp'><h1 id='title'>Kettle</h1><div id='averageCustomerReviews'><a id='acrCustomerReviewLink' \
         aria-label='201 Reviews'><i class='a-icon'><span class='a-icon-alt'>4.4 out of 5 stars</span></i> <span>(201)</span></a></div>\
         <ul id='productDetails_detailBullets_sections'><li><span><span class='a-text-bold'>Rank</span> \
         <span class='zgFirstRank'>#1,234 in Kitchen</span> <span class='zgOtherRanks'>#5 in Kettles</span></span></li></ul></div>",
    );
    let rank = |rank, category: &str| Rank { rank, category: category.to_owned() };
    assert_eq!(page.bsr, Some(vec![rank(1234, "Kitchen"), rank(5, "Kettles")]));
    assert_eq!(page.review_count, Some(201));

    let only_label = read_page(
        "<div id='dp'><h1 id='title'>Kettle</h1><div id='averageCustomerReviews'><span id='acrCustomerReviewText' \
         aria-label='1,201 ratings'></span></div></div>",
    );
    assert_eq!(only_label.review_count, Some(1201));
    let rating_in_label = read_page(
        "<div id='dp'><h1 id='title'>Kettle</h1><div id='averageCustomerReviews'>\
         <a id='acrCustomerReviewLink' aria-label='4 out of 5 stars, some ratings'></a></div></div>",
    );
    assert_eq!(rating_in_label.review_count, None, "a rating is not a count");
}

#[test]
fn a_reference_price_is_known_by_its_class_alone() {
    let page = read_buy_box(
        "<div id='corePriceDisplay_desktop_feature_div'><span class='a-price'><span class='a-offscreen'>$24.89</span></span>\
         <span>List Price: <span class='a-price a-text-price apex-basisprice-value'><span class='a-offscreen'>$49.99</span></span></span></div>",
    );
    assert_eq!((page.price_minor, page.list_price_minor), (Some(2489), Some(4999)), "{:?}", page.diagnostics);
}

#[test]
fn the_page_says_what_a_reference_price_is() {
    for (label, expected) in [
        ("List Price:", Some(ListPriceKind::List)),
        ("M.R.P.:", Some(ListPriceKind::List)),
        ("UVP:", Some(ListPriceKind::List)),
        ("Typical price:", Some(ListPriceKind::Typical)),
        ("Prezzo mediano:", Some(ListPriceKind::Typical)),
        ("Was:", Some(ListPriceKind::Was)),
        ("Statt:", Some(ListPriceKind::Was)),
        ("Lowest price in 30 days:", Some(ListPriceKind::Lowest30Days)),
        ("Niedrigster Preis der letzten 30 Tage:", Some(ListPriceKind::Lowest30Days)),
        ("参考価格:", Some(ListPriceKind::List)),
        ("", None),
    ] {
        let page = read_buy_box(&format!(
            "<div id='corePriceDisplay_desktop_feature_div'><span class='a-price'><span class='a-offscreen'>$24.89</span></span>\
             <span class='basisPrice'>{label} <span class='a-price'><span class='a-offscreen'>$49.99</span></span></span></div>"
        ));
        assert_eq!((page.list_price_minor, page.list_price_kind), (Some(4999), expected), "{label}");
    }
}

#[test]
fn an_e_book_may_have_its_price_only_in_the_switch_between_formats() {
    let switch = |selected: &str, other: &str| {
        format!(
            "<div id='tmmSwatches'><ul><li class='swatchElement unselected'><span>Hardcover</span><br><span class='a-color-price'>$30.00</span></li>\
             <li class='swatchElement selected'><span>{selected}</span><br><span class='a-color-price'>{other}</span></li></ul></div>"
        )
    };
    let kindle = read_buy_box(&switch("Kindle Edition", "$9.99"));
    assert_eq!(kindle.price_minor, Some(999), "{:?}", kindle.diagnostics);
    let printed = read_buy_box(&switch("Paperback", "$4.45"));
    assert_eq!(printed.price_minor, None, "it may be the price of a used copy");
    let member = read_buy_box(&switch("Kindle Unlimited", "$0.00"));
    assert_eq!(member.price_minor, None, "a membership is not a purchase");
    let both = read_buy_box(&format!("{}<span id='price_inside_buybox'>$8.99</span>", switch("Kindle", "$9.99")));
    assert_eq!(both.price_minor, Some(899), "the Buy Box decides where it has a price");
}

#[test]
fn an_e_book_has_ranks_in_sub_categories_beside_its_main_rank() {
    let page = read_page(
        "<div id='dp'><span id='productTitle'>Novel</span><ul><li id='SalesRank'><b>Amazon Best Sellers Rank:</b> #12,345 Paid in Kindle Store \
         (<a href='/gp/bestsellers/digital-text'>See Top 100 Paid in Kindle Store</a>)<ul class='zg_hrsr'><li class='zg_hrsr_item'>\
         <span class='zg_hrsr_rank'>#7</span> <span class='zg_hrsr_ladder'>in <a href='/gp/bestsellers/1'>Sea Stories</a></span></li></ul></li></ul></div>",
    );
    let ranks: Vec<u32> = page.bsr.unwrap_or_default().iter().map(|rank| rank.rank).collect();
    assert_eq!(ranks, [12_345, 7]);
}

#[test]
fn a_page_of_2013_is_a_product() {
    let page = read_page(
        "<form id='handleBuy' name='handleBuy'><input type='hidden' id='ASIN' name='ASIN' value='B0OWNPG099'>\
         <h1 class='parseasinTitle'><span>Kettle</span></h1><table class='product'><tr><td>List Price:</td><td class='listprice'>$24.95</td></tr>\
         <tr><td>Price:</td><td><span id='actualPriceValue'><b class='priceLarge'>$18.77</b></span></td></tr></table>\
         <span class='availGreen'>In Stock.</span></form>",
    );
    assert_eq!(page.kind, PageKind::Product);
    assert_eq!(
        (page.title.as_deref(), page.price_minor, page.list_price_minor),
        (Some("Kettle"), Some(1877), Some(2495))
    );
}

fn read_items(items: &str) -> Vec<Item> {
    let page = read_page(&format!("<div id='search'>{items}</div>"));
    page.items.expect("a list has items")
}

#[test]
fn a_membership_is_not_the_price_of_an_item() {
    let card = |after: &str, price: &str| {
        format!(
            "<div data-component-type='s-search-result' class='s-result-item' data-asin='B0OWNPG001'><h2>Novel</h2>\
             <span class='a-price'><span class='a-offscreen'>{price}</span></span><div>{after}</div>\
             <span>Paperback</span><span class='a-price'><span class='a-offscreen'>$12.00</span></span></div>"
        )
    };
    assert_eq!(read_items(&card("Free with Kindle Unlimited membership", "$0.00"))[0].price_minor, None);
    assert_eq!(read_items(&card("with your Audible trial", "$0.00"))[0].price_minor, None);
    assert_eq!(read_items(&card("Free instant delivery", "$0.00"))[0].price_minor, Some(0), "free for everybody");
    assert_eq!(read_items(&card("Or with Kindle Unlimited", "$4.99"))[0].price_minor, Some(499));
}

#[test]
fn the_lowest_of_several_offers_is_not_the_price_of_an_item() {
    let page = read_page(
        "<div id='zg'><div id='B0OWNPG001' class='p13n-sc-uncoverable-faceout'><a href='/dp/B0OWNPG001'><img alt='Kettle'></a>\
         <span class='a-color-secondary'>6 offers from <span><span class='p13n-sc-price'>$20.22</span></span></span></div>\
         <div id='B0OWNPG002' class='p13n-sc-uncoverable-faceout'><img alt='Cup'><span class='p13n-sc-price'>$4.00</span></div></div>",
    );
    let items = page.items.expect("a list has items");
    let prices: Vec<_> = items.iter().map(|item| (item.price_minor, item.from_price_minor)).collect();
    assert_eq!(prices, [(None, Some(2022)), (Some(400), None)]);
}

#[test]
fn comparison_tables_name_what_the_product_is_compared_with_if_the_page_is_read_to_its_end() {
    let body = "<div id='dp'><h1 id='title'>Kettle</h1><input id='ASIN' name='ASIN' value='B0OWNPG099'>\
         <div id='sims-fbt_feature_div'><a href='/dp/B000000009/ref=x'>bought together</a></div>\
         <div id='aplus'><table class='comparison'><tr><td><a href='/dp/B000000008'>of the same brand</a></td></tr></table></div>\
         <div id='product-comparison_feature_div'><table><tr><td><a href='/Own/dp/B0OWNPG099/ref=a'>Own</a></td>\
         <td><a href='/First/dp/B000000001/ref=a?x=1'><img></a><a href='/First/dp/B000000001/ref=b'>First</a></td></tr></table>\
         <a href='/gp/help'>Help</a></div>\
         <div id='HLCXComparisonWidget_feature_div'><table id='HLCXComparisonTable'><tr><th data-asin='B000000002'>\
         <a href='/dp/B000000002/ref=psdc_1'>Second</a></th></tr></table></div>\
         <a href='/dp/B000000007'>elsewhere</a></div>";
    let page = format!(
        "<html><head><link rel='canonical' href='https://www.amazon.com/dp/B0OWNPG099'></head><body>{body}<div id='navFooter'></div>\
         </body></html>"
    );
    let read = |to_the_end| {
        let context = PageContext { to_the_end, ..PageContext::default() };
        let page = extract(page.as_bytes(), context).expect("a small page needs little memory");
        page.compared_with.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(read(true), ["B000000001", "B000000002"]);
    assert_eq!(read(false), Vec::<String>::new());
}
