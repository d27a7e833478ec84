//! A requested crawl of some products ("check now"): a job whose items are read with it.

use jiff::Timestamp;

use super::ids::{JobId, ProductId};
use super::job::{ItemStatus, JobStatus};

/// One product of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskItem {
    /// The product.
    pub product_id: ProductId,
    /// Status of the item.
    pub status: ItemStatus,
    /// The outcome of the crawl, once it ended: the name of an [`Outcome`](super::Outcome).
    pub outcome: Option<String>,
    /// When the crawl ended.
    pub finished_at: Option<Timestamp>,
}

/// A durable request to crawl some products now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Identifier: that of the job.
    pub id: JobId,
    /// When it was created.
    pub created_at: Timestamp,
    /// One item per requested product.
    pub items: Vec<TaskItem>,
}

impl Task {
    /// The status of the whole task: final only when every item is.
    pub fn status(&self) -> JobStatus {
        let has = |status: ItemStatus| self.items.iter().any(|item| item.status == status);
        let all_final = self.items.iter().all(|item| item.status.is_final());
        match all_final {
            true if has(ItemStatus::Failed) => JobStatus::Failed,
            true if has(ItemStatus::Done) => JobStatus::Done,
            true => JobStatus::Cancelled,
            false if self.items.iter().all(|item| item.status == ItemStatus::Pending) => JobStatus::Pending,
            false => JobStatus::Running,
        }
    }

    /// When the last item ended; `None` until all have.
    pub fn finished_at(&self) -> Option<Timestamp> {
        let all_final = self.items.iter().all(|item| item.status.is_final());
        self.items.iter().filter_map(|item| item.finished_at).max().filter(|_| all_final)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(items: &[ItemStatus]) -> JobStatus {
        let item = |status: &ItemStatus| TaskItem {
            product_id: ProductId::new(),
            status: *status,
            outcome: None,
            finished_at: None,
        };
        Task { id: JobId::new(), created_at: Timestamp::UNIX_EPOCH, items: items.iter().map(item).collect() }.status()
    }

    #[test]
    fn a_task_ends_with_its_last_item_and_reports_the_worst_status() {
        use ItemStatus::*;
        assert_eq!(status_of(&[Pending, Pending]), JobStatus::Pending);
        assert_eq!(status_of(&[Done, Pending]), JobStatus::Running);
        assert_eq!(status_of(&[Running, Pending]), JobStatus::Running);
        assert_eq!(status_of(&[Done, Done, Cancelled]), JobStatus::Done);
        assert_eq!(status_of(&[Done, Failed]), JobStatus::Failed);
        assert_eq!(status_of(&[Cancelled]), JobStatus::Cancelled);
    }
}
