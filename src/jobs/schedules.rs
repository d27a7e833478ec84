//! Starts the jobs of schedules that are due.

use jiff::Timestamp;

use super::JobTools;
use crate::domain::{JobId, Schedule, TenantId};
use crate::store::{RunRequest, StoreResult};

/// Schedules that are handled in one round.
const AT_A_TIME: u32 = 50;

impl JobTools {
    /// Handles every schedule that is due. After a downtime, what was missed is run once. Returns the jobs that were started.
    ///
    /// # Errors
    /// Those of the store; the next round goes on.
    pub async fn start_due_schedules(&self) -> StoreResult<Vec<(TenantId, JobId)>> {
        let due = self.store.due_schedules(AT_A_TIME).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.store.now().await?;
        let mut started = Vec::new();
        for schedule in due {
            let run = self.store.run_schedule(self.request(&schedule, now)).await?;
            if let Some(job) = run.and_then(|run| run.job_id) {
                tracing::info!(schedule_id = %schedule.id, job_id = %job, "schedule {} started job {job}", schedule.id);
                started.push((schedule.tenant_id, job));
            }
        }
        Ok(started)
    }

    fn request(&self, schedule: &Schedule, now: Timestamp) -> RunRequest {
        let due_at = schedule.next_at.filter(|next_at| schedule.settings.is_enabled && *next_at <= now);
        // From now on, not from the due time: times that were missed are not made up for one by one.
        let next_at = due_at.and_then(|_| schedule.settings.recurrence.next_after(now));
        RunRequest { id: schedule.id, tenant_id: schedule.tenant_id, due_at, next_at, job_quota: self.max_open }
    }
}
