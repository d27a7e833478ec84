//! A simulated marketplace: a real HTTP server with Amazon-shaped pages, for the demo, the tests and the benches.
//!
//! Clients crawl it as they crawl Amazon; the `Host` header decides the marketplace. It keeps a log of everything that
//! truly changed and of everything that it served ([`Truth`]), so that any client can be judged.
//!
//! # Design
//! The world is a *function*. The facts of a listing are computed directly from the seed, the listing and the number of
//! the world's step, which is the only thing that moves: no listing has a state of its own, any of the 36⁹ ASINs on any
//! marketplace exists as soon as somebody asks for it, and the past is the same function at negative steps ([`past()`]).
//! A step costs something only for listings that were asked for, whose changes have to be told. What controls fix
//! (a price, an availability) is laid over the function, listing by listing.
//!
//! The only lock orders steps, controls, answers and log lines, so a page shows exactly what its line in the log says.
//! Faults depend on the seed and on the number of the request alone. The same requests and steps in the same order give
//! the same answers and the same log (but for its times) on every machine.

mod catalogue;
mod chance;
mod control;
mod facts;
mod faults;
mod movement;
mod page;
mod past;
mod phrases;
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

pub use catalogue::{Catalogue, Product};
pub use control::{Control, ControlError};
pub use facts::{FactValue, Facts, Field, Seller};
pub use faults::{Fault, FaultRates};
pub use past::{PastPoint, past};
pub use settings::SimulatedSettings;
pub use truth::{Answer, Shown, Truth, TruthLine};

use saved_pages::SavedPages;
use server::Market;
use truth::TruthLog;
use world::World;

/// Why a simulated marketplace does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A rate that is no probability.
    #[error("{flag} is {rate}: it must be between 0 and 1")]
    Rate {
        /// The flag that sets it.
        flag: &'static str,
        /// What it was set to.
        rate: f64,
    },
    /// One request can have one fault only.
    #[error(
        "--captcha-rate, --unavailable-rate, --truncate-rate and --slow-rate add up to {sum}: at most 1 is possible"
    )]
    RateSum {
        /// The sum of all rates.
        sum: f64,
    },
    /// The folder of saved pages cannot be listed.
    #[error("--pages {}: {source}", folder.display())]
    Pages {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The socket cannot be used.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
}

/// A running simulated marketplace; dropping it stops it.
#[derive(Debug)]
pub struct Simulated {
    address: SocketAddr,
    world: Arc<World>,
    server: ServerHandle,
    serving: JoinHandle<io::Result<()>>,
    moving: Option<JoinHandle<()>>,
}

impl Simulated {
    /// Starts to serve on a socket that is already bound. Needs a tokio runtime; answers on threads of its own.
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
        let market =
            Market { world: Arc::clone(&world), saved, slow_for: settings.slow_for, page_kb: settings.page_kb };
        let server = server::run(market, listener, settings.compress, settings.workers)?;
        let handle = server.handle();
        let every = settings.move_every.filter(|every| !every.is_zero());
        let moving = every.map(|every| tokio::spawn(keep_moving(Arc::clone(&world), every)));
        Ok(Self { address, world, server: handle, serving: tokio::spawn(server), moving })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection and waits for the end.
    pub async fn stop(mut self) {
        self.server.stop(false).await;
        // The server's own end tells nothing that its caller could use.
        let _ = (&mut self.serving).await;
    }

    /// The recommended products.
    pub fn catalogue(&self) -> &Catalogue {
        self.world.catalogue()
    }

    /// The number of the world's step.
    pub fn step(&self) -> i64 {
        self.world.step()
    }

    /// Moves the world on and returns its new step.
    pub fn advance(&self, steps: u32) -> i64 {
        self.world.advance(steps)
    }

    /// What is true of a listing now.
    pub fn facts(&self, listing: Listing) -> Facts {
        self.world.facts(listing)
    }

    /// Fixes a price until it is released. The currency is expected to be the marketplace's own.
    pub fn set_price(&self, listing: Listing, price: Money) {
        self.world.hold_price(listing, price);
    }

    /// Fixes an availability until it is released; a listing that is out has no price.
    pub fn set_availability(&self, listing: Listing, availability: Availability) {
        self.world.hold_availability(listing, availability);
    }

    /// Takes a listing off its marketplace, or puts it back.
    pub fn set_missing(&self, listing: Listing, missing: bool) {
        self.world.set_missing(listing, missing);
    }

    /// Lets a listing move by itself again.
    pub fn release(&self, listing: Listing) {
        self.world.release(listing);
    }

    /// The next `count` requests for product pages fail in this way, whatever the rates say.
    pub fn fail_next(&self, count: u32, fault: Fault) {
        self.world.fail_next(count, fault);
    }

    /// Every line of the truth log that is kept and has a number above `after`.
    pub fn truth(&self, after: u64) -> Vec<TruthLine> {
        self.world.truth_after(after, usize::MAX)
    }

    /// The `days` before `now`, ending in the present: see [`past()`].
    pub fn past(&self, listing: Listing, days: u32, now: Timestamp) -> Vec<PastPoint> {
        past(self.world.catalogue(), listing, self.world.step(), days, now)
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        if let Some(moving) = &self.moving {
            moving.abort();
        }
        // The command is sent by the call; only the answer would have to be awaited.
        drop(self.server.stop(false));
    }
}

async fn index_pages(folder: PathBuf) -> Result<SavedPages, SimulateError> {
    let listed = folder.clone();
    let index = tokio::task::spawn_blocking(move || SavedPages::index(&listed)).await;
    index.map_err(io::Error::other).flatten().map_err(|source| SimulateError::Pages { folder, source })
}

async fn keep_moving(world: Arc<World>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    // The first tick comes at once; the world begins at step 0.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        world.advance(1);
    }
}
