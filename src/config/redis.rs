//! The address of Redis: a single server, a server monitored by Sentinels, or a cluster.

use std::str::FromStr;

use super::Secret;

const SINGLE: &str = "redis";
const CLUSTER: &str = "+cluster";
const SENTINEL: &str = "+sentinel";
/// Also the error for an unreadable URL, which is not printed because it may contain a password.
const FORM: &str = "must be redis://HOST:PORT, redis+cluster://HOST:PORT,HOST:PORT or redis+sentinel://HOST:PORT,HOST:PORT/MASTER \
     (rediss for TLS), with USER:PASSWORD@ before the first host if required";

/// How to connect to Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisAddress {
    /// A single server, by its URL.
    Single(Secret),
    /// A cluster, by the URLs of some of its nodes; the client discovers the others.
    Cluster(Vec<Secret>),
    /// The master reported by Sentinels.
    Sentinel {
        /// Host and port of each Sentinel.
        sentinels: Vec<(String, u16)>,
        /// Name of the master in the Sentinels' configuration.
        master: String,
        /// URL with the connection parameters of the master; its host is ignored.
        server: Secret,
    },
}

/// The URL is not a valid Redis address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{FORM}")]
pub struct RedisAddressError;

impl FromStr for RedisAddress {
    type Err = RedisAddressError;

    fn from_str(url: &str) -> Result<Self, RedisAddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(RedisAddressError)?;
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = hosts.rsplit_once('@').map_or(("", hosts), |(login, hosts)| (login, hosts));
        let login = if login.is_empty() { String::new() } else { format!("{login}@") };
        let hosts: Vec<(String, u16)> =
            hosts.split(',').map(host_and_port).collect::<Option<_>>().ok_or(RedisAddressError)?;
        let plain = scheme.trim_end_matches(CLUSTER).trim_end_matches(SENTINEL);
        if plain != SINGLE && plain != "rediss" {
            return Err(RedisAddressError);
        }
        let node = |(host, port): &(String, u16)| Secret::from(format!("{plain}://{login}{host}:{port}"));
        match &scheme[plain.len()..] {
            "" if hosts.len() == 1 && is_database(path) => Ok(Self::Single(Secret::from(url))),
            CLUSTER if path.is_empty() => Ok(Self::Cluster(hosts.iter().map(node).collect())),
            SENTINEL if !path.is_empty() => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                let server = Secret::from(format!("{plain}://{login}localhost/{database}"));
                let usable = is_database(database) && !master.is_empty();
                usable
                    .then(|| Self::Sentinel { sentinels: hosts, master: master.to_owned(), server })
                    .ok_or(RedisAddressError)
            }
            _ => Err(RedisAddressError),
        }
    }
}

fn is_database(path: &str) -> bool {
    path.split('?').next().is_some_and(|number| number.is_empty() || number.parse::<u16>().is_ok())
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    const PORT: u16 = 6379;
    let (host, port) = match text.rsplit_once(':') {
        // The colons belong to an IPv6 address in brackets.
        Some((_, after)) if after.ends_with(']') => (text, Some(PORT)),
        Some((host, port)) => (host, port.parse().ok()),
        None => (text, Some(PORT)),
    };
    (!host.is_empty()).then_some((host.to_owned(), port?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Option<RedisAddress> {
        url.parse().ok()
    }

    #[test]
    fn single_server_cluster_and_sentinel_urls_are_parsed() {
        let secrets = |urls: &[&str]| urls.iter().map(|url| Secret::from(*url)).collect::<Vec<_>>();
        for url in ["redis://cache", "rediss://me:hunter2@cache:6380/3", "redis://[::1]:6379"] {
            assert_eq!(parse(url), Some(RedisAddress::Single(Secret::from(url))));
        }
        let nodes = secrets(&["redis://:hunter2@a:7000", "redis://:hunter2@b:6379"]);
        assert_eq!(parse("redis+cluster://:hunter2@a:7000,b"), Some(RedisAddress::Cluster(nodes)));
        let sentinel = RedisAddress::Sentinel {
            sentinels: vec![("a".to_owned(), 26379), ("b".to_owned(), 26380)],
            master: "mymaster".to_owned(),
            server: Secret::from("rediss://me:hunter2@localhost/2"),
        };
        assert_eq!(parse("rediss+sentinel://me:hunter2@a:26379,b:26380/mymaster/2"), Some(sentinel));
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "cache:6379",
            "http://cache",
            "redis://",
            "redis://a,b",
            "redis://a:port",
            "redis://a/name",
            "redis+cluster://a/1",
            "redis+sentinel://a",
            "redis+sentinel://a/mymaster/name",
            "redis+other://a",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }
}
