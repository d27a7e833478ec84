//! How often the active products of a listing want it crawled.

use super::change_rate::ChangeRate;
use super::crawl_allocation::CrawlAllocation;
use super::interval::Interval;

/// How often the active products of a listing want it crawled: the shortest interval of any of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CrawlDemand {
    /// The shortest interval of those with a fixed one.
    pub fixed: Option<Interval>,
    /// Of those that are adaptive.
    pub adaptive: Vec<AdaptiveDemand>,
}

/// How often an adaptive product wants its listing crawled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveDemand {
    /// The average interval of the product.
    pub average: Interval,
    /// Of its tenant; `None`: not computed yet.
    pub allocation: Option<CrawlAllocation>,
}

impl CrawlDemand {
    /// Of one product with a fixed interval.
    pub fn fixed(interval: Interval) -> Self {
        Self { fixed: Some(interval), adaptive: Vec::new() }
    }

    /// The interval for a listing that changes at a rate; `None` without products.
    pub fn interval(&self, rate: Option<ChangeRate>) -> Option<Interval> {
        self.adaptive.iter().map(|demand| demand.interval(rate)).chain(self.fixed).min()
    }
}

impl AdaptiveDemand {
    /// The interval for a listing that changes at a rate: the average while there is none, or no allocation.
    pub fn interval(&self, rate: Option<ChangeRate>) -> Interval {
        let allocated = self.allocation.zip(rate).map(|(allocation, rate)| allocation.interval(rate, self.average));
        allocated.unwrap_or(self.average)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: u32) -> Interval {
        Interval::from_secs(hours * 3600).unwrap()
    }

    #[test]
    fn the_shortest_interval_of_all_products_counts() {
        let allocation = |marginal_gain| {
            Some(CrawlAllocation { marginal_gain, min_interval_secs: 3600, max_interval_secs: 7 * 86_400 })
        };
        let thrifty = AdaptiveDemand { average: hours(24), allocation: allocation(10.0) };
        let generous = AdaptiveDemand { average: hours(24), allocation: allocation(0.01) };
        let new = AdaptiveDemand { average: hours(30), allocation: None };
        let rate = Some(ChangeRate::of_per_day(1.0));
        let of = |fixed, adaptive: &[AdaptiveDemand]| {
            CrawlDemand { fixed, adaptive: adaptive.to_vec() }.interval(rate).unwrap()
        };
        assert!(of(None, &[thrifty]) > hours(24) && of(None, &[generous]) < hours(12));
        assert_eq!(of(None, &[thrifty, generous]), of(None, &[generous]));
        assert_eq!(of(Some(hours(2)), &[thrifty, generous]), hours(2));
        assert_eq!(of(None, &[thrifty, new]), hours(30));
        assert_eq!(CrawlDemand::default().interval(rate), None);
        assert_eq!(CrawlDemand { fixed: None, adaptive: vec![generous] }.interval(None), Some(hours(24)));
    }
}
