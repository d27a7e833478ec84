//! Clients that act for a user (OAuth 2.1), known by the document at the URL that is their id (Client ID Metadata Document).

use std::net::IpAddr;

use serde::Deserialize;
use url::{Host, Url};

use super::address::is_public;
use super::plain_text::{clean_some, shorten};

/// Maximum characters of an id.
const MAX_ID_CHARS: usize = 512;
/// Maximum characters of the name of a client.
const MAX_NAME_CHARS: usize = 100;
/// Maximum characters of the address that a user is sent back to.
const MAX_REDIRECT_CHARS: usize = 2048;
/// Maximum number of such addresses in a document.
const MAX_REDIRECTS: usize = 50;

/// The id of a client: the URL of its document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(Url);

/// Why a text is not the id of a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientIdError {
    /// Longer than is stored.
    #[error("must have at most {MAX_ID_CHARS} characters")]
    TooLong,
    /// Not the URL of a document, as URLs are written: the same document must not have two ids.
    #[error("must be an https URL with a path, without a user name, a fragment, or dots in its path")]
    NotADocument,
    /// Names an address of a private network.
    #[error("must not name a private address")]
    PrivateAddress,
}

impl ClientId {
    /// Parses an id. With `allow_private`, it may name a private address, and the loopback by `http`. The addresses that a host name
    /// resolves to are checked when connecting.
    ///
    /// # Errors
    /// See [`ClientIdError`].
    pub fn parse(text: &str, allow_private: bool) -> Result<Self, ClientIdError> {
        if text.chars().count() > MAX_ID_CHARS {
            return Err(ClientIdError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| ClientIdError::NotADocument)?;
        let is_secure = url.scheme() == "https" || allow_private && is_loopback_http(&url);
        let has_more = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
        // Parsing removes `.` and `..`, default ports and capital letters of the host.
        if !is_secure || has_more || url.path() == "/" || url.as_str() != text {
            return Err(ClientIdError::NotADocument);
        }
        match literal_address(&url) {
            Some(address) if !allow_private && !is_public(address) => Err(ClientIdError::PrivateAddress),
            _ => Ok(Self(url)),
        }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, by which users know whose client it is.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// What a client says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientDocument {
    /// Its id.
    pub id: ClientId,
    /// Its name on one line; that of its host if it says none.
    pub name: String,
    redirect_uris: Vec<String>,
}

/// Why a document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientDocumentError {
    /// Not JSON, or a field has another type.
    #[error("it is not a document about a client")]
    Syntax,
    /// It says another `client_id`.
    #[error("it is about another client")]
    OtherClient,
    /// It has a secret, which everybody can read, or demands one.
    #[error("its client has a secret; only clients without one are accepted (`token_endpoint_auth_method`: `none`)")]
    Confidential,
    /// It does not use authorization codes.
    #[error("its client does not use authorization codes")]
    OtherFlow,
    /// It names no address to return to, or too many.
    #[error("it must name 1 to {MAX_REDIRECTS} `redirect_uris`")]
    Redirects,
}

#[derive(Deserialize)]
struct WireDocument {
    client_id: String,
    client_name: Option<String>,
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    client_secret: Option<serde_json::Value>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
}

impl ClientDocument {
    /// Reads the document that was found at an id.
    ///
    /// # Errors
    /// See [`ClientDocumentError`].
    pub fn parse(id: &ClientId, body: &[u8]) -> Result<Self, ClientDocumentError> {
        let wire: WireDocument = serde_json::from_slice(body).map_err(|_| ClientDocumentError::Syntax)?;
        if wire.client_id != id.as_str() {
            return Err(ClientDocumentError::OtherClient);
        }
        if wire.client_secret.is_some() || wire.token_endpoint_auth_method.is_some_and(|method| method != "none") {
            return Err(ClientDocumentError::Confidential);
        }
        let uses =
            |words: &Option<Vec<String>>, word: &str| words.as_ref().is_none_or(|all| all.iter().any(|w| w == word));
        if !uses(&wire.grant_types, "authorization_code") || !uses(&wire.response_types, "code") {
            return Err(ClientDocumentError::OtherFlow);
        }
        if wire.redirect_uris.is_empty() || wire.redirect_uris.len() > MAX_REDIRECTS {
            return Err(ClientDocumentError::Redirects);
        }
        let name = clean_some(wire.client_name.as_deref()).unwrap_or_else(|| id.host().to_owned());
        Ok(Self { id: id.clone(), name: shorten(&name, MAX_NAME_CHARS), redirect_uris: wire.redirect_uris })
    }

