//! What a user prefers of the dashboard, as part of the user's account.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::strict::{List, given};
use crate::domain::{DashboardLanguage, MAX_VIEWS, Preferences, PreferencesPatch, SavedView, Theme};

/// What a user prefers of the dashboard.
#[derive(Serialize, ToSchema)]
#[schema(as = Preferences)]
pub(super) struct WirePreferences {
    /// `en`, `de`, `ja` or `pt`; null: that of the browser.
    #[schema(value_type = Option<String>, example = "de")]
    language: Option<DashboardLanguage>,
    /// A name of the IANA database; null: the zone of the browser.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// `auto` (as the system has it), `light` or `dark`.
    #[schema(value_type = String, example = "auto")]
    theme: Theme,
    /// Saved views of the board, in the user's order.
    views: Vec<WireView>,
}

/// A saved view of the board.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedView)]
pub(super) struct WireView {
    /// What the user calls it.
    name: String,
    /// The query of the page's address, without its `?`.
    #[schema(example = "at_low=true&sort=-change")]
    query: String,
}

impl From<Preferences> for WirePreferences {
    fn from(preferences: Preferences) -> Self {
        let Preferences { language, time_zone, theme, views } = preferences;
        let views = views.into_iter().map(|SavedView { name, query }| WireView { name, query }).collect();
        Self { language, time_zone, theme, views }
    }
}

/// Changes to preferences. Omitted fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "language": "de", "time_zone": "Europe/Berlin", "theme": "dark" }))]
pub(super) struct PatchPreferencesBody {
    /// `en`, `de`, `ja` or `pt`; null: that of the browser.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 2)]
    language: Option<Option<DashboardLanguage>>,
    /// A name of the IANA database; null: the zone of the browser.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 64)]
    time_zone: Option<Option<String>>,
    /// `auto`, `light` or `dark`.
    #[schema(value_type = Option<String>, max_length = 5)]
    theme: Option<Theme>,
    /// Replaces all saved views.
    #[schema(value_type = Option<Vec<SavedViewBody>>, max_items = 20)]
    views: Option<List<SavedViewBody, MAX_VIEWS>>,
}

/// A view to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedViewBody {
    /// What the user calls it; no two views have the same name.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// The query of the page's address, without its `?`.
    #[schema(max_length = 1000)]
    query: String,
}

impl From<PatchPreferencesBody> for PreferencesPatch {
    fn from(body: PatchPreferencesBody) -> Self {
        let PatchPreferencesBody { language, time_zone, theme, views } = body;
        let saved = |SavedViewBody { name, query }| SavedView { name, query };
        let views = views.map(|List(views)| views.into_iter().map(saved).collect());
        Self { language, time_zone, theme, views }
    }
}
