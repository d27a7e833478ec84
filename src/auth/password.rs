//! Password policy and hashing.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::password_hash::{Output, ParamsString, PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{Semaphore, oneshot};
use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

use crate::config::PasswordSettings;

/// Longer passwords are refused, because hashing them could be used to exhaust the server.
const MAX_BYTES: usize = 256;
/// Only this many characters are passed to the strength estimator, which is slow for long input.
const ESTIMATED_CHARS: usize = 64;

/// Nice value of the hashing threads.
#[cfg(target_os = "linux")]
const LOWEST_PRIORITY: i32 = 19;
/// How long a request may wait for a hashing thread.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Why a password is refused, as a message for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Too short.
    #[error("must have at least {0} characters")]
    Short(usize),
    /// Too long.
    #[error("must have at most {MAX_BYTES} bytes")]
    Long,
    /// Easily guessed.
    #[error("is easily guessed: {0}")]
    Guessable(String),
}

type Job = Box<dyn FnOnce() + Send>;

/// Hashes and verifies passwords on dedicated threads with bounded concurrency, because each hash takes megabytes and
/// tens of milliseconds. The threads have the lowest priority, so that sign-ins do not slow down other requests.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    min_chars: usize,
    permits: Arc<Semaphore>,
    jobs: Sender<Job>,
    /// Hash to verify when there is no account, so that response times do not reveal whether an account exists.
    dummy_hash: Arc<str>,
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many requests are waiting.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// Out of memory, or parameters that argon2 does not allow.
    #[error("the password cannot be hashed: {0}")]
    Failed(String),
}

impl Passwords {
    /// Starts the hashing threads with the parameters of the settings.
    ///
    /// # Errors
    /// When argon2 does not allow the parameters.
    pub fn new(settings: &PasswordSettings) -> Result<Self, HashError> {
        let PasswordSettings { memory_kib, iterations, parallelism, concurrency, min_chars } = *settings;
        let params = Params::new(memory_kib, iterations, parallelism, None).map_err(hash_error)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy_hash = hash(&argon2, "dummy password")?.into();
        let jobs = start_threads(concurrency).map_err(hash_error)?;
        Ok(Self { argon2, min_chars, permits: Arc::new(Semaphore::new(concurrency)), jobs, dummy_hash })
    }

    /// Checks a new password. `about` lists what others know of the user: e-mail address and name.
    ///
    /// # Errors
    /// The reason for the refusal.
    pub fn judge(&self, password: &str, about: &[&str]) -> Result<(), PasswordRefused> {
        self.check_length(password)?;
        estimate(password, about)
    }

    /// The same on the hashing threads: an estimate can take most of a second.
    ///
    /// # Errors
    /// [`HashError`]
    pub async fn judge_on_hashing_thread(
        &self,
        password: &str,
        about: &[&str],
    ) -> Result<Result<(), PasswordRefused>, HashError> {
        if let Err(refused) = self.check_length(password) {
            return Ok(Err(refused));
        }
        let (password, about) = (password.to_owned(), about.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        self.run_job(move || estimate(&password, &about.iter().map(String::as_str).collect::<Vec<_>>())).await
    }

    fn check_length(&self, password: &str) -> Result<(), PasswordRefused> {
        if password.len() > MAX_BYTES {
            return Err(PasswordRefused::Long);
        }
        if password.chars().count() < self.min_chars {
            return Err(PasswordRefused::Short(self.min_chars));
        }
        Ok(())
    }

    /// The hash to store, including salt and parameters (PHC string).
    ///
    /// # Errors
    /// [`HashError`]
    pub async fn hash(&self, password: String) -> Result<String, HashError> {
        let argon2 = self.argon2.clone();
        self.run_job(move || hash(&argon2, &normalized(&password))).await?
    }

    /// True if the password matches the hash. Without a hash, takes the same time and returns false.
    ///
    /// # Errors
    /// [`HashError`]
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, HashError> {
        let dummy_hash = Arc::clone(&self.dummy_hash);
        // A password that exceeds the maximum cannot match and is not worth hashing; the empty one is hashed instead.
        let password = if password.len() > MAX_BYTES { String::new() } else { password };
        let is_same = move || {
            let hash = PasswordHash::new(stored.as_deref().unwrap_or(&dummy_hash));
            let normalized = normalized(&password);
            // A password that was hashed before they were normalized is hashed as it was typed.
            let same = hash.is_ok_and(|hash| {
                is_password(&normalized, &hash) || (normalized != password && is_password(&password, &hash))
            });
            same && stored.is_some()
        };
        self.run_job(is_same).await
    }

    async fn run_job<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        // A client that waited this long has probably disconnected, and the queue must stay bounded.
        let permit = tokio::time::timeout(MAX_WAIT, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| HashError::Busy)?.map_err(hash_error)?;
        let (done, result) = oneshot::channel();
        // The receiver may have been dropped.
        let job = Box::new(move || drop(done.send(work())));
        self.jobs.send(job).map_err(hash_error)?;
        result.await.map_err(hash_error)
    }
}

