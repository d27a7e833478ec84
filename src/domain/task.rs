//! A "check now" that somebody asked for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::ids::{ProductId, TaskId};

/// Where a task, or one product of it, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TaskStatus {
    /// Nobody has started.
    Pending,
    /// A look is under way.
    Running,
    /// Looked at; for a task: every product of it.
    Done,
    /// The look failed for good; for a task: at least one product's.
    Failed,
    /// The product was deleted before anybody looked.
    Cancelled,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: &[TaskStatus] = &[Self::Pending, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// True when nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// One product of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskItem {
    /// The product asked for.
    pub product_id: ProductId,
    /// Where it stands.
    pub status: TaskStatus,
    /// How the look ended, once it has: the word of an [`Outcome`](super::Outcome).
    pub outcome: Option<String>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A durable request to look at some products now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Identity.
    pub id: TaskId,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// One for each product asked for.
    pub items: Vec<TaskItem>,
}

impl Task {
    /// The whole task's status: final only when every item is.
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

    /// When the last item ended, once all have.
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
    fn a_task_ends_when_its_last_item_does_and_tells_the_worst() {
        use TaskStatus::*;
        assert_eq!(status_of(&[Pending, Pending]), Pending);
        assert_eq!(status_of(&[Done, Pending]), Running);
        assert_eq!(status_of(&[Running, Pending]), Running);
        assert_eq!(status_of(&[Done, Done, Cancelled]), Done);
        assert_eq!(status_of(&[Done, Failed]), Failed);
        assert_eq!(status_of(&[Cancelled]), Cancelled);
    }
}
