//! `/api/v1/channels`: where a tenant wants to be told.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Shared;
use super::etag::{expected_version, versioned};
use super::idempotency::{RequestKey, rendered, respond};
use super::paging::{PageQuery, WirePage, paged};
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{PathId, StrictJson, StrictQuery, optional_object};
use crate::domain::{
    Channel, ChannelConfig, ChannelId, ChannelKind, ChannelStatus, DeliveryStatus, Language, MessageId, MessageKind,
    Policy, Scope,
};
use crate::service::{AddChannel, Caller, ChannelPatch, ChannelUsage, MessageRow, StoredResponse, TestResult};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/channels", |path| path.get(Scope::ProductRead, list).create(Scope::AlertWrite, add));
    routes.path("/channels/template-preview", |path| path.post(Scope::AlertWrite, preview_template));
    routes.path("/channels/{id}", |path| {
        path.get(Scope::ProductRead, get).patch(Scope::AlertWrite, patch).delete(Scope::AlertWrite, remove)
    });
    routes.path("/channels/{id}/test", |path| path.post(Scope::AlertWrite, test));
    routes.path("/channels/{id}/usage", |path| path.get(Scope::ProductRead, usage));
    routes.path("/channels/{id}/messages", |path| path.get(Scope::ProductRead, messages));
    routes.path("/channels/messages/{id}/retry", |path| path.post(Scope::AlertWrite, retry));
}

/// A channel to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AddChannel, example = json!({
    "kind": "ntfy", "name": "My phone", "config": { "server": "https://ntfy.sh", "topic": "my-secret-topic" },
    "policy": { "time_zone": "Europe/Berlin", "quiet": { "from": "22:00", "to": "07:00" } }
}))]
pub(super) struct AddChannelBody {
    /// `email`, `telegram`, `discord`, `slack`, `mattermost`, `ntfy`, `gotify`, `pushover`, `teams`, `webhook`, `matrix`, `apprise`,
    /// `home_assistant` or `atom`.
    #[schema(value_type = String, example = "ntfy")]
    kind: ChannelKind,
    /// A name for people.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// How it is reached; the fields depend on the kind. Credentials are encrypted, and never shown.
    config: Map<String, Value>,
    /// When it is told: `time_zone`, `quiet`, `max_per_day`, `digest`, `coalesce_secs`.
    #[serde(default, deserialize_with = "optional_object")]
    #[schema(value_type = Option<Object>)]
    policy: Option<Policy>,
    /// The language of its messages: `en` (default), `de`, `fr`, `es`, `it`, `pt`, `ja` or `zh`.
    #[schema(value_type = Option<String>, example = "en")]
    language: Option<Language>,
}

/// Changes of a channel. Omitted fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PatchChannel, example = json!({ "is_paused": true }))]
pub(super) struct PatchChannelBody {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Replaces all of it. A new e-mail address must be confirmed.
    config: Option<Map<String, Value>>,
    /// Replaces all of it. What waits is looked at again.
    #[serde(default, deserialize_with = "optional_object")]
    #[schema(value_type = Option<Object>)]
    policy: Option<Policy>,
    #[schema(value_type = Option<String>, example = "de")]
    language: Option<Language>,
    /// `true`: nothing is sent; what should be told waits, for seven days at most. `false`: it is used (again).
    is_paused: Option<bool>,
}

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
pub(super) struct WireChannel {
    #[schema(value_type = Uuid)]
    id: ChannelId,
    #[schema(value_type = String, example = "ntfy")]
    kind: ChannelKind,
    name: String,
    /// Where it leads, without credentials.
    #[schema(example = "ntfy.sh/my-secret-topic")]
    target: String,
    /// `unverified`: the address must be confirmed first; `ok`; `paused`; `broken`: see `last_error`.
    #[schema(value_type = String, example = "ok")]
    status: ChannelStatus,
    /// What the service said last, if attempts fail.
    last_error: Option<String>,
    /// Since when attempts have failed.
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// When the last message was delivered.
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    /// When it is told.
    #[schema(value_type = Object)]
    policy: Policy,
    #[schema(value_type = String, example = "en")]
    language: Language,
    /// Signs the messages of a `webhook`; shown once, when the channel is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret: Option<String>,
    /// The URL of an `atom` feed, which is a secret; shown when the channel is created and when its `config` is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_url: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Channel> for WireChannel {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id,
            kind: channel.config.kind(),
            name: channel.name,
            target: channel.config.display(),
            status: channel.status,
            last_error: channel.last_error,
            failing_since: channel.failing_since,
            delivered_at: channel.delivered_at,
            policy: channel.policy,
            language: channel.language,
            webhook_secret: None,
            feed_url: None,
            created_at: channel.created_at,
            updated_at: channel.updated_at,
        }
    }
}

