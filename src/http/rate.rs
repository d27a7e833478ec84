//! Rate limit headers (draft-ietf-httpapi-ratelimit-headers-10).

use actix_web::http::header::{HeaderName, HeaderValue};

use crate::service::RateLimitStatus;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// `RateLimit-Policy` (requests per minute) and `RateLimit` (requests left, and seconds until all are available again).
pub(super) fn headers(rate_limit: &RateLimitStatus) -> [(HeaderName, HeaderValue); 2] {
    let RateLimitStatus { per_minute, remaining, .. } = *rate_limit;
    let used = u64::from(per_minute.saturating_sub(remaining));
    let whole_in_secs = (used * 60).div_ceil(u64::from(per_minute.max(1)));
    let value = |text: String| HeaderValue::from_str(&text).expect("numbers and quotes are visible ASCII");
    [
        (POLICY, value(format!("\"requests\";q={per_minute};w=60"))),
        (LIMIT, value(format!("\"requests\";r={remaining};t={whole_in_secs}"))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_state_the_remaining_rate_limit_and_its_reset() {
        let rate_limit = RateLimitStatus { per_minute: 120, remaining: 100, wait: None };
        let [(_, policy), (_, limit)] = headers(&rate_limit);
        assert_eq!(
            (policy.to_str().unwrap(), limit.to_str().unwrap()),
            ("\"requests\";q=120;w=60", "\"requests\";r=100;t=10")
        );
    }
}
