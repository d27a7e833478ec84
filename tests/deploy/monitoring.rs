//! Alerts, recording rules and dashboards use only existing metrics and labels. Every alert is tested and documented.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use amazon_tracker::telemetry::{Family, Metrics};
use promql_parser::label::Matchers;
use promql_parser::parser::{self, AggregateExpr, BinaryExpr, Expr, LabelModifier, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde::Deserialize;
use serde_json::Value;

/// Metrics and labels of APISIX 3.18.0, from a running gateway.
const GATEWAY: &[(&str, &[&str])] = &[
    (
        "apisix_http_status",
        &[
            "code",
            "route",
            "matched_uri",
            "matched_host",
            "service",
            "consumer",
            "node",
            "request_type",
            "request_llm_model",
            "llm_model",
            "response_source",
        ],
    ),
    ("apisix_http_latency_bucket", LATENCY_LABELS),
    ("apisix_http_latency_sum", LATENCY_LABELS),
    ("apisix_http_latency_count", LATENCY_LABELS),
    ("apisix_bandwidth", &["type", "route", "service", "consumer", "node"]),
    ("apisix_http_requests_total", &[]),
    ("apisix_nginx_http_current_connections", &["state"]),
    ("apisix_node_info", &["hostname", "version"]),
    ("apisix_upstream_status", &["name", "ip", "port"]),
    ("apisix_shared_dict_capacity_bytes", &["name"]),
    ("apisix_shared_dict_free_space_bytes", &["name"]),
    ("apisix_nginx_metric_errors_total", &[]),
];

const LATENCY_LABELS: &[&str] =
    &["type", "route", "service", "consumer", "node", "request_type", "request_llm_model", "llm_model", "le"];

/// Metrics and labels of postgres_exporter 0.11.1 with PostgreSQL 15. `pg_stat_user_tables_*` are those of the
/// collector in versions after 0.16; in 0.11.1 they required a file of queries.
const POSTGRES_EXPORTER: &[(&str, &[&str])] = &[
    ("pg_up", &[]),
    ("pg_stat_activity_count", &["datname", "state"]),
    ("pg_stat_activity_max_tx_duration", &["datname", "state"]),
    ("pg_settings_max_connections", &[]),
    ("pg_stat_database_xact_commit", &["datid", "datname"]),
    ("pg_stat_database_xact_rollback", &["datid", "datname"]),
    ("pg_database_size_bytes", &["datname"]),
    ("pg_stat_user_tables_n_dead_tup", &["datname", "schemaname", "relname"]),
    ("pg_stat_user_tables_n_live_tup", &["datname", "schemaname", "relname"]),
];

/// Metrics of redis_exporter 1.45.0 with Redis 7.0.
const REDIS_EXPORTER: &[(&str, &[&str])] = &[
    ("redis_up", &[]),
    ("redis_commands_processed_total", &[]),
    ("redis_connected_clients", &[]),
    ("redis_evicted_keys_total", &[]),
    ("redis_memory_used_bytes", &[]),
    ("redis_memory_max_bytes", &[]),
];

/// Metrics of Prometheus itself.
const OWN: &[(&str, &[&str])] = &[("up", &[]), ("ALERTS", &["alertname", "alertstate", "severity"])];

/// Labels that Prometheus adds to all scraped metrics.
const TARGET_LABELS: &[&str] = &["job", "instance"];

/// The job that provides the metrics with a prefix.
const JOBS: &[(&str, &str)] =
    &[("tracker_", "tracker"), ("apisix_", "apisix"), ("pg_", "postgres"), ("redis_", "redis")];

// ---- the files ----------------------------------------------------------------------------------------------------

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn files_below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has no file *{ending}");
    found
}

fn yaml<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_norway::from_str(&fs::read_to_string(path).unwrap()).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    pending: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let files = files_below("config/prometheus", ".rules.yml");
    files.iter().flat_map(|file| yaml::<RuleFile>(file).groups).flat_map(|group| group.rules).collect()
}

fn alerts() -> Vec<(String, Rule)> {
    let named = rules().into_iter().filter_map(|mut rule| rule.alert.take().map(|name| (name, rule)));
    named.collect()
}

fn dashboards() -> Vec<(PathBuf, Value)> {
    let files = files_below("config/grafana/dashboards", ".json");
    files.into_iter().map(|file| (file.clone(), serde_json::from_slice(&fs::read(file).unwrap()).unwrap())).collect()
}

