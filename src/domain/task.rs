//! A crawl task ("check now").

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::ids::{ProductId, TaskId};

/// The status of a task, or of one item of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TaskStatus {
    /// Not started.
    Pending,
    /// A crawl is in progress.
    Running,
    /// Crawled; for a task: all items are.
    Done,
    /// The crawl failed for good; for a task: at least one item did.
    Failed,
    /// The product was deleted before the crawl.
    Cancelled,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: &[TaskStatus] = &[Self::Pending, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The name used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// True when the status can no longer change.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// One product of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskItem {
    /// The product.
    pub product_id: ProductId,
    /// Status of the item.
    pub status: TaskStatus,
    /// The outcome of the crawl, once it ended: the name of an [`Outcome`](super::Outcome).
    pub outcome: Option<String>,
    /// When the crawl ended.
    pub finished_at: Option<Timestamp>,
}

/// A durable request to crawl some products now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Identifier.
    pub id: TaskId,
    /// When it was created.
    pub created_at: Timestamp,
    /// One item per requested product.
    pub items: Vec<TaskItem>,
}

impl Task {
    /// The status of the whole task: final only when every item is.
    pub fn status(&self) -> TaskStatus {
        let has = |status: TaskStatus| self.items.iter().any(|item| item.status == status);
        let all_final = self.items.iter().all(|item| item.status.is_final());
        match all_final {
            true if has(TaskStatus::Failed) => TaskStatus::Failed,
            true if has(TaskStatus::Done) => TaskStatus::Done,
            true => TaskStatus::Cancelled,
            false if self.items.iter().all(|item| item.status == TaskStatus::Pending) => TaskStatus::Pending,
            false => TaskStatus::Running,
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

    fn status_of(items: &[TaskStatus]) -> TaskStatus {
        let item = |status: &TaskStatus| TaskItem {
            product_id: ProductId::new(),
            status: *status,
            outcome: None,
            finished_at: None,
        };
        Task { id: TaskId::new(), created_at: Timestamp::UNIX_EPOCH, items: items.iter().map(item).collect() }.status()
    }

    #[test]
    fn a_task_ends_with_its_last_item_and_reports_the_worst_status() {
        use TaskStatus::*;
        assert_eq!(status_of(&[Pending, Pending]), Pending);
        assert_eq!(status_of(&[Done, Pending]), Running);
        assert_eq!(status_of(&[Running, Pending]), Running);
        assert_eq!(status_of(&[Done, Done, Cancelled]), Done);
        assert_eq!(status_of(&[Done, Failed]), Failed);
        assert_eq!(status_of(&[Cancelled]), Cancelled);
    }
}
