//! Clients that act for users at the tools of agents (OAuth 2.1). We are both the authorization server and its one resource.

mod authorize;
mod consent;
mod grants;
mod tokens;

use serde_json::{Value, json};
use url::Url;

use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::grantable;

pub use authorize::{AuthorizationParameters, AuthorizationRefusal};
pub use consent::ConsentQuestion;
pub use tokens::{ClientTokens, CodeExchange, RefreshExchange, TokenRefusal};

/// Where the metadata of the resource are, below the public URL.
const RESOURCE_METADATA: &str = ".well-known/oauth-protected-resource/mcp";

/// The URL of the tools, which is the audience of tokens of clients.
pub fn tools_resource(public_url: &Url) -> String {
    below(public_url, "mcp")
}

fn below(public_url: &Url, path: &str) -> String {
    format!("{}/{path}", public_url.as_str().trim_end_matches('/'))
}

impl Service {
    /// Whether the settings accept clients.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] if they do not.
    pub fn check_clients_are_accepted(&self) -> ServiceResult<()> {
        self.deps.check_clients_are_accepted()
    }

    /// Where a client without a token learns how to get one; `None`: the settings accept no clients.
    pub fn resource_metadata_url(&self) -> Option<String> {
        self.deps.oauth.enabled.then(|| below(&self.deps.public_url, RESOURCE_METADATA))
    }

    /// The metadata of the tools as a protected resource (RFC 9728).
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] if the settings accept no clients.
    pub fn protected_resource(&self) -> ServiceResult<Value> {
        self.deps.check_clients_are_accepted()?;
        Ok(json!({
            "resource": tools_resource(&self.deps.public_url),
            "authorization_servers": [self.deps.issuer()],
            "scopes_supported": scope_names(),
            "bearer_methods_supported": ["header"],
            "resource_name": "amazon-tracker",
        }))
    }

    /// The metadata of the authorization server (RFC 8414).
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] if the settings accept no clients.
    pub fn authorization_server(&self) -> ServiceResult<Value> {
        self.deps.check_clients_are_accepted()?;
        let at = |path| below(&self.deps.public_url, path);
        Ok(json!({
            "issuer": self.deps.issuer(),
            "authorization_endpoint": at("oauth/authorize"),
            "token_endpoint": at("oauth/token"),
            "revocation_endpoint": at("oauth/revoke"),
            "jwks_uri": at("api/v1/auth/jwks.json"),
            "scopes_supported": scope_names(),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "client_id_metadata_document_supported": true,
            "authorization_response_iss_parameter_supported": true,
        }))
    }
}

fn scope_names() -> Vec<&'static str> {
    grantable().iter().map(crate::domain::Scope::as_str).collect()
}

impl Dependencies {
    /// The name of this authorization server: the public URL without a slash at its end.
    fn issuer(&self) -> String {
        self.public_url.as_str().trim_end_matches('/').to_owned()
    }

    fn resource(&self) -> String {
        tools_resource(&self.public_url)
    }

    fn check_clients_are_accepted(&self) -> ServiceResult<()> {
        if self.oauth.enabled { Ok(()) } else { Err(ServiceError::NotFound("authorization server")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_is_below_the_public_url() {
        for (url, resource) in [
            ("https://tracker.example/", "https://tracker.example/mcp"),
            ("https://example.com/tracker/", "https://example.com/tracker/mcp"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/mcp"),
        ] {
            assert_eq!(tools_resource(&url.parse().unwrap()), resource);
        }
    }
}
