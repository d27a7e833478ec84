//! `scripts/deploy-compose.sh` against a double of Docker, with the Compose of Debian 13 and a current one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use crate::docker::{Compose, Containers, Host};

/// Containers that are healthy unless their image, or their service, is broken.
#[derive(Default)]
struct Simulated {
    broken_images: BTreeSet<u32>,
    broken_services: BTreeSet<&'static str>,
    /// These images become unhealthy once this number of containers was stopped.
    fails_after_stops: Option<(u32, usize)>,
    stops: usize,
}

impl Containers for Simulated {
    fn start(&mut self, _id: &str, _service: &str, _image: u32) {}

    fn stop(&mut self, _id: &str) {
        self.stops += 1;
    }

    fn is_healthy(&mut self, _id: &str, service: &str, image: u32) -> bool {
        let has_failed = self.fails_after_stops.is_some_and(|(failing, stops)| failing == image && self.stops >= stops);
        service != "tracker" && !self.broken_services.contains(service)
            || service == "tracker" && !self.broken_images.contains(&image) && !has_failed
    }
}

fn both(test: impl Fn(Compose)) {
    [Compose::Debian13, Compose::Current].into_iter().for_each(test);
}

fn deployed(compose: Compose, work: Simulated) -> Host {
    let host = Host::new(compose, Box::new(work));
    succeed(&host.run("deploy-compose.sh", &[], None));
    host.engine.lock().unwrap().least_healthy = None;
    host
}

