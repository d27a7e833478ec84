//! When a channel is told: quiet hours, digests, limits. Pure: the time and what was sent are given.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::rule::Severity;

/// Maximum length of coalescing.
const MAX_COALESCE_SECS: u32 = 86_400;

/// When a channel is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The zone of its times and days, by its name in the IANA database; messages show times in it, too.
    pub time_zone: String,
    /// Times without messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
    /// Maximum number of messages on a day; the rest is told together on the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_day: Option<u32>,
    /// Events are told together at certain times. Urgent ones are told at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// After a message, events wait so long and are told together. Urgent ones are told at once.
    pub coalesce_secs: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { time_zone: "UTC".to_owned(), quiet: None, max_per_day: None, digest: None, coalesce_secs: 300 }
    }
}

/// Times without messages, by the clock on the wall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// When they begin.
    pub from: WallTime,
    /// When they end; at or before `from`: on the next day.
    pub to: WallTime,
    /// The days on which they begin; default: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// What becomes of events meanwhile.
    #[serde(default)]
    pub during: DuringQuiet,
    /// Urgent events are told all the same.
    #[serde(default)]
    pub lets_urgent_through: bool,
}

/// What becomes of events in quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuringQuiet {
    /// They are told at the end.
    #[default]
    Hold,
    /// They are not told.
    Drop,
}

/// When events are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// At the beginning of each hour.
    Hourly,
    /// Every day at this time.
    DailyAt(WallTime),
    /// Every week.
    Weekly {
        /// On this day.
        day: Day,
        /// At this time.
        at: WallTime,
    },
}

/// A time of the day by the clock on the wall: `07:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WallTime(Time);

/// The text is not a time of the day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time of the day such as 07:30")]
pub struct WallTimeError(String);

impl FromStr for WallTime {
    type Err = WallTimeError;

