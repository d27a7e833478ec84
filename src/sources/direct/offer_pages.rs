//! The offer list of a listing, requested page by page.

use super::page_client::{PageClient, context_of};
use crate::domain::{Failure, Listing, OfferList, Outcome};
use crate::extract::{self, OfferPage, PageContext};
use crate::sources::RequestPace;

/// The offers of a listing, page by page.
pub(super) async fn all_offers(
    client: &PageClient,
    pace: Option<&dyn RequestPace>,
    listing: Listing,
) -> Result<OfferList, Outcome> {
    let mut list = OfferList { offers: Vec::new(), is_complete: false };
    for number in 1..=client.settings.max_offer_pages {
        if let Some(pace) = pace {
            pace.next_request(listing.marketplace).await;
        }
        let page = offer_page(client, listing, number).await?;
        list.offers.extend(page.offers);
        list.is_complete = !page.is_full && !page.has_unreadable;
        if !page.is_full || list.offers.len() >= OfferList::MAX_OFFERS {
            break;
        }
    }
    list.offers.truncate(OfferList::MAX_OFFERS);
    Ok(list)
}

async fn offer_page(client: &PageClient, listing: Listing, number: u32) -> Result<OfferPage, Outcome> {
    let path = match number {
        1 => format!("/gp/product/ajax/aodAjaxMain/?asin={}&pc=dp", listing.asin),
        _ => format!(
            "/gp/product/ajax/aodAjaxMain/?asin={}&pc=dp&isonlyrenderofferlist=true&pageno={number}",
            listing.asin
        ),
    };
    let read = async {
        let response = client.get(listing.marketplace, &path).await?;
        let context = context_of(listing.marketplace, &response, false);
        let bytes = client.whole_body(response).await?;
        offer_page_of(&bytes, context, listing)
    };
    client.attempt(listing.marketplace, "/gp/product/ajax/aodAjaxMain/?asin={asin}", read).await
}

/// The page of an offer list, or what else was sent in its place.
fn offer_page_of(bytes: &[u8], context: PageContext, listing: Listing) -> Result<OfferPage, Outcome> {
    let unreadable = Outcome::Failed(Failure::Unreadable);
    match extract::offers(bytes, &context, listing.marketplace) {
        Ok(Some(page)) if page.asin.is_some_and(|asin| asin != listing.asin) => {
            Err(Outcome::Failed(Failure::WrongListing))
        }
        Ok(Some(page)) => Ok(page),
        Ok(None) => match extract::extract(bytes, context).map(|page| page.outcome(listing.asin)) {
            Ok(Outcome::Observed(_)) | Err(_) => Err(unreadable),
            Ok(refusal) => Err(refusal),
        },
        Err(_) => Err(unreadable),
    }
}