/// A message to a channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(super) struct WireMessage {
    #[schema(value_type = Uuid)]
    id: MessageId,
    /// `single`, `digest` or `notice`.
    #[schema(value_type = String, example = "single")]
    kind: MessageKind,
    /// `pending`, `delivered` or `dead`.
    #[schema(value_type = String, example = "delivered")]
    status: DeliveryStatus,
    /// How many events it tells.
    events: u32,
    attempts: u32,
    /// What the service said, without credentials.
    last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
}

impl From<MessageRow> for WireMessage {
    fn from(row: MessageRow) -> Self {
        let MessageRow { id, kind, status, events, attempts, last_error, created_at, delivered_at } = row;
        Self { id, kind, status, events, attempts, last_error, created_at, delivered_at }
    }
}

/// What a channel has sent, and what waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelUsage)]
pub(super) struct WireChannelUsage {
    /// Messages today, in the zone of its policy.
    sent_today: u32,
    sent_30_days: u32,
    /// Events that wait: for the end of quiet hours, for a digest, for a repair.
    held: u32,
    /// When the next of them is told at the earliest; null: none, or not before the channel is used again.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
}

impl From<ChannelUsage> for WireChannelUsage {
    fn from(usage: ChannelUsage) -> Self {
        let ChannelUsage { sent_today, sent_30_days, held, next_at } = usage;
        Self { sent_today, sent_30_days, held, next_at }
    }
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelTest)]
pub(super) struct WireTest {
    /// The service took the message.
    is_ok: bool,
    /// What it said, without credentials.
    error: Option<String>,
    /// A remark: that the service does not confirm what it takes, for example.
    note: Option<String>,
}

impl From<TestResult> for WireTest {
    fn from(result: TestResult) -> Self {
        Self { is_ok: result.error.is_none(), error: result.error, note: result.note }
    }
}

/// The configuration of a kind, with the path of a field that is wrong.
fn config_of(kind: ChannelKind, mut fields: Map<String, Value>) -> Result<ChannelConfig, Problem> {
    if fields.contains_key("kind") {
        return Err(Problem::invalid_field("config.kind", "stands beside `config`"));
    }
    fields.insert("kind".to_owned(), Value::from(kind.as_str()));
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let message = error.into_inner().to_string();
        // A tagged value is read from a buffer, so the message alone names the field.
        let field = message.split('`').nth(1).filter(|_| message.contains("field")).unwrap_or_default().to_owned();
        let path = if field.is_empty() { "config".to_owned() } else { format!("config.{field}") };
        Problem::invalid_field(&path, message)
    })
}

fn shown(channel: Channel) -> HttpResponse {
    versioned(StatusCode::OK, channel.version, &WireChannel::from(channel))
}

/// Create a channel.
///
/// An e-mail address that is not your own verified one receives a link first; nothing else is sent before it is opened.
#[utoipa::path(post, path = "/api/v1/channels", tag = "channels", request_body = AddChannelBody, responses(
    (status = 201, description = "The channel", body = WireChannel),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 402, description = "The plan allows no more channels", body = Problem),
    (status = 409, description = "Too many addresses wait for confirmation", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<AddChannelBody>,
) -> Result<impl Responder, Problem> {
    let config = config_of(body.kind, body.config)?;
    // Programs want each event at once.
    let coalesce_secs = if body.kind == ChannelKind::Webhook { 0 } else { Policy::default().coalesce_secs };
    let policy = body.policy.unwrap_or(Policy { coalesce_secs, ..Policy::default() });
    let request = AddChannel { name: body.name, config, policy, language: body.language.unwrap_or_default() };
    let of = shared.clone();
    let claim = key.claim(move |channel| created(&of, channel));
    let creation = shared.service.add_channel(caller, request, claim).await?;
    Ok(respond(creation, |channel| created(&shared, channel)))
}

/// The only response that shows the signing key.
fn created(shared: &Shared, channel: &Channel) -> StoredResponse {
    let location = format!("/api/v1/channels/{}", channel.id);
    let webhook_secret = match &channel.config {
        ChannelConfig::Webhook(target) => target.secret.clone(),
        _ => None,
    };
    let feed_url = feed_url(shared, channel);
    let wire = WireChannel { webhook_secret, feed_url, ..WireChannel::from(channel.clone()) };
    rendered(StatusCode::CREATED, location, &wire)
}

fn feed_url(shared: &Shared, channel: &Channel) -> Option<String> {
    shared.service.feed_url(channel).map(|url| url.to_string())
}

/// List channels, newest first.
#[utoipa::path(get, path = "/api/v1/channels", tag = "channels", params(PageQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireChannel>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<impl Responder, Problem> {
    let (cursor, limit) = query.parsed()?;
    Ok(paged::<_, WireChannel>(shared.service.channels(caller.tenant_id, cursor, limit).await?))
}

