//! A mail server on loopback that can be told to misbehave.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What it does with the next mail.
#[derive(Clone, Copy)]
pub enum Mood {
    /// Asks to come again later (greylisting).
    Later,
    /// Knows nobody by that name.
    Never,
    /// Serves nobody today.
    Closed,
    /// Goes away in the middle.
    HangUp,
    /// Says nothing for a long time.
    Silence,
}

/// See the module.
pub struct Mailbox {
    address: SocketAddr,
    moods: Arc<Mutex<VecDeque<Mood>>>,
    arrivals: UnboundedReceiver<String>,
}

impl Mailbox {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (arrived, arrivals) = unbounded_channel();
        let moods = Arc::new(Mutex::new(VecDeque::new()));
        let shared = Arc::clone(&moods);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (arrived, moods) = (arrived.clone(), Arc::clone(&shared));
                std::thread::spawn(move || drop(talk(&stream, &arrived, &moods)));
            }
        });
        Self { address, moods, arrivals }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The next mails meet these moods, one each.
    pub fn be(&self, moods: &[Mood]) {
        self.moods.lock().unwrap().extend(moods);
    }

    /// The next mail that is taken, as it was sent.
    pub async fn next_raw(&mut self) -> String {
        self.arrivals.recv().await.unwrap()
    }

    /// The next mail that is taken, its text decoded (quoted-printable).
    pub async fn next(&mut self) -> String {
        self.arrivals.recv().await.unwrap().replace("=\n", "").replace("=3D", "=")
    }

    /// The token of the link in the next mail that is taken.
    pub async fn next_token(&mut self, purpose: &str) -> String {
        let mail = self.next().await;
        let (_, rest) = mail.split_once(&format!("/auth/{purpose}#token=")).unwrap_or_else(|| panic!("{mail}"));
        rest.split_whitespace().next().unwrap().to_owned()
    }
}

fn talk(
    mut stream: &TcpStream,
    arrived: &UnboundedSender<String>,
    moods: &Mutex<VecDeque<Mood>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    stream.write_all(b"220 mailbox\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match word.as_str() {
            "RCPT" => match moods.lock().unwrap().pop_front() {
                None => "250 welcome",
                Some(Mood::Later) => "451 come again later",
                Some(Mood::Never) => "550 no such user",
                Some(Mood::Closed) => "554 no service here",
                Some(Mood::HangUp) => return Ok(()),
                Some(Mood::Silence) => {
                    // Until the client has had enough.
                    lines.next();
                    return Ok(());
                }
            },
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mail: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                let _ = arrived.send(mail.join("\n"));
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}
