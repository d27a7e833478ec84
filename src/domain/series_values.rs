//! The last accepted values of a listing's series, as they are stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::series::{PointValue, Series, SeriesKey};

/// The last accepted value of each series; `None`: known to be absent.
pub(super) type Values = BTreeMap<SeriesKey, Option<PointValue>>;

/// JSON keys are single strings, so the map is written as a list of `[series, category, value]`.
pub(super) fn serialize<S: Serializer>(values: &Values, serializer: S) -> Result<S::Ok, S::Error> {
    let list: Vec<_> = values.iter().map(|(key, value)| (key.series, &key.category, value)).collect();
    list.serialize(serializer)
}

/// Leaves out the series that this version does not know.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    let list = Vec::<(KnownSeries, String, Option<PointValue>)>::deserialize(deserializer)?;
    let known = list
        .into_iter()
        .filter_map(|(series, category, value)| Some((SeriesKey { series: series.0?, category }, value)));
    Ok(known.collect())
}

/// A series by its name; `None` for a name of a later version.
struct KnownSeries(Option<Series>);

impl<'de> Deserialize<'de> for KnownSeries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl serde::de::Visitor<'_> for Name {
            type Value = KnownSeries;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a series")
            }

            fn visit_str<E>(self, name: &str) -> Result<KnownSeries, E> {
                Ok(KnownSeries(name.parse().ok()))
            }
        }
        deserializer.deserialize_str(Name)
    }
}
