//! `scripts/deploy-compose.sh` on replicas that serve requests, behind a gateway that keeps the addresses of the replicas
//! for the lifetime of their DNS record.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::docker::{Compose, Containers, Host};
use crate::fixture::Fixture;
use crate::load::Load;
use crate::replica::Replica;
use crate::reverse_proxy::{Addresses, ReverseProxy};
use crate::{SOON, eventually};

/// What Docker's resolver sets.
const DOCKER_TTL: Duration = Duration::from_secs(600);
/// What the service `dns` sets (config/dns/Corefile).
const CAPPED_TTL: Duration = Duration::from_secs(2);

/// Replicas in the place of containers; all other services are simulated.
struct Replicas {
    start: Box<dyn Fn(&str) -> Replica + Send>,
    reload: Box<dyn Fn() + Send>,
    running: BTreeMap<String, Replica>,
    addresses: Addresses,
    handle: Handle,
}

impl Replicas {
    fn publish(&self) {
        *self.addresses.lock().unwrap() = self.running.values().map(|replica| replica.address).collect();
    }
}

impl Containers for Replicas {
    fn start(&mut self, id: &str, service: &str, _image: u32) {
        match service {
            "tracker" => {
                self.running.insert(id.to_owned(), (self.start)(id));
                self.publish();
            }
            // A gateway that starts knows no addresses yet.
            "apisix" => (self.reload)(),
            _ => {}
        }
    }

    fn stop(&mut self, id: &str) {
        let Some(replica) = self.running.get(id) else { return };
        replica.process.terminate();
        let status = self.handle.block_on(replica.process.ended(SOON));
        assert!(status.success(), "{status}: {}", replica.process.log());
        self.running.remove(id);
        self.publish();
    }

    fn is_healthy(&mut self, id: &str, service: &str, _image: u32) -> bool {
        service != "tracker" || self.running.get(id).is_some_and(|it| self.handle.block_on(it.is_ready()))
    }

    fn reload_gateway(&mut self) {
        (self.reload)();
    }
}

/// A host whose gateway is the reverse proxy of the fixture, after its first deployment.
async fn deployed(fixture: &mut Fixture, compose: Compose, ttl: Duration) -> Arc<Host> {
    let addresses = Addresses::default();
    let proxy = ReverseProxy::resolving(Arc::clone(&addresses), ttl);
    let (start, reload) = (Box::new(fixture.starter()), Box::new(proxy.reload()));
    fixture.proxy = proxy;
    let replicas = Replicas { start, reload, running: BTreeMap::new(), addresses, handle: Handle::current() };
    let host = Arc::new(Host::new(compose, Box::new(replicas)));
    deploy(&host, fixture, &[]).await;
    host
}

async fn deploy(host: &Arc<Host>, fixture: &Fixture, arguments: &'static [&'static str]) {
    let (host, gateway) = (Arc::clone(host), fixture.proxy.url(""));
    let work = move || host.run("deploy-compose.sh", arguments, Some(&gateway));
    let output = tokio::task::spawn_blocking(work).await.unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Upgrades all replicas, and restarts them until 2,000 requests were sent.
async fn upgrades_lose_no_request(compose: Compose, ttl: Duration) {
    let mut fixture = Fixture::start().await;
    let host = deployed(&mut fixture, compose, ttl).await;
    let load = Load::start(&fixture).await;
    deploy(&host, &fixture, &[]).await;
    while load.requests() < 2_000 {
        deploy(&host, &fixture, &["restart"]).await;
    }
    assert_eq!(load.stop().await, [""; 0]);
    assert_eq!(host.engine.lock().unwrap().running_images("tracker"), [2, 2]);
}

/// The gateway is told, so the lifetime of the record does not matter.
#[tokio::test(flavor = "multi_thread")]
async fn upgrades_with_the_compose_of_debian_lose_no_request_however_long_the_gateway_keeps_addresses() {
    upgrades_lose_no_request(Compose::Debian13, DOCKER_TTL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_with_a_current_compose_lose_no_request() {
    upgrades_lose_no_request(Compose::Current, CAPPED_TTL).await;
}

/// Nobody tells the gateway: all replicas crash, and their successors have other addresses.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_move_unplanned_are_found_within_the_lifetime_of_a_record() {
    let mut fixture = Fixture::start().await;
    let host = deployed(&mut fixture, Compose::Current, CAPPED_TTL).await;
    let moving = Arc::clone(&host);
    let moved = move || moving.engine.lock().unwrap().move_all("tracker");
    tokio::task::spawn_blocking(moved).await.unwrap();
    let answers = async || fixture.get("/api/v1/products").send().await.is_ok_and(|answer| answer.status() == 200);
    eventually("the gateway finds the replicas", CAPPED_TTL + Duration::from_secs(8), answers).await;
}
