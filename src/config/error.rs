//! Why settings cannot be used.

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Unknown, of the wrong type, or a file that cannot be read; the message names the setting and its source.
    #[error(transparent)]
    Read(Box<figment::Error>),
    /// A file that is no TOML; its text is not shown, for it may hold secrets.
    #[error("{file}, line {line}: {problem}")]
    Toml {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A value that cannot work.
    #[error("{setting}: {problem}")]
    Value {
        /// The setting's name.
        setting: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
}
