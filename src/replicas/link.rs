//! One connection to Redis, however Redis is set up, and how the pool makes it.

use std::time::Duration;

use bb8_redis::bb8::ManageConnection;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo, Pipeline, RedisFuture, RedisResult,
    TlsMode, Value,
};
use tokio::sync::Mutex;

use crate::config::{RedisAddress, Secret};

/// To make a connection may take longer than to use it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Makes connections.
pub(super) enum Maker {
    One(Box<Client>),
    Cluster { client: Box<ClusterClient>, nodes: Vec<Client> },
    Sentinel(Box<Mutex<SentinelClient>>),
}

/// A connection.
pub(super) struct Link {
    way: Way,
    /// After an error nobody knows what is still on its way: such a connection is not used again.
    pub is_broken: bool,
}

enum Way {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Maker {
    /// Connects to nothing yet.
    pub fn new(address: &RedisAddress, timeout: Duration) -> RedisResult<Self> {
        let client = |url: &Secret| Client::open(url.reveal());
        match address {
            RedisAddress::One(url) => Ok(Self::One(Box::new(client(url)?))),
            RedisAddress::Cluster(urls) => {
                let builder = ClusterClient::builder(urls.iter().map(Secret::reveal));
                let builder = builder.connection_timeout(CONNECT_TIMEOUT).response_timeout(timeout).retries(2);
                let nodes = urls.iter().map(client).collect::<RedisResult<_>>()?;
                Ok(Self::Cluster { client: Box::new(builder.build()?), nodes })
            }
            RedisAddress::Sentinel { sentinels, master, server } => {
                Ok(Self::Sentinel(Box::new(Mutex::new(sentinel_client(sentinels, master, server)?))))
            }
        }
    }

    /// A way to one server that hears what is published anywhere: any node of a cluster does.
    pub async fn listener(&self, attempt: usize) -> RedisResult<Client> {
        match self {
            Self::One(client) => Ok(Client::clone(client)),
            Self::Cluster { nodes, .. } => Ok(nodes[attempt % nodes.len()].clone()),
            Self::Sentinel(client) => client.lock().await.async_get_client().await,
        }
    }
}

fn sentinel_client(sentinels: &[(String, u16)], master: &str, server: &Secret) -> RedisResult<SentinelClient> {
    let server = server.reveal().into_connection_info()?;
    let addresses = sentinels.iter().map(|(host, port)| ConnectionAddr::Tcp(host.clone(), *port));
    let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?;
    let redis = server.redis_settings();
    builder = builder.set_client_to_redis_db(redis.db());
    if let Some(user) = redis.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = redis.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if matches!(server.addr(), ConnectionAddr::TcpTls { .. }) {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    builder.build()
}

fn config() -> AsyncConnectionConfig {
    // How long an answer may take is the business of whoever asks.
    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(None)
}

impl ManageConnection for Maker {
    type Connection = Link;
    type Error = redis::RedisError;

    async fn connect(&self) -> RedisResult<Link> {
        let way = match self {
            Self::One(client) => Way::One(client.get_multiplexed_async_connection_with_config(&config()).await?),
            Self::Cluster { client, .. } => Way::Cluster(client.get_async_connection().await?),
            Self::Sentinel(client) => {
                let server = client.lock().await.async_get_client().await?;
                Way::One(server.get_multiplexed_async_connection_with_config(&config()).await?)
            }
        };
        Ok(Link { way, is_broken: false })
    }

    async fn is_valid(&self, link: &mut Link) -> RedisResult<()> {
        Cmd::ping().query_async(link).await
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.is_broken
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.way {
            Way::One(way) => way.req_packed_command(cmd),
            Way::Cluster(way) => way.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.way {
            Way::One(way) => way.req_packed_commands(pipeline, offset, count),
            Way::Cluster(way) => way.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.way {
            Way::One(way) => way.get_db(),
            Way::Cluster(way) => way.get_db(),
        }
    }
}
