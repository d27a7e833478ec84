//! Defects that are planted in listings, and what must be found because of them. That they are defects is known from their making: none is
//! read from the checks.

use amazon_tracker::domain::*;

use super::page::{Course, Page};

/// A defect.
pub struct Defect {
    /// What it is.
    pub name: &'static str,
    /// Where it can be planted; two defects of one place would hide each other.
    pub place: Place,
    plant: fn(&mut Page),
    /// The rules or formulas of which one must report it.
    pub found_as: &'static [&'static str],
}

/// Where a defect can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The title of any product.
    AnyTitle,
    /// The title of a product with a brand, which is no book, music or film: for those there are other rules.
    BrandedTitle,
    /// The bullets or the description.
    Bullets,
    /// What happened over time.
    Course,
}

impl Defect {
    pub fn plant(&self, page: &mut Page) {
        (self.plant)(page);
    }
}

const fn of(name: &'static str, place: Place, plant: fn(&mut Page), found_as: &'static [&'static str]) -> Defect {
    Defect { name, place, plant, found_as }
}

/// All defects.
pub const DEFECTS: &[Defect] = &[
    of(
        "title of 210 characters",
        Place::AnyTitle,
        |page| lengthen_title(page, 210),
        &["title_length_75", "title_length_200_sa_eg_tr_ae", "title_length_200_media"],
    ),
    of("exclamation mark in the title", Place::BrandedTitle, |page| append(page, "wow!"), &["title_characters"]),
    of("a word three times", Place::BrandedTitle, |page| append(page, "zinc zinc zinc"), &["title_repeated_word"]),
    of("promotion in the title", Place::BrandedTitle, |page| append(page, "free shipping"), &["title_promotion"]),
    of("title in capitals", Place::BrandedTitle, shout, &["title_capitals"]),
    of("bullet of 300 characters", Place::Bullets, |page| bullet(page, &"Long ".repeat(60)), &["bullets_length"]),
    of(
        "a single bullet",
        Place::Bullets,
        |page| *page.bullets() = vec!["Made of steel".to_owned()],
        &["bullets_count"],
    ),
    of("emoji", Place::Bullets, |page| bullet(page, "✅ Made to last for years"), &["bullets_emoji"]),
    of("trade mark sign", Place::Bullets, |page| bullet(page, "Made of Durasteel™ only"), &["bullets_characters"]),
    of("guarantee", Place::Bullets, |page| bullet(page, "Money-back guarantee for all"), &["bullets_guarantee"]),
    of("address", Place::Bullets, |page| bullet(page, "Write to help@simhaus.example"), &["bullets_contact"]),
    of("ASIN", Place::Bullets, |page| bullet(page, "Goes well with B08PZHYWJS"), &["bullets_asin"]),
    of("placeholder", Place::Bullets, |page| bullet(page, "TBD by the sales team"), &["bullets_placeholder"]),
    of(
        "HTML",
        Place::Bullets,
        |page| page.seen.content.description = Some("<div>Steel</div>".to_owned()),
        &["description_html"],
    ),
    of("out of stock every fourth week", Place::Course, |page| course(page, out_of_stock_at_times), &["out_of_stock"]),
    of("out of stock since ten days", Place::Course, |page| course(page, out_of_stock_now), &["out_of_stock_now"]),
    of("no featured offer", Place::Course, |page| course(page, no_featured_offer), &["no_featured_offer"]),
    of("another seller since five days", Place::Course, |page| course(page, another_seller), &["buy_box_lost"]),
    of("two sellers in turn", Place::Course, |page| course(page, two_sellers), &["buy_box_shared"]),
    of("a falling rating", Place::Course, |page| course(page, falling_rating), &["rating_falling"]),
    of("dearer than all", Place::Course, |page| page.rivals_percent = vec![80, 85, 90], &["dearest"]),
    of("undercut by one", Place::Course, |page| page.rivals_percent = vec![95, 110, 120], &["undercut"]),
];

fn append(page: &mut Page, words: &str) {
    page.set_title(format!("{} {words}", page.title()));
}

/// Words that differ, so that none is repeated too often.
fn lengthen_title(page: &mut Page, chars: usize) {
    let mut title = page.title();
    let words = ('a'..='z').flat_map(|first| ('a'..='z').map(move |second| format!(" {first}o{second}e")));
    for word in words {
        if title.chars().count() < chars {
            title.push_str(&word);
        }
    }
    page.set_title(title);
}

fn shout(page: &mut Page) {
    page.set_title("SOLID ZINC BUCKET WITH HANDLE".to_owned());
}

fn bullet(page: &mut Page, text: &str) {
    page.bullets().truncate(4);
    page.bullets().push(text.trim().to_owned());
}

fn course(page: &mut Page, course: Course) {
    page.courses.push(course);
}

fn gone(seen: &mut Observation, availability: Availability) {
    seen.price = Reading::Absent;
    seen.availability = availability;
}

fn sold_by(seen: &mut Observation, name: &str, id: &str) {
    seen.seller = Reading::Is(name.to_owned());
    seen.seller_id = Reading::Is(id.parse().unwrap());
}

fn out_of_stock_at_times(day: usize, days: usize, seen: &mut Observation) {
    if day % 28 >= 21 && day + 3 < days {
        gone(seen, Availability::OutOfStock);
    }
}

fn out_of_stock_now(day: usize, days: usize, seen: &mut Observation) {
    if day + 10 >= days {
        gone(seen, Availability::Unavailable);
    }
}

fn no_featured_offer(day: usize, days: usize, seen: &mut Observation) {
    if day + 10 >= days {
        gone(seen, Availability::NoFeaturedOffer);
    }
}

fn another_seller(day: usize, days: usize, seen: &mut Observation) {
    let (name, id) = if day + 5 >= days { ("Hijack", "A2D7JKJIGBZO3G") } else { ("Simhaus", "A1QVKO3QXZAK7P") };
    sold_by(seen, name, id);
}

fn two_sellers(day: usize, _: usize, seen: &mut Observation) {
    let is_others = day % 20 < 7 && day > 5;
    let (name, id) = if is_others { ("Rival", "A2D7JKJIGBZO3G") } else { ("Simhaus", "A1QVKO3QXZAK7P") };
    sold_by(seen, name, id);
}

fn falling_rating(day: usize, days: usize, seen: &mut Observation) {
    seen.rating = Reading::Is(Rating(if day * 2 < days { 460 } else { 420 }));
}
