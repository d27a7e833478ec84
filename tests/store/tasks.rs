//! "Check now".

use amazon_tracker::domain::{ProductId, ProductStatus, TaskId, TaskStatus};
use amazon_tracker::store::{Commit, Lane, Next, ProductPatch, StoreError, TaskEnd};

use crate::world::*;

on_both_engines! {
    a_request_moves_an_idle_listing_to_the_front,
    a_request_during_a_look_changes_nothing_and_shares_it,
    a_task_is_done_when_every_product_of_it_is,
    many_tasks_for_one_listing_end_together,
    a_task_waits_over_a_retry_and_fails_for_good,
    a_paused_product_can_be_asked_for,
    a_parked_listing_is_woken,
    a_product_asked_for_twice_is_one_item,
    a_foreign_product_spoils_the_whole_request,
    a_task_is_its_tenants_own,
    the_waiting_tasks_of_a_poisonous_listing_fail,
}

async fn a_request_moves_an_idle_listing_to_the_front(world: &World) {
    let product = world.watch(1).await;
    world.see(500).await;
    let task = world.store.request_look(US, &[product.id]).await.unwrap();
    assert_eq!((task.status(), task.created_at), (TaskStatus::Pending, world.now().await));
    assert_eq!(world.store.task(US, task.id).await.unwrap(), task);
    let claim = world.claim_from(Lane::AskedFor, 1).await.remove(0);
    assert_eq!(world.store.task(US, task.id).await.unwrap().status(), TaskStatus::Running);
    world.commit(seen(&claim, 500, world.now().await)).await;
    let task = world.store.task(US, task.id).await.unwrap();
    assert_eq!((task.status(), task.finished_at()), (TaskStatus::Done, Some(world.now().await)));
    assert_eq!(task.items[0].outcome.as_deref(), Some("observed"));
}

async fn a_request_during_a_look_changes_nothing_and_shares_it(world: &World) {
    let product = world.watch(1).await;
    let claim = world.claim_one().await;
    let task = world.store.request_look(US, &[product.id]).await.unwrap();
    assert_eq!(task.status(), TaskStatus::Running);
    assert!(world.claim_from(Lane::AskedFor, 1).await.is_empty());
    assert_eq!(world.store.next_due_in().await.unwrap(), Some(LEASE));
    world.commit(seen(&claim, 500, world.now().await)).await;
    assert_eq!(world.store.task(US, task.id).await.unwrap().status(), TaskStatus::Done);
    assert_eq!(world.store.next_due_in().await.unwrap(), Some(DAY), "one look was enough");
}

async fn a_task_is_done_when_every_product_of_it_is(world: &World) {
    let products = [world.watch(1).await, world.watch(2).await];
    let task = world.store.request_look(US, &products.each_ref().map(|product| product.id)).await.unwrap();
    assert_eq!(task.items.iter().map(|item| item.product_id).collect::<Vec<_>>(), products.map(|product| product.id));
    let claims = world.claim_from(Lane::AskedFor, 2).await;
    world.commit(seen(&claims[0], 500, world.now().await)).await;
    assert_eq!(world.store.task(US, task.id).await.unwrap().status(), TaskStatus::Running);
    world.commit(seen(&claims[1], 500, world.now().await)).await;
    assert_eq!(world.store.task(US, task.id).await.unwrap().status(), TaskStatus::Done);
}

async fn many_tasks_for_one_listing_end_together(world: &World) {
    let product = world.watch(1).await;
    let mut tasks = Vec::new();
    for _ in 0..10 {
        tasks.push(world.store.request_look(US, &[product.id]).await.unwrap().id);
    }
    let claims = world.claim_from(Lane::AskedFor, 10).await;
    assert_eq!(claims.len(), 1);
    world.commit(seen(&claims[0], 500, world.now().await)).await;
    for task in tasks {
        assert_eq!(world.store.task(US, task).await.unwrap().status(), TaskStatus::Done);
    }
}