/// Get a channel.
#[utoipa::path(get, path = "/api/v1/channels/{id}", tag = "channels", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The channel", body = WireChannel),
    (status = 404, description = "No such channel", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<impl Responder, Problem> {
    Ok(shown(shared.service.channel(caller.tenant_id, id).await?))
}

/// Change or pause a channel. Omitted fields stay as they are.
#[utoipa::path(patch, path = "/api/v1/channels/{id}", tag = "channels", request_body = PatchChannelBody,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that you read")), responses(
    (status = 200, description = "The changed channel", body = WireChannel),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such channel", body = Problem),
    (status = 409, description = "Too many addresses wait for confirmation", body = Problem),
    (status = 412, description = "It has changed since you read it", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn patch(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<ChannelId>,
    StrictJson(body): StrictJson<PatchChannelBody>,
) -> Result<impl Responder, Problem> {
    let expected_version = expected_version(request.headers())?;
    let config = match body.config {
        Some(fields) => {
            let kind = shared.service.channel(caller.tenant_id, id).await?.config.kind();
            Some(config_of(kind, fields)?)
        }
        None => None,
    };
    let status = body.is_paused.map(|paused| if paused { ChannelStatus::Paused } else { ChannelStatus::Ok });
    let (name, policy, language) = (body.name, body.policy, body.language);
    let has_new_config = config.is_some();
    let patch = ChannelPatch { name, config, policy, language, status, expected_version };
    let channel = shared.service.update_channel(caller, id, patch).await?;
    let feed_url = feed_url(&shared, &channel).filter(|_| has_new_config);
    Ok(versioned(StatusCode::OK, channel.version, &WireChannel { feed_url, ..WireChannel::from(channel) }))
}

/// Delete a channel with the log of its messages. What waits for it is not told.
#[utoipa::path(delete, path = "/api/v1/channels/{id}", tag = "channels", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such channel", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<impl Responder, Problem> {
    shared.service.remove_channel(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

/// Send a sample message, once, and show what the service said. A success repairs a channel that is `broken`.
#[utoipa::path(post, path = "/api/v1/channels/{id}/test", tag = "channels", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "What came of it", body = WireTest),
    (status = 404, description = "No such channel", body = Problem),
))]
pub(super) async fn test(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireTest::from(shared.service.test_channel(caller, id).await?)))
}

/// A template of a webhook to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PreviewTemplate, example = json!({ "template": "{\"text\": \"{{ title }}\"}" }))]
pub(super) struct PreviewTemplateBody {
    /// As in the `config` of a webhook.
    #[schema(max_length = 16384)]
    template: String,
    /// The language of the message.
    #[schema(value_type = Option<String>, example = "en")]
    language: Option<Language>,
    /// Its `time_zone` is that of the times.
    #[serde(default, deserialize_with = "optional_object")]
    #[schema(value_type = Option<Object>)]
    policy: Option<Policy>,
}

/// What a template makes of a sample message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TemplatePreview)]
pub(super) struct WireTemplatePreview {
    /// The body that the webhook would receive.
    body: String,
}

/// Try a template of a webhook on the sample message that a test sends. Nothing is sent or stored.
#[utoipa::path(post, path = "/api/v1/channels/template-preview", tag = "channels", request_body = PreviewTemplateBody, responses(
    (status = 200, description = "The body", body = WireTemplatePreview),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 422, description = "The template is wrong; the message says where", body = Problem),
))]
pub(super) async fn preview_template(
    shared: Data<Shared>,
    StrictJson(body): StrictJson<PreviewTemplateBody>,
) -> Result<impl Responder, Problem> {
    let (language, policy) = (body.language.unwrap_or_default(), body.policy.unwrap_or_default());
    let body = shared.service.preview_template(body.template, language, policy).await?;
    Ok(Json(WireTemplatePreview { body }))
}

/// Get what a channel has sent, and what waits.
#[utoipa::path(get, path = "/api/v1/channels/{id}/usage", tag = "channels", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "Its usage", body = WireChannelUsage),
    (status = 404, description = "No such channel", body = Problem),
))]
pub(super) async fn usage(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireChannelUsage::from(shared.service.channel_usage(caller.tenant_id, id).await?)))
}

/// List the messages of a channel, newest first.
#[utoipa::path(get, path = "/api/v1/channels/{id}/messages", tag = "channels", params(("id" = Uuid, Path), PageQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireMessage>),
    (status = 404, description = "No such channel", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn messages(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<impl Responder, Problem> {
    let (cursor, limit) = query.parsed()?;
    Ok(paged::<_, WireMessage>(shared.service.messages(caller.tenant_id, id, cursor, limit).await?))
}

/// Send a dead message again, with the same events.
#[utoipa::path(post, path = "/api/v1/channels/messages/{id}/retry", tag = "channels", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Pending again"),
    (status = 404, description = "No dead message with this id", body = Problem),
))]
pub(super) async fn retry(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
) -> Result<impl Responder, Problem> {
    shared.service.retry_message(caller, id).await?;
    Ok(HttpResponse::NoContent())
}
