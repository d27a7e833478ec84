//! A report as it is stored: JSON, compressed (gzip).

use std::io::{BufReader, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::insight::report::Report;

/// A report that cannot be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum PackedReportError {
    /// Its JSON.
    #[error("the stored report is not one that this version can read: {0}")]
    Json(#[from] serde_json::Error),
    /// Its compression.
    #[error("the stored report cannot be compressed or decompressed: {0}")]
    Gzip(#[from] std::io::Error),
}

/// A report as it is stored.
///
/// # Errors
/// [`PackedReportError`]
pub fn pack(report: &Report) -> Result<Vec<u8>, PackedReportError> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&serde_json::to_vec(report)?)?;
    Ok(packed.finish()?)
}

/// A report that was packed.
///
/// # Errors
/// [`PackedReportError`]
pub fn unpack(packed: &[u8]) -> Result<Report, PackedReportError> {
    Ok(serde_json::from_reader(BufReader::new(GzDecoder::new(packed)))?)
}
