//! The tools. A new one is a file here, its `mod` line, and its line in [`TOOLS`].

mod check_listing;
mod compare_products;
mod crawl_now;
mod create_alert;
mod create_report;
mod get_advice;
mod get_insight;
mod get_price_history;
mod get_product;
mod get_usage;
mod list_alert_events;
mod search_products;
mod track_product;

use std::sync::LazyLock;

use super::tool::RegisteredTool;
use crate::domain::Scopes;

/// All tools, in the order of the list.
static TOOLS: LazyLock<Vec<RegisteredTool>> = LazyLock::new(|| {
    vec![
        RegisteredTool::of::<search_products::SearchProducts>(),
        RegisteredTool::of::<get_product::GetProduct>(),
        RegisteredTool::of::<get_price_history::GetPriceHistory>(),
        RegisteredTool::of::<get_insight::GetInsight>(),
        RegisteredTool::of::<compare_products::CompareProducts>(),
        RegisteredTool::of::<check_listing::CheckListingTool>(),
        RegisteredTool::of::<list_alert_events::ListAlertEvents>(),
        RegisteredTool::of::<get_usage::GetUsage>(),
        RegisteredTool::of::<track_product::TrackProduct>(),
        RegisteredTool::of::<create_alert::CreateAlert>(),
        RegisteredTool::of::<crawl_now::CrawlNow>(),
        RegisteredTool::of::<create_report::CreateReport>(),
        RegisteredTool::of::<get_advice::GetAdvice>(),
    ]
});

/// The tool with this name.
pub(super) fn find(name: &str) -> Option<&'static RegisteredTool> {
    TOOLS.iter().find(|tool| tool.definition.name == name)
}

/// The tools that a caller with these scopes may use.
pub(super) fn allowed(scopes: Scopes) -> impl Iterator<Item = &'static RegisteredTool> {
    TOOLS.iter().filter(move |tool| scopes.contains(tool.scope))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::domain::Role;

    /// For all thirteen that are planned.
    const MAX_LIST_BYTES: usize = 12_000;
    /// What each may take of it, on average.
    const BYTES_OF_A_TOOL: usize = MAX_LIST_BYTES / 13;

    #[test]
    fn the_list_of_tools_is_small() {
        let size = |tool: &RegisteredTool| serde_json::to_string(&tool.definition).unwrap().len();
        let sizes: Vec<(&str, usize)> = TOOLS.iter().map(|tool| (&*tool.definition.name, size(tool))).collect();
        let all: usize = sizes.iter().map(|(_, size)| size + 1).sum();
        assert!(all <= TOOLS.len() * BYTES_OF_A_TOOL, "{all} bytes: {sizes:?}");
    }

    #[test]
    fn every_tool_has_a_name_of_its_own_schemas_that_are_valid_and_hints() {
        let names: BTreeSet<&str> = TOOLS.iter().map(|tool| &*tool.definition.name).collect();
        assert_eq!(names.len(), TOOLS.len());
        for tool in TOOLS.iter() {
            let name = &tool.definition.name;
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
            let schemas = [Some(&tool.definition.input_schema), tool.definition.output_schema.as_ref()];
            for schema in schemas {
                let schema = Value::Object(schema.unwrap().as_ref().clone());
                assert!(jsonschema::draft202012::meta::is_valid(&schema), "{name}: {schema}");
                assert_eq!(schema["type"], "object", "{name}");
            }
            assert_eq!(
                tool.definition.input_schema["additionalProperties"],
                json!(false),
                "{name} denies no unknown arguments"
            );
            let hints = tool.definition.annotations.as_ref().unwrap();
            assert_eq!(hints.read_only_hint == Some(false), hints.destructive_hint == Some(false), "{name}");
            assert!((1..=10).contains(&tool.weight), "{name}");
        }
    }

    #[test]
    fn a_client_can_be_granted_what_tools_need_and_nothing_else() {
        let needed: Scopes = TOOLS.iter().map(|tool| tool.scope).collect();
        assert_eq!(needed, crate::domain::grantable());
    }

    #[test]
    fn a_viewer_sees_the_tools_that_read_and_a_user_all() {
        let all_read = |scopes| {
            allowed(scopes).all(|tool| tool.definition.annotations.as_ref().unwrap().read_only_hint == Some(true))
        };
        assert!(all_read(Role::Viewer.scopes()));
        assert_eq!(allowed(Role::Viewer.scopes()).count(), 8);
        assert_eq!(allowed(Role::User.scopes()).count(), TOOLS.len());
        assert_eq!(allowed(Scopes::NONE).count(), 0);
    }
}
