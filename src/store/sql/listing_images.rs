//! Pictures of listings.

use std::time::Duration;

use async_trait::async_trait;

use super::Backend;
use crate::domain::{ImageType, ImageUrl, ListingId, ListingImage};
use crate::store::clock::millis;
use crate::store::rows::count;
use crate::store::tenant_scope::TenantScope;
use crate::store::{ListingImages, StoreResult, StoredImage, WantedImage};

#[async_trait]
impl ListingImages for Backend {
    async fn listing_image(&self, listing_id: ListingId) -> StoreResult<Option<StoredImage>> {
        const FIND: &str =
            "SELECT url, due_at IS NULL AND attempts = 0, media_type, content FROM listing_image WHERE listing_id = $1";
        type Row = (String, bool, Option<String>, Option<Vec<u8>>);
        let query = sqlx::query_as(FIND).bind(listing_id.0);
        let row: Option<Row> = query.fetch_optional(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(row.map(|(url, is_current, media_type, content)| {
            let kind = media_type.as_deref().and_then(ImageType::of_media_type);
            let image = kind.zip(content).map(|(kind, content)| ListingImage { kind, content });
            StoredImage { url, is_current: is_current && image.is_some(), image }
        }))
    }

    async fn want_image(&self, listing_id: ListingId, url: &ImageUrl) -> StoreResult<()> {
        const WANT: &str = concat!(
            "INSERT INTO listing_image (listing_id, url, asked_at, due_at) VALUES ($1, $2, ",
            now!(3),
            ", ",
            now!(3),
            ") ON CONFLICT (listing_id) DO UPDATE SET url = excluded.url, asked_at = excluded.asked_at, \
               due_at = excluded.due_at, attempts = 0 WHERE listing_image.url <> excluded.url"
        );
        let query = sqlx::query(WANT).bind(listing_id.0).bind(url.as_str().to_owned()).bind(self.clock_param());
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn claim_images(&self, limit: u32, lease: Duration) -> StoreResult<Vec<WantedImage>> {
        const CLAIM: &str = concat!(
            "WITH due AS MATERIALIZED (SELECT listing_id FROM listing_image WHERE due_at <= ",
            now!(1),
            " ORDER BY due_at LIMIT $2",
            skip_locked!(),
            ") UPDATE listing_image SET due_at = ",
            now!(1),
            " + $3, attempts = attempts + 1 WHERE listing_id IN (SELECT listing_id FROM due) \
             RETURNING listing_id, url, CAST(attempts AS bigint)"
        );
        let query = sqlx::query_as(CLAIM).bind(self.clock_param()).bind(i64::from(limit)).bind(millis(lease));
        let rows: Vec<(i64, String, i64)> = query.fetch_all(&mut *self.writer(TenantScope::All).await?).await?;
        let wanted = |(listing_id, url, attempts): (i64, String, i64)| {
            Ok(WantedImage { listing_id: ListingId(listing_id), url, attempt: count(attempts)? })
        };
        rows.into_iter().map(wanted).collect()
    }

    async fn store_image(&self, wanted: &WantedImage, image: &ListingImage) -> StoreResult<()> {
        const STORE: &str = "UPDATE listing_image SET media_type = $3, content = $4, due_at = NULL, attempts = 0 \
             WHERE listing_id = $1 AND url = $2";
        let query = sqlx::query(STORE).bind(wanted.listing_id.0).bind(wanted.url.clone());
        let query = query.bind(image.kind.media_type()).bind(image.content.clone());
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn retry_image(&self, wanted: &WantedImage, after: Option<Duration>) -> StoreResult<()> {
        const RETRY: &str =
            concat!("UPDATE listing_image SET due_at = ", now!(3), " + $4 WHERE listing_id = $1 AND url = $2");
        let query = sqlx::query(RETRY).bind(wanted.listing_id.0).bind(wanted.url.clone()).bind(self.clock_param());
        let query = query.bind(after.map(millis));
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }
}
