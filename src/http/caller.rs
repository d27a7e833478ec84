//! Who is asking.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::HOST;
use actix_web::{FromRequest, HttpRequest};

use super::problem::Problem;
use crate::domain::TenantId;

/// The tenant on whose behalf a request is made. Until accounts exist there is one, the listener refuses every address
/// but loopback, and so does this for the name it is asked by: a web page whose name was made to lead to this machine
/// would speak for whoever reads it.
pub struct Caller {
    pub tenant_id: TenantId,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
        let detail = "ask this daemon as localhost or by a loopback address";
        let foreign = || Problem::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", detail);
        ready(host.is_none_or(is_local).then_some(Self { tenant_id: TenantId::BUILT_IN }).ok_or_else(foreign))
    }
}

/// Whether a `Host` names this machine, whatever the port.
fn is_local(host: &str) -> bool {
    let Ok(url) = url::Url::parse(&format!("http://{host}/")) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for host in ["localhost", "localhost:8000", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000"] {
            assert!(is_local(host), "{host}");
        }
        for host in
            ["", "example.com", "localhost.example.com:8000", "10.0.0.1", "localhost@example.com", "0.0.0.0:8000"]
        {
            assert!(!is_local(host), "{host}");
        }
    }
}
