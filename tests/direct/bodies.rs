//! Response bodies: compressed, truncated, endless, stalled.

use std::io::Write;

use amazon_tracker::domain::{Failure, Outcome};

use crate::server::{Answer, Server, answer};
use crate::{fetch, page, price_minor, source, source_with};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 4096, 3, 18).write_all(bytes).unwrap();
    out
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzip_in_two_members(bytes: &[u8]) -> Vec<u8> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    [gzip(first), gzip(second)].concat()
}

type Encoding = (&'static str, fn(&[u8]) -> Vec<u8>);
const ENCODINGS: [Encoding; 10] = [
    ("gzip", gzip),
    ("br", brotli),
    ("zstd", zstd),
    ("deflate", zlib),
    ("deflate", raw_deflate),
    ("x-gzip", gzip),
    ("GZIP", gzip),
    ("Br", brotli),
    ("gzip, identity", gzip),
    ("gzip", gzip_in_two_members),
];

#[tokio::test]
async fn a_page_is_read_in_every_compression() {
    for (name, encode) in ENCODINGS {
        let body = encode(page().as_bytes());
        let server = Server::always(answer("200 OK", &[("Content-Encoding", name)], &body)).await;
        assert_eq!(price_minor(&fetch(&source(&server)).await), Some(123_456), "{name}");
    }
}

#[tokio::test]
async fn a_truncated_compressed_page_is_a_failure() {
    for (name, encode) in ENCODINGS {
        let body = encode(page().as_bytes());
        let cut = answer("200 OK", &[("Content-Encoding", name)], &body[..body.len() / 3]);
        let server = Server::always(cut).await;
        let outcome = fetch(&source(&server)).await;
        assert_eq!(outcome, Outcome::Failed(Failure::Truncated), "{name}");
    }
}

#[tokio::test]
async fn a_decompression_bomb_is_too_large() {
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    let server = Server::always(answer("200 OK", &[("Content-Encoding", "gzip")], &bomb)).await;
    assert_eq!(fetch(&source(&server)).await, Outcome::Failed(Failure::TooLarge));
}

#[tokio::test]
async fn an_endless_body_is_read_until_the_page_settles() {
    let start = answer("200 OK", &[], page().as_bytes());
    let server = Server::start(move |_| Answer::Endless(start.clone(), vec![b' '; 4096])).await;
    assert_eq!(price_minor(&fetch(&source(&server)).await), Some(123_456));
}

#[tokio::test]
async fn an_endless_body_without_facts_is_too_large() {
    let start = answer("200 OK", &[], b"<html><body>");
    let server = Server::start(move |_| Answer::Endless(start.clone(), vec![b' '; 4096])).await;
    let small = source_with(&server, |settings| settings.max_body_bytes = 100_000);
    assert_eq!(fetch(&small).await, Outcome::Failed(Failure::TooLarge));
}

#[tokio::test]
async fn a_server_that_stalls_is_a_timeout() {
    // The server never sends the rest of the announced length.
    let start = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<html><body>".to_vec();
    let server = Server::start(move |_| Answer::Stall(start.clone())).await;
    let hasty = source_with(&server, |settings| settings.read_timeout_secs = 1);
    assert_eq!(fetch(&hasty).await, Outcome::Failed(Failure::Timeout));
}
