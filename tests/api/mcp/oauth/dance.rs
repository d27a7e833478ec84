//! An app with its document on a host of its own, and the browser of a user.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::web::{self, Data};
use actix_web::{App as ActixApp, HttpResponse, HttpServer};
use amazon_tracker::config::Settings;
use amazon_tracker::domain::PkceChallenge;
use reqwest::{Client, RequestBuilder, Response, redirect};
use scraper::{Html, Selector};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::access::PASSWORD;
use crate::daemon::{Daemon, Engine, PATIENCE, free_socket};

pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const ALL: &str = "product:read product:write crawl:create alert:write report:create";

/// A daemon that accepts clients, also those of these tests.
pub async fn accepting(engine: Engine) -> Daemon {
    accepting_with(engine, |_| {}).await
}

pub async fn accepting_with(engine: Engine, adjust: impl FnOnce(&mut Settings)) -> Daemon {
    Daemon::start_with(engine, |settings| {
        settings.oauth.enabled = true;
        settings.oauth.allow_private_clients = true;
        adjust(settings);
    })
    .await
}

pub fn base(daemon: &Daemon) -> String {
    format!("http://{}", daemon.address())
}

/// What its host answers: a status and a body.
struct Inside {
    answer: Mutex<(u16, String)>,
    fetched: AtomicUsize,
}

/// An app. Its users return to a port that differs from that of its document, as those of programs do.
pub struct App {
    address: SocketAddr,
    inside: Arc<Inside>,
}

impl App {
    pub fn start() -> Self {
        let listener = free_socket();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside { answer: Mutex::default(), fetched: AtomicUsize::new(0) });
        let shared = Data::from(Arc::clone(&inside));
        let app = move || ActixApp::new().app_data(shared.clone()).default_service(web::to(answer));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        let app = Self { address, inside };
        app.says(200, &app.document());
        app
    }

    pub fn id(&self) -> String {
        format!("http://{}/client.json", self.address)
    }

    pub fn document(&self) -> Value {
        json!({ "client_id": self.id(), "client_name": "<b>An app</b>", "redirect_uris": ["http://127.0.0.1/callback"] })
    }

    pub fn redirect_uri(&self) -> &'static str {
        "http://127.0.0.1:7777/callback"
    }

    /// Its host answers so from now on.
    pub fn says(&self, status: u16, body: &Value) {
        *self.inside.answer.lock().unwrap() = (status, body.to_string());
    }

    pub fn fetched(&self) -> usize {
        self.inside.fetched.load(Ordering::SeqCst)
    }

    /// The parameters of a request, with changes; an empty value leaves one out.
    pub fn parameters(&self, daemon: &Daemon, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let challenge = PkceChallenge::of_verifier(VERIFIER).unwrap();
        let resource = format!("{}/mcp", base(daemon));
        let usual = [
            ("response_type", "code"),
            ("client_id", &self.id()),
            ("redirect_uri", self.redirect_uri()),
            ("scope", ALL),
            ("state", "a state & more"),
            ("resource", &resource),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let value = |name: &str, usual: &str| {
            changes.iter().find(|(changed, _)| *changed == name).map_or(usual, |(_, value)| value).to_owned()
        };
        usual.map(|(name, usual)| (name.to_owned(), value(name, usual))).to_vec()
    }

    /// What it sends for a code.
    pub fn exchange(&self, code: &str) -> Vec<(&'static str, String)> {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", self.id()),
            ("code", code.to_owned()),
            ("redirect_uri", self.redirect_uri().to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ]
    }

    /// What it sends for a refresh token.
    pub fn refresh(&self, tokens: &Value) -> Vec<(&'static str, String)> {
        let token = tokens["refresh_token"].as_str().unwrap().to_owned();
        vec![("grant_type", "refresh_token".to_owned()), ("client_id", self.id()), ("refresh_token", token)]
    }

    /// Tokens for all that it asks for.
    pub async fn tokens(&self, daemon: &Daemon, email: &str) -> Value {
        let code = Browser::new(daemon).code(self, email).await;
        let exchanged = form(daemon, "/oauth/token", &self.exchange(&code)).send().await.unwrap();
        assert_eq!(exchanged.status(), 200);
        exchanged.json().await.unwrap()
    }
}

