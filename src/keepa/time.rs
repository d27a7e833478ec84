//! Keepa's times and marketplaces.

use jiff::Timestamp;

use crate::domain::Marketplace;

/// Minutes from 1970 to Keepa's first minute, 2011-01-01T00:00Z (`KeepaTime.java` of the official client).
const EPOCH_MINUTES: i64 = 21_564_000;
const MINUTE_MS: i64 = 60_000;

/// The domains of Keepa with their marketplaces (`AmazonLocale` of the official client). Number 7, China, is reserved and has no data.
const DOMAINS: &[(i64, Marketplace)] = &[
    (1, Marketplace::Us),
    (2, Marketplace::Uk),
    (3, Marketplace::De),
    (4, Marketplace::Fr),
    (5, Marketplace::Jp),
    (6, Marketplace::Ca),
    (8, Marketplace::It),
    (9, Marketplace::Es),
    (10, Marketplace::In),
    (11, Marketplace::Mx),
    (12, Marketplace::Br),
];

/// The marketplaces that Keepa watches.
pub const MARKETPLACES: &[Marketplace] = &{
    let mut marketplaces = [Marketplace::Us; DOMAINS.len()];
    let mut index = 0;
    while index < DOMAINS.len() {
        marketplaces[index] = DOMAINS[index].1;
        index += 1;
    }
    marketplaces
};

/// The time of a Keepa minute; `None`: before 2011, where Keepa knows nothing, or beyond the calendar.
pub fn time_of(minute: i64) -> Option<Timestamp> {
    let minute = (minute >= 0).then_some(minute)?;
    Timestamp::from_millisecond(minute.checked_add(EPOCH_MINUTES)?.checked_mul(MINUTE_MS)?).ok()
}

/// The Keepa minute in which a time lies.
pub fn keepa_minute(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(MINUTE_MS) - EPOCH_MINUTES
}

/// The marketplace of a Keepa domain.
pub fn marketplace_of(domain: i64) -> Option<Marketplace> {
    DOMAINS.iter().find(|(number, _)| *number == domain).map(|(_, marketplace)| *marketplace)
}

/// The Keepa domain of a marketplace; `None`: Keepa does not watch it.
pub fn domain_of(marketplace: Marketplace) -> Option<i64> {
    DOMAINS.iter().find(|(_, known)| *known == marketplace).map(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_counted_from_the_beginning_of_2011() {
        for (minute, at) in
            [(0, "2011-01-01T00:00:00Z"), (411_180, "2011-10-13T13:00:00Z"), (7_000_000, "2024-04-23T02:40:00Z")]
        {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!((time_of(minute), keepa_minute(at)), (Some(at), minute));
        }
        assert_eq!((time_of(-1), time_of(i64::MAX), time_of(1 << 40)), (None, None, None));
    }

    #[test]
    fn every_domain_has_one_marketplace_and_china_has_none() {
        for domain in 1..=12 {
            let marketplace = marketplace_of(domain);
            assert_eq!(marketplace.is_none(), domain == 7);
            assert_eq!(marketplace.and_then(domain_of), marketplace.map(|_| domain));
        }
        assert_eq!((marketplace_of(0), domain_of(Marketplace::Pl)), (None, None));
    }
}
