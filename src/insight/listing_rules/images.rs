//! Rules about images, videos and the modules of A+ content.

use super::content::{APlus, APlusImage, ListingContent, ListingImage};
use super::outcome::{ItemVerdict, Observed, Reason, Verdict};
use super::rule::Check;

/// The verdict about the images of a listing. `missing`: why something of them is not known.
pub(super) fn verdict(check: Check, content: &ListingContent, missing: Reason) -> Verdict {
    if check == Check::HasVideo {
        return content
            .has_video
            .map_or(Verdict::Unknown(missing), |has| Verdict::broken_if(!has, Observed::default()));
    }
    let Some(images) = &content.images else { return Verdict::Unknown(missing) };
    match check {
        Check::Count { min, max, vendor_max } => super::texts::count(images.len(), min, max, vendor_max, content),
        Check::LongestSide { min, max } => {
            let sides = images.iter().map(|image| longest_side(image, min, max, missing));
            Verdict::of_items(sides.enumerate().map(|(at, verdict)| (Some(at), verdict)))
        }
        Check::WhiteBackground => of_main(images, missing, |main| {
            main.is_background_white.map(|is_white| (!is_white).then(Observed::default))
        }),
        Check::FillAtLeast(least) => of_main(images, missing, |main| {
            main.fill_percent.map(|percent| (percent < least).then(|| Observed::amount(percent)))
        }),
        _ => Verdict::NotApplicable,
    }
}

fn longest_side(image: &ListingImage, min: u32, max: u32, missing: Reason) -> ItemVerdict {
    let (Some(width), Some(height)) = (image.width, image.height) else { return ItemVerdict::Unknown(missing) };
    let longest = width.max(height);
    if (min..=max).contains(&longest) { ItemVerdict::Kept } else { ItemVerdict::Broken(Observed::amount(longest)) }
}

/// The verdict about the main image. `look`: what breaks the rule, if that is known.
fn of_main(
    images: &[ListingImage],
    missing: Reason,
    look: impl Fn(&ListingImage) -> Option<Option<Observed>>,
) -> Verdict {
    match images.first().map(look) {
        None => Verdict::NotApplicable,
        Some(None) => Verdict::Unknown(missing),
        Some(Some(None)) => Verdict::Kept,
        Some(Some(Some(observed))) => Verdict::Broken(vec![(Some(0), observed)]),
    }
}

/// The verdict about the modules and images of A+ content; `None`: the check is not about them.
pub(super) fn a_plus_verdict(check: Check, a_plus: &APlus, missing: Reason) -> Option<Verdict> {
    let each = |look: &dyn Fn(&APlusImage) -> ItemVerdict| match &a_plus.images {
        None => Verdict::Unknown(missing),
        Some(images) => Verdict::of_items(images.iter().enumerate().map(|(at, image)| (Some(at), look(image)))),
    };
    match check {
        Check::ModulesAtMost(kind, _) | Check::FullWidthAtLeast(kind, ..) if kind != a_plus.kind => {
            Some(Verdict::NotApplicable)
        }
        Check::ModulesAtMost(_, most) => Some(match a_plus.module_count {
            None => Verdict::Unknown(missing),
            Some(count) => Verdict::broken_if(count > most, Observed::amount(count)),
        }),
        Check::FullWidthAtLeast(_, width, height) => Some(each(&|image| full_width(image, width, height, missing))),
        Check::FileBelow(end) => Some(each(&|image| match image.size_bytes {
            None => ItemVerdict::Unknown(missing),
            Some(size) if size < end => ItemVerdict::Kept,
            Some(size) => ItemVerdict::Broken(Observed::amount(size)),
        })),
        _ => None,
    }
}

fn full_width(image: &APlusImage, min_width: u32, min_height: u32, missing: Reason) -> ItemVerdict {
    match (image.width, image.height, image.is_full_width) {
        (_, _, Some(false)) => ItemVerdict::Kept,
        (Some(width), Some(height), _) if width >= min_width && height >= min_height => ItemVerdict::Kept,
        (Some(width), Some(height), Some(true)) => {
            let size = vec![format!("{width} × {height}")];
            ItemVerdict::Broken(Observed { amount: None, texts: size })
        }
        _ => ItemVerdict::Unknown(missing),
    }
}
