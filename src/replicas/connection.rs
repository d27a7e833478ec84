//! Connections to Redis, for each kind of deployment, and the pool's connection manager.

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

/// Connecting may take longer than a command.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens connections.
pub(super) enum ConnectionManager {
    Single(Box<Client>),
    Cluster { client: Box<ClusterClient>, nodes: Vec<Client> },
    Sentinel(Box<Mutex<SentinelClient>>),
}

/// A connection.
pub(super) struct Connection {
    transport: Transport,
    /// Set after an error or a cancelled command: a reply may still be in transit, so the connection is not reused.
    pub is_broken: bool,
}

enum Transport {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionManager {
    /// Opens no connection yet.
    pub fn new(address: &RedisAddress, timeout: Duration) -> RedisResult<Self> {
        let client = |url: &Secret| Client::open(url.reveal());
        match address {
            RedisAddress::Single(url) => Ok(Self::Single(Box::new(client(url)?))),
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

    /// A client for one server that receives everything published; in a cluster, any node does.
    pub async fn subscriber_client(&self, attempt: usize) -> RedisResult<Client> {
        match self {
            Self::Single(client) => Ok(Client::clone(client)),
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
    // The response timeout is applied by the caller.
    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(None)
}

impl ManageConnection for ConnectionManager {
    type Connection = self::Connection;
    type Error = redis::RedisError;

    async fn connect(&self) -> RedisResult<Connection> {
        let transport = match self {
            Self::Single(client) => {
                Transport::Single(client.get_multiplexed_async_connection_with_config(&config()).await?)
            }
            Self::Cluster { client, .. } => Transport::Cluster(client.get_async_connection().await?),
            Self::Sentinel(client) => {
                let server = client.lock().await.async_get_client().await?;
                Transport::Single(server.get_multiplexed_async_connection_with_config(&config()).await?)
            }
        };
        Ok(Connection { transport, is_broken: false })
    }

    async fn is_valid(&self, connection: &mut Connection) -> RedisResult<()> {
        Cmd::ping().query_async(connection).await
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_broken
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.transport {
            Transport::Single(transport) => transport.req_packed_command(cmd),
            Transport::Cluster(transport) => transport.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.transport {
            Transport::Single(transport) => transport.req_packed_commands(pipeline, offset, count),
            Transport::Cluster(transport) => transport.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.transport {
            Transport::Single(transport) => transport.get_db(),
            Transport::Cluster(transport) => transport.get_db(),
        }
    }
}
