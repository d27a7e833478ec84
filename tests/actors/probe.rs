//! An actor whose messages say what it does, alone or as one of many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use amazon_tracker::actors::kernel::{Actor, ActorThread, Budget, Cx, Entity, Inbox, Reply, Supervision, supervise};
use amazon_tracker::telemetry::{KindMetrics, Metrics};
use tokio::sync::oneshot;

/// What it keeps is gone with its incarnation; `incarnation` tells which one this is.
pub struct Probe {
    pub incarnation: u64,
    pub handled: u64,
}

type Deed = Box<dyn FnOnce(&mut Probe, &mut Cx<'_, Probe>) + Send>;

pub struct Act {
    /// To tell a message that came back.
    pub number: u64,
    deed: Deed,
}

impl std::fmt::Debug for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Act({})", self.number)
    }
}

/// A message that does this.
pub fn act(deed: impl FnOnce(&mut Probe, &mut Cx<'_, Probe>) + Send + 'static) -> Act {
    Act { number: 0, deed: Box::new(deed) }
}

pub fn nothing() -> Act {
    act(|_, _| {})
}

pub fn panicking() -> Act {
    act(|_, _| panic!("told to"))
}

/// Asks which incarnation answers.
pub fn which_incarnation(reply: Reply<u64>) -> Act {
    act(move |probe, _| reply.send(probe.incarnation))
}

/// Asks how many messages this incarnation has handled before.
pub fn how_many(reply: Reply<u64>) -> Act {
    act(move |probe, _| reply.send(probe.handled))
}

impl Actor for Probe {
    type Message = Act;
    const KIND: &'static str = "probe";
    const CAPACITY: usize = 32;
    const MESSAGES: &'static [&'static str] = &["act"];

    fn name_of(_: &Act) -> &'static str {
        "act"
    }

    fn handle(&mut self, act: Act, cx: &mut Cx<'_, Self>) {
        (act.deed)(self, cx);
        self.handled += 1;
    }
}

impl Entity for Probe {
    type Key = u64;
    const SHARD_KIND: &'static str = "probe_shard";
}

/// Makes probes, each with the next incarnation, from 1.
pub fn probes() -> impl Fn() -> Probe + Clone + Send + Sync + 'static {
    let incarnations = Arc::new(AtomicU64::new(0));
    move || Probe { incarnation: incarnations.fetch_add(1, Ordering::Relaxed) + 1, handled: 0 }
}

/// A probe that may be restarted twice, on a seat; the receiver hears when it is given up.
pub fn start_probe(seat: &ActorThread, metrics: &Metrics) -> (Inbox<Probe>, oneshot::Receiver<&'static str>) {
    let (sender, given_up) = oneshot::channel();
    let supervision = Supervision {
        metrics: of_probes(metrics),
        budget: Budget::new(2, Duration::from_secs(600)),
        first_pause: Duration::from_millis(1),
        give_up: Box::new(move |kind| sender.send(kind).unwrap()),
    };
    (supervise(seat, probes(), supervision), given_up)
}

pub fn of_probes(metrics: &Metrics) -> Arc<KindMetrics> {
    metrics.kind(Probe::KIND, Probe::MESSAGES)
}

/// A message that holds its thread, and with it everything on its seat, from the moment the first channel tells until the
/// second is dropped.
pub fn holding_the_thread() -> (Act, oneshot::Receiver<()>, std::sync::mpsc::Sender<()>) {
    let (held, is_held) = oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let hold = act(move |_, _| {
        held.send(()).unwrap();
        let _ = released.recv();
    });
    (hold, is_held, release)
}

/// As many messages as fit and more, numbered from 0, each doing nothing.
pub fn numbered(count: u64) -> impl Iterator<Item = Act> {
    (0..count).map(|number| Act { number, ..nothing() })
}
