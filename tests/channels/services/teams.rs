//! Workflows of Microsoft Teams.

use serde_json::json;

use super::{ensure, text};
use crate::double::{Reply, Request, Service, json_reply, reply};

pub struct Teams;

impl Service for Teams {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.path == "/workflows/S3CRETflow/triggers/manual/paths/invoke", &request.path)?;
        ensure(request.query["sig"] == "S3CRETsig", "the signature is missing")?;
        ensure(request.body.len() <= 21 * 1024, format!("{} bytes", request.body.len()))?;
        let body = request.json()?;
        ensure(body["type"] == "message", "type")?;
        let attachment = &body["attachments"][0];
        ensure(attachment["contentType"] == "application/vnd.microsoft.card.adaptive", "content type")?;
        let card = &attachment["content"];
        ensure(card["type"] == "AdaptiveCard" && card["version"] == "1.4", "card")?;
        super::is_clean(card)?;
        let elements = card["body"].as_array().ok_or("no body")?;
        for element in elements {
            match element["type"].as_str() {
                // No other element shows a text without interpreting Markdown and mentions.
                Some("RichTextBlock") => {
                    for run in element["inlines"].as_array().ok_or("no inlines")? {
                        ensure(run["type"] == "TextRun", "a run of another type")?;
                        text(run, "text")?;
                        super::is_url(&run["selectAction"]["url"], 2048)?;
                    }
                }
                Some("Image") => super::is_url(&element["url"], 2048)?,
                other => return Err(format!("element of type {other:?}")),
            }
        }
        for action in card["actions"].as_array().into_iter().flatten() {
            ensure(action["type"] == "Action.OpenUrl", "action")?;
            text(action, "title")?;
            super::is_url(&action["url"], 2048)?;
        }
        Ok(())
    }

    fn accepted(&self, _: &Request) -> Reply {
        reply(202, "")
    }

    fn revoked(&self) -> Reply {
        let message = "The workflow trigger is disabled.";
        json_reply(400, json!({ "error": { "code": "WorkflowTriggerIsNotEnabled", "message": message } }))
    }
}
