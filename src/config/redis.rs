//! Where Redis is: one server, one of several that Sentinels watch over, or a cluster.

use std::str::FromStr;

use super::Secret;

const ONE: &str = "redis";
const CLUSTER: &str = "+cluster";
const SENTINEL: &str = "+sentinel";
/// Also said of a URL that cannot be read: what it says is not shown, for it may hold a password.
const FORM: &str = "must be redis://HOST:PORT, redis+cluster://HOST:PORT,HOST:PORT or redis+sentinel://HOST:PORT,HOST:PORT/MASTER \
     (rediss for TLS), with USER:PASSWORD@ before the first host if it needs one";

/// How Redis is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisAddress {
    /// One server, by its URL.
    One(Secret),
    /// A cluster, by the URLs of some of its nodes; the others are found out.
    Cluster(Vec<Secret>),
    /// The server that Sentinels name.
    Sentinel {
        /// Where the Sentinels are: host and port.
        sentinels: Vec<(String, u16)>,
        /// The name that they know the server by.
        master: String,
        /// How the server wants to be spoken to: a URL whose host does not count.
        server: Secret,
    },
}

/// The URL says nothing that can be used.
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
        if plain != ONE && plain != "rediss" {
            return Err(RedisAddressError);
        }
        let node = |(host, port): &(String, u16)| Secret::from(format!("{plain}://{login}{host}:{port}"));
        match &scheme[plain.len()..] {
            "" if hosts.len() == 1 && is_database(path) => Ok(Self::One(Secret::from(url))),
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
        // The colons of an address in brackets.
        Some((_, after)) if after.ends_with(']') => (text, Some(PORT)),
        Some((host, port)) => (host, port.parse().ok()),
        None => (text, Some(PORT)),
    };
    (!host.is_empty()).then_some((host.to_owned(), port?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Option<RedisAddress> {
        url.parse().ok()
    }

    #[test]
    fn one_server_a_cluster_and_sentinels_are_told_apart() {
        let secrets = |urls: &[&str]| urls.iter().map(|url| Secret::from(*url)).collect::<Vec<_>>();
        for url in ["redis://cache", "rediss://me:hunter2@cache:6380/3", "redis://[::1]:6379"] {
            assert_eq!(read(url), Some(RedisAddress::One(Secret::from(url))));
        }
        let nodes = secrets(&["redis://:hunter2@a:7000", "redis://:hunter2@b:6379"]);
        assert_eq!(read("redis+cluster://:hunter2@a:7000,b"), Some(RedisAddress::Cluster(nodes)));
        let watched = RedisAddress::Sentinel {
            sentinels: vec![("a".to_owned(), 26379), ("b".to_owned(), 26380)],
            master: "mymaster".to_owned(),
            server: Secret::from("rediss://me:hunter2@localhost/2"),
        };
        assert_eq!(read("rediss+sentinel://me:hunter2@a:26379,b:26380/mymaster/2"), Some(watched));
    }

    #[test]
    fn what_is_neither_is_refused() {
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
            assert_eq!(read(url), None, "{url}");
        }
    }
}
