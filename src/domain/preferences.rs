//! What a user prefers of the dashboard. It is kept with the user, so that it holds in every browser.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Maximum number of saved views.
pub const MAX_VIEWS: usize = 20;
const MAX_VIEW_NAME_CHARS: usize = 60;
const MAX_VIEW_QUERY_CHARS: usize = 1000;

/// The languages of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DashboardLanguage {
    /// English.
    En,
    /// German.
    De,
    /// Japanese.
    Ja,
    /// Portuguese.
    Pt,
}

/// The colours of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    Auto,
    /// Dark text on a light background.
    Light,
    /// Light text on a dark background.
    Dark,
}

/// A saved view of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// What the user calls it.
    pub name: String,
    /// The query of the page's address, without its `?`.
    pub query: String,
}

/// What a user prefers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// `None`: that of the browser.
    pub language: Option<DashboardLanguage>,
    /// A name of the IANA database; `None`: the zone of the browser.
    pub time_zone: Option<String>,
    /// The colours.
    pub theme: Theme,
    /// Saved views of the board, in the user's order.
    pub views: Vec<SavedView>,
}

/// Changes to preferences; the outer `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PreferencesPatch {
    /// The language.
    pub language: Option<Option<DashboardLanguage>>,
    /// The time zone.
    pub time_zone: Option<Option<String>>,
    /// The colours.
    pub theme: Option<Theme>,
    /// All saved views.
    pub views: Option<Vec<SavedView>>,
}

impl PreferencesPatch {
    /// What is wrong with it: the field and a message.
    pub fn check(&self) -> Vec<(String, String)> {
        let mut errors = Vec::new();
        if let Some(Some(zone)) = &self.time_zone
            && TimeZone::get(zone).is_err()
        {
            let message = "is not a time zone of the IANA database, such as Europe/Berlin";
            errors.push(("time_zone".to_owned(), message.to_owned()));
        }
        let mut names = HashSet::new();
        for (at, view) in self.views.iter().flatten().enumerate() {
            let has_length = (1..=MAX_VIEW_NAME_CHARS).contains(&view.name.trim().chars().count());
            if !has_length || view.name.chars().any(char::is_control) {
                let message = format!("must have 1 to {MAX_VIEW_NAME_CHARS} characters and no control characters");
                errors.push((format!("views[{at}].name"), message));
            } else if !names.insert(view.name.trim()) {
                errors.push((format!("views[{at}].name"), "is the name of another view".to_owned()));
            }
            if view.query.chars().count() > MAX_VIEW_QUERY_CHARS || view.query.chars().any(char::is_control) {
                let message = format!("must have at most {MAX_VIEW_QUERY_CHARS} characters and no control characters");
                errors.push((format!("views[{at}].query"), message));
            }
        }
        errors
    }

    /// The preferences with these changes.
    pub fn applied_to(self, before: Preferences) -> Preferences {
        Preferences {
            language: self.language.unwrap_or(before.language),
            time_zone: self.time_zone.unwrap_or(before.time_zone),
            theme: self.theme.unwrap_or(before.theme),
            views: self.views.unwrap_or(before.views),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str, query: &str) -> SavedView {
        SavedView { name: name.to_owned(), query: query.to_owned() }
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name_and_can_take_a_choice_back() {
        let first = PreferencesPatch {
            language: Some(Some(DashboardLanguage::Ja)),
            time_zone: Some(Some("Asia/Tokyo".to_owned())),
            views: Some(vec![view("low", "at_low=true")]),
            ..PreferencesPatch::default()
        };
        let second = PreferencesPatch { language: Some(None), theme: Some(Theme::Dark), ..PreferencesPatch::default() };
        let preferences = second.applied_to(first.applied_to(Preferences::default()));
        assert_eq!((preferences.language, preferences.theme), (None, Theme::Dark));
        assert_eq!(preferences.time_zone.as_deref(), Some("Asia/Tokyo"));
        assert_eq!(preferences.views, [view("low", "at_low=true")]);
    }

    #[test]
    fn what_is_stored_by_an_older_version_can_be_read() {
        assert_eq!(serde_json::from_str::<Preferences>("{}").unwrap(), Preferences::default());
    }

    #[test]
    fn a_zone_that_does_not_exist_and_views_that_nobody_could_choose_are_refused() {
        let fields_of =
            |patch: PreferencesPatch| -> Vec<String> { patch.check().into_iter().map(|(field, _)| field).collect() };
        let zone = |zone: &str| PreferencesPatch { time_zone: Some(Some(zone.to_owned())), ..Default::default() };
        assert_eq!(fields_of(zone("Europe/Berlin")), [""; 0]);
        assert_eq!(fields_of(zone("Mars/Olympus")), ["time_zone"]);
        let views = |views: Vec<SavedView>| PreferencesPatch { views: Some(views), ..Default::default() };
        assert_eq!(fields_of(views(vec![view("ä".repeat(60).as_str(), &"q".repeat(1000))])), [""; 0]);
        let wrong = vec![
            view(" ", ""),
            view(&"ä".repeat(61), ""),
            view("a", &"q".repeat(1001)),
            view("a", ""),
            view("b\n", "\0"),
        ];
        let expected =
            ["views[0].name", "views[1].name", "views[2].query", "views[3].name", "views[4].name", "views[4].query"];
        assert_eq!(fields_of(views(wrong)), expected);
    }
}
