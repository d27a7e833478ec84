//! What a question costs: reserved before it is asked, settled from what the endpoint says it used. Amounts are billionths of a US dollar.

use jiff::civil::Date;

use crate::config::TokenPriceSettings;
use crate::domain::AdviceTokens;

/// Bytes of a request for one token, at least: most texts have four.
const BYTES_PER_TOKEN: u64 = 3;
/// Billionths of a dollar for one token, in dollars for a million tokens.
const NANOS_PER_USD_PER_MILLION: f64 = 1000.0;

/// What one token costs, in billionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPrice {
    /// Of input that is not cached.
    pub input_nanos: u64,
    /// Of input that is cached.
    pub cached_input_nanos: u64,
    /// Of output, with what the model thinks.
    pub output_nanos: u64,
}

/// The tokens of one answer, as the endpoint counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All of the input.
    pub input_tokens: u64,
    /// The part of the input that was cached.
    pub cached_input_tokens: u64,
    /// All of the output.
    pub output_tokens: u64,
    /// The part of the output that the model thought.
    pub reasoning_tokens: u64,
}

/// A whole number of billionths; more than 18 billion dollars are that much.
fn nanos(amount: f64) -> u64 {
    amount.max(0.0).round() as u64
}

impl TokenPrice {
    /// The price on a day: of those that have begun, the last. `None`: none has.
    pub fn on(prices: &[TokenPriceSettings], day: Date) -> Option<Self> {
        let price = prices.iter().filter(|price| price.from <= day).max_by_key(|price| price.from)?;
        let of_token = |usd: f64| nanos(usd * NANOS_PER_USD_PER_MILLION);
        Some(Self {
            input_nanos: of_token(price.input_usd),
            cached_input_nanos: of_token(price.cached_input_usd),
            output_nanos: of_token(price.output_usd),
        })
    }

    /// The most that a request of this size can cost.
    pub fn reservation(self, request_bytes: usize, max_output_tokens: u32) -> u64 {
        let input_tokens = u64::try_from(request_bytes).unwrap_or(u64::MAX).div_ceil(BYTES_PER_TOKEN);
        let dearest_input = self.input_nanos.max(self.cached_input_nanos);
        let output = self.output_nanos.saturating_mul(max_output_tokens.into());
        dearest_input.saturating_mul(input_tokens).saturating_add(output)
    }

    /// What an answer has cost. What the model thought is part of the output.
    pub fn cost(self, usage: Usage) -> u64 {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let parts = [
            (self.input_nanos, usage.input_tokens - cached),
            (self.cached_input_nanos, cached),
            (self.output_nanos, usage.output_tokens.max(usage.reasoning_tokens)),
        ];
        parts.iter().fold(0, |sum, (price, tokens)| price.saturating_mul(*tokens).saturating_add(sum))
    }
}

/// What one request that reached the endpoint comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptCost {
    /// The endpoint said what it used.
    Used(Usage),
    /// It refused to work: that costs nothing.
    Refused,
    /// The answer was lost or did not say. It may have cost all that was reserved.
    Unknown {
        /// What was reserved for this request.
        reserved_nanos: u64,
    },
}

/// The tokens that the attempts used together, as far as the endpoint said.
pub fn tokens(attempts: &[AttemptCost]) -> AdviceTokens {
    attempts.iter().fold(AdviceTokens::default(), |sum, attempt| match attempt {
        AttemptCost::Used(usage) => AdviceTokens {
            input: sum.input.saturating_add(usage.input_tokens),
            cached_input: sum.cached_input.saturating_add(usage.cached_input_tokens),
            output: sum.output.saturating_add(usage.output_tokens),
        },
        AttemptCost::Refused | AttemptCost::Unknown { .. } => sum,
    })
}

/// What the attempts have cost together. It may be more than was reserved: an answer that was lost was asked for again.
pub fn settle(price: TokenPrice, attempts: &[AttemptCost]) -> u64 {
    attempts.iter().fold(0, |sum: u64, attempt| {
        sum.saturating_add(match *attempt {
            AttemptCost::Used(usage) => price.cost(usage),
            AttemptCost::Refused => 0,
            AttemptCost::Unknown { reserved_nanos } => reserved_nanos,
        })
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const PRICE: TokenPrice = TokenPrice { input_nanos: 1250, cached_input_nanos: 125, output_nanos: 10_000 };

    #[test]
    fn the_last_price_that_has_begun_holds() {
        let price = |from, input_usd| TokenPriceSettings { from, input_usd, cached_input_usd: 0.125, output_usd: 10.0 };
        let prices = [price(date(2026, 6, 1), 2.0), price(date(2026, 1, 1), 1.25)];
        let input = |day| TokenPrice::on(&prices, day).map(|price| price.input_nanos);
        assert_eq!(
            [date(2025, 12, 31), date(2026, 1, 1), date(2026, 5, 31), date(2026, 6, 1)].map(input),
            [None, Some(1250), Some(1250), Some(2000)]
        );
        assert_eq!(TokenPrice::on(&prices[1..], date(2026, 1, 1)), Some(PRICE));
    }

    #[test]
    fn cached_input_is_cheaper_and_thoughts_are_part_of_the_output() {
        let usage = Usage { input_tokens: 1000, cached_input_tokens: 400, output_tokens: 200, reasoning_tokens: 150 };
        assert_eq!(PRICE.cost(usage), 600 * 1250 + 400 * 125 + 200 * 10_000);
        assert_eq!(PRICE.reservation(3001, 100), 1001 * 1250 + 100 * 10_000);
    }

    #[test]
    fn a_lost_answer_keeps_its_reservation_and_a_refusal_costs_nothing() {
        let usage = Usage { input_tokens: 10, output_tokens: 1, ..Usage::default() };
        let attempts = [AttemptCost::Unknown { reserved_nanos: 7 }, AttemptCost::Refused, AttemptCost::Used(usage)];
        assert_eq!(settle(PRICE, &attempts), 7 + 12_500 + 10_000);
        assert_eq!(settle(PRICE, &[]), 0);
    }

    proptest! {
        #[test]
        fn a_reservation_covers_every_answer_within_its_limits(
            bytes in 0_usize..1_000_000, most in 0_u32..100_000, share in 0.0..=1.0_f64, cached in 0_u64..400_000, output in 0.0..=1.0_f64
        ) {
            let most_input = bytes.div_ceil(3) as f64;
            let usage = Usage {
                input_tokens: (most_input * share) as u64,
                cached_input_tokens: cached,
                output_tokens: (f64::from(most) * output) as u64,
                reasoning_tokens: 0,
            };
            prop_assert!(PRICE.cost(usage) <= PRICE.reservation(bytes, most));
        }

        #[test]
        fn amounts_never_overflow(tokens in any::<u64>(), price in any::<u64>(), bytes in any::<usize>()) {
            let price = TokenPrice { input_nanos: price, cached_input_nanos: price, output_nanos: price };
            let usage = Usage {
                input_tokens: tokens, cached_input_tokens: tokens / 2, output_tokens: tokens, reasoning_tokens: tokens
            };
            let reserved_nanos = price.reservation(bytes, u32::MAX);
            settle(price, &[AttemptCost::Used(usage), AttemptCost::Unknown { reserved_nanos }, AttemptCost::Used(usage)]);
        }
    }
}
