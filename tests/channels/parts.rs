//! The parts of a `multipart/form-data` body.

/// A part.
#[derive(Debug, Clone)]
pub struct Part {
    pub name: String,
    pub filename: Option<String>,
    pub content_type: Option<String>,
    pub bytes: Vec<u8>,
}

impl Part {
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }
}

pub fn parts_of(content_type: &str, body: &[u8]) -> Vec<Part> {
    let boundary = content_type.split_once("boundary=").unwrap().1.trim_matches('"');
    // Before each boundary but the first stands a line break that belongs to it.
    let body = [b"\r\n", body].concat();
    let parts = split(&body, format!("\r\n--{boundary}").as_bytes());
    parts.into_iter().skip(1).filter(|part| !part.starts_with(b"--")).map(part_of).collect()
}

fn split<'a>(mut body: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = body.windows(separator.len()).position(|window| window == separator) {
        parts.push(&body[..at]);
        body = &body[at + separator.len()..];
    }
    parts.push(body);
    parts
}

fn part_of(bytes: &[u8]) -> Part {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let attribute = |name: &str| Some(head.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.to_owned());
    let lower = head.to_lowercase();
    let content_type = lower.split_once("content-type: ").map(|(_, rest)| rest.lines().next().unwrap().to_owned());
    Part {
        name: attribute("name").unwrap(),
        filename: attribute("filename"),
        content_type,
        bytes: bytes[end + 4..].to_vec(),
    }
}
