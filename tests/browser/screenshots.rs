//! `make screenshots`: the pictures of docs/dashboard.md.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Compression, Decoder, Encoder};
use serde_json::json;

use crate::every_page::PHONE;
use crate::page::Page;
use crate::shop::Shop;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/screenshots");
const SCREEN: (u32, u32) = (1440, 900);
/// A picture of a screen has this width.
const WIDTH: u32 = 1200;
/// They are in the repository.
const MAX_BYTES: usize = 120 * 1024;
/// A picture of a page has few colours, and all others are close to them.
const COLOURS: usize = 256;

impl Page {
    async fn save(&self, name: &str, screen: (u32, u32)) {
        self.settled().await;
        let scale = f64::from(WIDTH.min(screen.0)) / f64::from(screen.0);
        let picture = STANDARD.decode(self.screenshot(screen, scale).await.as_str().unwrap()).unwrap();
        let picture = with_few_colours(&picture);
        std::fs::write(Path::new(FOLDER).join(name), &picture).unwrap();
        assert!(picture.len() <= MAX_BYTES, "{name}: {} bytes", picture.len());
    }
}

/// The same picture with its most frequent colours; of the others, with those that look like none of these.
fn with_few_colours(picture: &[u8]) -> Vec<u8> {
    let mut reader = Decoder::new(Cursor::new(picture)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    let pixels: Vec<[u8; 3]> =
        bytes.chunks_exact(frame.color_type.samples()).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
    pixels.iter().for_each(|pixel| *counts.entry(*pixel).or_default() += 1);
    let mut colours: Vec<[u8; 3]> = counts.keys().copied().collect();
    colours.sort_by_key(|colour| (std::cmp::Reverse(counts[colour]), *colour));
    let alike = |colour: &[u8; 3]| colour.map(|part| part / 16);
    let mut rare = colours.split_off(colours.len().min(COLOURS / 2));
    let mut seen: HashSet<_> = colours.iter().map(alike).collect();
    rare.retain(|colour| seen.insert(alike(colour)));
    colours.extend(rare);
    colours.truncate(COLOURS);
    let distance = |one: &[u8; 3], other: &[u8; 3]| -> u32 {
        one.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(*other)).pow(2)).sum()
    };
    let nearest =
        |pixel: &[u8; 3]| colours.iter().enumerate().min_by_key(|(_, colour)| distance(pixel, colour)).unwrap().0;
    let places: HashMap<[u8; 3], u8> =
        counts.keys().map(|pixel| (*pixel, u8::try_from(nearest(pixel)).unwrap())).collect();
    let places: Vec<u8> = pixels.iter().map(|pixel| places[pixel]).collect();
    let mut small = Vec::new();
    let mut encoder = Encoder::new(&mut small, frame.width, frame.height);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(colours.concat());
    encoder.set_compression(Compression::High);
    encoder.write_header().unwrap().write_image_data(&places).unwrap();
    small
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make screenshots: it writes into docs"]
async fn pictures_of_the_dashboard() {
    std::fs::create_dir_all(FOLDER).unwrap();
    let shop = Shop::start().await;
    let page = Page::open_as(&shop.daemon, "jo", "/").await;
    page.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
    page.resize(SCREEN.0, SCREEN.1).await;
    page.visit("/?sort=change").await;
    page.save("board.png", SCREEN).await;
    page.visit(&format!("/products/{}", shop.product)).await;
    page.save("product.png", SCREEN).await;
    page.prefer("dark").await;
    page.save("product-dark.png", SCREEN).await;
    page.prefer("light").await;
    page.visit(&format!("/alerts/{}", shop.rule)).await;
    page.see_line("price").await;
    page.until("it was played", "return document.querySelector('.verdict').textContent !== ''").await;
    page.save("alert.png", SCREEN).await;
    page.resize(PHONE.0, PHONE.1).await;
    page.visit("/?sort=change").await;
    page.save("phone.png", PHONE).await;
    page.end().await;
    shop.daemon.end().await;
}
