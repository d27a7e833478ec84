//! A page in a browser, as a user meets it: what is seen, and what is done with keys and the mouse.
//!
//! Buttons, links and fields are found by their role and name in the accessibility tree, as a screen reader tells them.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::webdriver::{Browser, Driver, Failure, PATIENCE};

const SPY: &str = include_str!("spy.js");
/// Between two looks at a page.
const PAUSE: Duration = Duration::from_millis(20);
/// So long without a request, a page has nothing more to show.
const QUIET_MILLIS: u32 = 80;
/// Before somebody has signed in, a page asks who it is, in vain.
const NOT_SIGNED_IN: &str = "/api/v1/users/me - Failed to load resource: the server responded with a status of 401";

/// A browser with a profile of its own. Its tabs are windows, because a browser without a screen hides no tab behind another: the one that
/// is left is minimised, and the page in it is hidden.
pub struct Page {
    browser: Browser,
    base: String,
    tabs: RefCell<Vec<String>>,
    /// Errors that may be on the console.
    expected: RefCell<Vec<String>>,
    is_ended: Cell<bool>,
}

impl Page {
    /// Starts a browser and opens a page.
    pub async fn open(daemon: &Daemon, path: &str) -> Self {
        Self::open_at(format!("http://{}", daemon.address()), path).await
    }

    /// The same, of a daemon at another address.
    pub async fn open_at(base: String, path: &str) -> Self {
        let browser = Driver::shared().await.browser().await;
        let page = Self {
            browser,
            base,
            tabs: RefCell::default(),
            expected: RefCell::new(vec![NOT_SIGNED_IN.to_owned()]),
            is_ended: Cell::new(false),
        };
        page.enter_tab().await;
        page.visit(path).await;
        page
    }

    /// Opens a page as a user who has signed in.
    pub async fn open_as(daemon: &Daemon, name: &str, path: &str) -> Self {
        let page = Self::open(daemon, "/sign-in").await;
        page.sign_in(name).await;
        if path != "/" {
            page.visit(path).await;
        }
        page
    }

    /// Signs in, and waits for the page that this leads to. Nothing is refused from now on.
    pub async fn sign_in(&self, name: &str) {
        self.fill("E-mail", &format!("{name}@example.com")).await;
        self.fill("Password", crate::fixture::PASSWORD).await;
        self.press("Enter").await;
        self.until("it has signed in", "return location.pathname !== '/sign-in' && document.querySelector('main h1')")
            .await;
        self.settled().await;
        assert_eq!(self.errors().await, [] as [String; 0]);
        self.expected.borrow_mut().clear();
    }

    /// Goes to an address of the dashboard, as if it were typed into the browser, and waits until everything is shown.
    pub async fn visit(&self, path: &str) {
        self.browser.go(&format!("{}{path}", self.base)).await.unwrap();
        self.settled().await;
    }

    pub async fn reload(&self) {
        self.browser.post("/refresh", &json!({})).await.unwrap();
        self.settled().await;
    }

    pub async fn go_back(&self) {
        self.browser.post("/back", &json!({})).await.unwrap();
        self.settled().await;
    }

    /// Waits until the page waits for nothing, and shows something: while it loads a module, it is empty.
    pub async fn settled(&self) {
        const IS_SHOWN: &str = "document.querySelector('main:not(:empty, :has(> noscript))')";
        let script = format!("return window.quietMillis?.() > {QUIET_MILLIS} && {IS_SHOWN} !== null");
        self.until("it waits for nothing", &script).await;
    }

    /// The address without the host.
    pub async fn path(&self) -> String {
        let path = self.eval("return location.pathname + location.search").await;
        path.as_str().unwrap().to_owned()
    }

    /// What can be seen and read.
    pub async fn text(&self) -> String {
        self.eval("return document.body.innerText").await.as_str().unwrap().to_owned()
    }

    /// Waits until a text is seen.
    pub async fn see(&self, text: &str) {
        let script = format!("return document.body.innerText.includes({})", json!(text));
        self.until(&format!("{text:?} is seen"), &script).await;
    }

    /// Waits until a text is not seen any more.
    pub async fn see_no(&self, text: &str) {
        let script = format!("return !document.body.innerText.includes({})", json!(text));
        self.until(&format!("{text:?} is gone"), &script).await;
    }

    /// Waits until something with this role and name is there.
    pub async fn see_the(&self, role: &str, name: &str) {
        self.find(role, name).await;
    }

    /// Runs a script in the page.
    pub async fn eval(&self, script: &str) -> Value {
        self.eval_with(script, &[]).await
    }

    pub async fn eval_with(&self, script: &str, arguments: &[Value]) -> Value {
        self.browser.script(script, arguments).await.unwrap_or_else(|failure| panic!("{failure}\n{script}"))
    }

