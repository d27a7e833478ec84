//! What a coupon is worth.

use crate::domain::marketplace::Marketplace;
use crate::domain::numbers::{parse_count, parse_price};

/// The amount that a coupon takes off a price, in minor units; `None`: its text cannot be read with certainty.
pub(super) fn discount_minor(coupon: &str, price_minor: i64, marketplace: Marketplace) -> Option<i64> {
    if coupon.contains(['%', '％']) {
        let percent = i64::from(parse_count(coupon, marketplace).ok()?);
        return (1..=100).contains(&percent).then(|| price_minor.saturating_mul(percent) / 100);
    }
    let has_symbol = marketplace.currency().symbols().iter().any(|symbol| coupon.contains(symbol));
    let amount_minor = parse_price(coupon, marketplace).ok()?.amount_minor;
    (has_symbol && amount_minor <= price_minor).then_some(amount_minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coupon_is_an_amount_or_a_percentage_and_nothing_that_is_not_certain() {
        let worth = |text, marketplace| discount_minor(text, 5_000, marketplace);
        assert_eq!(worth("Save 10% with coupon", Marketplace::Us), Some(500));
        assert_eq!(worth("Apply $4.50 coupon", Marketplace::Us), Some(450));
        assert_eq!(worth("5,00 € Coupon anwenden", Marketplace::De), Some(500));
        for text in ["Save 5% or $3", "coupon", "Apply $80.00 coupon", "Save 3 with coupon", "Save 200%"] {
            assert_eq!(worth(text, Marketplace::Us), None, "{text}");
        }
    }
}
