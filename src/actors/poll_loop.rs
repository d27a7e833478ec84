//! When a loop takes its next step: one at a time, at once when woken, otherwise after a pause.

use std::time::Duration;

use super::kernel::{Actor, Cx};
use crate::store::StoreResult;
use crate::telemetry::Metrics;

/// The pause after a step that failed or panicked.
pub(super) const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// The bookkeeping of an actor whose work is one step after another. A step that was planned before a wake-up is stale and
/// ignored: each plan has a number, and only the latest counts.
#[derive(Debug, Default)]
pub(super) struct PollLoop {
    plan: u64,
    stepping: bool,
    woken: bool,
    failing: bool,
}

impl PollLoop {
    /// The number of the first plan.
    pub fn first(&self) -> u64 {
        self.plan
    }

    /// True: take the step now.
    pub fn begin(&mut self, plan: u64) -> bool {
        let now = plan == self.plan && !self.stepping;
        self.stepping |= now;
        now
    }

    /// Something may be due. The number of a plan to begin now, unless a step is under way: then it is taken after it.
    pub fn wake(&mut self) -> Option<u64> {
        if self.stepping {
            self.woken = true;
            return None;
        }
        self.plan += 1;
        Some(self.plan)
    }

    /// The step is over. The number of the next plan, and whether it is for now, because of a wake-up.
    fn end(&mut self) -> (u64, bool) {
        self.stepping = false;
        self.plan += 1;
        (self.plan, std::mem::take(&mut self.woken))
    }

    /// The result of a step, and how long to sleep after it. Of errors in a row, only the first is logged.
    pub fn finish<T>(
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
                    tracing::warn!(%error, call, "{call} failed; retrying every second");
                }
                (None, PAUSE_AFTER_ERROR)
            }
        }
    }

    /// The step is over: plans the next one after `sleep`, or at once when there was a wake-up meanwhile.
    pub fn plan_next<A: Actor>(&mut self, sleep: Duration, cx: &mut Cx<'_, A>, step: fn(u64) -> A::Message) {
        let (plan, immediately) = self.end();
        cx.after(if immediately { Duration::ZERO } else { sleep }, step(plan));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_between_steps_makes_the_planned_one_stale() {
        let mut poll_loop = PollLoop::default();
        let planned = poll_loop.first();
        let now = poll_loop.wake().unwrap();
        assert!(!poll_loop.begin(planned));
        assert!(poll_loop.begin(now));
    }

    #[test]
    fn a_wake_up_during_a_step_is_not_lost() {
        let mut poll_loop = PollLoop::default();
        assert!(poll_loop.begin(0));
        assert_eq!(poll_loop.wake(), None);
        let (next, immediately) = poll_loop.end();
        assert!(immediately);
        assert!(poll_loop.begin(next));
        assert!(!poll_loop.end().1, "one wake-up is one step");
    }
}
