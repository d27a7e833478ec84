//! The sockets of the process, and the HTTP servers on them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use url::Url;

use super::error::AppError;
use crate::config::Settings;
use crate::http::{self, HttpSettings};
use crate::service::Service;
use crate::telemetry::Metrics;

/// Sockets that are bound and not yet served.
pub(super) struct Listeners {
    main: TcpListener,
    pub(super) address: SocketAddr,
    metrics: Option<(TcpListener, SocketAddr)>,
}

impl Listeners {
    pub(super) fn bind(settings: &Settings) -> Result<Self, AppError> {
        let server = &settings.server;
        let bind = |setting, address| bind(setting, address, server.send_timeout_secs);
        let (main, address) = bind("server.listen", server.listen)?;
        let metrics = server.metrics_listen.map(|address| bind("server.metrics_listen", address));
        Ok(Self { main, address, metrics: metrics.transpose()? })
    }

    pub(super) fn serve(
        self,
        service: &Service,
        metrics: &Arc<Metrics>,
        settings: &Settings,
        serves_api: bool,
    ) -> Result<Servers, AppError> {
        let http_settings = http_settings(settings, serves_api, self.metrics.is_none());
        let mut metrics_server = None;
        if let Some((listener, address)) = self.metrics {
            let (serving, server) =
                http::serve_metrics(listener, service.clone(), Arc::clone(metrics), http_settings.clone())?;
            tokio::task::spawn_local(serving);
            metrics_server = Some((address, server));
        }
        let (serving, main) = http::serve(self.main, service.clone(), Arc::clone(metrics), http_settings)?;
        tokio::task::spawn_local(serving);
        Ok(Servers { main, metrics: metrics_server })
    }
}

/// The running HTTP servers.
pub(super) struct Servers {
    pub(super) main: ServerHandle,
    /// Of `/metrics`, if it has a listener of its own.
    pub(super) metrics: Option<(SocketAddr, ServerHandle)>,
}

fn http_settings(settings: &Settings, serves_api: bool, serves_metrics: bool) -> HttpSettings {
    let server = &settings.server;
    HttpSettings {
        workers: server.workers,
        serves_api,
        serves_metrics,
        send_timeout: Duration::from_secs(server.send_timeout_secs.into()),
        request_timeout: Duration::from_secs(server.request_timeout_secs),
        max_connections: server.max_connections,
        max_body_bytes: server.max_body_bytes,
        cors_origins: server.cors_origins.iter().map(|url| url.origin().ascii_serialization()).collect(),
        trusted_proxies: server.trusted_proxies.clone(),
        public_path: settings
            .auth
            .public_url
            .as_ref()
            .map_or_else(String::new, |url| url.path().trim_end_matches('/').to_owned()),
        // The other half is for crawls and deliveries: a client that does not read must not use up all of it.
        drain: Duration::from_secs(server.drain_secs) / 2,
    }
}

/// The dependencies of the use cases.
fn bind(
    setting: &'static str,
    address: SocketAddr,
    send_timeout_secs: u32,
) -> Result<(TcpListener, SocketAddr), AppError> {
    let listen_error = |source| AppError::Listen { setting, address, source };
    let listener = TcpListener::bind(address).map_err(listen_error)?;
    limit_sending(&listener, send_timeout_secs).map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    Ok((listener, address))
}

/// Limits how long data may wait for a client that does not read it. Accepted connections inherit it (tcp(7), `TCP_USER_TIMEOUT`).
#[cfg(target_os = "linux")]
fn limit_sending(listener: &TcpListener, secs: u32) -> std::io::Result<()> {
    Ok(rustix::net::sockopt::set_tcp_user_timeout(listener, secs.saturating_mul(1000))?)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "Linux may refuse")]
fn limit_sending(_listener: &TcpListener, _secs: u32) -> std::io::Result<()> {
    Ok(())
}

/// Where a daemon is reached from the machine that it runs on.
pub(super) fn url_of(address: SocketAddr) -> Url {
    let host = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    let url = format!("http://{}/", SocketAddr::new(host, address.port()));
    url.parse().expect("an address makes a URL")
}
