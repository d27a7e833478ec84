//! The markup of a price: one text for display, one for screen readers.

use crate::domain::numbers::format_price;
use crate::domain::{Marketplace, Money};

/// `<span class="a-price …">` with the complete price as off-screen text and its parts as displayed text.
pub(super) fn price(money: Money, marketplace: Marketplace, classes: &str) -> String {
    price_with_offscreen(money, marketplace, classes, &format_price(money, marketplace))
}

/// The same with a blank off-screen text, as on newer pages: only the parts contain the price.
pub(super) fn price_in_parts(money: Money, marketplace: Marketplace, classes: &str) -> String {
    price_with_offscreen(money, marketplace, classes, " ")
}

/// Any other price: a list price, another offer, a unit price.
pub(super) fn text_price(money: Money, marketplace: Marketplace, strike: bool) -> String {
    let text = format_price(money, marketplace);
    let strike = if strike { " data-a-strike=\"true\"" } else { "" };
    format!(
        "<span class=\"a-price a-text-price\" data-a-size=\"s\"{strike} data-a-color=\"secondary\">\
         <span class=\"a-offscreen\">{text}</span><span aria-hidden=\"true\">{text}</span></span>"
    )
}

fn price_with_offscreen(money: Money, marketplace: Marketplace, classes: &str, offscreen: &str) -> String {
    let symbol = money.currency.symbols()[0];
    let text = format_price(money, marketplace);
    let number = text.replace(symbol, "");
    let number = number.trim();
    let format = marketplace.number_format();
    let (whole, decimals) = match number.rsplit_once(format.decimal) {
        Some((whole, fraction)) if money.currency.exponent() > 0 => (
            whole,
            format!(
                "<span class=\"a-price-decimal\">{}</span></span><span class=\"a-price-fraction\">{fraction}</span>",
                format.decimal
            ),
        ),
        _ => (number, "</span>".to_owned()),
    };
    let symbol = format!("<span class=\"a-price-symbol\">{symbol}</span>");
    let amount = format!("<span class=\"a-price-whole\">{whole}{decimals}");
    let parts = if format.symbol_first { symbol + &amount } else { amount + &symbol };
    format!(
        "<span class=\"a-price {classes}\" data-a-size=\"xl\" data-a-color=\"base\"><span class=\"a-offscreen\">{offscreen}</span>\
         <span aria-hidden=\"true\">{parts}</span></span>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    #[test]
    fn the_parts_have_the_order_and_format_of_the_marketplace() {
        let parts =
            |amount, marketplace| price(Money::new(amount, Marketplace::currency(marketplace)), marketplace, "");
        let dollars = parts(123_456, Marketplace::Us);
        assert!(dollars.contains("<span class=\"a-price-symbol\">$</span><span class=\"a-price-whole\">1,234<span class=\"a-price-decimal\">.</span></span><span class=\"a-price-fraction\">56</span>"));
        let euros = parts(123_456, Marketplace::De);
        assert!(euros.contains("<span class=\"a-price-whole\">1.234<span class=\"a-price-decimal\">,</span></span><span class=\"a-price-fraction\">56</span><span class=\"a-price-symbol\">€</span>"));
        let yen = price(Money::new(12_979, Currency::Jpy), Marketplace::Jp, "");
        assert!(yen.contains("<span class=\"a-price-whole\">12,979</span>"));
    }
}