    /// Waits until a script returns something that is true; what it returns.
    pub async fn until(&self, what: &str, script: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            // A page that is being left has no answer.
            let answer = self.browser.script(script, &[]).await;
            if let Ok(value) = &answer
                && *value != json!(false)
                && *value != Value::Null
                && *value != json!(0)
            {
                return value.clone();
            }
            if Instant::now() > until {
                self.give_up(what, &format!("{answer:?}")).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn give_up(&self, what: &str, answer: &str) -> ! {
        let shown = self.browser.script("return location.href + '\\n' + document.body.innerText", &[]).await;
        let log = self.browser.log().await;
        panic!(
            "not within {PATIENCE:?}: {what}: {answer}\n{}\n{log:#?}",
            shown.unwrap_or_default().as_str().unwrap_or_default()
        );
    }

    /// Presses keys one after the other: `j k x`, `Shift+Tab`, `Enter`.
    pub async fn press(&self, keys: &str) {
        self.browser.press(keys).await.unwrap();
    }

    /// Writes a text where the focus is.
    pub async fn write(&self, text: &str) {
        self.devtools("Input.insertText", json!({ "text": text })).await;
    }

    /// Replaces the text of a field.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = self.find_one_of(&["textbox", "searchbox", "spinbutton"], name).await;
        self.devtools("DOM.focus", json!({ "backendNodeId": field })).await;
        self.press("Control+a").await;
        self.write(text).await;
    }

    /// Chooses an option of a select by its text.
    pub async fn choose(&self, name: &str, option: &str) {
        const CHOOSE: &str = "function (text) { this.value = [...this.options].find((it) => it.text === text).value; \
             this.dispatchEvent(new Event('change', { bubbles: true })); }";
        let field = self.find("combobox", name).await;
        let object =
            self.devtools("DOM.resolveNode", json!({ "backendNodeId": field })).await["object"]["objectId"].clone();
        let call = json!({ "objectId": object, "functionDeclaration": CHOOSE, "arguments": [{ "value": option }] });
        let called = self.devtools("Runtime.callFunctionOn", call).await;
        assert!(called["exceptionDetails"].is_null(), "{called}");
    }

    /// Clicks on a button.
    pub async fn push(&self, name: &str) {
        self.click("button", name).await;
    }

    /// Follows a link, and waits until the page that it leads to is shown.
    pub async fn follow(&self, name: &str) {
        self.click("link", name).await;
        self.settled().await;
    }

    pub async fn click(&self, role: &str, name: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let node = self.find(role, name).await;
            match self.place_of(&node).await {
                Ok((x, y)) => return self.click_at(x, y).await,
                // It was replaced after it was found.
                Err(failure) => assert!(Instant::now() < until, "{role} {name:?}: {failure}"),
            }
        }
    }

    /// Brings something into view; its middle.
    async fn place_of(&self, node: &Value) -> Result<(f64, f64), Failure> {
        self.browser.devtools("DOM.scrollIntoViewIfNeeded", json!({ "backendNodeId": node })).await?;
        let shapes = self.browser.devtools("DOM.getContentQuads", json!({ "backendNodeId": node })).await?;
        let corner = |at: usize| shapes["quads"][0][at].as_f64().unwrap();
        Ok((f64::midpoint(corner(0), corner(4)), f64::midpoint(corner(1), corner(5))))
    }

