//! `/api/v1/products/export` and `/api/v1/products/history/export`: tables, streamed row by row.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Shared;
use super::export_stream::{ExportError, ExportFile, ExportRight, ExportStream, streamed};
use super::field_parsing::{check_text, parsed};
use super::history::{SpanParams, query_of};
use super::paging::MAX_LIMIT;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::StrictQuery;
use crate::domain::{Product, ProductId, Scope};
use crate::files::{
    Cell, HISTORY_COLUMNS, PRODUCT_COLUMNS, TableError, TableFormat, TableWriter, point_row, product_row,
};
use crate::service::{Caller, HistoryQuery, ListProducts, ProductFilter, ProductOrder, ServiceError, ServiceResult};

/// Rows are sent together when they have so many bytes.
const PIECE_BYTES: usize = 64 * 1024;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/export", |path| path.get(Scope::ProductRead, products));
    routes.path("/products/history/export", |path| path.get(Scope::ProductRead, history));
}

/// Which products to export, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ProductsQuery {
    /// `csv` (default), `ndjson`, `json` or `xlsx`.
    format: Option<String>,
    /// Has this tag.
    tag: Option<String>,
    /// On this marketplace.
    marketplace: Option<String>,
    /// `active` or `paused`.
    status: Option<String>,
}

/// Which history to export, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryExportQuery {
    /// `csv` (default), `ndjson`, `json` or `xlsx`.
    format: Option<String>,
    /// Of products that have this tag.
    tag: Option<String>,
    /// Of products on this marketplace.
    marketplace: Option<String>,
    /// Of this product.
    #[param(value_type = Option<Uuid>)]
    product_id: Option<String>,
    /// Series, separated by commas; default: all.
    series: Option<String>,
    /// The first time; each series begins with the value in effect then.
    from: Option<String>,
    /// The time after the last one.
    to: Option<String>,
}