/// All queries of a dashboard with the title of their panel. Grafana's variables are replaced by valid values.
fn queries_of(dashboard: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.push((title.to_owned(), without_variables(target["expr"].as_str().unwrap())));
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        if let Some(query) = annotation["expr"].as_str() {
            found.push((annotation["name"].as_str().unwrap().to_owned(), without_variables(query)));
        }
    }
    found
}

fn without_variables(query: &str) -> String {
    let query = query.replace("$__rate_interval", "5m").replace("$__interval", "1m").replace("$__range", "1h");
    let mut plain = String::new();
    let mut rest = query.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        plain += before;
        plain += ".*";
        rest = &after[name.len()..];
    }
    plain + rest
}

// ---- existing metrics -----------------------------------------------------------------------------------------------

/// The labels of all metrics, by name.
struct Known(BTreeMap<String, BTreeSet<String>>);

impl Known {
    /// All scraped metrics, and the results of the recording rules in their order.
    fn new() -> Self {
        let mut known = Self(BTreeMap::new());
        for family in Metrics::new().families() {
            known.add_family(family);
        }
        for (name, labels) in [GATEWAY, POSTGRES_EXPORTER, REDIS_EXPORTER, OWN].concat() {
            known.add_scraped(name, labels.iter().copied());
        }
        for rule in rules() {
            let Some(record) = &rule.record else { continue };
            let mut labels = known.labels_after(&parse(&rule.expr));
            labels.extend(rule.labels.keys().cloned());
            known.0.entry(record.clone()).or_default().extend(labels);
        }
        known
    }

    fn add_family(&mut self, family: &Family) {
        let labels = || family.labels.iter().map(String::as_str);
        if family.is_histogram {
            self.add_scraped(&format!("{}_bucket", family.name), labels().chain(["le"]));
            self.add_scraped(&format!("{}_sum", family.name), labels());
            self.add_scraped(&format!("{}_count", family.name), labels());
        } else {
            self.add_scraped(&family.name, labels());
        }
    }

    fn add_scraped<'l>(&mut self, name: &str, labels: impl Iterator<Item = &'l str>) {
        let labels = labels.chain(TARGET_LABELS.iter().copied()).map(str::to_owned);
        assert!(self.0.insert(name.to_owned(), labels.collect()).is_none(), "{name} is listed twice");
    }

    /// The errors of a query.
    fn errors(&self, query: &str) -> Vec<String> {
        let expression = match parser::parse(query) {
            Ok(expression) => expression,
            Err(error) => return vec![format!("cannot parse the query: {error}")],
        };
        let mut check = Check { known: self, errors: Vec::new() };
        walk_expr(&mut check, &expression).expect("the visitor cannot fail");
        check.errors
    }

    fn selector_errors(&self, selector: &VectorSelector) -> Vec<String> {
        let Some(name) = &selector.name else { return vec!["a selector without a metric name".to_owned()] };
        let Some(labels) = self.0.get(name) else { return vec![format!("unknown metric {name}")] };
        let mut errors = Vec::new();
        for matcher in all_matchers(&selector.matchers) {
            if !labels.contains(&matcher.name) {
                errors.push(format!("{name} has no label {}", matcher.name));
            }
            let job = JOBS.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, job)| *job);
            if matcher.name == "job" && job.is_some_and(|job| !matcher.is_match(job)) {
                errors.push(format!("{name} does not come from job {}", matcher.value));
            }
        }
        errors
    }

    /// The labels that the result of an expression can have.
    fn labels_after(&self, expression: &Expr) -> BTreeSet<String> {
        match expression {
            Expr::VectorSelector(selector) => self.labels_of(selector),
            Expr::MatrixSelector(matrix) => self.labels_of(&matrix.vs),
            Expr::Paren(inner) => self.labels_after(&inner.expr),
            Expr::Unary(inner) => self.labels_after(&inner.expr),
            Expr::Subquery(inner) => self.labels_after(&inner.expr),
            Expr::Aggregate(aggregate) => self.labels_after_aggregate(aggregate),
            Expr::Binary(binary) => self.labels_after_binary(binary),
            Expr::Call(call) => {
                let mut labels: BTreeSet<_> = call.args.args.iter().flat_map(|arg| self.labels_after(arg)).collect();
                if call.func.name == "histogram_quantile" {
                    labels.remove("le");
                }
                labels
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => BTreeSet::new(),
        }
    }

    fn labels_of(&self, selector: &VectorSelector) -> BTreeSet<String> {
        selector.name.as_ref().and_then(|name| self.0.get(name)).cloned().unwrap_or_default()
    }

    fn labels_after_aggregate(&self, aggregate: &AggregateExpr) -> BTreeSet<String> {
        let mut inner = self.labels_after(&aggregate.expr);
        match &aggregate.modifier {
            Some(LabelModifier::Include(by)) => inner.retain(|label| by.labels.contains(label)),
            Some(LabelModifier::Exclude(without)) => inner.retain(|label| !without.labels.contains(label)),
            None => inner.clear(),
        }
        inner
    }

    /// The labels of both sides, because `or` and `group_left` can return either. This may allow too many labels.
    fn labels_after_binary(&self, binary: &BinaryExpr) -> BTreeSet<String> {
        let left = self.labels_after(&binary.lhs);
        match binary.op.to_string().as_str() {
            "and" | "unless" => left,
            _ => left.into_iter().chain(self.labels_after(&binary.rhs)).collect(),
        }
    }
}

