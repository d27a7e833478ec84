//! Pictures of products, from our own store: a browser that loaded them from Amazon would tell it what is watched.

use std::sync::Arc;

use super::{Dependencies, Service, ServiceError, ServiceResult};
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
    /// The picture of a product. One that was never asked for is fetched in the background.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]: there is none, or none yet.
    pub async fn product_image(&self, tenant_id: TenantId, id: ProductId) -> ServiceResult<ProductImage> {
        self.run(async move |deps: Arc<Dependencies>| {
            let none = ServiceError::NotFound("image");
            let product = deps.store.product(tenant_id, id).await?;
            let url = product.state.image_url.as_deref().and_then(ImageUrl::parse);
            let Some(url) = url.filter(|_| deps.serves_images) else { return Err(none) };
            let stored = deps.store.listing_image(product.listing_id).await?;
            let is_asked = stored.as_ref().is_some_and(|stored| stored.url == url.as_str());
            if !is_asked {
                deps.store.want_image(product.listing_id, &url).await?;
            }
            let stored = stored.ok_or(ServiceError::NotFound("image"))?;
            let image = stored.image.ok_or(none)?;
            Ok(ProductImage { image, is_current: is_asked && stored.is_current })
        })
        .await
    }
}