async fn answer(inside: Data<Inside>) -> HttpResponse {
    inside.fetched.fetch_add(1, Ordering::SeqCst);
    let (status, body) = inside.answer.lock().unwrap().clone();
    let mut answer = HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap());
    answer.insert_header(("location", "/elsewhere.json")).content_type("application/json").body(body)
}

/// A form as a client sends it.
pub fn form(daemon: &Daemon, path: &str, form: &[(&'static str, String)]) -> RequestBuilder {
    as_form(daemon.request(reqwest::Method::POST, path), form)
}

fn as_form(request: RequestBuilder, form: &[(&str, impl AsRef<str>)]) -> RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

/// A browser: it does not follow redirects, and says where a form comes from.
pub struct Browser<'d> {
    daemon: &'d Daemon,
    client: Client,
}

impl<'d> Browser<'d> {
    pub fn new(daemon: &'d Daemon) -> Self {
        let client = Client::builder().no_proxy().timeout(PATIENCE).redirect(redirect::Policy::none());
        Self { daemon, client: client.build().unwrap() }
    }

    fn url(&self, parameters: &[(String, String)]) -> Url {
        let mut url: Url = format!("{}/oauth/authorize", base(self.daemon)).parse().unwrap();
        let given = parameters.iter().filter(|(_, value)| !value.is_empty());
        url.query_pairs_mut().extend_pairs(given);
        url
    }

    /// Opens the page of a request.
    pub async fn open(&self, parameters: &[(String, String)]) -> Response {
        self.client.get(self.url(parameters)).send().await.unwrap()
    }

    /// The form of that page, not yet sent.
    pub fn sign_in(&self, parameters: &[(String, String)], email: &str, password: &str) -> RequestBuilder {
        let form = [("email", email), ("password", password), ("decision", "continue")];
        as_form(self.client.post(self.url(parameters)), &form).header("origin", base(self.daemon))
    }

    /// The form of a request that the user cancels.
    pub fn cancel(&self, parameters: &[(String, String)]) -> RequestBuilder {
        as_form(self.client.post(self.url(parameters)), &[("decision", "deny")]).header("origin", base(self.daemon))
    }

    /// The answer to the question, not yet sent.
    pub fn answer(&self, ticket: &str, decision: &str, scopes: &str) -> RequestBuilder {
        let mut form = vec![("ticket", ticket), ("decision", decision)];
        form.extend(scopes.split_whitespace().map(|scope| ("scope", scope)));
        let url = format!("{}/oauth/consent", base(self.daemon));
        as_form(self.client.post(url), &form).header("origin", base(self.daemon))
    }

    /// Signs in and reads the question.
    pub async fn question(&self, parameters: &[(String, String)], email: &str) -> Question {
        let response = self.sign_in(parameters, email, PASSWORD).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{text}");
        Question::read(&text)
    }

    /// Allows all that an app asks for, and returns its code.
    pub async fn code(&self, app: &App, email: &str) -> String {
        let question = self.question(&app.parameters(self.daemon, &[]), email).await;
        let answered = self.answer(&question.ticket, "allow", ALL).send().await.unwrap();
        target_of(&answered).1["code"].as_str().unwrap().to_owned()
    }
}

/// A page with the question.
pub struct Question {
    pub text: String,
    pub ticket: String,
    pub scopes: String,
}

impl Question {
    fn read(text: &str) -> Self {
        let page = Html::parse_document(text);
        let values = |selector: &str| {
            let selector = Selector::parse(selector).unwrap();
            page.select(&selector).map(|input| input.value().attr("value").unwrap().to_owned()).collect::<Vec<_>>()
        };
        let ticket = values("input[name=ticket]").remove(0);
        let text = page.root_element().text().collect::<Vec<_>>().join(" ");
        Self { text, ticket, scopes: values("input[name=scope]").join(" ") }
    }
}

/// Where a user is sent, and with what.
pub fn target_of(response: &Response) -> (String, Value) {
    assert_eq!(response.status(), 303);
    let url: Url = response.headers()["location"].to_str().unwrap().parse().unwrap();
    let pairs: serde_json::Map<_, _> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), json!(value))).collect();
    let mut bare = url.clone();
    bare.set_query(None);
    (bare.to_string(), Value::Object(pairs))
}
