//! A mail server on loopback that checks what it gets and can be told to misbehave.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_parser::{MessageParser, MimeHeaders};

use crate::fixture::Trouble;
use crate::services::{ensure, is_valid_html};

/// What it does with the next mail.
#[derive(Clone, Copy)]
pub enum Mood {
    /// Answers `RCPT` with this line.
    Says(&'static str),
    /// Says nothing for a long time.
    Silence,
}

#[derive(Default)]
struct Inside {
    moods: Mutex<VecDeque<Mood>>,
    mails: Mutex<Vec<Vec<u8>>>,
    complaints: Mutex<Vec<String>>,
}

/// See the module.
pub struct Mailbox {
    address: SocketAddr,
    inside: Arc<Inside>,
}

impl Mailbox {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside::default());
        let shared = Arc::clone(&inside);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let inside = Arc::clone(&shared);
                std::thread::spawn(move || drop(talk(&stream, &inside)));
            }
        });
        Self { address, inside }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub fn be(&self, mood: Mood) {
        self.inside.moods.lock().unwrap().push_back(mood);
    }

    /// The mails that were taken, as they came.
    pub fn mails(&self) -> Vec<Vec<u8>> {
        self.inside.mails.lock().unwrap().clone()
    }

    pub fn complaints(&self) -> Vec<String> {
        self.inside.complaints.lock().unwrap().clone()
    }

    pub fn cause(&self, trouble: Trouble) -> Duration {
        self.be(match trouble {
            Trouble::Limited => Mood::Says("450 4.2.1 the user receives mail too quickly"),
            Trouble::ServerError => Mood::Says("451 local error"),
            Trouble::Hang => Mood::Silence,
            Trouble::Revoked => Mood::Says("550 5.1.1 no such user"),
        });
        Duration::from_secs(60)
    }
}

fn talk(mut stream: &TcpStream, inside: &Inside) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).split(b'\n');
    stream.write_all(b"220 mailbox\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let line = String::from_utf8_lossy(&line).into_owned();
        let word = line.split([' ', ':']).next().unwrap_or_default().trim().to_ascii_uppercase();
        let answer = match word.as_str() {
            "RCPT" => match inside.moods.lock().unwrap().pop_front() {
                None => "250 welcome".to_owned(),
                Some(Mood::Says(answer)) => answer.to_owned(),
                Some(Mood::Silence) => {
                    // Until the client has had enough.
                    lines.next();
                    return Ok(());
                }
            },
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mail = lines.by_ref().map_while(Result::ok).take_while(|line| line != b".\r");
                // A dot at the start of a line is doubled on the way.
                let mail: Vec<Vec<u8>> =
                    mail.map(|line| line.strip_prefix(b".").map(<[u8]>::to_vec).unwrap_or(line)).collect();
                receive(mail.join(&b'\n'), inside)
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 fine".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

fn receive(mail: Vec<u8>, inside: &Inside) -> String {
    match check(&mail) {
        Ok(()) => {
            inside.mails.lock().unwrap().push(mail);
            "250 taken".to_owned()
        }
        Err(why) => {
            inside.complaints.lock().unwrap().push(why);
            "554 5.6.0 refused".to_owned()
        }
    }
}

fn check(raw: &[u8]) -> Result<(), String> {
    let too_long = raw.split(|byte| *byte == b'\n').find(|line| line.len() > 998);
    ensure(too_long.is_none(), "a line has more than 998 bytes")?;
    let mail = MessageParser::default().parse(raw).ok_or("not a message")?;
    ensure(mail.subject().is_some_and(|subject| !subject.is_empty()), "no subject")?;
    ensure(mail.message_id().is_some() && mail.date().is_some(), "no id or date")?;
    let root = mail.root_part();
    ensure(root.content_type().and_then(|kind| kind.subtype()) == Some("alternative"), "not multipart/alternative")?;
    ensure(mail.body_text(0).is_some_and(|text| !text.trim().is_empty()), "no text")?;
    let html = mail.body_html(0).ok_or("no HTML")?;
    ensure(html.len() < 100_000, format!("HTML of {} bytes is cut off", html.len()))?;
    ensure(!html.contains("src=\"data:"), "pictures of data: URLs are not shown")?;
    for cid in html.split("src=\"cid:").skip(1).filter_map(|rest| rest.split('"').next()) {
        ensure(mail.attachments().any(|part| part.content_id() == Some(cid)), format!("no picture {cid}"))?;
    }
    let body = html.split_once("<body").map(|(_, body)| format!("<body{body}")).ok_or("no body")?;
    let body = body.replace("</html>", "");
    let tags = ["body", "div", "table", "tr", "td", "h1", "span", "a", "br"];
    is_valid_html(&without_images(&body), &tags)
}

/// Images have no end tag.
fn without_images(html: &str) -> String {
    let mut parts = html.split("<img");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('>').map_or("", |(_, rest)| rest))
}
