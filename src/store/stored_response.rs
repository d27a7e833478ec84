//! A response to an idempotent request.

/// The response that is sent to a request that created something, and to its repetitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The header `Location`.
    pub location: String,
    /// JSON.
    pub body: String,
}
