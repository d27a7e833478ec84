//! Pictures of the simulated products: a drawn parcel in a colour of its own, as PNG.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// Width and height in pixels.
const SIDE: usize = 160;

type Colour = [u8; 3];

const WHITE: Colour = [255, 255, 255];

/// The picture with this name.
pub(super) fn picture(name: &str) -> Vec<u8> {
    let seed = name.bytes().fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    let [red, green, blue, shape] = seed.to_be_bytes();
    let body = [red, green, blue].map(|part| 70 + part / 2);
    let shadow = body.map(|part| part / 4 * 3);
    let mut rows = Vec::with_capacity(SIDE * (SIDE * 3 + 1));
    for y in 0..SIDE {
        // Each row says how it is coded: as it is.
        rows.push(0);
        (0..SIDE).for_each(|x| rows.extend(colour_at(x, y, usize::from(shape), body, shadow)));
    }
    let mut header = Vec::new();
    let side = u32::try_from(SIDE).unwrap_or_default();
    header.extend(side.to_be_bytes());
    header.extend(side.to_be_bytes());
    // Eight bits each of red, green and blue.
    header.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &compressed(&rows));
    chunk(&mut png, *b"IEND", &[]);
    png
}

/// A parcel with a darker side and a band around it.
fn colour_at(x: usize, y: usize, shape: usize, body: Colour, shadow: Colour) -> Colour {
    let (width, height) = (60 + shape % 60, 60 + shape / 4 % 70);
    let (left, top) = ((SIDE - width) / 2, (SIDE - height) / 2);
    if !(left..left + width).contains(&x) || !(top..top + height).contains(&y) {
        return WHITE;
    }
    let band = SIDE / 2 - 8..SIDE / 2 + 8;
    match (band.contains(&x) || (shape.is_multiple_of(2) && band.contains(&y)), x > left + width * 3 / 4) {
        (true, _) => body.map(|part| part.saturating_add(60)),
        (false, true) => shadow,
        (false, false) => body,
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory cannot fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(content);
    png.extend(u32::try_from(content.len()).unwrap_or_default().to_be_bytes());
    png.extend(kind);
    png.extend(content);
    png.extend(crc.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ImageType, MAX_IMAGE_BYTES};

    #[test]
    fn each_product_has_a_picture_of_its_own_that_is_always_the_same() {
        let (one, other) = (picture("71ab"), picture("81cd"));
        assert!(one != other && one == picture("71ab"));
        assert_eq!(ImageType::of(&one), Some(ImageType::Png));
        assert!(one.len() < MAX_IMAGE_BYTES / 10, "{}", one.len());
    }
}
