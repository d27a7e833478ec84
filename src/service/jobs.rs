//! Jobs: batches of crawls, imports, and the progress of all of them.

use std::sync::Arc;
use std::time::Duration;

use super::access::Caller;
use super::products::{check_frequency, check_offers_interval, normalize_tags, valid};
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::domain::product;
use crate::domain::{
    CrawlTarget, ItemStatus, Job, JobId, JobItem, JobSpec, ListUrl, Listing, ProductDefaults, Scope, TenantId,
};
use crate::files::{FileLine, ImportReader};
use crate::jobs::import::item_of;
use crate::replicas::BusMessage;
use crate::store::{Creation, IdempotencyClaim, JobFilter, NewJob, NewJobItem, Page, StoreError, idempotently};

/// Maximum listings of a batch.
pub const MAX_LISTINGS_PER_BATCH: usize = 10_000;
/// Maximum pages of a list.
const MAX_LIST_PAGES: u32 = 20;
/// Lines that are stored together while a file is uploaded.
const LINES_PER_WRITE: usize = 1000;
/// An upload that brings no line for so long counts as interrupted.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(120);

/// Which listings to crawl.
#[derive(Debug, Clone)]
pub enum BatchTarget {
    /// Named by ASINs or URLs; the marketplace is that of the ASINs.
    Named(Vec<String>),
    /// Those of all active products with this tag.
    Tag(String),
    /// Those of all active products.
    All,
}

/// Which list of products to read.
#[derive(Debug, Clone)]
pub struct CategoryTarget {
    /// Its URL.
    pub url: String,
    /// How many pages.
    pub pages: u32,
    /// Settings of the listings that are added.
    pub add: Option<ProductDefaults>,
}

