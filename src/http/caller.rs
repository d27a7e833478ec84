//! Who is asking.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::domain::TenantId;

/// The tenant on whose behalf a request is made. Until accounts exist there is one, and the listener refuses every
/// address but loopback.
pub struct Caller {
    pub tenant_id: TenantId,
}

impl FromRequest for Caller {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(_request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self { tenant_id: TenantId::BUILT_IN }))
    }
}
