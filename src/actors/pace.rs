//! When a loop takes its next step: one at a time, at once when nudged, otherwise after a pause.

use std::time::Duration;

use super::kernel::{Actor, Cx};
use crate::store::StoreResult;
use crate::telemetry::Metrics;

/// The pause after a step that failed or panicked.
pub(super) const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// The bookkeeping of an actor whose work is one step after another. A step that was planned before a nudge is stale and
/// ignored: each plan has a number, and only the latest counts.
#[derive(Debug, Default)]
pub(super) struct Pace {
    plan: u64,
    stepping: bool,
    nudged: bool,
    stopped: bool,
    failing: bool,
}

impl Pace {
    /// The number of the first plan.
    pub fn first(&self) -> u64 {
        self.plan
    }

    /// True: take the step now.
    pub fn begin(&mut self, plan: u64) -> bool {
        let now = plan == self.plan && !self.stepping && !self.stopped;
        self.stepping |= now;
        now
    }

    /// Something may be due. The number of a plan to begin now, unless a step is under way: then it is taken after it.
    pub fn nudge(&mut self) -> Option<u64> {
        if self.stepping {
            self.nudged = true;
            return None;
        }
        self.plan += 1;
        Some(self.plan)
    }

    /// The step is over. The number of the next plan, and whether it is for now, because of a nudge.
    fn end(&mut self) -> (u64, bool) {
        self.stepping = false;
        self.plan += 1;
        (self.plan, std::mem::take(&mut self.nudged))
    }

    /// What a step brought, and how long to sleep after it. An error is told once for a whole row of them.
    pub fn brought<T>(
        &mut self,
        result: StoreResult<(T, Duration)>,
        call: &'static str,
        metrics: &Metrics,
    ) -> (Option<T>, Duration) {
        match result {
            Ok((brought, sleep)) => {
                self.failing = false;
                (Some(brought), sleep)
            }
            Err(error) => {
                metrics.store_errors.with_label_values(&[call]).inc();
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(%error, call, "{call} fails; trying again every second");
                }
                (None, PAUSE_AFTER_ERROR)
            }
        }
    }

    /// The step is over: plans the next one after `sleep`, or at once when there was a nudge meanwhile.
    pub fn plan_next<A: Actor>(&mut self, sleep: Duration, cx: &mut Cx<'_, A>, step: fn(u64) -> A::Message) {
        let (plan, at_once) = self.end();
        cx.after(if at_once { Duration::ZERO } else { sleep }, step(plan));
    }

    /// No step begins any more.
    pub fn stop(&mut self) {
        self.stopped = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nudge_between_steps_makes_the_planned_one_stale() {
        let mut pace = Pace::default();
        let planned = pace.first();
        let now = pace.nudge().unwrap();
        assert!(!pace.begin(planned));
        assert!(pace.begin(now));
    }

    #[test]
    fn a_nudge_during_a_step_is_not_lost() {
        let mut pace = Pace::default();
        assert!(pace.begin(0));
        assert_eq!(pace.nudge(), None);
        let (next, at_once) = pace.end();
        assert!(at_once);
        assert!(pace.begin(next));
        assert!(!pace.end().1, "one nudge is one step");
    }

    #[test]
    fn nothing_begins_after_the_stop() {
        let mut pace = Pace::default();
        pace.stop();
        assert!(!pace.begin(0));
    }
}
