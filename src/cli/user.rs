//! `user` and `tenant`: accounts.

use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::table::rows_of;
use super::{DatabaseArgs, Flags, prepare, print_result};
use crate::app::{open_store, public_url};
use crate::auth::{OpaqueToken, Passwords, TokenKind};
use crate::config::{Plans, Settings};
use crate::domain::{EmailAddress, LinkPurpose, Role, TenantId, User};
use crate::store::{AuditActor, AuditEvent, LinkFacts, NewApiKey, NewLink, NewUser, SharedStore, StoreError};

const BATCH_ROWS: u32 = 500;
const SIGN_IN_LINK_LASTS: Duration = Duration::from_secs(3600);

#[derive(Debug, Args)]
pub(super) struct UserArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    action: UserAction,
}

#[derive(Debug, Subcommand)]
enum UserAction {
    /// Add a user. The password is generated and printed once, or read from standard input.
    Create {
        /// The e-mail address.
        email: EmailAddress,
        /// The name; default: the e-mail address.
        #[arg(long)]
        name: Option<String>,
        /// superadmin, tenant_admin, user or viewer.
        #[arg(long, default_value = "user")]
        role: Role,
        /// The tenant; default: the installation's own.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set a new password, generated and printed once. All sessions end.
    ResetPassword {
        /// The user's e-mail address.
        email: EmailAddress,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print a link that signs a browser in as a user, once, within an hour: for users who cannot sign in any more.
    SignInLink {
        /// The user's e-mail address.
        email: EmailAddress,
        /// The address of the daemon, unless `auth.public_url` names it.
        #[arg(long)]
        listen: Option<SocketAddr>,
    },
    /// List users.
    List {
        /// The tenant; default: the installation's own.
        #[arg(long)]
        tenant: Option<TenantId>,
    },
}

#[derive(Debug, Args)]
pub(super) struct TenantArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    action: TenantAction,
}

#[derive(Debug, Subcommand)]
enum TenantAction {
    /// Add a tenant with its first admin.
    Create {
        /// The name.
        name: String,
        /// The e-mail address of the first admin.
        #[arg(long)]
        admin: EmailAddress,
        /// The plan.
        #[arg(long, default_value = Plans::FIRST)]
        plan: String,
    },
    /// List tenants.
    List,
}

pub(super) fn run_user(folder: &Path, args: UserArgs) -> anyhow::Result<ExitCode> {
    let settings = settings_of(folder, args.database)?;
    on_store(&settings, async |store, passwords| match args.action {
        UserAction::Create { email, name, role, tenant, password_stdin } => {
            let (password, shown) = password_for(&email, password_stdin, &passwords)?;
            let tenant_id = tenant.unwrap_or(TenantId::BUILT_IN);
            store.tenant(tenant_id).await.with_context(|| format!("--tenant {tenant_id}"))?;
            let user = new_user(&email, name, role, passwords.hash(password).await?);
            let user = add_user(&store, tenant_id, user).await?;
            Ok(format!("user {}\n{shown}", user.id))
        }
        UserAction::ResetPassword { email, password_stdin } => {
            let (password, shown) = password_for(&email, password_stdin, &passwords)?;
            let user = existing_user(&store, &email).await?;
            store.set_password(user.id, &passwords.hash(password).await?, None).await?;
            store.record(audit_event(user.tenant_id, "user.reset_password", format!("user:{}", user.id))).await?;
            Ok(shown)
        }
        UserAction::SignInLink { email, listen } => {
            let user = existing_user(&store, &email).await?;
            let (token, listening) = (OpaqueToken::new(TokenKind::Link), listen.unwrap_or(settings.server.listen));
            let link = NewLink {
                hash: token.hash(),
                purpose: LinkPurpose::SignIn,
                tenant_id: user.tenant_id,
                user_id: Some(user.id),
                facts: LinkFacts::default(),
                lasts: SIGN_IN_LINK_LASTS,
                mail: None,
            };
            store.add_link(link, u32::MAX).await?;
            store.record(audit_event(user.tenant_id, "user.sign_in_link", format!("user:{}", user.id))).await?;
            Ok(format!("{}\n", sign_in_link(&settings, listening, &token.reveal())))
        }
        UserAction::List { tenant } => {
            let (mut rows, mut cursor) = (Vec::new(), None);
            loop {
                let page = store.users(tenant.unwrap_or(TenantId::BUILT_IN), cursor.as_deref(), BATCH_ROWS).await?;
                rows.extend(page.items.into_iter().map(|user| {
                    [
                        user.id.to_string(),
                        user.email.to_string(),
                        user.role.to_string(),
                        user.status.as_str().to_owned(),
                    ]
                }));
                cursor = page.next_cursor;
                if cursor.is_none() {
                    return Ok(rows_of(&rows));
                }
            }
        }
    })
}

pub(super) fn run_tenant(folder: &Path, args: TenantArgs) -> anyhow::Result<ExitCode> {
    let settings = settings_of(folder, args.database)?;
    let plans = settings.plans.clone();
    on_store(&settings, async |store, passwords| match args.action {
        TenantAction::Create { name, admin, plan } => {
            if !plans.0.contains_key(&plan) {
                bail!("--plan {plan}: must be one of: {}", plans.0.keys().cloned().collect::<Vec<_>>().join(", "));
            }
            let (password, shown) = password_for(&admin, false, &passwords)?;
            let first = new_user(&admin, None, Role::TenantAdmin, passwords.hash(password).await?);
            let user = add_tenant(&store, &name, &plan, first).await?;
            Ok(format!("tenant {}\n{shown}", user.tenant_id))
        }
        TenantAction::List => {
            let (mut rows, mut cursor) = (Vec::new(), None);
            loop {
                let page = store.tenants(cursor.as_deref(), BATCH_ROWS).await?;
                rows.extend(page.items.into_iter().map(|tenant| [tenant.id.to_string(), tenant.name, tenant.plan]));
                cursor = page.next_cursor;
                if cursor.is_none() {
                    return Ok(rows_of(&rows));
                }
            }
        }
    })
}

pub(super) fn settings_of(folder: &Path, database: DatabaseArgs) -> anyhow::Result<Settings> {
    prepare(folder, Flags::default().with("database.url", database.database_url))
}

/// Opens the store, does the work, and prints its result.
pub(super) fn on_store(
    settings: &Settings,
    work: impl AsyncFnOnce(SharedStore, Passwords) -> anyhow::Result<String>,
) -> anyhow::Result<ExitCode> {
    let text = tokio::runtime::Runtime::new()?.block_on(async {
        let store = open_store(settings).await?;
        let text = work(SharedStore::clone(&store), Passwords::new(&settings.auth.password)?).await;
        store.close().await;
        text
    })?;
    print_result(&text)
}

/// The URL that signs a browser in. The token is in the fragment, which is sent to no server; the page exchanges it for a cookie.
pub(super) fn sign_in_link(settings: &Settings, listening: SocketAddr, token: &str) -> String {
    format!("{}#enter={token}", public_url(settings, listening))
}

async fn existing_user(store: &SharedStore, email: &EmailAddress) -> anyhow::Result<User> {
    match store.credentials(email).await {
        Err(StoreError::NotFound(_)) => bail!("{email}: no such user"),
        credentials => Ok(credentials?.user),
    }
}

/// A new user, named by the e-mail address unless a name is given.
pub(super) fn new_user(email: &EmailAddress, name: Option<String>, role: Role, password_hash: String) -> NewUser {
    let name = name.unwrap_or_else(|| email.to_string());
    NewUser { email: email.clone(), name, role, password_hash, is_verified: true, quota: u32::MAX }
}

pub(super) async fn add_user(store: &SharedStore, tenant_id: TenantId, user: NewUser) -> anyhow::Result<User> {
    let email = user.email.clone();
    let user = store.add_user(tenant_id, user).await.with_context(|| email.to_string())?;
    store.record(audit_event(tenant_id, "user.add", format!("user:{}", user.id))).await?;
    Ok(user)
}

/// Adds a tenant, and returns its first user.
pub(super) async fn add_tenant(store: &SharedStore, name: &str, plan: &str, first: NewUser) -> anyhow::Result<User> {
    let email = first.email.clone();
    let user = store.add_tenant(name, plan, first, None).await.with_context(|| email.to_string())?;
    store.record(audit_event(user.tenant_id, "tenant.add", format!("tenant:{}", user.tenant_id))).await?;
    Ok(user)
}

/// Creates an API key with all scopes of a user, and returns its secret, which is not stored.
pub(super) async fn add_key(store: &SharedStore, user: &User, name: &str) -> Result<String, StoreError> {
    let token = OpaqueToken::new(TokenKind::ApiKey);
    let key = NewApiKey {
        tenant_id: user.tenant_id,
        created_by: user.id,
        name: name.to_owned(),
        hint: token.hint().to_owned(),
        hash: token.hash(),
        scopes: user.role.scopes(),
        networks: Vec::new(),
        requests_per_minute: None,
        quota: u32::MAX,
        expires_at: None,
    };
    store.add_api_key(key).await?;
    Ok(token.reveal())
}

/// The password, and the text to print.
pub(super) fn password_for(
    email: &EmailAddress,
    from_stdin: bool,
    passwords: &Passwords,
) -> anyhow::Result<(String, String)> {
    if !from_stdin {
        let password = OpaqueToken::new(TokenKind::Link).reveal()[3..27].to_owned();
        let shown = format!("password {password}\n");
        return Ok((password, shown));
    }
    let mut password = String::new();
    std::io::stdin().take(1024).read_to_string(&mut password).context("standard input cannot be read")?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    passwords.judge(&password, &[email.as_str()]).context("the password")?;
    Ok((password, String::new()))
}

fn audit_event(tenant_id: TenantId, action: &'static str, resource: String) -> AuditEvent {
    AuditEvent {
        tenant_id,
        actor: AuditActor::System,
        action,
        resource: Some(resource),
        address: None,
        request_id: None,
        facts: serde_json::json!({}),
    }
}