fn succeed(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

/// The error text of a script that failed.
fn error_of(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_first_deployment_starts_every_service_and_migrates_once_at_a_time() {
    both(|compose| {
        let host = deployed(compose, Simulated::default());
        let engine = host.engine.lock().unwrap();
        assert_eq!(engine.running_images("tracker"), [1, 1]);
        for service in ["postgres", "redis", "dns", "apisix", "prometheus", "grafana", "postgres-exporter"] {
            assert_eq!(engine.running_images(service).len(), 1, "{compose:?}: {service}");
        }
        let at = |event: &str| engine.events.iter().position(|it| it.starts_with(event)).unwrap();
        assert!(at("start postgres") < at("start migrate") && at("start migrate") < at("start tracker"));
    });
}

#[test]
fn an_upgrade_always_leaves_all_replicas_healthy_and_the_gateway_in_place() {
    both(|compose| {
        let host = deployed(compose, Simulated::default());
        let before = host.engine.lock().unwrap().ids("apisix");
        succeed(&host.run("deploy-compose.sh", &[], None));
        let engine = host.engine.lock().unwrap();
        assert_eq!(engine.running_images("tracker"), [2, 2], "{compose:?}");
        assert_eq!(engine.least_healthy, Some(2), "{compose:?}: {:#?}", engine.events);
        assert_eq!(engine.ids("apisix"), before, "{compose:?}: the gateway was replaced");
        let at = |event: &str| engine.events.iter().rposition(|it| it.starts_with(event)).unwrap();
        assert!(at("reload gateway") < at("stop tracker"), "the gateway knows the new replicas before old ones stop");
        assert_eq!(engine.events.iter().filter(|it| *it == "reload gateway").count(), 1);
    });
}

#[test]
fn a_restart_replaces_the_replicas_and_nothing_else() {
    both(|compose| {
        let host = deployed(compose, Simulated::default());
        let ids = |service| host.engine.lock().unwrap().ids(service);
        let (trackers, postgres, migrate) = (ids("tracker"), ids("postgres"), ids("migrate"));
        succeed(&host.run("deploy-compose.sh", &["restart"], None));
        assert!(ids("tracker").iter().all(|id| !trackers.contains(id)), "{compose:?}");
        assert_eq!((ids("postgres"), ids("migrate")), (postgres, migrate));
        assert_eq!(host.engine.lock().unwrap().least_healthy, Some(2), "{compose:?}");
    });
}

#[test]
fn the_configured_number_of_replicas_is_started_and_checked() {
    both(|compose| {
        let host = deployed(compose, Simulated::default());
        host.set("TRACKER_REPLICAS=3");
        let error = error_of(&host.run("deploy-check.sh", &["compose"], None));
        assert!(error.contains("tracker: 2 of 2 containers are healthy, configured are 3"), "{error}");
        succeed(&host.run("deploy-compose.sh", &[], None));
        assert_eq!(host.engine.lock().unwrap().running_images("tracker"), [2, 2, 2], "{compose:?}");
    });
}

#[test]
fn replicas_that_do_not_become_healthy_are_removed_and_the_old_ones_stay() {
    both(|compose| {
        let host = deployed(compose, Simulated { broken_images: [2].into(), ..Simulated::default() });
        let before = host.engine.lock().unwrap().ids("tracker");
        let error = error_of(&host.run("deploy-compose.sh", &[], None));
        assert!(error.contains("the new replicas of tracker are not healthy and were removed"), "{error}");
        let engine = host.engine.lock().unwrap();
        assert_eq!(engine.ids("tracker"), before, "{compose:?}");
        assert_eq!((engine.running_images("tracker"), engine.least_healthy), (vec![1, 1], Some(2)));
    });
}

#[test]
fn old_replicas_that_were_stopped_run_again_when_the_new_ones_fail_without_them() {
    both(|compose| {
        let work = Simulated { fails_after_stops: Some((2, 1)), ..Simulated::default() };
        let host = deployed(compose, work);
        let before = host.engine.lock().unwrap().ids("tracker");
        let error = error_of(&host.run("deploy-compose.sh", &[], None));
        assert!(error.contains("2 old ones run again, and the new ones were removed"), "{error}");
        let engine = host.engine.lock().unwrap();
        assert_eq!((engine.ids("tracker"), engine.running_images("tracker")), (before, vec![1, 1]), "{compose:?}");
    });
}

#[test]
fn a_migration_that_fails_leaves_the_replicas_as_they_are() {
    both(|compose| {
        let host = deployed(compose, Simulated::default());
        let before = host.engine.lock().unwrap().ids("tracker");
        host.engine.lock().unwrap().is_migration_broken = true;
        let error = error_of(&host.run("deploy-compose.sh", &[], None));
        assert!(error.contains("the migration failed; the replicas were not changed"), "{error}");
        assert_eq!(host.engine.lock().unwrap().ids("tracker"), before, "{compose:?}");
    });
}

#[test]
fn a_broken_prometheus_is_reported_and_stops_nothing_else() {
    both(|compose| {
        let work = Simulated { broken_services: ["prometheus"].into(), ..Simulated::default() };
        let host = Host::new(compose, Box::new(work));
        let error = error_of(&host.run("deploy-compose.sh", &[], None));
        assert!(error.contains("unhealthy") && error.contains("prometheus"), "{error}");
        let engine = host.engine.lock().unwrap();
        for service in ["tracker", "apisix", "grafana"] {
            assert!(!engine.running_images(service).is_empty(), "{compose:?}: {service}");
        }
    });
}

#[test]
fn an_old_compose_an_unreadable_file_and_a_password_that_would_be_cut_are_refused_before_anything_is_done() {
    let refused = |host: &Host, text: &str| {
        let error = error_of(&host.run("deploy-compose.sh", &[], None));
        assert!(error.contains(text), "{error}");
        assert_eq!(host.engine.lock().unwrap().events, [""; 0]);
    };
    let old = Host::new(Compose::TooOld, Box::new(Simulated::default()));
    refused(&old, "Docker Compose 2.20.2 is too old, 2.24 is required");
    let host = Host::new(Compose::Current, Box::new(Simulated::default()));
    let file = host.path("config/postgres/init.sh");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    refused(&host, "config/postgres/init.sh is not readable for the users in containers");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    for line in ["REDIS_PASSWORD=a$b", "REDIS_PASSWORD=a #b", "SMTP_URL=\"smtp://u:a${b}@host\""] {
        let host = Host::new(Compose::Current, Box::new(Simulated::default()));
        host.set(line);
        refused(&host, "put the value in single quotes");
    }
    for line in ["REDIS_PASSWORD='a$b #c'", "REDIS_PASSWORD=a#b$1", "# REDIS_PASSWORD=a$b"] {
        host.set(line);
    }
    succeed(&host.run("deploy-compose.sh", &[], None));
}
