//! Requests of clients, checked before a user sees them.

use std::sync::Arc;

use url::Url;

use crate::client_documents::ClientFetchError;
use crate::domain::{AuthorizationRequest, ClientDocument, ClientId, PkceChallenge, Scope, Scopes, grantable};
use crate::service::{Dependencies, Service, ServiceError};

/// Maximum characters of what a client gets back as it is.
const MAX_STATE_CHARS: usize = 1024;

/// A request as the browser of a user brings it (RFC 6749, 7636 and 8707).
#[derive(Debug, Clone, Default)]
pub struct AuthorizationParameters {
    /// `code`
    pub response_type: Option<String>,
    /// The URL of the document of the client.
    pub client_id: Option<String>,
    /// Where the user returns to.
    pub redirect_uri: Option<String>,
    /// What the client asks for; without it, to read.
    pub scope: Option<String>,
    /// Returned to the client.
    pub state: Option<String>,
    /// For which resource; without it, the only one that there is.
    pub resource: Option<String>,
    /// The challenge of PKCE.
    pub code_challenge: Option<String>,
    /// `S256`
    pub code_challenge_method: Option<String>,
}

/// Why a request is not carried out.
#[derive(Debug)]
pub enum AuthorizationRefusal {
    /// To be shown to the user, who must not be sent anywhere: it is not known where the client is.
    Shown(String),
    /// To be told to the client, by sending the user there.
    Redirected(Url),
    /// A failure of ours.
    Service(ServiceError),
}

impl From<ServiceError> for AuthorizationRefusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl Service {
    /// Checks a request.
    ///
    /// # Errors
    /// See [`AuthorizationRefusal`].
    pub async fn authorization_request(
        &self,
        parameters: AuthorizationParameters,
    ) -> Result<AuthorizationRequest, AuthorizationRefusal> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.authorization_request(parameters).await)).await?
    }
}

impl Dependencies {
    pub(super) async fn authorization_request(
        &self,
        parameters: AuthorizationParameters,
    ) -> Result<AuthorizationRequest, AuthorizationRefusal> {
        self.check_clients_are_accepted()?;
        let client = self.client_of(parameters.client_id.as_deref()).await?;
        let redirect = parameters.redirect_uri.as_deref().and_then(|uri| Some((uri.to_owned(), client.redirect(uri)?)));
        let Some((redirect_uri, redirect)) = redirect else {
            let text = "the app did not say where to return to, or an address that its document does not name";
            return Err(AuthorizationRefusal::Shown(text.to_owned()));
        };
        let state = parameters.state.clone().filter(|state| state.chars().count() <= MAX_STATE_CHARS);
        let refused = |code: &str, description: &str| {
            let answer = [("error", code), ("error_description", description)];
            AuthorizationRefusal::Redirected(self.answer(redirect.clone(), &answer, state.as_deref()))
        };
        if state != parameters.state {
            return Err(refused("invalid_request", "state is too long"));
        }
        if parameters.response_type.as_deref() != Some("code") {
            return Err(refused("unsupported_response_type", "response_type must be code"));
        }
        let challenge = parameters.code_challenge.as_deref().and_then(PkceChallenge::parse);
        let challenge = challenge.filter(|_| parameters.code_challenge_method.as_deref() == Some("S256"));
        let Some(challenge) = challenge else {
            return Err(refused("invalid_request", "code_challenge with code_challenge_method S256 is required"));
        };
        let resource = self.resource();
        if parameters.resource.as_ref().is_some_and(|wanted| *wanted != resource) {
            return Err(refused("invalid_target", "resource must be the URL of the tools"));
        }
        let Some(scopes) = asked_scopes(parameters.scope.as_deref()) else {
            return Err(refused("invalid_scope", "scope must be some of scopes_supported"));
        };
        Ok(AuthorizationRequest {
            client_id: client.id.as_str().to_owned(),
            client_name: client.name.clone(),
            redirect_uri,
            challenge: challenge.as_str().to_owned(),
            scopes,
            resource,
            state,
        })
    }

    async fn client_of(&self, client_id: Option<&str>) -> Result<Arc<ClientDocument>, AuthorizationRefusal> {
        let shown = |why: String| AuthorizationRefusal::Shown(format!("the app cannot be used: {why}"));
        let id = client_id.unwrap_or_default();
        let id = ClientId::parse(id, self.oauth.allow_private_clients)
            .map_err(|error| shown(format!("its client_id {error}")))?;
        self.clients.read(&id).await.map_err(|error: ClientFetchError| shown(error.to_string()))
    }

    /// The address of a client with an answer, what it gave to recognise it by, and who answers (RFC 9207).
    pub(super) fn answer(&self, redirect: Url, answer: &[(&str, &str)], state: Option<&str>) -> Url {
        let mut redirect = redirect;
        redirect
            .query_pairs_mut()
            .extend_pairs(answer)
            .extend_pairs(state.map(|state| ("state", state)))
            .append_pair("iss", &self.issuer());
        redirect
    }
}

/// The scopes that a client asks for; `None`: one of them is not for clients. Without any, the least.
fn asked_scopes(scope: Option<&str>) -> Option<Scopes> {
    let scopes: Scopes = scope.unwrap_or_default().parse().ok()?;
    match scopes {
        Scopes::NONE => Some(Scopes::from_iter([Scope::ProductRead])),
        scopes => scopes.are_within(grantable()).then_some(scopes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_asks_for_what_clients_can_be_granted() {
        let asked = |scope| asked_scopes(scope).map(|scopes| scopes.to_string());
        assert_eq!(asked(None).as_deref(), Some("product:read"));
        assert_eq!(asked(Some(" ")).as_deref(), Some("product:read"));
        assert_eq!(asked(Some("alert:write product:read")).as_deref(), Some("product:read alert:write"));
        for wrong in ["product:delete", "product:read admin:users", "openid", "product:read,alert:write"] {
            assert_eq!(asked(Some(wrong)), None, "{wrong}");
        }
    }
}
