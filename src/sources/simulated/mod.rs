//! A simulated marketplace: a real HTTP server with Amazon-shaped pages, for the demo, the tests and the benchmarks.
//!
//! Clients crawl it like Amazon; the `Host` header selects the marketplace. It logs every change of a fact and every
//! response ([`Truth`]), so that the results of any client can be verified.
//!
//! # Design
//! The *world* is the set of all listings with their facts at the current *step*, a counter. It is a pure function: the
//! facts of a listing are computed from the seed, the listing and the step. No listing has a state of its own, each of
//! the 36⁹ ASINs exists on every marketplace, and the past is the same function at negative steps ([`past()`]).
//! Advancing the step costs time only for listings that were requested before, because their changes are logged. Values
//! fixed by a control command (a price, an availability) override the function, listing by listing.
//!
//! A single lock orders steps, controls, responses and log lines, so a page shows exactly what its log line says.
//! Faults depend only on the seed and the number of the request. The same requests and steps in the same order give the
//! same responses and, except for the timestamps, the same log on every machine.

mod apify;
mod apify_items;
mod catalogue;
mod chance;
mod control;
mod facts;
mod faults;
mod movement;
mod offer_list;
mod page;
mod past;
mod phrases;
mod picture;
mod saved_pages;
mod server;
mod settings;
mod truth;
mod world;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::domain::{Availability, Listing, Money};

pub use apify::{ApifyFault, ApifyRequest, ApifyRunEnd, SimulatedApify};
pub use catalogue::{Catalogue, Product};
pub use control::{Control, ControlError};
pub use facts::{FactValue, Facts, Field, Seller};
pub use faults::{Fault, FaultRates};
pub use offer_list::SimulatedOffer;
pub use past::{PastPoint, past};
pub use settings::SimulatedSettings;
pub use truth::{Answer, Shown, Truth, TruthLine};

use saved_pages::SavedPages;
use server::Market;
use truth::TruthLog;
use world::World;

/// Why a simulated marketplace cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A fault rate is not a probability.
    #[error("{flag} is {rate}: it must be between 0 and 1")]
    Rate {
        /// The flag that sets the rate.
        flag: &'static str,
        /// The value of the flag.
        rate: f64,
    },
    /// A request can have only one fault.
    #[error("--captcha-rate, --unavailable-rate, --truncate-rate and --slow-rate add up to {sum}: the maximum is 1")]
    RateSum {
        /// The sum of all rates.
        sum: f64,
    },
    /// The folder of saved pages cannot be listed.
    #[error("--pages {}: {source}", folder.display())]
    Pages {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The socket cannot be opened.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
}

/// A running simulated marketplace. It stops when dropped.
#[derive(Debug)]
pub struct Simulated {
    address: SocketAddr,
    world: Arc<World>,
    apify: SimulatedApify,
    server: ServerHandle,
    server_task: JoinHandle<io::Result<()>>,
    advancing: Option<JoinHandle<()>>,
}

impl Simulated {
    /// Starts serving on a bound socket. Must be called in a tokio runtime; requests are served by separate threads.
    ///
    /// # Errors
    /// See [`SimulateError`].
    pub async fn start(settings: SimulatedSettings, listener: TcpListener) -> Result<Self, SimulateError> {
        settings.faults.check()?;
        let address = listener.local_addr()?;
        let saved = match settings.pages {
            Some(folder) => Some(index_pages(folder).await?),
            None => None,
        };
        let catalogue = Catalogue::new(settings.seed, settings.listings);
        let truth = TruthLog::new(settings.truth_lines);
        let world = Arc::new(World::new(settings.seed, catalogue, settings.faults, settings.missing, truth));
        let apify = SimulatedApify::new(Arc::clone(&world), settings.apify_run_time);
        let market = Market {
            world: Arc::clone(&world),
            saved,
            slow_for: settings.slow_for,
            page_kb: settings.page_kb,
            apify: apify.clone(),
        };
        let server = server::run(market, listener, settings.compress, settings.workers)?;
        let handle = server.handle();
        let every = settings.move_every.filter(|every| !every.is_zero());
        let advancing = every.map(|every| tokio::spawn(advance_every(Arc::clone(&world), every)));
        Ok(Self { address, world, apify, server: handle, server_task: tokio::spawn(server), advancing })
    }

    /// The address of the socket.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server. New connections are refused from the return on; open ones are closed without an answer soon
    /// after, because actix-web does not tell when it has dropped them.
    pub async fn stop(mut self) {
        self.server.stop(false).await;
        // An error while stopping is of no use to the caller.
        let _ = (&mut self.server_task).await;
    }

    /// The simulated Apify account, whose API is served at the same address.
    pub fn apify(&self) -> &SimulatedApify {
        &self.apify
    }

    /// The products of the catalogue.
    pub fn catalogue(&self) -> &Catalogue {
        self.world.catalogue()
    }

    /// The current step of the world.
    pub fn step(&self) -> i64 {
        self.world.step()
    }

    /// Advances the world by `steps` and returns the new step.
    pub fn advance(&self, steps: u32) -> i64 {
        self.world.advance(steps)
    }

    /// The current facts of a listing.
    pub fn facts(&self, listing: Listing) -> Facts {
        self.world.facts(listing)
    }

    /// The current offers of a listing, the featured one first.
    pub fn offers(&self, listing: Listing) -> Vec<SimulatedOffer> {
        self.world.offers(listing)
    }

    /// Fixes the price of a listing until it is released. The currency must be the marketplace's own.
    pub fn set_price(&self, listing: Listing, price: Money) {
        self.world.fix_price(listing, price);
    }

    /// Fixes the availability of a listing until it is released. A listing that is out of stock has no price.
    pub fn set_availability(&self, listing: Listing, availability: Availability) {
        self.world.fix_availability(listing, availability);
    }

    /// Removes a listing from its marketplace, or adds it again.
    pub fn set_missing(&self, listing: Listing, missing: bool) {
        self.world.set_missing(listing, missing);
    }

    /// Removes all fixed values of a listing.
    pub fn release(&self, listing: Listing) {
        self.world.release(listing);
    }

    /// The next `count` requests for product pages get this fault, regardless of the fault rates.
    pub fn fail_next(&self, count: u32, fault: Fault) {
        self.world.fail_next(count, fault);
    }

    /// The next `count` requests for offer lists get this fault, regardless of the fault rates.
    pub fn fail_offers(&self, count: u32, fault: Fault) {
        self.world.fail_offers(count, fault);
    }

    /// All stored lines of the truth log with a sequence number above `after`.
    pub fn truth(&self, after: u64) -> Vec<TruthLine> {
        self.world.truth_after(after, usize::MAX)
    }

    /// The history of the `days` before `now`: see [`past()`].
    pub fn past(&self, listing: Listing, days: u32, now: Timestamp) -> Vec<PastPoint> {
        past(self.world.catalogue(), listing, self.world.step(), days, now)
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        if let Some(advancing) = &self.advancing {
            advancing.abort();
        }
        // The call sends the command; the future only waits for completion.
        drop(self.server.stop(false));
    }
}

async fn index_pages(folder: PathBuf) -> Result<SavedPages, SimulateError> {
    let listed = folder.clone();
    let index = tokio::task::spawn_blocking(move || SavedPages::index(&listed)).await;
    index.map_err(io::Error::other).flatten().map_err(|source| SimulateError::Pages { folder, source })
}

async fn advance_every(world: Arc<World>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    // The first tick completes immediately, and the world starts at step 0.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        world.advance(1);
    }
}
