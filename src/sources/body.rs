//! The body of a response, decompressed as it arrives.
//!
//! reqwest reads only codings that are spelled as in RFC 9110. Servers and proxies also send `x-gzip`, `GZIP`, and `deflate` without
//! the zlib header that the RFC demands, which browsers read.

use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use futures_util::TryStreamExt;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderValue};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

/// The value of `Accept-Encoding`: what [`Body`] can read, in the order of browsers.
pub(super) const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip, deflate, br, zstd");
/// As much as is passed on at a time.
const CHUNK_BYTES: usize = 64 * 1024;

type Reader = Pin<Box<dyn AsyncRead + Send>>;
type Compressed = Pin<Box<dyn AsyncBufRead + Send>>;

/// A body that is read in chunks.
pub(super) struct Body {
    reader: Reader,
    chunk: Vec<u8>,
}

impl Body {
    /// The body of the response, without its codings.
    ///
    /// # Errors
    /// The connection ended before the first byte, or a coding is unknown.
    pub(super) async fn of(response: Response) -> io::Result<Self> {
        let codings: Vec<String> = response
            .headers()
            .get_all(CONTENT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|coding| coding.trim().to_ascii_lowercase())
            .filter(|coding| !coding.is_empty() && coding != "identity")
            .collect();
        let received = StreamReader::new(response.bytes_stream().map_err(io::Error::other));
        let mut reader: Compressed = Box::pin(received);
        // The last coding was applied last.
        for coding in codings.iter().rev() {
            reader = Box::pin(tokio::io::BufReader::new(decoder(coding, reader).await?));
        }
        Ok(Self { reader, chunk: vec![0; CHUNK_BYTES] })
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// The connection ended early, or the data is not what the coding says.
    pub(super) async fn chunk(&mut self) -> io::Result<Option<&[u8]>> {
        let read = self.reader.read(&mut self.chunk).await?;
        Ok((read > 0).then(|| &self.chunk[..read]))
    }
}

async fn decoder(coding: &str, mut reader: Compressed) -> io::Result<Reader> {
    Ok(match coding {
        "gzip" | "x-gzip" => {
            let mut decoder = GzipDecoder::new(reader);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        "deflate" if is_zlib(reader.fill_buf().await?) => Box::pin(ZlibDecoder::new(reader)),
        "deflate" => Box::pin(DeflateDecoder::new(reader)),
        "br" => Box::pin(BrotliDecoder::new(reader)),
        "zstd" => Box::pin(ZstdDecoder::new(reader)),
        other => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("unknown content coding `{other}`"))),
    })
}

/// True for the beginning of a zlib stream (RFC 1950, section 2.2). Raw deflate (RFC 1951) does not begin like that in practice: it
/// would be an uncompressed block.
fn is_zlib(start: &[u8]) -> bool {
    match start {
        [method, flags, ..] => {
            method & 0x0f == 8 && method >> 4 <= 7 && (u16::from(*method) << 8 | u16::from(*flags)).is_multiple_of(31)
        }
        [method] => *method == 0x78,
        [] => true,
    }
}