fn parse(query: &str) -> Expr {
    parser::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn all_matchers(matchers: &Matchers) -> impl Iterator<Item = &promql_parser::label::Matcher> {
    matchers.matchers.iter().chain(matchers.or_matchers.iter().flatten())
}

struct Check<'k> {
    known: &'k Known,
    errors: Vec<String>,
}

impl Check<'_> {
    fn labels_exist(&mut self, what: &str, named: &[String], inner: &Expr) {
        let there = self.known.labels_after(inner);
        let missing = named.iter().filter(|label| !there.contains(*label));
        self.errors.extend(missing.map(|label| format!("{what} ({label}): unknown label of {inner}")));
    }
}

impl ExprVisitor for Check<'_> {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
        match expression {
            Expr::VectorSelector(selector) => self.errors.extend(self.known.selector_errors(selector)),
            Expr::MatrixSelector(matrix) => self.errors.extend(self.known.selector_errors(&matrix.vs)),
            Expr::Aggregate(AggregateExpr { modifier: Some(modifier), expr, .. }) => {
                self.labels_exist("by", &modifier.labels().labels, expr);
            }
            Expr::Binary(BinaryExpr { modifier: Some(modifier), lhs, rhs, .. }) => {
                let matching = modifier.matching.iter().flat_map(|matching| matching.labels().labels.clone());
                let matching: Vec<_> = matching.collect();
                self.labels_exist("on", &matching, lhs);
                self.labels_exist("on", &matching, rhs);
            }
            Expr::Call(call) if call.func.name == "histogram_quantile" => {
                let buckets = call.args.args.last().expect("histogram_quantile has arguments");
                self.labels_exist("histogram_quantile", &["le".to_owned()], buckets);
            }
            _ => {}
        }
        Ok(true)
    }
}