async fn a_task_waits_over_a_retry_and_fails_for_good(world: &World) {
    let product = world.watch(1).await;
    let task = world.store.request_look(US, &[product.id]).await.unwrap();
    let claim = world.claim_from(Lane::AskedFor, 1).await.remove(0);
    world.commit(failed(&claim, Next::Retry(HOUR))).await;
    assert_eq!(world.store.task(US, task.id).await.unwrap().status(), TaskStatus::Pending);
    world.clock.advance(HOUR);
    let claim = world.claim_from(Lane::AskedFor, 1).await.remove(0);
    world.commit(Commit { tasks: TaskEnd::Failed, ..failed(&claim, Next::Due(DAY)) }).await;
    let task = world.store.task(US, task.id).await.unwrap();
    assert_eq!((task.status(), task.items[0].outcome.as_deref()), (TaskStatus::Failed, Some("failed_timeout")));
}

async fn a_paused_product_can_be_asked_for(world: &World) {
    let product = world.watch(1).await;
    let pause = ProductPatch { status: Some(ProductStatus::Paused), ..ProductPatch::default() };
    world.store.update_product(US, product.id, &pause).await.unwrap();
    let task = world.store.request_look(US, &[product.id]).await.unwrap();
    world.store.update_product(US, product.id, &pause).await.unwrap();
    let claim = world.claim_from(Lane::AskedFor, 1).await.remove(0);
    assert_eq!(claim.frequency, None);
    world.commit(Commit { next: Next::Parked, ..seen(&claim, 500, world.now().await) }).await;
    assert_eq!(world.store.task(US, task.id).await.unwrap().status(), TaskStatus::Done);
    assert_eq!(world.store.next_due_in().await.unwrap(), None);
}

async fn a_parked_listing_is_woken(world: &World) {
    let product = world.watch(1).await;
    let claim = world.claim_one().await;
    world.commit(failed(&claim, Next::Parked)).await;
    world.store.request_look(US, &[product.id]).await.unwrap();
    let claim = world.claim_from(Lane::AskedFor, 1).await.remove(0);
    assert_eq!((claim.token, claim.attempt), (2, 1));
}

async fn a_product_asked_for_twice_is_one_item(world: &World) {
    let product = world.watch(1).await;
    let task = world.store.request_look(US, &[product.id, product.id]).await.unwrap();
    assert_eq!(task.items.len(), 1);
}

async fn a_foreign_product_spoils_the_whole_request(world: &World) {
    world.add_tenant().await;
    let ours = world.watch(1).await;
    world.see(500).await;
    let theirs = world.store.add_product(new_product(THEM, 2)).await.unwrap();
    for stranger in [theirs.id, ProductId::new()] {
        let answer = world.store.request_look(US, &[ours.id, stranger]).await;
        assert!(matches!(answer, Err(StoreError::NotFound)));
    }
    assert!(world.claim_from(Lane::AskedFor, 10).await.is_empty());
    assert_eq!(world.number("SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM task_item)").await, 0);
}

async fn a_task_is_its_tenants_own(world: &World) {
    world.add_tenant().await;
    let product = world.watch(1).await;
    let task = world.store.request_look(US, &[product.id]).await.unwrap();
    assert!(matches!(world.store.task(THEM, task.id).await, Err(StoreError::NotFound)));
    assert!(matches!(world.store.task(US, TaskId::new()).await, Err(StoreError::NotFound)));
}

async fn the_waiting_tasks_of_a_poisonous_listing_fail(world: &World) {
    let product = world.watch(1).await;
    let task = world.store.request_look(US, &[product.id]).await.unwrap();
    world.claim_from(Lane::AskedFor, 1).await;
    world.clock.advance(LEASE);
    assert_eq!(world.store.park_poison(1, 10).await.unwrap(), 1);
    let task = world.store.task(US, task.id).await.unwrap();
    assert_eq!((task.status(), task.items[0].outcome.as_deref()), (TaskStatus::Failed, Some("failed_panicked")));
}
