//! Extraction of the corpus pages compared to parsers that build a tree, and to a parser without extraction.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use amazon_tracker::domain::Marketplace;
use amazon_tracker::extract::{Extractor, PageContext, Progress, extract};
use lol_html::{HtmlRewriter, Settings, element};
use scraper::{Html, Selector};

use crate::rivals;
use crate::table::{Table, Target, median};

const ROUNDS: usize = 5;
/// Tree builders are slow, so they run fewer rounds.
const SLOW_ROUNDS: usize = 3;
/// Typical size of a chunk from the network.
const CHUNK_BYTES: usize = 64 * 1024;

/// A page of the corpus.
pub struct SavedPage {
    path: PathBuf,
    pub marketplace: Option<Marketplace>,
    pub bytes: Vec<u8>,
}

/// The folder of the corpus.
pub fn corpus() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    assert!(folder.is_dir(), "the corpus of real pages is missing: {}", folder.display());
    folder
}

/// All pages of the corpus.
pub fn pages() -> Vec<SavedPage> {
    let labels = fs::read_to_string(corpus().join("labels.jsonl")).expect("the corpus has labels");
    let page = |line: &str| {
        let label: serde_json::Value = serde_json::from_str(line).expect("a label is JSON");
        let path = corpus().join("pages").join(format!("{}.html", label["id"].as_str().expect("a label has an id")));
        let marketplace = label["marketplace"].as_str().and_then(|code| code.parse().ok());
        SavedPage { bytes: fs::read(&path).expect("a labelled page can be read"), path, marketplace }
    };
    labels.lines().map(page).collect()
}

/// Measures speed and memory.
pub fn run(table: &mut Table) {
    let pages = pages();
    let megabytes = pages.iter().map(|page| page.bytes.len()).sum::<usize>() as f64 / 1e6;
    let speed = |seconds: Vec<f64>| megabytes / median(seconds);
    let rounds = |count: usize, one: &dyn Fn(&SavedPage)| speed((0..count).map(|_| seconds_of(&pages, one)).collect());
    // Measured before and after the references, to compensate for changes of the machine's speed.
    let before = rounds(ROUNDS, &ours);
    let no_op = rounds(ROUNDS, &no_op);
    let selectors = rivals::selectors();
    let scraper = rounds(SLOW_ROUNDS, &|page| scraper(page, &selectors));
    let parsel = speed(parsel(&pages));
    let ours = median(vec![before, rounds(ROUNDS, &ours), rounds(ROUNDS, &ours)]);
    table.add("extraction", "MB/s", ours, ("lol_html, no-op handlers", no_op), Target::AtLeast(0.6));
    table.add("extraction", "MB/s", ours, ("scraper, 8 selectors", scraper), Target::AtLeast(8.0));
    table.add("extraction", "MB/s", ours, ("parsel, 8 selectors", parsel), Target::AtLeast(15.0));
    memory(table, &pages);
}

fn seconds_of(pages: &[SavedPage], read: &dyn Fn(&SavedPage)) -> f64 {
    let started_at = Instant::now();
    pages.iter().for_each(read);
    started_at.elapsed().as_secs_f64()
}

/// Extracts a page.
pub fn ours(page: &SavedPage) {
    let context = PageContext { marketplace: page.marketplace, content_type: None, to_the_end: false };
    std::hint::black_box(extract(&page.bytes, context).expect("the corpus can be read"));
}

fn no_op(page: &SavedPage) {
    let settings = Settings::new().append_element_content_handler(element!("*", |_| Ok(())));
    let mut parser = HtmlRewriter::new(settings, |_: &[u8]| {});
    page.bytes.chunks(CHUNK_BYTES).for_each(|chunk| parser.write(chunk).expect("the corpus can be parsed"));
    parser.end().expect("the corpus can be parsed");
}

fn scraper(page: &SavedPage, selectors: &[Selector]) {
    let tree = Html::parse_document(&String::from_utf8_lossy(&page.bytes));
    for selector in selectors {
        let text: Vec<&str> = tree.select(selector).flat_map(|element| element.text()).collect();
        std::hint::black_box(text.join(" "));
    }
}

fn parsel(pages: &[SavedPage]) -> Vec<f64> {
    let mut python = rivals::python("parsel_pages.py");
    python.arg(SLOW_ROUNDS.to_string()).args(pages.iter().map(|page| &page.path));
    serde_json::from_str(&rivals::output(&mut python)).expect("a list of seconds")
}

/// Peak memory of one page in a separate process, for the smallest and the largest third of the pages.
fn memory(table: &mut Table, pages: &[SavedPage]) {
    let mut by_size: Vec<&SavedPage> = pages.iter().filter(|page| page.bytes.len() > 100_000).collect();
    by_size.sort_by_key(|page| page.bytes.len());
    let third = by_size.len() / 3;
    let peak = |pages: &[&SavedPage]| median(pages.iter().map(|page| peak_kb(&page.path)).collect());
    let size = |pages: &[&SavedPage]| median(pages.iter().map(|page| page.bytes.len() as f64 / 1e6).collect());
    let (small, large) = (&by_size[..third], &by_size[by_size.len() - third..]);
    let what = format!("peak memory, pages of {:.1} MB", size(large));
    let rival = format!("pages of {:.1} MB", size(small));
    table.add(&what, "kB", peak(large), (&rival, peak(small)), Target::AtMost(1.5));
}

fn peak_kb(page: &Path) -> f64 {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    let output = rivals::output(command.arg(PEAK_OF_ONE).arg(page));
    output.trim().parse().expect("a number of kB")
}

/// Argument: measure one page; see [`print_peak`].
pub const PEAK_OF_ONE: &str = "--peak-memory-of";

/// Reads one page in chunks and prints the peak memory growth of the process, in kB.
pub fn print_peak(page: &Path) {
    let mut file = fs::File::open(page).expect("the page can be opened");
    let mut chunk = vec![0; CHUNK_BYTES];
    // Build the static tables before measuring.
    let tiny = "<html><body><div id=dp><span id=productTitle>x</span></div></body></html>";
    std::hint::black_box(extract(tiny.as_bytes(), PageContext::default()).expect("a tiny page"));
    let before = rivals::peak_rss_kb(std::process::id());
    let mut extractor = Extractor::new(PageContext::default());
    loop {
        let length = file.read(&mut chunk).expect("the page can be read");
        let progress = extractor.feed(&chunk[..length]).expect("the corpus can be read");
        if length == 0 || progress == Progress::Settled {
            break;
        }
    }
    std::hint::black_box(extractor.finish());
    println!("{}", rivals::peak_rss_kb(std::process::id()) - before);
}