/// Refuses passwords that are easy to guess.
fn estimate(password: &str, about: &[&str]) -> Result<(), PasswordRefused> {
    let estimated: String = password.chars().take(ESTIMATED_CHARS).collect();
    let estimate = zxcvbn(&estimated, about);
    if estimate.score() >= Score::Three {
        return Ok(());
    }
    let warning = estimate.feedback().and_then(|feedback| feedback.warning());
    let reason = warning.map_or_else(|| "add a few uncommon words".to_owned(), |warning| warning.to_string());
    Err(PasswordRefused::Guessable(reason))
}

/// Starts threads that run jobs until the sender is dropped.
fn start_threads(count: usize) -> std::io::Result<Sender<Job>> {
    let (jobs, waiting) = channel();
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..count {
        let waiting = Arc::clone(&waiting);
        thread::Builder::new().name("passwords".to_owned()).spawn(move || run_jobs(&waiting))?;
    }
    Ok(jobs)
}

fn run_jobs(waiting: &Mutex<Receiver<Job>>) {
    // On Linux the priority applies to this thread; elsewhere it would apply to the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
        tracing::debug!(%error, "cannot lower the priority of a password hashing thread");
    }
    loop {
        // One thread holds the lock and waits for a job; the others wait for the lock.
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A job that panics drops its reply, and the thread continues.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

/// The same characters, whatever the keyboard and the system made of them (Unicode NFKC; NIST SP 800-63B,
/// section 5.1.1.2).
fn normalized(password: &str) -> String {
    password.nfkc().collect()
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<String, HashError> {
    let salt: [u8; 16] = rand::random();
    let mut digest = [0; Params::DEFAULT_OUTPUT_LEN];
    digest_into(argon2, password, &salt, &mut digest).map_err(hash_error)?;
    let salt = SaltString::encode_b64(&salt).map_err(hash_error)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(hash_error)?,
        salt: Some(salt.as_salt()),
        hash: Some(Output::new(&digest).map_err(hash_error)?),
    };
    Ok(hash.to_string())
}

/// With the parameters that the hash names. In constant time.
fn is_password(password: &str, hash: &PasswordHash<'_>) -> bool {
    digest_like(password, hash).is_some_and(|digest| Some(digest) == hash.hash)
}

/// The digest with the salt and the parameters of a hash, unless these are not argon2's.
fn digest_like(password: &str, hash: &PasswordHash<'_>) -> Option<Output> {
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let argon2 = Argon2::new(Algorithm::try_from(hash.algorithm).ok()?, version, Params::try_from(hash).ok()?);
    let mut salt = [0; 64];
    let salt = hash.salt?.decode_b64(&mut salt).ok()?;
    let mut digest = vec![0; hash.hash?.len()];
    digest_into(&argon2, password, salt, &mut digest).ok()?;
    Output::new(&digest).ok()
}

/// Hashes in memory that the thread keeps: the allocator returns blocks of this size late or never, so that ten sign-ins
/// would occupy ten times the memory.
fn digest_into(argon2: &Argon2<'_>, password: &str, salt: &[u8], digest: &mut [u8]) -> Result<(), argon2::Error> {
    thread_local! {
        static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
    }
    MEMORY.with_borrow_mut(|memory| {
        let blocks = argon2.params().block_count();
        if memory.len() < blocks {
            memory.resize(blocks, Block::default());
        }
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, digest, &mut memory[..blocks])
    })
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
    async fn only_the_right_password_matches_its_hash() {
        let passwords = passwords();
        let (one, two) = (
            passwords.hash("secret words".into()).await.unwrap(),
            passwords.hash("secret words".into()).await.unwrap(),
        );
        assert!(one.starts_with("$argon2id$") && one != two && !one.contains("secret"));
        assert!(passwords.verify("secret words".into(), Some(one.clone())).await.unwrap());
        assert!(!passwords.verify("secret word".into(), Some(one)).await.unwrap());
        assert!(!passwords.verify("dummy password".into(), None).await.unwrap());
        assert!(!passwords.verify("x".into(), Some("no hash".into())).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_of_the_library_matches_and_a_hash_is_one_of_the_librarys() {
        use argon2::password_hash::{PasswordHasher, PasswordVerifier};

        let passwords = passwords();
        let salt = SaltString::encode_b64(b"sixteen bytes it").unwrap();
        let other = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(128, 2, 1, None).unwrap());
        let theirs = other.hash_password(b"secret words", &salt).unwrap().to_string();
        assert!(passwords.verify("secret words".into(), Some(theirs.clone())).await.unwrap());
        assert!(!passwords.verify("secret word".into(), Some(theirs)).await.unwrap());
        let ours = passwords.hash("secret words".into()).await.unwrap();
        let ours = PasswordHash::new(&ours).unwrap();
        assert!(passwords.argon2.verify_password(b"secret words", &ours).is_ok());
    }

    #[tokio::test]
    async fn the_same_characters_in_another_form_are_the_same_password() {
        let passwords = passwords();
        let composed = passwords.hash("caf\u{e9} \u{fb01}ve".into()).await.unwrap();
        assert!(passwords.verify("cafe\u{301} five".into(), Some(composed)).await.unwrap());
        let before = hash(&passwords.argon2, "cafe\u{301} five").unwrap();
        assert!(
            passwords.verify("cafe\u{301} five".into(), Some(before)).await.unwrap(),
            "hashed by an earlier version"
        );
    }
}