impl Service {
    /// Creates a job that crawls listings. With `add`, listings that are not tracked yet are added with these settings.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] names the first listings that cannot be read; [`ServiceError::Conflict`] `too_many_jobs`.
    pub async fn crawl_batch(
        &self,
        caller: Caller,
        target: BatchTarget,
        defaults: ProductDefaults,
        adds: bool,
        claim: Option<IdempotencyClaim<Job>>,
    ) -> ServiceResult<Creation<Job>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let defaults = deps.checked(&caller, defaults, "add.")?;
            let (target, inputs) = deps.inputs_of(target, &defaults, "")?;
            if adds {
                caller.require(Scope::ProductWrite)?;
            }
            let spec = JobSpec::CrawlBatch { target, add: adds.then_some(defaults) };
            let created = idempotently(claim, deps.store.create_job(deps.new_job(&caller, spec, inputs, false))).await;
            let created = created.map_err(|error| deps.job_error(error))?;
            if let Creation::Created(job) = &created {
                deps.job_started(&caller, job, "crawl.batch").await;
            }
            Ok(created)
        })
        .await
    }

    /// Creates a job that reads a list of products.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]; [`ServiceError::Conflict`] `too_many_jobs`.
    pub async fn crawl_category(
        &self,
        caller: Caller,
        list: CategoryTarget,
        claim: Option<IdempotencyClaim<Job>>,
    ) -> ServiceResult<Creation<Job>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let spec = deps.category_spec(&caller, list, "")?;
            let new = deps.new_job(&caller, spec, Vec::new(), false);
            let created = idempotently(claim, deps.store.create_job(new)).await;
            let created = created.map_err(|error| deps.job_error(error))?;
            if let Creation::Created(job) = &created {
                deps.job_started(&caller, job, "crawl.category").await;
            }
            Ok(created)
        })
        .await
    }

    /// Begins an import, whose file is then pushed in pieces.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]; [`ServiceError::Conflict`] `too_many_jobs`.
    pub async fn begin_import(
        &self,
        caller: Caller,
        is_dry_run: bool,
        defaults: ProductDefaults,
    ) -> ServiceResult<ImportUpload> {
        let of_upload = caller.clone();
        let job = self
            .run(async move |deps: Arc<Dependencies>| {
                let defaults = deps.checked(&caller, defaults, "")?;
                let spec = JobSpec::Import { dry_run: is_dry_run, defaults };
                let created = deps.store.create_job(deps.new_job(&caller, spec, Vec::new(), true)).await;
                created.map_err(|error| deps.job_error(error))
            })
            .await?;
        Ok(ImportUpload {
            service: self.clone(),
            caller: of_upload,
            job: Some(job.id),
            reader: ImportReader::default(),
            lines: Vec::new(),
            count: 0,
        })
    }

    /// Maximum size of a file that is imported, in bytes.
    pub fn max_import_bytes(&self) -> usize {
        self.deps.jobs.max_import_bytes
    }

    /// A page of jobs, newest first.
    pub async fn jobs(
        &self,
        tenant_id: TenantId,
        filter: JobFilter,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<Job>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.jobs(tenant_id, filter, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// One job.
    pub async fn job(&self, tenant_id: TenantId, id: JobId) -> ServiceResult<Job> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.job(tenant_id, id).await?)).await
    }

    /// A page of the items of a job.
    pub async fn job_items(
        &self,
        tenant_id: TenantId,
        id: JobId,
        status: Option<ItemStatus>,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<JobItem>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.job_items(tenant_id, id, status, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// Cancels a job.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] `job_ended`; [`ServiceError::Forbidden`] without the scope of its kind.
    pub async fn cancel_job(&self, caller: Caller, id: JobId) -> ServiceResult<Job> {
        self.run(async move |deps: Arc<Dependencies>| {
            let job = deps.store.job(caller.tenant_id, id).await?;
            caller.require(job.spec.kind().scope())?;
            if job.status.is_final() {
                return Err(ServiceError::Conflict("job_ended", format!("the job has ended: {}", job.status.as_str())));
            }
            let job = deps.store.cancel_job(caller.tenant_id, id).await?;
            deps.job_changed(&job);
            deps.audit(caller.audit_event("job.cancel", Some(format!("job:{id}")))).await;
            Ok(job)
        })
        .await
    }

    /// Starts a job again with the items that have failed or were cancelled.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] `nothing_to_retry`; [`ServiceError::Forbidden`] without the scope of its kind.
    pub async fn retry_job(&self, caller: Caller, id: JobId) -> ServiceResult<Job> {
        self.run(async move |deps: Arc<Dependencies>| {
            let job = deps.store.job(caller.tenant_id, id).await?;
            caller.require(job.spec.kind().scope())?;
            let was_open = !job.status.is_final();
            let job = deps.store.retry_job(caller.tenant_id, id).await?;
            if was_open || job.status.is_final() {
                let detail = "the job has no items that have failed or were cancelled".to_owned();
                return Err(ServiceError::Conflict("nothing_to_retry", detail));
            }
            deps.job_started(&caller, &job, "job.retry").await;
            Ok(job)
        })
        .await
    }
}

/// An import whose file is being uploaded. Dropped before its end, it leaves nothing.
pub struct ImportUpload {
    service: Service,
    caller: Caller,
    /// `None` once it has ended.
    job: Option<JobId>,
    reader: ImportReader,
    lines: Vec<FileLine>,
    count: usize,
}

impl ImportUpload {
    /// Takes the next piece of the file.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a file that cannot be read, or has too many lines.
    pub async fn push(&mut self, chunk: &[u8]) -> ServiceResult<()> {
        let most = self.service.deps.jobs.max_import_lines as usize;
        self.reader.push(chunk, &mut self.lines).map_err(|error| ServiceError::invalid("body", error))?;
        if self.count + self.lines.len() > most {
            return Err(ServiceError::invalid("body", format!("a file may have at most {most} lines")));
        }
        if self.lines.len() >= LINES_PER_WRITE { self.write().await } else { Ok(()) }
    }

    /// The file has ended: the job begins.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a file without lines.
    pub async fn finish(mut self) -> ServiceResult<Job> {
        let reader = std::mem::take(&mut self.reader);
        reader.finish(&mut self.lines).map_err(|error| ServiceError::invalid("body", error))?;
        if self.count + self.lines.len() == 0 {
            return Err(ServiceError::invalid("body", "the file names no products"));
        }
        self.write().await?;
        let (caller, id) = (self.caller.clone(), self.id()?);
        let job = self.service.run(async move |deps: Arc<Dependencies>| {
            let job = deps.store.start_job(caller.tenant_id, id).await?;
            deps.job_started(&caller, &job, "product.import").await;
            Ok(job)
        });
        let job = job.await?;
        self.job = None;
        Ok(job)
    }

    fn id(&self) -> ServiceResult<JobId> {
        self.job.ok_or(ServiceError::Internal)
    }

    async fn write(&mut self) -> ServiceResult<()> {
        let lines = std::mem::take(&mut self.lines);
        self.count += lines.len();
        let items: Vec<NewJobItem> = lines.into_iter().map(item_of).collect();
        let (tenant_id, id) = (self.caller.tenant_id, self.id()?);
        self.service
            .run(async move |deps: Arc<Dependencies>| {
                Ok(deps.store.add_job_items(tenant_id, id, items, UPLOAD_PATIENCE).await?)
            })
            .await
    }
}

impl Drop for ImportUpload {
    fn drop(&mut self) {
        let Some(id) = self.job.take() else { return };
        let (deps, tenant_id) = (Arc::clone(&self.service.deps), self.caller.tenant_id);
        self.service.runtime.spawn(async move {
            // What is left by an error ends as interrupted.
            if let Err(error) = deps.store.discard_job(tenant_id, id).await {
                tracing::debug!(%error, "an interrupted upload could not be discarded");
            }
        });
    }
}

/// A tag as products carry it.
pub(super) fn tidy_tag(tag: String, within: &str) -> ServiceResult<String> {
    let mut tidy = product::normalize_tags([tag])
        .map_err(|messages| ServiceError::invalid(&format!("{within}tag"), messages.join("; ")))?;
    tidy.pop().ok_or(ServiceError::Internal)
}

impl Dependencies {
    /// Settings for products, as the plan allows them. Errors name fields `within` an object.
    fn checked(&self, caller: &Caller, defaults: ProductDefaults, within: &str) -> ServiceResult<ProductDefaults> {
        let mut errors = Vec::new();
        check_frequency(defaults.frequency, &caller.plan, &mut errors);
        check_offers_interval(defaults.offers_interval, &caller.plan, &mut errors);
        let tags = normalize_tags(defaults.tags, &mut errors);
        valid(errors.into_iter().map(|error| error.within(within)).collect())?;
        Ok(ProductDefaults { tags, ..defaults })
    }

    /// The job that reads a list. Errors name fields `within` an object.
    pub(super) fn category_spec(&self, caller: &Caller, list: CategoryTarget, within: &str) -> ServiceResult<JobSpec> {
        let mut errors = Vec::new();
        let url =
            ListUrl::parse(&list.url).map_err(|error| errors.push(FieldError::new(&format!("{within}url"), error)));
        if !(1..=MAX_LIST_PAGES).contains(&list.pages) {
            errors.push(FieldError::new(&format!("{within}pages"), format!("must be from 1 to {MAX_LIST_PAGES}")));
        }
        valid(errors)?;
        let add = list.add.map(|defaults| self.checked(caller, defaults, &format!("{within}add."))).transpose()?;
        if add.is_some() {
            caller.require(Scope::ProductWrite)?;
        }
        let url = url.map_err(|()| ServiceError::Internal)?.to_string();
        Ok(JobSpec::Category { url, pages: list.pages, add })
    }

    /// The target of a job and the inputs of its items. Errors name fields `within` an object.
    pub(super) fn inputs_of(
        &self,
        target: BatchTarget,
        defaults: &ProductDefaults,
        within: &str,
    ) -> ServiceResult<(CrawlTarget, Vec<String>)> {
        let names = match target {
            BatchTarget::Tag(tag) => return Ok((CrawlTarget::Tag(tidy_tag(tag, within)?), Vec::new())),
            BatchTarget::All => return Ok((CrawlTarget::All, Vec::new())),
            BatchTarget::Named(names) => names,
        };
        let marketplace = defaults.marketplace.unwrap_or(self.limits.default_marketplace);
        let (mut inputs, mut errors) = (Vec::with_capacity(names.len()), Vec::new());
        for (place, name) in (0u32..).zip(&names) {
            match Listing::named(name, marketplace) {
                Ok(listing) => inputs.push(listing.to_string()),
                Err(error) => errors.push(FieldError::new(&format!("{within}listings[{place}]"), error)),
            }
        }
        if names.is_empty() || names.len() > MAX_LISTINGS_PER_BATCH {
            let message = format!("must name 1 to {MAX_LISTINGS_PER_BATCH} listings");
            errors.push(FieldError::new(&format!("{within}listings"), message));
        }
        valid(errors)?;
        Ok((CrawlTarget::Listings, inputs))
    }

    pub(super) fn new_job(&self, caller: &Caller, spec: JobSpec, inputs: Vec<String>, is_receiving: bool) -> NewJob {
        NewJob {
            tenant_id: caller.tenant_id,
            spec,
            created_by: caller.actor().to_string(),
            inputs,
            is_receiving,
            quota: self.jobs.max_open,
        }
    }

    pub(super) fn job_error(&self, error: StoreError) -> ServiceError {
        match error {
            StoreError::OverQuota { quota: "reports", limit } => {
                ServiceError::Conflict("too_many_reports", format!("there are {limit} reports; delete some"))
            }
            StoreError::OverQuota { limit, .. } => {
                let detail = format!("{limit} jobs are in progress; wait for one to end, or cancel one");
                ServiceError::Conflict("too_many_jobs", detail)
            }
            other => other.into(),
        }
    }

    pub(super) async fn job_started(self: &Arc<Self>, caller: &Caller, job: &Job, action: &'static str) {
        self.job_runner.wake();
        self.job_changed(job);
        self.audit(caller.audit_event(action, Some(format!("job:{}", job.id)))).await;
    }

    /// Tells the event streams, of other replicas too.
    pub(super) fn job_changed(&self, job: &Job) {
        self.live.job_changed(job.tenant_id, job.id);
        self.invalidation.happened(BusMessage::JobChanged(job.tenant_id, job.id));
    }
}
