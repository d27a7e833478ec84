//! Pictures of products, from our own store: a browser that loaded them from Amazon would tell it what is watched.

use std::sync::Arc;

use super::{Dependencies, Service, ServiceResult};
use crate::domain::{ImageUrl, ListingImage, ProductId, TenantId};

/// A picture of a product.
#[derive(Debug, Clone)]
pub struct ProductImage {
    /// The picture.
    pub image: ListingImage,
    /// It is the one that the page shows now, and not the one before.
    pub is_current: bool,
}

impl Service {
    /// The picture of a product; `None`: there is none, or none yet. One that was never asked for is fetched in the background.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`](super::ServiceError::NotFound): there is no such product.
    pub async fn product_image(&self, tenant_id: TenantId, id: ProductId) -> ServiceResult<Option<ProductImage>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.store.product(tenant_id, id).await?;
            let url = product.state.image_url.as_deref().and_then(ImageUrl::parse);
            let Some(url) = url.filter(|_| deps.serves_images) else { return Ok(None) };
            let stored = deps.store.listing_image(product.listing_id).await?;
            let is_asked = stored.as_ref().is_some_and(|stored| stored.url == url.as_str());
            if !is_asked {
                deps.store.want_image(product.listing_id, &url).await?;
            }
            Ok(stored.and_then(|stored| {
                let is_current = is_asked && stored.is_current;
                stored.image.map(|image| ProductImage { image, is_current })
            }))
        })
        .await
    }
}
