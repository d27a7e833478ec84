//! One replica of the daemon, as a process.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};

use crate::processes::{Folder, Process, free_port};
use crate::{BINARY, eventually};

/// Timeout of a probe.
const PROBE: Duration = Duration::from_secs(1);

/// Environment variables of a process.
pub type Variables = Vec<(String, String)>;

/// A replica.
pub struct Replica {
    pub name: String,
    pub address: SocketAddr,
    pub process: Process,
    variables: Variables,
    client: Client,
}

impl Replica {
    /// Starts a replica, without waiting until it is ready.
    pub fn start(folder: &Folder, name: &str, variables: Variables) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        // No idle connections: a replica that was frozen closes them as soon as it goes on.
        let client = Client::builder().no_proxy().timeout(PROBE).pool_max_idle_per_host(0).build().unwrap();
        let process = Process::new(folder.home(name));
        let replica = Self { name: name.to_owned(), address, process, variables, client };
        replica.run();
        replica
    }

    /// Starts it again at the same address.
    pub fn run(&self) {
        let mut serve = Command::new(BINARY);
        serve.env_clear().envs(self.variables.clone());
        self.process.run(serve.args(["serve", "--listen", &self.address.to_string()]));
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request to this replica only.
    pub fn request(&self, client: &Client, method: Method, path: &str) -> RequestBuilder {
        client.request(method, self.url(path))
    }

    /// True if the readiness probe succeeds.
    pub async fn is_ready(&self) -> bool {
        let response = self.client.get(self.url("/health/ready")).send().await;
        response.is_ok_and(|answer| answer.status() == 200)
    }

    pub async fn await_ready(&self, patience: Duration) {
        let what = format!("{} is ready", self.name);
        eventually(&what, patience, async || self.is_ready().await).await;
    }

    /// The sum of a metric over its labels; zero if there is none.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = self.client.get(self.url("/metrics")).send().await.unwrap().text().await.unwrap();
        sum_of(&metrics, name)
    }

    /// Suffix of the owner in its leases.
    pub fn owner_ends_with(&self) -> String {
        format!("/{}", self.process.id())
    }
}

/// The sum of a metric over its labels, in the text format of Prometheus.
pub fn sum_of(metrics: &str, name: &str) -> f64 {
    let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
    let value = |line: &str| line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok());
    metrics.lines().filter(of_name).filter_map(value).sum()
}