#[track_caller]
fn assert_none(errors: Vec<String>) {
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

// ---- the tests ------------------------------------------------------------------------------------------------------

#[test]
fn every_rule_uses_existing_metrics() {
    let known = Known::new();
    let mut errors = Vec::new();
    for rule in rules() {
        let name = rule.alert.or(rule.record).expect("a rule has a name");
        errors.extend(known.errors(&rule.expr).into_iter().map(|error| format!("{name}: {error}")));
    }
    assert_none(errors);
}

#[test]
fn every_panel_uses_existing_metrics() {
    let known = Known::new();
    let mut errors = Vec::new();
    for (file, dashboard) in dashboards() {
        let queries = queries_of(&dashboard);
        assert!(queries.len() > 20, "{file:?} has too few queries: has the file format changed?");
        for (title, query) in queries {
            errors.extend(known.errors(&query).into_iter().map(|error| format!("{file:?}, {title}: {error}")));
        }
    }
    assert_none(errors);
}

#[test]
fn unknown_metrics_and_labels_are_errors() {
    let known = Known::new();
    let wrong = [
        ("rate(apisix_http_errors_total[5m])", "unknown metric apisix_http_errors_total"),
        ("rate(apisix_http_requests_total{route=\"a\"}[5m])", "apisix_http_requests_total has no label route"),
        ("tracker_http_request_seconds", "unknown metric tracker_http_request_seconds"),
        ("sum by (asin) (tracker_crawls_total)", "by (asin): unknown label of tracker_crawls_total"),
        (
            "sum by (le) (sum(tracker_crawl_seconds_bucket))",
            "by (le): unknown label of sum(tracker_crawl_seconds_bucket)",
        ),
        (
            "histogram_quantile(0.95, sum(rate(apisix_http_latency_bucket[5m])))",
            "histogram_quantile (le): unknown label of sum(rate(apisix_http_latency_bucket[5m]))",
        ),
        ("tracker:requests:rate5m{route=\"a\"}", "tracker:requests:rate5m has no label route"),
        ("tracker_products{job=\"postgres\"}", "tracker_products does not come from job postgres"),
        ("up and on (marketplace) tracker_products", "on (marketplace): unknown label of up"),
        ("{__name__=~\"tracker_.*\"}", "a selector without a metric name"),
    ];
    for (query, error) in wrong {
        assert!(known.errors(query).iter().any(|found| found == error), "{query}: {:?}", known.errors(query));
    }
    assert_none(known.errors("sum by (source) (rate(tracker_crawls_total{outcome=~\"blocked_.+\"}[5m]))"));
}

#[test]
fn the_daemon_renders_only_listed_metrics() {
    let metrics = Metrics::new();
    let known = Known::new();
    let rendered = metrics.render();
    let names = rendered.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let end = line.find(['{', ' ']).expect("a sample has a value");
        &line[..end]
    });
    let unlisted: Vec<_> = names.filter(|name| !known.0.contains_key(*name)).map(str::to_owned).collect();
    assert_none(unlisted);
    assert!(metrics.families().iter().any(|family| family.name == "tracker_crawls_total" && !family.is_histogram));
}

#[test]
fn each_alert_has_a_severity_a_duration_and_a_runbook() {
    let guide = read("docs/alerts.md");
    let sections: BTreeSet<&str> = guide.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let mut names = BTreeSet::new();
    for (name, rule) in alerts() {
        assert!(names.insert(name.clone()), "{name} is defined twice");
        assert!(["critical", "warning"].contains(&rule.labels["severity"].as_str()), "{name}");
        assert!(rule.pending.is_some(), "{name} has no `for`");
        assert!(!rule.annotations["summary"].is_empty() && !rule.annotations["description"].is_empty(), "{name}");
        assert_eq!(rule.annotations["runbook_url"], format!("docs/alerts.md#{}", name.to_lowercase()));
        assert!(sections.contains(name.as_str()), "docs/alerts.md has no section {name}");
    }
    let explained: BTreeSet<String> = sections.into_iter().map(str::to_owned).collect();
    assert_eq!(explained, names, "docs/alerts.md must have a section for every alert and no other");
    assert!(["HighErrorRate", "HighResponseTime", "DatabaseDown"].iter().all(|name| names.contains(*name)));
}

#[derive(Deserialize)]
struct TestFile {
    rule_files: Vec<String>,
    tests: Vec<RuleTest>,
}

#[derive(Deserialize)]
struct RuleTest {
    input_series: Vec<InputSeries>,
    #[serde(default)]
    alert_rule_test: Vec<AlertTest>,
}

#[derive(Deserialize)]
struct InputSeries {
    series: String,
}

#[derive(Deserialize)]
struct AlertTest {
    alertname: String,
    #[serde(default)]
    exp_alerts: Vec<serde_norway::Value>,
}

