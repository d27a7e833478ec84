//! Detects the encoding of a page while it streams, and converts it to UTF-8.
//!
//! Declarations are unreliable: saved and proxied pages are often UTF-8 with a `charset=iso-8859-1`. ASCII is common to
//! all supported encodings and is copied at once. The first non-ASCII bytes decide: if they are valid UTF-8, the page
//! is UTF-8; otherwise the declaration applies (byte order mark, HTTP header, `<meta>`, in this order).

use encoding_rs::{CoderResult, Decoder, Encoding, GBK, SHIFT_JIS, UTF_8, WINDOWS_1252};
use memchr::memchr;

use crate::domain::Marketplace;

/// Maximum run of non-ASCII bytes that is checked before deciding.
const MAX_PROBE_BYTES: usize = 24;
/// Declarations are searched only in this many bytes. (The latest one found in a real page was at 103 kB.)
const MAX_HEAD_BYTES: usize = 192 * 1024;
/// Maximum length of a tag that is searched for a declaration.
const MAX_TAG_BYTES: usize = 512;
/// The start of tags that can contain a declaration.
const META: &[u8] = b"<meta";

/// Converts the bytes of a page to UTF-8, chunk by chunk.
pub(super) struct Transcoder {
    state: State,
    declared: Option<&'static Encoding>,
    fallback: &'static Encoding,
    /// Number of bytes already searched for a declaration.
    searched: usize,
    out: Vec<u8>,
}

enum State {
    /// The first bytes, which may be a byte order mark.
    Start(Vec<u8>),
    /// Only ASCII so far, with the beginning of the current tag.
    Ascii(Vec<u8>),
    /// The first run of non-ASCII bytes, not yet long enough to decide.
    Probe(Vec<u8>),
    Utf8,
    Other(Decoder),
}

impl Transcoder {
    /// `content_type` is the HTTP header; `fallback` is used if the page declares no encoding.
    pub(super) fn new(content_type: Option<&str>, fallback: Option<&'static Encoding>) -> Self {
        let declared = content_type.and_then(|header| charset_in(header.as_bytes()));
        Self {
            state: State::Start(Vec::new()),
            declared,
            fallback: fallback.unwrap_or(WINDOWS_1252),
            searched: 0,
            out: Vec::new(),
        }
    }

    /// The chunk in UTF-8. It is not copied once the page is known to be UTF-8.
    pub(super) fn push<'a>(&'a mut self, chunk: &'a [u8]) -> &'a [u8] {
        if matches!(self.state, State::Utf8) {
            return chunk;
        }
        // Most chunks are pure ASCII and need no copy either.
        if matches!(self.state, State::Ascii(_)) && Encoding::ascii_valid_up_to(chunk) == chunk.len() {
            self.search_declaration(chunk);
            return chunk;
        }
        self.out.clear();
        self.advance(chunk);
        &self.out
    }

    /// Ends the stream and returns the bytes that were buffered.
    pub(super) fn finish(&mut self) -> &[u8] {
        self.out.clear();
        let buffered = match std::mem::replace(&mut self.state, State::Utf8) {
            State::Start(buffered) => {
                self.state = State::Ascii(Vec::new());
                self.advance(&buffered);
                return self.finish_probe();
            }
            State::Other(mut decoder) => {
                decode(&mut decoder, &[], true, &mut self.out);
                return &self.out;
            }
            State::Probe(buffered) => buffered,
            State::Ascii(_) | State::Utf8 => Vec::new(),
        };
        self.decide(&buffered);
        &self.out
    }

    fn finish_probe(&mut self) -> &[u8] {
        if let State::Probe(buffered) = std::mem::replace(&mut self.state, State::Utf8) {
            self.decide(&buffered);
        }
        &self.out
    }

    fn advance(&mut self, mut chunk: &[u8]) {
        while !chunk.is_empty() {
            chunk = match &mut self.state {
                State::Start(buffered) => {
                    let needed = 3usize.saturating_sub(buffered.len()).min(chunk.len());
                    buffered.extend_from_slice(&chunk[..needed]);
                    if buffered.len() == 3 {
                        let buffered = std::mem::take(buffered);
                        self.after_start(&buffered);
                    }
                    &chunk[needed..]
                }
                State::Ascii(_) => self.pass_ascii(chunk),
                State::Probe(_) => self.probe(chunk),
                State::Utf8 => {
                    self.out.extend_from_slice(chunk);
                    &[]
                }
                State::Other(decoder) => {
                    decode(decoder, chunk, false, &mut self.out);
                    &[]
                }
            };
        }
    }

    fn after_start(&mut self, buffered: &[u8]) {
        self.state = match Encoding::for_bom(buffered) {
            Some((encoding, _)) if encoding == UTF_8 => State::Utf8,
            Some((encoding, length)) => {
                let mut decoder = encoding.new_decoder_without_bom_handling();
                decode(&mut decoder, &buffered[length..], false, &mut self.out);
                State::Other(decoder)
            }
            None => {
                self.state = State::Ascii(Vec::new());
                self.advance(buffered);
                return;
            }
        };
    }

