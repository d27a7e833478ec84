//! Passwords: which are refused, and how they are hashed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{Semaphore, oneshot};
use zxcvbn::{Score, zxcvbn};

use crate::config::PasswordSettings;

/// Longer ones are refused, lest hashing them becomes a weapon.
const MAX_BYTES: usize = 256;
/// Guesses are estimated for no more than this: the estimate of a long text takes long.
const JUDGED_CHARS: usize = 64;

/// The nice value.
#[cfg(target_os = "linux")]
const LOWEST_PRIORITY: i32 = 19;
/// How long a password waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Why a password is refused. A sentence for the person who chose it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Too short.
    #[error("has at least {0} characters")]
    Short(usize),
    /// Too long.
    #[error("has at most {MAX_BYTES} bytes")]
    Long,
    /// Among the first that somebody would try.
    #[error("is easily guessed: {0}")]
    Guessable(String),
}

type Job = Box<dyn FnOnce() + Send>;

/// Hashes and verifies off the async threads, and only so many at once: each takes megabytes and tens of milliseconds. Its
/// threads have the lowest priority: whoever signs in waits for everybody else, and not the other way round.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    min_chars: usize,
    turns: Arc<Semaphore>,
    jobs: Sender<Job>,
    /// Verified when there is no account, so that the time of an answer does not tell.
    nobodys: Arc<str>,
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many are waiting for their turn.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// For want of memory, or with costs that argon2 does not allow.
    #[error("the password cannot be hashed: {0}")]
    Failed(String),
}

impl Passwords {
    /// With the costs of the settings.
    ///
    /// # Errors
    /// When argon2 does not allow these costs.
    pub fn new(settings: &PasswordSettings) -> Result<Self, HashError> {
        let PasswordSettings { memory_kib, iterations, parallelism, concurrency, min_chars } = *settings;
        let params = Params::new(memory_kib, iterations, parallelism, None).map_err(hash_error)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobodys = hash(&argon2, "nobody's password")?.into();
        let jobs = start_threads(concurrency).map_err(hash_error)?;
        Ok(Self { argon2, min_chars, turns: Arc::new(Semaphore::new(concurrency)), jobs, nobodys })
    }

    /// Judges a new password. `about` is what a stranger knows of the person: the address, the name.
    ///
    /// # Errors
    /// The reason for refusing it.
    pub fn judge(&self, password: &str, about: &[&str]) -> Result<(), PasswordRefused> {
        if password.len() > MAX_BYTES {
            return Err(PasswordRefused::Long);
        }
        if password.chars().count() < self.min_chars {
            return Err(PasswordRefused::Short(self.min_chars));
        }
        let judged: String = password.chars().take(JUDGED_CHARS).collect();
        let estimate = zxcvbn(&judged, about);
        if estimate.score() >= Score::Three {
            return Ok(());
        }
        let warning = estimate.feedback().and_then(|feedback| feedback.warning());
        let reason = warning.map_or_else(|| "add a few uncommon words".to_owned(), |warning| warning.to_string());
        Err(PasswordRefused::Guessable(reason))
    }

    /// The hash to keep, with its salt and its costs (PHC string).
    ///
    /// # Errors
    /// [`HashError`]
    pub async fn hash(&self, password: String) -> Result<String, HashError> {
        let argon2 = self.argon2.clone();
        self.in_turn(move || hash(&argon2, &password)).await?
    }

    /// True if it is the password of this hash. Without a hash it takes as long, and is false.
    ///
    /// # Errors
    /// [`HashError`]
    pub async fn verify(&self, password: String, kept: Option<String>) -> Result<bool, HashError> {
        let (argon2, nobodys) = (self.argon2.clone(), Arc::clone(&self.nobodys));
        // What no password can be is not worth the time of hashing it; one that can is hashed in its place.
        let password = if password.len() > MAX_BYTES { String::new() } else { password };
        let is_same = move || {
            let hash = PasswordHash::new(kept.as_deref().unwrap_or(&nobodys));
            let same = hash.is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok());
            same && kept.is_some()
        };
        self.in_turn(is_same).await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        // Whoever waited so long has gone away; a line of them must not grow without bound.
        let turn = tokio::time::timeout(MAX_WAIT, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| HashError::Busy)?.map_err(hash_error)?;
        let (done, result) = oneshot::channel();
        // Whoever asked may have gone away.
        let job = Box::new(move || drop(done.send(work())));
        self.jobs.send(job).map_err(hash_error)?;
        result.await.map_err(hash_error)
    }
}

/// Threads that take jobs until nobody can give any.
fn start_threads(count: usize) -> std::io::Result<Sender<Job>> {
    let (jobs, waiting) = channel();
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..count {
        let waiting = Arc::clone(&waiting);
        thread::Builder::new().name("passwords".to_owned()).spawn(move || take_jobs(&waiting))?;
    }
    Ok(jobs)
}

fn take_jobs(waiting: &Mutex<Receiver<Job>>) {
    // On Linux a priority is a thread's own; elsewhere it would be the whole process's.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
        tracing::debug!(%error, "passwords are hashed at the ordinary priority");
    }
    loop {
        // One waits for a job, the others for their turn to wait.
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A job that panics answers nobody, and the thread goes on.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<String, HashError> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(hash_error)?;
    Ok(argon2.hash_password(password.as_bytes(), &salt).map_err(hash_error)?.to_string())
}

fn hash_error(error: impl ToString) -> HashError {
    HashError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        let cheap = PasswordSettings { memory_kib: 64, iterations: 1, ..PasswordSettings::default() };
        Passwords::new(&cheap).unwrap()
    }

    #[test]
    fn short_guessable_and_personal_passwords_are_refused_with_a_reason() {
        let refused = |password: &str| passwords().judge(password, &["jo.doe@example.com"]).unwrap_err().to_string();
        assert!(refused("Tr0ub4dor").contains("at least 10"));
        assert!(refused("password123").contains("easily guessed"));
        assert!(refused("qwertyuiopasdf").contains("easily guessed"));
        assert!(refused("jo.doe@example.com").contains("easily guessed"));
        assert!(refused(&"x".repeat(300)).contains("at most"));
        assert_eq!(passwords().judge("correct horse battery staple", &[]), Ok(()));
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let passwords = passwords();
        let (one, two) = (
            passwords.hash("secret words".into()).await.unwrap(),
            passwords.hash("secret words".into()).await.unwrap(),
        );
        assert!(one.starts_with("$argon2id$") && one != two && !one.contains("secret"));
        assert!(passwords.verify("secret words".into(), Some(one.clone())).await.unwrap());
        assert!(!passwords.verify("secret word".into(), Some(one)).await.unwrap());
        assert!(!passwords.verify("nobody's password".into(), None).await.unwrap());
        assert!(!passwords.verify("x".into(), Some("no hash".into())).await.unwrap());
    }
}
