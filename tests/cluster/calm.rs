//! Fair weather: what three replicas do together when nothing goes wrong.

use std::time::Duration;

use crate::world::World;

/// Every price that was shown is recorded once and every crossing told once; each replica has its part of the work.
#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_share_the_work_and_do_none_of_it_twice() {
    let mut world = World::start().await;
    world.begin();
    tokio::time::sleep(Duration::from_secs(15)).await;
    world.settle_within(Duration::from_secs(10)).await;
    let tally = world.tally().await;
    assert_eq!((tally.missed, tally.repeated), (0, 0));
    assert!(tally.crossings > 20, "{tally:?}");
    for replica in &world.replicas {
        assert!(replica.metric("tracker_recorded_looks_total").await > 10.0, "{}", replica.name);
        assert_eq!(replica.metric("tracker_lost_leases_total").await, 0.0, "{}", replica.name);
    }
}