    /// The address to return to, if the document names it: exactly, or on the loopback with another port (RFC 8252, section 7.3).
    /// Addresses of other schemes than `https` are refused unless they are on the loopback: any program can claim a scheme.
    pub fn redirect(&self, wanted: &str) -> Option<Url> {
        if wanted.chars().count() > MAX_REDIRECT_CHARS {
            return None;
        }
        let url = Url::parse(wanted).ok()?;
        let is_safe = url.scheme() == "https" || is_loopback_http(&url);
        let has_more = !url.username().is_empty() || url.password().is_some() || wanted.contains('#');
        let is_named = self.redirect_uris.iter().any(|named| named == wanted || is_same_but_port(named, &url));
        (is_safe && !has_more && is_named).then_some(url)
    }
}

/// True if both are on the loopback and differ in nothing but the port.
fn is_same_but_port(named: &str, wanted: &Url) -> bool {
    let Ok(mut named) = Url::parse(named) else { return false };
    is_loopback_http(&named) && is_loopback_http(wanted) && named.set_port(wanted.port()).is_ok() && named == *wanted
}

fn is_loopback_http(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        _ => literal_address(url).is_some_and(|address| address.is_loopback()),
    };
    url.scheme() == "http" && is_loopback
}

fn literal_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "https://app.example/oauth/client.json";

    fn id() -> ClientId {
        ClientId::parse(ID, false).unwrap()
    }

    fn parsed(change: impl FnOnce(&mut Value)) -> Result<ClientDocument, ClientDocumentError> {
        let mut document = json!({ "client_id": ID, "client_name": "An\u{202e} app\n", "redirect_uris": [
            "https://app.example/callback", "http://localhost/callback", "http://127.0.0.1:7777/cb?a=b", "app://callback"] });
        change(&mut document);
        ClientDocument::parse(&id(), document.to_string().as_bytes())
    }

    #[test]
    fn an_id_is_the_only_way_to_write_the_url_of_a_document() {
        assert_eq!((id().as_str(), id().host()), (ID, "app.example"));
        for wrong in [
            "app",
            "http://app.example/client.json",
            "https://app.example",
            "https://app.example/",
            "https://App.example/client.json",
            "https://app.example:443/client.json",
            "https://app.example/a/../client.json",
            "https://me@app.example/client.json",
            "https://app.example/client.json#x",
            "http://localhost/client.json",
        ] {
            assert_eq!(ClientId::parse(wrong, false), Err(ClientIdError::NotADocument), "{wrong}");
        }
        let long = format!("https://app.example/{}", "x".repeat(512));
        assert_eq!(ClientId::parse(&long, false), Err(ClientIdError::TooLong));
        for private in ["https://10.0.0.1/client.json", "https://[::1]/client.json", "https://169.254.169.254/latest"] {
            assert_eq!(ClientId::parse(private, false), Err(ClientIdError::PrivateAddress), "{private}");
        }
        assert!(ClientId::parse("http://127.0.0.1:9/client.json", true).is_ok());
        assert!(ClientId::parse("http://10.0.0.1/client.json", true).is_err(), "without TLS on the loopback alone");
    }

    #[test]
    fn a_document_is_about_its_own_client_which_has_no_secret() {
        assert_eq!(parsed(|_| {}).unwrap().name, "An app");
        assert_eq!(parsed(|it| it["client_name"] = json!("\n")).unwrap().name, "app.example");
        type Change = fn(&mut Value);
        let wrong: [(Change, ClientDocumentError); 8] = [
            (|it| it["client_id"] = json!("https://other.example/client.json"), ClientDocumentError::OtherClient),
            (|it| it["client_id"] = json!(7), ClientDocumentError::Syntax),
            (|it| it["client_secret"] = json!("s"), ClientDocumentError::Confidential),
            (|it| it["token_endpoint_auth_method"] = json!("client_secret_post"), ClientDocumentError::Confidential),
            (|it| it["grant_types"] = json!(["client_credentials"]), ClientDocumentError::OtherFlow),
            (|it| it["response_types"] = json!(["token"]), ClientDocumentError::OtherFlow),
            (|it| it["redirect_uris"] = json!([]), ClientDocumentError::Redirects),
            (|it| it["redirect_uris"] = json!(vec!["https://app.example/"; 51]), ClientDocumentError::Redirects),
        ];
        for (change, error) in wrong {
            assert_eq!(parsed(change), Err(error));
        }
    }

    #[test]
    fn a_user_returns_to_an_address_that_the_document_names_and_to_no_other() {
        let document = parsed(|_| {}).unwrap();
        for named in [
            "https://app.example/callback",
            "http://localhost/callback",
            "http://localhost:3118/callback",
            "http://127.0.0.1:1/cb?a=b",
        ] {
            assert_eq!(document.redirect(named).map(|url| url.to_string()).as_deref(), Some(named));
        }
        for other in [
            "https://app.example/callback/",
            "https://app.example/callback?x=1",
            "https://app.example:8443/callback",
            "https://app.example/callback#x",
            "http://app.example/callback",
            "http://127.0.0.1:3118/callback",
            "http://localhost:3118/callback?x",
            "http://localhost:3118/other",
            "http://me@localhost/callback",
            "http://localhost.evil.example/callback",
            "app://callback",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(document.redirect(other), None, "{other}");
        }
    }
}