    /// Copies ASCII and searches it for `<meta … charset=…>`; returns the rest from the first non-ASCII byte on.
    fn pass_ascii<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        let length = Encoding::ascii_valid_up_to(chunk);
        let (ascii, rest) = chunk.split_at(length);
        self.out.extend_from_slice(ascii);
        self.search_declaration(ascii);
        if !rest.is_empty() {
            self.state = State::Probe(Vec::with_capacity(MAX_PROBE_BYTES));
        }
        rest
    }

    fn search_declaration(&mut self, ascii: &[u8]) {
        let State::Ascii(tag) = &mut self.state else { return };
        if self.declared.is_some() {
            return;
        }
        // The same number of bytes for every split into chunks.
        let ascii = &ascii[..ascii.len().min(MAX_HEAD_BYTES - self.searched)];
        self.searched += ascii.len();
        let mut rest = ascii;
        while let Some(start) = if tag.is_empty() { memchr(b'<', rest) } else { Some(0) }
            && let Some((byte, after)) = rest[start..].split_first()
        {
            rest = after;
            let may_be_meta = META.get(tag.len()).is_none_or(|expected| expected.eq_ignore_ascii_case(byte));
            match byte {
                b'>' => {
                    if tag.len() > META.len() {
                        self.declared = self.declared.or_else(|| charset_in(tag));
                    }
                    tag.clear();
                }
                b'<' => {
                    tag.clear();
                    tag.push(*byte);
                }
                _ if may_be_meta => {
                    if tag.len() < MAX_TAG_BYTES {
                        tag.push(*byte);
                    }
                }
                _ => tag.clear(),
            }
        }
    }

    fn probe<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        let State::Probe(buffered) = &mut self.state else { return chunk };
        let room = MAX_PROBE_BYTES - buffered.len();
        let run = chunk.iter().take(room).take_while(|byte| !byte.is_ascii()).count();
        buffered.extend_from_slice(&chunk[..run]);
        let complete = run < chunk.len() || buffered.len() == MAX_PROBE_BYTES;
        if complete {
            let buffered = std::mem::take(buffered);
            self.decide(&buffered);
        }
        &chunk[run..]
    }

    fn decide(&mut self, probe: &[u8]) {
        let is_utf8 = match std::str::from_utf8(probe) {
            Ok(_) => true,
            // A character truncated by the length of the probe is not invalid.
            Err(error) => error.error_len().is_none() && error.valid_up_to() > 0 && probe.len() == MAX_PROBE_BYTES,
        };
        // A page declared as UTF-8 with an invalid first character stays UTF-8: one wrong character is better than
        // many.
        let encoding = if is_utf8 { UTF_8 } else { self.declared.unwrap_or(self.fallback) };
        if encoding == UTF_8 {
            self.out.extend_from_slice(probe);
            self.state = State::Utf8;
            return;
        }
        let mut decoder = encoding.new_decoder_without_bom_handling();
        decode(&mut decoder, probe, false, &mut self.out);
        self.state = State::Other(decoder);
    }
}

/// The encoding of a marketplace's pages before UTF-8, for pages that declare none.
pub(super) fn legacy(marketplace: Marketplace) -> Option<&'static Encoding> {
    match marketplace {
        Marketplace::Jp => Some(SHIFT_JIS),
        Marketplace::Cn => Some(GBK),
        _ => None,
    }
}

fn decode(decoder: &mut Decoder, mut bytes: &[u8], last: bool, out: &mut Vec<u8>) {
    let mut buffer = [0u8; 4096];
    loop {
        let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut buffer, last);
        out.extend_from_slice(&buffer[..written]);
        bytes = &bytes[read..];
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}

/// The encoding after `charset=`. A declared UTF-16 becomes UTF-8, because the declaration itself was read as ASCII.
fn charset_in(bytes: &[u8]) -> Option<&'static Encoding> {
    const MARK: &[u8] = b"charset";
    let at = bytes.windows(MARK.len()).position(|window| window.eq_ignore_ascii_case(MARK))? + MARK.len();
    let is_around = |byte: &u8| matches!(byte, b' ' | b'=' | b'"' | b'\'');
    let label = &bytes[at..];
    let label = &label[label.iter().take_while(|byte| is_around(byte)).count()..];
    let length =
        label.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':')).count();
    Encoding::for_label(&label[..length]).map(Encoding::output_encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcode(content_type: Option<&str>, chunks: &[&[u8]]) -> String {
        let mut transcoder = Transcoder::new(content_type, None);
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend_from_slice(transcoder.push(chunk));
        }
        out.extend_from_slice(transcoder.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_declaration_applies_to_bytes_that_are_not_utf_8() {
        let page = b"<meta charset='iso-8859-1'>caf\xe9";
        assert_eq!(transcode(None, &[page]), "<meta charset='iso-8859-1'>café");
        assert_eq!(transcode(Some("text/html; charset=Shift_JIS"), &[b"abc \x83\x7b\x83\x93"]), "abc ボン");
    }

    #[test]
    fn a_wrong_declaration_is_ignored_for_utf_8() {
        let page = "<meta http-equiv=content-type content='text/html; charset=iso-8859-1'>café";
        assert_eq!(transcode(None, &[page.as_bytes()]), page);
    }

    #[test]
    fn a_byte_order_mark_takes_precedence() {
        assert_eq!(transcode(None, &[b"\xff\xfeh\0i\0"]), "hi");
        assert_eq!(transcode(None, &[b"\xef\xbb\xbfhi"]), "hi");
    }

    #[test]
    fn every_split_into_chunks_gives_the_same_text() {
        let page = b"<meta charset=Shift_JIS><p>\x83\x7b\x83\x93\x83\x7b abc \x83\x7b";
        let whole = transcode(None, &[page]);
        for at in 0..=page.len() {
            assert_eq!(transcode(None, &[&page[..at], &page[at..]]), whole, "split at {at}");
        }
        let bytes: Vec<&[u8]> = page.chunks(1).collect();
        assert_eq!(transcode(None, &bytes), whole);
    }

    #[test]
    fn a_page_shorter_than_a_byte_order_mark_is_converted() {
        assert_eq!(transcode(None, &[b"h"]), "h");
        assert_eq!(transcode(None, &[b"\xe9"]), "é");
        assert_eq!(transcode(None, &[]), "");
    }
}
