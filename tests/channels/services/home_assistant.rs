//! The API of Home Assistant.

use super::{ensure, text};
use crate::double::{Reply, Request, Service, reply};

pub struct HomeAssistant;

impl Service for HomeAssistant {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.path == "/api/services/notify/mobile_app_phone", &request.path)?;
        ensure(request.header("authorization") == "Bearer S3CRET.long.lived", "no token")?;
        ensure(request.body.len() <= 4096 + 2048, format!("{} bytes", request.body.len()))?;
        let body = request.json()?;
        super::is_clean(&body)?;
        for name in ["title", "message"] {
            ensure(!text(&body, name)?.contains("{{"), format!("{name} is a template"))?;
        }
        for name in ["url", "clickAction", "image"] {
            super::is_url(&body["data"][name], 2048)?;
        }
        let actions = body["data"]["actions"].as_array().map(Vec::as_slice).unwrap_or_default();
        ensure(actions.len() <= 3, "too many actions")
    }

    fn accepted(&self, _: &Request) -> Reply {
        reply(200, "[]")
    }

    fn revoked(&self) -> Reply {
        reply(401, "401: Unauthorized")
    }
}
