//! Pictures of listings: where they may come from, and what they are.

use url::Url;

/// As long as the URL of a page's picture can be.
const MAX_URL_CHARS: usize = 2000;
/// What Amazon writes into the name of a picture to get one that is at most so wide and high.
const SMALL: &str = "_SL160_";

/// The largest picture that is stored, in bytes.
pub const MAX_IMAGE_BYTES: usize = 512 * 1024;

/// The URL of a picture on one of Amazon's hosts for pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUrl(Url);

impl ImageUrl {
    /// `None`: the URL is not one of a picture on such a host. What a page names is not fetched from anywhere else.
    pub fn parse(text: &str) -> Option<Self> {
        let url: Url = text.parse().ok()?;
        let is_plain = url.scheme() == "https" && url.port().is_none() && url.username().is_empty();
        let is_picture = url.path().starts_with("/images/") && url.query().is_none();
        let is_known = is_image_host(url.host_str()?) && url.password().is_none();
        (is_plain && is_picture && is_known && text.chars().count() <= MAX_URL_CHARS).then_some(Self(url))
    }

    /// The URL as it was.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The path of Amazon's small rendition of the picture: `/images/I/71ab+Cd._AC_SX679_.jpg` has the name `71ab+Cd` and the ending
    /// `jpg`, and between them how it is rendered.
    pub fn small_path(&self) -> String {
        let path = self.0.path();
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let (name, rest) = file.split_once('.').unwrap_or((file, "jpg"));
        let ending = rest.rsplit('.').next().unwrap_or(rest);
        format!("{folder}/{name}.{SMALL}.{ending}")
    }
}

fn is_image_host(host: &str) -> bool {
    let regional = host.strip_prefix("images-").and_then(|rest| rest.strip_suffix(".ssl-images-amazon.com"));
    host == "m.media-amazon.com" || regional.is_some_and(|region| !region.is_empty() && !region.contains('.'))
}

/// The type of a picture, by how it begins. SVG is none: it is a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageType {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    WebP,
}

impl ImageType {
    /// Every type.
    pub const ALL: &[Self] = &[Self::Jpeg, Self::Png, Self::Gif, Self::WebP];

    /// The type of a content, whatever its sender says of it.
    pub fn of(content: &[u8]) -> Option<Self> {
        match content {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }

    /// The type with this media type.
    pub fn of_media_type(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.media_type() == text)
    }
}

/// A picture of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingImage {
    /// Its type.
    pub kind: ImageType,
    /// Its bytes.
    pub content: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_from_amazons_hosts_for_pictures_alone() {
        for allowed in [
            "https://m.media-amazon.com/images/I/71ab+Cd._AC_SX679_.jpg",
            "https://images-na.ssl-images-amazon.com/images/I/71ab.jpg",
            "https://images-eu.ssl-images-amazon.com/images/I/71ab.jpg",
        ] {
            assert_eq!(ImageUrl::parse(allowed).unwrap().as_str(), allowed);
        }
        for refused in [
            "http://m.media-amazon.com/images/I/71ab.jpg",
            "https://m.media-amazon.com:8443/images/I/71ab.jpg",
            "https://user@m.media-amazon.com/images/I/71ab.jpg",
            "https://m.media-amazon.com/images/I/71ab.jpg?x=1",
            "https://m.media-amazon.com/other/71ab.jpg",
            "https://m.media-amazon.com.evil.example/images/I/71ab.jpg",
            "https://images-.ssl-images-amazon.com/images/I/71ab.jpg",
            "https://images-a.b.ssl-images-amazon.com/images/I/71ab.jpg",
            "https://evil.example/images/I/71ab.jpg",
            "https://127.0.0.1/images/I/71ab.jpg",
            "file:///etc/passwd",
            "data:image/png;base64,AAAA",
            "",
        ] {
            assert_eq!(ImageUrl::parse(refused), None, "{refused}");
        }
    }

    #[test]
    fn the_small_rendition_has_the_name_of_the_picture() {
        let small =
            |file: &str| ImageUrl::parse(&format!("https://m.media-amazon.com/images/I/{file}")).unwrap().small_path();
        assert_eq!(small("71ab+Cd._AC_SX679_.jpg"), "/images/I/71ab+Cd._SL160_.jpg");
        assert_eq!(small("71ab.png"), "/images/I/71ab._SL160_.png");
        assert_eq!(small("71ab.SX38_SY50_CR,0,0,38,50_.jpg"), "/images/I/71ab._SL160_.jpg");
    }

    #[test]
    fn a_picture_is_what_its_bytes_say() {
        for (content, kind) in [
            (&b"\xff\xd8\xff\xe0 \0\0"[..], Some(ImageType::Jpeg)),
            (b"\x89PNG\r\n\x1a\n....", Some(ImageType::Png)),
            (b"GIF89a...", Some(ImageType::Gif)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(ImageType::WebP)),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", None),
            (b"<!doctype html>", None),
            (b"", None),
        ] {
            assert_eq!(ImageType::of(content), kind);
        }
        for kind in ImageType::ALL {
            assert_eq!(ImageType::of_media_type(kind.media_type()), Some(*kind));
        }
    }
}