    pub async fn click_at(&self, x: f64, y: f64) {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.devtools("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Presses the button of the mouse at one place, and releases it at another.
    pub async fn drag(&self, from: (f64, f64), to: (f64, f64)) {
        let events = [
            ("mouseMoved", from, "none"),
            ("mousePressed", from, "left"),
            ("mouseMoved", to, "left"),
            ("mouseReleased", to, "left"),
        ];
        for (kind, (x, y), button) in events {
            let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
            self.devtools("Input.dispatchMouseEvent", event).await;
        }
    }

    async fn find(&self, role: &str, name: &str) -> Value {
        self.find_one_of(&[role], name).await
    }

    /// Waits until something with one of these roles and this name is there.
    async fn find_one_of(&self, roles: &[&str], name: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            for role in roles {
                if let Ok(Some(node)) = self.look_for(role, name).await {
                    return node;
                }
            }
            if Instant::now() > until {
                self.give_up(&format!("there is a {roles:?} named {name:?}"), "none").await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look_for(&self, role: &str, name: &str) -> Result<Option<Value>, Failure> {
        let document = self.browser.devtools("DOM.getDocument", json!({ "depth": 0 })).await?;
        let query = json!({ "nodeId": document["root"]["nodeId"], "role": role, "accessibleName": name });
        let found = self.browser.devtools("Accessibility.queryAXTree", query).await?;
        let nodes = found["nodes"].as_array().cloned().unwrap_or_default();
        Ok(nodes.into_iter().find(|node| node["ignored"] == false).map(|node| node["backendDOMNodeId"].clone()))
    }

    /// Role and name of what has the focus.
    pub async fn focused(&self) -> (String, String) {
        let object = self.devtools("Runtime.evaluate", json!({ "expression": "document.activeElement" })).await;
        let query = json!({ "objectId": object["result"]["objectId"], "fetchRelatives": false });
        let tree = self.devtools("Accessibility.getPartialAXTree", query).await;
        let text = |name: &str| tree["nodes"][0][name]["value"].as_str().unwrap_or_default().to_owned();
        (text("role"), text("name"))
    }

    /// Moves the focus by the key Tab until it is on something.
    pub async fn tab_to(&self, role: &str, name: &str) {
        const MOST: usize = 120;
        let mut passed = Vec::new();
        while passed.len() < MOST {
            self.press("Tab").await;
            let focused = self.focused().await;
            if focused == (role.to_owned(), name.to_owned()) {
                return;
            }
            passed.push(focused);
        }
        panic!("the key Tab does not lead to the {role} {name:?}, but to {passed:#?}");
    }

    /// All of the accessibility tree that is not ignored.
    pub async fn accessibility_tree(&self) -> Vec<Value> {
        let tree = self.devtools("Accessibility.getFullAXTree", json!({})).await;
        tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false).cloned().collect()
    }

    /// The HTML of a node of the accessibility tree.
    pub async fn html_of(&self, node: &Value) -> String {
        let html =
            self.browser.devtools("DOM.getOuterHTML", json!({ "backendNodeId": node["backendDOMNodeId"] })).await;
        html.unwrap_or_default()["outerHTML"].as_str().unwrap_or_default().to_owned()
    }

    /// A screen of this size.
    pub async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// The colour scheme that the user prefers: `light` or `dark`.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// The time zone of the browser.
    pub async fn be_in(&self, zone: &str) {
        self.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": zone })).await;
    }

    /// The language that the browser prefers.
    pub async fn speak(&self, language: &str) {
        let agent = self.eval("return navigator.userAgent").await;
        let settings = json!({ "userAgent": agent, "acceptLanguage": language });
        self.devtools("Emulation.setUserAgentOverride", settings).await;
    }

    /// A picture of the top of the page, as PNG in base64.
    pub async fn screenshot(&self, (width, height): (u32, u32), scale: f64) -> Value {
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": scale });
        self.devtools("Page.captureScreenshot", json!({ "format": "png", "clip": clip })).await["data"].clone()
    }

    /// Opens a page in a new tab, and hides the current one.
    pub async fn open_tab(&self, path: &str) {
        self.hide().await;
        let tab = self.browser.post("/window/new", &json!({ "type": "window" })).await.unwrap();
        self.browser.post("/window", &tab).await.unwrap();
        self.enter_tab().await;
        self.visit(path).await;
    }

    /// Shows another tab, counted from 0 in the order in which they were opened, and hides the current one.
    pub async fn to_tab(&self, number: usize) {
        self.hide().await;
        let tab = self.tabs.borrow()[number].clone();
        self.browser.post("/window", &json!({ "handle": tab })).await.unwrap();
        self.set_window("normal").await;
        self.until("the tab is shown", "return !document.hidden").await;
    }

    /// Hides the current tab, as another window would.
    pub async fn hide(&self) {
        self.set_window("minimized").await;
        self.until("the tab is hidden", "return document.hidden").await;
    }

    async fn set_window(&self, state: &str) {
        let window = self.devtools("Browser.getWindowForTarget", json!({})).await["windowId"].clone();
        self.devtools("Browser.setWindowBounds", json!({ "windowId": window, "bounds": { "windowState": state } }))
            .await;
    }

    async fn enter_tab(&self) {
        let tab = self.browser.get("/window").await.unwrap();
        self.tabs.borrow_mut().push(tab.as_str().unwrap().to_owned());
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": SPY })).await;
    }

    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.browser.devtools(command, parameters).await.unwrap_or_else(|failure| panic!("{command}: {failure}"))
    }

    /// From now on, errors that contain this text may be on the console.
    pub fn expect(&self, error: &str) {
        self.expected.borrow_mut().push(error.to_owned());
    }

    /// Errors on the console since the last call that nobody expects: of scripts, of requests, and what the policy forbade.
    pub async fn errors(&self) -> Vec<String> {
        let expected = self.expected.borrow().clone();
        let log = self.browser.log().await.unwrap().into_iter();
        let errors = log.filter(|line| line.level == "SEVERE").map(|line| line.message);
        errors.filter(|message| !expected.iter().any(|text| message.contains(text))).collect()
    }

    /// Waits until an error with this text is on the console.
    pub async fn errors_contain(&self, text: &str) {
        let until = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while !seen.iter().any(|error: &String| error.contains(text)) {
            assert!(Instant::now() < until, "no error with {text:?}: {seen:#?}");
            tokio::time::sleep(PAUSE).await;
            seen.extend(self.errors().await);
        }
        // What follows from it comes with it.
        self.settled().await;
        self.errors().await;
    }

    /// The end of a test: there were no errors.
    pub async fn end(self) {
        assert_eq!(self.errors().await, [] as [String; 0]);
        self.is_ended.set(true);
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        assert!(self.is_ended.get() || std::thread::panicking(), "the test does not look at the errors: end the page");
    }
}