    fn from_str(text: &str) -> Result<Self, WallTimeError> {
        let error = || WallTimeError(text.chars().take(20).collect());
        let (hour, minute) = text.split_once(':').ok_or_else(error)?;
        let number = |text: &str| (text.len() == 2).then(|| text.parse::<i8>().ok()).flatten().ok_or_else(error);
        Time::new(number(hour)?, number(minute)?, 0, 0).map(Self).map_err(|_| error())
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl TryFrom<String> for WallTime {
    type Error = WallTimeError;

    fn try_from(text: String) -> Result<Self, WallTimeError> {
        text.parse()
    }
}

impl From<WallTime> for String {
    fn from(time: WallTime) -> Self {
        time.to_string()
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

/// What an event waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum HeldFor {
    /// The end of the cooldown of its rule.
    Cooldown,
    /// The end of a snooze of its rule.
    Snooze,
    /// The end of quiet hours.
    Quiet,
    /// The next day: enough was sent today.
    MaxPerDay,
    /// The next digest.
    Digest,
    /// The end of the pause after a message.
    Coalesce,
    /// Whether the other channels deliver.
    Fallback,
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It is told now.
    Send,
    /// It waits.
    Hold {
        /// Until then.
        until: Timestamp,
        /// For this.
        held_for: HeldFor,
    },
    /// It is not told.
    Drop,
}

/// What was sent by a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentSoFar {
    /// Messages on this day, in the zone of the policy.
    pub today: u32,
    /// Messages that the plan of the tenant leaves for this day.
    pub left: u32,
    /// When the last message was made.
    pub last_at: Option<Timestamp>,
}

impl Default for SentSoFar {
    /// Nothing yet, and without a limit.
    fn default() -> Self {
        Self { today: 0, left: u32::MAX, last_at: None }
    }
}

/// What is wrong with a policy: the field and a message.
pub type PolicyError = (&'static str, String);

impl Policy {
    /// What is wrong with it.
    pub fn check(&self) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        if TimeZone::get(&self.time_zone).is_err() {
            errors.push(("time_zone", "is not a time zone of the IANA database, such as Europe/Berlin".to_owned()));
        }
        if self.max_per_day == Some(0) {
            errors.push(("max_per_day", "must be at least 1; pause the channel to send nothing".to_owned()));
        }
        if self.coalesce_secs > MAX_COALESCE_SECS {
            errors.push(("coalesce_secs", format!("must be at most {MAX_COALESCE_SECS}")));
        }
        errors
    }

    /// The zone of its times.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// The day in its zone, as days since 1970: messages are counted by it.
    pub fn local_day(&self, now: Timestamp) -> i64 {
        let date = now.to_zoned(self.zone()).date();
        i64::from(date.duration_since(Date::constant(1970, 1, 1)).as_hours() as i32 / 24)
    }

    /// What becomes of an event of this urgency that has not waited yet.
    pub fn gate_new(&self, now: Timestamp, severity: Severity, sent: SentSoFar) -> Gate {
        if let Some(digest) = self.digest.filter(|_| severity != Severity::Urgent) {
            return Gate::Hold { until: digest.next(&now.to_zoned(self.zone())), held_for: HeldFor::Digest };
        }
        self.gate(now, severity, sent, true)
    }

    /// What becomes of an event whose time has come after it waited for this.
    pub fn gate_held(&self, now: Timestamp, severity: Severity, held_for: HeldFor, sent: SentSoFar) -> Gate {
        match held_for {
            HeldFor::Digest | HeldFor::Quiet | HeldFor::MaxPerDay => self.gate(now, severity, sent, false),
            HeldFor::Coalesce => self.gate(now, severity, sent, true),
            HeldFor::Cooldown | HeldFor::Snooze | HeldFor::Fallback => self.gate_new(now, severity, sent),
        }
    }

    fn gate(&self, now: Timestamp, severity: Severity, sent: SentSoFar, coalesces: bool) -> Gate {
        let is_urgent = severity == Severity::Urgent;
        if let Some(quiet) = self.quiet.as_ref().filter(|quiet| !(is_urgent && quiet.lets_urgent_through))
            && let Some(until) = quiet.end_of(&now.to_zoned(self.zone()))
        {
            return match quiet.during {
                DuringQuiet::Hold => Gate::Hold { until, held_for: HeldFor::Quiet },
                DuringQuiet::Drop => Gate::Drop,
            };
        }
        if sent.left == 0 || self.max_per_day.is_some_and(|max| sent.today >= max) {
            return Gate::Hold { until: next_day(&now.to_zoned(self.zone())), held_for: HeldFor::MaxPerDay };
        }
        let pause = i64::from(self.coalesce_secs).seconds();
        let paused_until = sent.last_at.and_then(|last_at| last_at.checked_add(pause).ok());
        match paused_until.filter(|until| coalesces && !is_urgent && *until > now) {
            Some(until) => Gate::Hold { until, held_for: HeldFor::Coalesce },
            None => Gate::Send,
        }
    }
}

impl QuietHours {
    /// When the quiet hours end that a time lies in; `None`: it lies in none.
    fn end_of(&self, now: &Zoned) -> Option<Timestamp> {
        // They may have begun yesterday, and an end that exists twice may lie after the next begin.
        let today = now.date();
        let begins = [today.yesterday().ok(), Some(today)].into_iter().flatten();
        let ends =
            begins.filter(|date| self.days.is_empty() || self.days.iter().any(|day| day.weekday() == date.weekday()));
        let zone = now.time_zone();
        let end = |date: Date| {
            let last = if self.to <= self.from { date.tomorrow().ok()? } else { date };
            let (from, to) = (instant(zone, date, self.from, false)?, instant(zone, last, self.to, true)?);
            (from <= now.timestamp() && now.timestamp() < to).then_some(to)
        };
        ends.filter_map(end).max()
    }
}

impl Digest {
    /// The next one after a time.
    fn next(self, now: &Zoned) -> Timestamp {
        let zone = now.time_zone();
        let far = || now.timestamp().saturating_add(24.hours()).unwrap_or(Timestamp::MAX);
        match self {
            Self::Hourly => {
                let minutes_left = 60 - i64::from(now.minute());
                let next = now.timestamp().checked_add(minutes_left.minutes()).unwrap_or(Timestamp::MAX);
                Timestamp::from_second(next.as_second() - i64::from(now.second())).unwrap_or(next)
            }
            Self::DailyAt(at) => next_date(now, |_| true, |date| instant(zone, date, at, false)).unwrap_or_else(far),
            Self::Weekly { day, at } => {
                let is_day = |date: Date| date.weekday() == day.weekday();
                next_date(now, is_day, |date| instant(zone, date, at, false)).unwrap_or_else(far)
            }
        }
    }
}

fn next_date(now: &Zoned, fits: impl Fn(Date) -> bool, at: impl Fn(Date) -> Option<Timestamp>) -> Option<Timestamp> {
    let dates = std::iter::successors(Some(now.date()), |date| date.tomorrow().ok()).take(9);
    dates.filter(|date| fits(*date)).filter_map(at).find(|at| *at > now.timestamp())
}

/// The beginning of the next day.
fn next_day(now: &Zoned) -> Timestamp {
    let midnight = WallTime(Time::midnight());
    next_date(now, |_| true, |date| instant(now.time_zone(), date, midnight, false)).unwrap_or(Timestamp::MAX)
}

/// When the clock on the wall shows a time. One that does not exist is the first moment after the gap; of one that exists twice, it is the
/// earlier, or the later if asked for.
fn instant(zone: &TimeZone, date: Date, time: WallTime, is_later: bool) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_zoned(date.to_datetime(time.0));
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        let before = ambiguous.earlier().ok()?.timestamp();
        return zone.following(before).next().map(|transition| transition.timestamp());
    }
    let zoned = if is_later { ambiguous.later() } else { ambiguous.earlier() };
    zoned.ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn policy(json: serde_json::Value) -> Policy {
        let policy: Policy = serde_json::from_value(json).unwrap();
        assert_eq!(policy.check(), []);
        policy
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn new(policy: &Policy, now: &str) -> Gate {
        policy.gate_new(at(now), Severity::Normal, SentSoFar::default())
    }

    fn hold(until: &str, held_for: HeldFor) -> Gate {
        Gate::Hold { until: at(until), held_for }
    }

    fn berlin_nights() -> Policy {
        policy(json!({"time_zone": "Europe/Berlin", "quiet": {"from": "22:00", "to": "07:00"}}))
    }

    #[test]
    fn quiet_hours_end_at_the_same_wall_time_on_both_nights_when_clocks_change() {
        // Summer time begins on 29 March 2026 and ends on 25 October.
        for (now, end) in [
            ("2026-03-28T20:59:59Z", None),
            ("2026-03-28T21:00:00Z", Some("2026-03-29T05:00:00Z")),
            ("2026-03-29T04:59:59Z", Some("2026-03-29T05:00:00Z")),
            ("2026-03-29T05:00:00Z", None),
            ("2026-10-24T19:59:59Z", None),
            ("2026-10-24T20:00:00Z", Some("2026-10-25T06:00:00Z")),
            ("2026-10-25T05:59:59Z", Some("2026-10-25T06:00:00Z")),
            ("2026-10-25T06:00:00Z", None),
        ] {
            let expected = end.map_or(Gate::Send, |end| hold(end, HeldFor::Quiet));
            assert_eq!(new(&berlin_nights(), now), expected, "{now}");
        }
    }

    #[test]
    fn a_wall_time_that_does_not_exist_is_the_next_one_that_does_and_one_that_exists_twice_lasts_longer() {
        let gap = policy(json!({"time_zone": "Europe/Berlin", "quiet": {"from": "01:00", "to": "02:30"}}));
        assert_eq!(new(&gap, "2026-03-29T00:30:00Z"), hold("2026-03-29T01:00:00Z", HeldFor::Quiet));
        assert_eq!(new(&gap, "2026-10-25T00:45:00Z"), hold("2026-10-25T01:30:00Z", HeldFor::Quiet));
    }

    #[test]
    fn quiet_hours_of_some_days_begin_on_them() {
        let weekend = policy(json!({"quiet": {"from": "20:00", "to": "08:00", "days": ["fri", "sat"]}}));
        assert_eq!(new(&weekend, "2026-11-27T21:00:00Z"), hold("2026-11-28T08:00:00Z", HeldFor::Quiet));
        assert_eq!(new(&weekend, "2026-11-29T07:00:00Z"), hold("2026-11-29T08:00:00Z", HeldFor::Quiet));
        assert_eq!(new(&weekend, "2026-11-29T21:00:00Z"), Gate::Send);
    }

    #[test]
    fn urgent_events_pass_if_they_may_and_others_can_be_dropped() {
        let quiet = |more: serde_json::Value| {
            let mut quiet = json!({"from": "00:00", "to": "00:00"});
            quiet.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            policy(json!({"quiet": quiet}))
        };
        let gate =
            |policy: &Policy, severity| policy.gate_new(at("2026-11-29T12:00:00Z"), severity, SentSoFar::default());
        let through = quiet(json!({"lets_urgent_through": true}));
        assert_eq!(gate(&through, Severity::Urgent), Gate::Send);
        assert_eq!(gate(&through, Severity::Normal), hold("2026-11-30T00:00:00Z", HeldFor::Quiet));
        assert_eq!(gate(&quiet(json!({"during": "drop"})), Severity::Urgent), Gate::Drop);
    }

    #[test]
    fn after_so_many_messages_the_rest_waits_for_the_next_day() {
        let capped = policy(json!({"time_zone": "Asia/Tokyo", "max_per_day": 5, "coalesce_secs": 0}));
        let sent = |today| SentSoFar { today, ..SentSoFar::default() };
        let now = at("2026-11-29T12:00:00Z");
        assert_eq!(capped.gate_new(now, Severity::Normal, sent(4)), Gate::Send);
        assert_eq!(capped.gate_new(now, Severity::Urgent, sent(5)), hold("2026-11-29T15:00:00Z", HeldFor::MaxPerDay));
        assert_eq!(capped.local_day(at("2026-11-29T14:59:59Z")) + 1, capped.local_day(at("2026-11-29T15:00:00Z")));
    }

    #[test]
    fn a_digest_comes_at_its_time_and_then_its_events_wait_no_more() {
        let digest = |digest: serde_json::Value| policy(json!({"time_zone": "Asia/Kolkata", "digest": digest}));
        let now = "2026-11-29T12:10:20Z";
        assert_eq!(new(&digest(json!("hourly")), now), hold("2026-11-29T12:30:00Z", HeldFor::Digest));
        let daily = digest(json!({"daily_at": "08:00"}));
        assert_eq!(new(&daily, now), hold("2026-11-30T02:30:00Z", HeldFor::Digest));
        let weekly = digest(json!({"weekly": {"day": "sun", "at": "17:00"}}));
        assert_eq!(new(&weekly, now), hold("2026-12-06T11:30:00Z", HeldFor::Digest));
        let due = daily.gate_held(at("2026-11-30T02:30:01Z"), Severity::Normal, HeldFor::Digest, SentSoFar::default());
        assert_eq!(due, Gate::Send);
        assert_eq!(daily.gate_new(at(now), Severity::Urgent, SentSoFar::default()), Gate::Send);
    }

    #[test]
    fn the_first_event_is_told_at_once_and_those_of_the_next_minutes_together() {
        let sent = SentSoFar { today: 1, last_at: Some(at("2026-11-29T12:00:00Z")), ..SentSoFar::default() };
        let gate = |now| Policy::default().gate_new(at(now), Severity::Normal, sent);
        assert_eq!(gate("2026-11-29T12:00:01Z"), hold("2026-11-29T12:05:00Z", HeldFor::Coalesce));
        assert_eq!(gate("2026-11-29T12:05:00Z"), Gate::Send);
    }

    #[test]
    fn what_is_wrong_with_a_policy_is_named() {
        let wrong =
            Policy { time_zone: "Mars".to_owned(), max_per_day: Some(0), coalesce_secs: 90_000, ..Policy::default() };
        assert_eq!(
            wrong.check().into_iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["time_zone", "max_per_day", "coalesce_secs"]
        );
        for text in ["7:30", "24:00", "07:60", "0730", "07:30:00", "-1:00", ""] {
            assert!(text.parse::<WallTime>().is_err(), "{text}");
        }
        assert_eq!("07:05".parse::<WallTime>().unwrap().to_string(), "07:05");
    }

    proptest! {
        /// What waits is sent in the end: each wait ends later than it began, and after few of them.
        #[test]
        fn nothing_waits_for_ever(
            now_secs in 1_700_000_000_i64..1_800_000_000,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu"]),
            quiet in prop::option::of((0_i8..24, 0_i8..24)),
            digest in prop::option::of(prop::sample::select(vec![json!("hourly"), json!({"daily_at": "02:30"})])),
        ) {
            let quiet = quiet.map(|(from, to)| json!({"from": format!("{from:02}:00"), "to": format!("{to:02}:00")}));
            // Quiet hours that never end let nothing through.
            prop_assume!(quiet.as_ref().is_none_or(|quiet| quiet["from"] != quiet["to"]));
            let mut json = json!({"time_zone": zone});
            quiet.into_iter().for_each(|quiet| json["quiet"] = quiet);
            digest.into_iter().for_each(|digest| json["digest"] = digest);
            let policy = policy(json);
            let mut now = Timestamp::from_second(now_secs).unwrap();
            let mut gate = policy.gate_new(now, Severity::Normal, SentSoFar::default());
            for _ in 0..4 {
                let Gate::Hold { until, held_for } = gate else { break };
                prop_assert!(until > now, "{until} {now}");
                now = until;
                gate = policy.gate_held(now, Severity::Normal, held_for, SentSoFar::default());
            }
            prop_assert_eq!(gate, Gate::Send);
        }
    }
}