#[test]
fn each_alert_has_a_firing_and_a_quiet_test() {
    let (mut firing, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for file in files_below("config/prometheus/tests", ".yml") {
        let TestFile { rule_files, tests } = yaml(&file);
        assert!(rule_files.iter().all(|rules| file.parent().unwrap().join(rules).is_file()), "{file:?}");
        for test in tests {
            let fires: BTreeSet<_> =
                test.alert_rule_test.iter().filter(|test| !test.exp_alerts.is_empty()).collect_names();
            let never: BTreeSet<_> = test.alert_rule_test.iter().collect_names();
            quiet.extend(never.difference(&fires).cloned());
            firing.extend(fires);
        }
    }
    let names: BTreeSet<_> = alerts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(firing, names, "every alert must fire in a test");
    assert_eq!(quiet, names, "every alert must stay quiet in a test");
}

trait CollectNames {
    fn collect_names(self) -> BTreeSet<String>;
}

impl<'t, I: Iterator<Item = &'t AlertTest>> CollectNames for I {
    fn collect_names(self) -> BTreeSet<String> {
        self.map(|test| test.alertname.clone()).collect()
    }
}

#[test]
fn rule_tests_use_only_existing_series() {
    let known = Known::new();
    let mut errors = Vec::new();
    for file in files_below("config/prometheus/tests", ".yml") {
        for series in yaml::<TestFile>(&file).tests.into_iter().flat_map(|test| test.input_series) {
            errors.extend(known.errors(&series.series).into_iter().map(|error| format!("{file:?}: {error}")));
        }
    }
    assert_none(errors);
}

#[test]
fn every_job_in_rules_and_dashboards_is_scraped() {
    #[derive(Deserialize)]
    struct Config {
        rule_files: Vec<String>,
        scrape_configs: Vec<Job>,
    }
    #[derive(Deserialize)]
    struct Job {
        job_name: String,
    }
    for file in ["prometheus.yml", "prometheus.k8s.yml"] {
        let config: Config = yaml(&root().join("config/prometheus").join(file));
        let jobs: BTreeSet<_> = config.scrape_configs.into_iter().map(|job| job.job_name).collect();
        let expected = ["apisix", "postgres", "prometheus", "redis", "tracker"].map(str::to_owned);
        assert_eq!(jobs, BTreeSet::from(expected), "{file}");
        assert!(config.rule_files.iter().all(|rules| root().join("config/prometheus").join(rules).is_file()));
    }
    let named = rules().into_iter().map(|rule| rule.expr);
    let named =
        named.chain(dashboards().into_iter().flat_map(|(_, dashboard)| queries_of(&dashboard)).map(|(_, query)| query));
    for query in named {
        for job in query.split("job=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(
                ["apisix", "postgres", "prometheus", "redis", "tracker"].contains(&job),
                "{query}: unknown job {job}"
            );
        }
    }
}

#[test]
fn dashboards_are_valid_for_grafana() {
    let provisioned: Value = yaml(&root().join("config/grafana/provisioning/datasources/prometheus.yml"));
    assert_eq!(provisioned["datasources"][0]["type"], "prometheus");
    let known = Known::new();
    let mut uids = BTreeSet::new();
    for (file, dashboard) in dashboards() {
        assert!(uids.insert(dashboard["uid"].as_str().unwrap().to_owned()), "{file:?}: duplicate uid");
        assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 39, "{file:?} is older than Grafana 11");
        let mut ids = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let title = &panel["title"];
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{file:?}, {title}: duplicate id");
            if panel["type"] == "row" {
                continue;
            }
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{file:?}, {title}");
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{file:?}, {title} has no unit");
            assert!(!panel["targets"].as_array().unwrap().is_empty(), "{file:?}, {title} has no query");
        }
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        for variable in variables.iter().filter(|variable| variable["type"] == "query") {
            let query = variable["definition"].as_str().unwrap();
            let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (selector, label) = inner.and_then(|inner| inner.rsplit_once(", ")).unwrap();
            assert_none(known.errors(&format!("sum by ({label}) ({selector})")));
        }
        let names: BTreeSet<_> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
        let text = dashboard["panels"].to_string();
        for used in text.split("=~\\\"$").skip(1).map(|rest| rest.split('\\').next().unwrap()) {
            assert!(names.contains(used), "{file:?} uses undefined variable ${used}");
        }
    }
}

/// The gateway measures in milliseconds, the daemon in seconds.
#[test]
fn time_panels_have_the_unit_of_their_metric() {
    for (file, dashboard) in dashboards() {
        for panel in dashboard["panels"].as_array().unwrap() {
            let unit = &panel["fieldConfig"]["defaults"]["unit"];
            for target in panel["targets"].as_array().into_iter().flatten() {
                let query = target["expr"].as_str().unwrap();
                let gateway = query.contains("apisix_http_latency_bucket");
                let seconds = query.contains("_seconds_bucket") || query.contains("_seconds{");
                assert!(!gateway || unit == "ms", "{file:?}, {}", panel["title"]);
                assert!(!seconds || unit == "s", "{file:?}, {}", panel["title"]);
            }
        }
    }
}