/// Export products with their current values as a table. Prices are in the main unit of their currency, times in UTC.
///
/// The response is streamed. It is not a snapshot, and an incomplete response means that the export was aborted. A text of CSV that
/// begins with `=`, `+`, `-` or `@` has an apostrophe in front, so that no spreadsheet calculates it. The columns `marketplace`, `asin`,
/// `label`, `tags`, `frequency`, `is_competitor`, `status` and `offers_frequency` can be imported again.
#[utoipa::path(get, path = "/api/v1/products/export", tag = "products", params(ProductsQuery), responses(
    (status = 200, description = "The table", content_type = "text/csv", body = String),
    (status = 409, description = "An export of the tenant is already running", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn products(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    StrictQuery(query): StrictQuery<ProductsQuery>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let format = parsed("format", query.format.as_deref(), &mut errors).unwrap_or(TableFormat::Csv);
    let filter = ProductFilter {
        tag: query.tag,
        marketplace: parsed("marketplace", query.marketplace.as_deref(), &mut errors),
        status: parsed("status", query.status.as_deref(), &mut errors),
        ..ProductFilter::default()
    };
    check_text("tag", filter.tag.as_deref(), &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let tenant_id = caller.tenant_id;
    table(&shared, &caller, &request, ("products", format), async move |stream| {
        let mut rows = Rows::begin(&stream, format, PRODUCT_COLUMNS)?;
        let mut products = Products { stream: &stream, filter, cursor: Some(None) };
        while let Some(page) = products.next_page(tenant_id).await? {
            for product in &page {
                rows.write(&product_row(product)).await?;
            }
        }
        rows.end().await
    })
    .await
}

/// Export the history of products as a table with a row for each point: the value of a series from a time on, until its next row.
///
/// An empty value means that there is known to be none. Prices are in the main unit of their currency, ratings in stars, times in UTC.
/// The response is streamed; an incomplete response means that the export was aborted. A spreadsheet has at most 1,048,575 rows.
#[utoipa::path(get, path = "/api/v1/products/history/export", tag = "products", params(HistoryExportQuery), responses(
    (status = 200, description = "The table", content_type = "text/csv", body = String),
    (status = 409, description = "An export of the tenant is already running", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn history(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    StrictQuery(query): StrictQuery<HistoryExportQuery>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let format = parsed("format", query.format.as_deref(), &mut errors).unwrap_or(TableFormat::Csv);
    let marketplace = parsed("marketplace", query.marketplace.as_deref(), &mut errors);
    let ids = parsed::<ProductId>("product_id", query.product_id.as_deref(), &mut errors).map(|id| vec![id]);
    let filter = ProductFilter { tag: query.tag, marketplace, ids, ..ProductFilter::default() };
    check_text("tag", filter.tag.as_deref(), &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let part = query_of(query.series.as_deref(), &SpanParams::between(query.from, query.to))?;
    let tenant_id = caller.tenant_id;
    table(&shared, &caller, &request, ("history", format), async move |stream| {
        let mut rows = Rows::begin(&stream, format, HISTORY_COLUMNS)?;
        let mut products = Products { stream: &stream, filter, cursor: Some(None) };
        while let Some(page) = products.next_page(tenant_id).await? {
            for product in &page {
                rows.write_history(product, &part).await?;
            }
        }
        rows.end().await
    })
    .await
}

/// The response that `write` writes.
async fn table(
    shared: &Shared,
    caller: &Caller,
    request: &HttpRequest,
    (what, format): (&'static str, TableFormat),
    write: impl AsyncFnOnce(Arc<ExportStream>) -> Result<(), ExportError> + 'static,
) -> Result<HttpResponse, Problem> {
    if request.method() == Method::HEAD {
        return Ok(HttpResponse::Ok().content_type(format.content_type()).finish());
    }
    let running = shared.exports.enter(caller.tenant_id)?;
    shared.service.begin_table_export(caller.clone(), what).await?;
    let file = ExportFile { name: format!("{what}.{}", format.ending()), content_type: format.content_type() };
    streamed(shared, caller, request, (running, ExportRight::Read), file, write)
}

/// Reads products page by page.
struct Products<'s> {
    stream: &'s ExportStream,
    filter: ProductFilter,
    /// Where the next page begins; `None` after the last one.
    cursor: Option<Option<String>>,
}

impl Products<'_> {
    async fn next_page(&mut self, tenant_id: crate::domain::TenantId) -> Result<Option<Vec<Product>>, ExportError> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        self.stream.check().await?;
        let (filter, order) = (self.filter.clone(), ProductOrder::NewestFirst);
        let query = ListProducts { filter, order, cursor, limit: MAX_LIMIT };
        let page = self.stream.service.products(tenant_id, query).await?;
        self.cursor = page.next_cursor.map(Some);
        Ok(Some(page.items))
    }
}

/// A table on its way to the client.
struct Rows<'s> {
    stream: &'s ExportStream,
    table: TableWriter,
    piece: Vec<u8>,
}

fn failed(error: TableError) -> ExportError {
    match error {
        TableError::TooManyRows => ExportError::TooLong("a spreadsheet cannot have so many rows"),
        TableError::Spreadsheet(error) => {
            tracing::error!(%error, "a spreadsheet could not be written");
            ExportError::Failed(ServiceError::Internal)
        }
    }
}

impl<'s> Rows<'s> {
    fn begin(
        stream: &'s ExportStream,
        format: TableFormat,
        columns: &'static [&'static str],
    ) -> Result<Self, ExportError> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let table = TableWriter::begin(format, columns, &mut piece).map_err(failed)?;
        Ok(Self { stream, table, piece })
    }

    async fn write(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        self.table.row(cells, &mut self.piece).map_err(failed)?;
        if self.piece.len() >= PIECE_BYTES {
            self.stream.send(std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES))).await?;
        }
        Ok(())
    }

    /// A row for each point of a product.
    async fn write_history(&mut self, product: &Product, query: &HistoryQuery) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let page = self.stream.service.points(product.tenant_id, product.id, query.clone(), after).await;
            let page = match page {
                // The product was deleted meanwhile.
                Err(ServiceError::NotFound(_)) => return Ok(()),
                page => page?,
            };
            for point in &page.points {
                self.write(&point_row(product, point)).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn end(mut self) -> Result<(), ExportError> {
        let (table, mut piece) = (self.table, std::mem::take(&mut self.piece));
        // A spreadsheet is packed now, which takes seconds if it is large.
        let packed: ServiceResult<_> = tokio::task::spawn_blocking(move || table.end(&mut piece).map(|()| piece))
            .await
            .map_err(|_| ServiceError::Internal);
        let piece = packed?.map_err(failed)?;
        for part in piece.chunks(PIECE_BYTES) {
            self.stream.send(part.to_vec()).await?;
        }
        Ok(())
    }
}
