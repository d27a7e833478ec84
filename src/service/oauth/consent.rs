//! The question to the user, and the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use url::Url;

use super::authorize::{AuthorizationParameters, AuthorizationRefusal};
use crate::auth::{OpaqueToken, TokenKind};
use crate::domain::{AuthorizationRequest, ConsentTicket, EmailAddress, LINK_KEY, Scopes, UserStatus};
use crate::service::auth::pad_response_time;

use crate::service::{Dependencies, Origin, Service, ServiceError, ServiceResult};
use crate::store::{NewAuthorizationCode, StoreError};

/// How long a user may think about it.
const TICKET_SECS: i64 = 600;
/// How long the client has to redeem a code.
const CODE_LASTS: Duration = Duration::from_secs(60);

/// What a user is asked, after signing in.
#[derive(Debug, Clone)]
pub struct ConsentQuestion {
    /// The request.
    pub request: AuthorizationRequest,
    /// What it asks for and the user may do.
    pub offered: Scopes,
    /// Who signed in.
    pub email: EmailAddress,
    /// The name of the user's tenant.
    pub tenant_name: String,
    /// Comes back with the answer.
    pub ticket: String,
}

impl Service {
    /// Signs a user in, for one question.
    ///
    /// # Errors
    /// [`AuthorizationRefusal::Service`] with [`ServiceError::WrongCredentials`]; else see [`AuthorizationRefusal`].
    pub async fn consent_question(
        &self,
        parameters: AuthorizationParameters,
        email: EmailAddress,
        password: String,
        origin: Origin,
    ) -> Result<ConsentQuestion, AuthorizationRefusal> {
        self.run(async move |deps: Arc<Dependencies>| {
            let request = match deps.authorization_request(parameters).await {
                Ok(request) => request,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let began_at = Instant::now();
            let asked = deps.consent_question(request, email, password, &origin).await;
            if asked.is_err() {
                pad_response_time(began_at).await;
            }
            Ok(asked)
        })
        .await?
    }

    /// Takes the answer of a user: the scopes that are granted, or `None`. Returns where the user goes now.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the question is too old, was not asked here, or the user has been disabled since.
    pub async fn answer_consent(&self, ticket: String, granted: Option<Scopes>, origin: Origin) -> ServiceResult<Url> {
        self.run(async move |deps: Arc<Dependencies>| deps.answer_consent(&ticket, granted, &origin).await).await
    }

    /// Where a user goes who does not want to sign in.
    ///
    /// # Errors
    /// See [`AuthorizationRefusal`].
    pub async fn deny_request(&self, parameters: AuthorizationParameters) -> Result<Url, AuthorizationRefusal> {
        self.run(async move |deps: Arc<Dependencies>| {
            let request = deps.authorization_request(parameters).await;
            Ok(request.and_then(|request| Ok(deps.denied(&request)?)))
        })
        .await?
    }
}

impl Dependencies {
    async fn consent_question(
        self: &Arc<Self>,
        request: AuthorizationRequest,
        email: EmailAddress,
        password: String,
        origin: &Origin,
    ) -> Result<ConsentQuestion, AuthorizationRefusal> {
        let user = self.user_with_password(email, password, origin).await?;
        if user.status != UserStatus::Active {
            let text = "the account is going to be deleted; sign in to the API first, which cancels that";
            return Err(AuthorizationRefusal::Shown(text.to_owned()));
        }
        let offered = request.scopes.and(user.role.scopes());
        let tenant = self.store.tenant(user.tenant_id).await.map_err(ServiceError::from)?;
        let expires_at = self.store.now().await.map_err(ServiceError::from)?.as_second() + TICKET_SECS;
        let key = self.store.installation_key(LINK_KEY).await.map_err(ServiceError::from)?;
        let ticket =
            ConsentTicket { request: request.clone(), user_id: user.id, tenant_id: user.tenant_id, expires_at };
        let ticket = ticket.sign(key.as_bytes());
        Ok(ConsentQuestion { request, offered, email: user.email, tenant_name: tenant.name, ticket })
    }

    async fn answer_consent(&self, ticket: &str, granted: Option<Scopes>, origin: &Origin) -> ServiceResult<Url> {
        self.check_clients_are_accepted()?;
        let (key, now) = (self.store.installation_key(LINK_KEY).await?, self.store.now().await?);
        let ticket = ConsentTicket::read(key.as_bytes(), ticket, now).ok_or(ServiceError::NotFound("request"))?;
        let ConsentTicket { mut request, user_id, tenant_id, .. } = ticket;
        // The role may have been reduced since.
        let user = self.store.user(tenant_id, user_id).await?;
        request.scopes = request.scopes.and(granted.unwrap_or(Scopes::NONE)).and(user.role.scopes());
        if request.scopes == Scopes::NONE {
            return self.denied(&request);
        }
        let code = OpaqueToken::new(TokenKind::AuthorizationCode);
        let (hash, code) = (code.hash(), code.reveal());
        let redirect = redirect_of(&request)?;
        let redirect = self.answer(redirect, &[("code", &code)], request.state.as_deref());
        let address = Some(origin.address);
        let new = NewAuthorizationCode { hash, tenant_id, user_id, request, address, lasts: CODE_LASTS };
        match self.store.add_authorization_code(new).await {
            Ok(()) => Ok(redirect),
            Err(StoreError::NotFound(_)) => Err(ServiceError::NotFound("request")),
            Err(error) => Err(error.into()),
        }
    }

    fn denied(&self, request: &AuthorizationRequest) -> ServiceResult<Url> {
        let answer = [("error", "access_denied"), ("error_description", "the user did not allow it")];
        Ok(self.answer(redirect_of(request)?, &answer, request.state.as_deref()))
    }
}

fn redirect_of(request: &AuthorizationRequest) -> ServiceResult<Url> {
    // It was parsed before the request was signed.
    request.redirect_uri.parse().map_err(|_| ServiceError::Internal)
}
