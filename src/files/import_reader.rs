//! Reads files of products, chunk by chunk: CSV with a header, one listing per line, or a saved wish list.
//!
//! The first line decides. With a column for listings ([`COLUMNS`](super::COLUMNS)) the file is CSV, separated by commas,
//! semicolons or tabs. If it begins with `<`, it is a saved page. Otherwise each line names one listing; empty lines and those
//! that begin with `#` are skipped.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use encoding_rs::WINDOWS_1252;

use super::columns::Header;
use super::file_line::FileLine;
use super::wish_list::WishList;
use crate::domain::ImportLine;

/// The first line must be complete within so many bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Of a longer cell or line, nothing is used.
const MAX_CELL_BYTES: usize = 4096;
/// More cells are ignored.
const MAX_CELLS: usize = 256;
const SEPARATORS: [u8; 3] = *b",;\t";

/// Why a file cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Another encoding.
    #[error("the file is in UTF-16; save it as UTF-8")]
    Utf16,
    /// A spreadsheet, an archive, an image.
    #[error("the file is not a text; save a spreadsheet as CSV")]
    Binary,
    /// No end of the first line.
    #[error("the first line is longer than {MAX_HEAD_BYTES} bytes")]
    LongHead,
}

/// See the module.
pub struct ImportReader {
    mode: Mode,
    /// Of the present line.
    number: u32,
}

enum Mode {
    /// The first line is not complete yet.
    Head(Vec<u8>),
    Csv(Box<CsvLines>),
    List(Cell),
    WishList(WishList),
}

impl Default for ImportReader {
    fn default() -> Self {
        Self { mode: Mode::Head(Vec::new()), number: 1 }
    }
}

impl ImportReader {
    /// Reads a chunk, and adds the lines that it completes.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn push(&mut self, chunk: &[u8], lines: &mut Vec<FileLine>) -> Result<(), FileError> {
        if let Mode::Head(head) = &mut self.mode {
            head.extend_from_slice(chunk);
            let is_complete = head.trim_ascii_start().iter().any(|byte| matches!(byte, b'\n' | b'\r'));
            if !is_complete && head.len() <= MAX_HEAD_BYTES {
                return Ok(());
            }
            let head = std::mem::take(head);
            self.begin(&head, is_complete, lines)
        } else {
            self.read(chunk, lines);
            Ok(())
        }
    }

    /// The file has ended: adds its last lines.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn finish(mut self, lines: &mut Vec<FileLine>) -> Result<(), FileError> {
        if let Mode::Head(head) = &mut self.mode {
            let head = std::mem::take(head);
            self.begin(&head, true, lines)?;
        }
        match self.mode {
            Mode::Head(_) => {}
            Mode::Csv(mut csv) => csv.read(&[], &mut self.number, lines),
            Mode::List(mut cell) => lines.extend(listed(&cell.take(), self.number)),
            Mode::WishList(page) => lines.extend(page.finish()),
        }
        Ok(())
    }

    fn begin(&mut self, bytes: &[u8], is_complete: bool, lines: &mut Vec<FileLine>) -> Result<(), FileError> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(FileError::Utf16);
        }
        if bytes.contains(&0) {
            return Err(FileError::Binary);
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if text.trim_ascii_start().starts_with(b"<") {
            self.mode = Mode::WishList(WishList::default());
            self.read(text, lines);
            return Ok(());
        }
        if !is_complete {
            return Err(FileError::LongHead);
        }
        let first = text.trim_ascii_start().split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        self.mode = match CsvLines::with_header(first) {
            Some(csv) => Mode::Csv(Box::new(csv)),
            None => Mode::List(Cell::default()),
        };
        self.read(text, lines);
        Ok(())
    }

    fn read(&mut self, chunk: &[u8], lines: &mut Vec<FileLine>) {
        match &mut self.mode {
            Mode::Head(_) => {}
            Mode::Csv(_) if chunk.is_empty() => {}
            Mode::Csv(csv) => csv.read(chunk, &mut self.number, lines),
            Mode::WishList(page) => page.push(chunk),
            Mode::List(cell) => {
                for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
                    let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
                    cell.push(text);
                    if ends {
                        lines.extend(listed(&cell.take(), self.number));
                        self.number = self.number.saturating_add(1);
                    }
                }
            }
        }
    }
}

/// The listing of a line of a list.
fn listed(line: &Result<String, String>, number: u32) -> Option<FileLine> {
    let content = match line {
        Ok(text) if text.trim().is_empty() || text.trim_start().starts_with('#') => return None,
        Ok(text) => Ok(ImportLine { listing: text.trim().to_owned(), ..ImportLine::default() }),
        Err(error) => Err(error.clone()),
    };
    Some(FileLine { number, content })
}

/// A cell that grows up to its limit.
#[derive(Debug, Default)]
struct Cell {
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Cell {
    fn push(&mut self, bytes: &[u8]) {
        self.is_too_long |= self.bytes.len() + bytes.len() > MAX_CELL_BYTES;
        if !self.is_too_long {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Its text. What is not UTF-8 is read as Windows-1252, which spreadsheets still write.
    fn take(&mut self) -> Result<String, String> {
        let cell = std::mem::take(self);
        if cell.is_too_long {
            return Err(format!("the line has a cell of more than {MAX_CELL_BYTES} bytes"));
        }
        let text = String::from_utf8(cell.bytes)
            .unwrap_or_else(|error| WINDOWS_1252.decode_without_bom_handling(error.as_bytes()).0.into_owned());
        Ok(if text.contains('\0') { text.replace('\0', "") } else { text })
    }
}

/// Records of CSV (RFC 4180).
struct CsvLines {
    reader: Reader,
    header: Header,
    /// The header is the first record.
    is_header_read: bool,
    cell: Cell,
    cells: Vec<String>,
    error: Option<String>,
    /// The line of the record's first cell; `None` between two records.
    began: Option<u32>,
}

impl CsvLines {
    /// If the first line is a header: with the separator that stands in it most often.
    fn with_header(first: &[u8]) -> Option<Self> {
        let count = |separator: &u8| first.iter().filter(|byte| *byte == separator).count();
        let separator = SEPARATORS.into_iter().rev().max_by_key(count).unwrap_or(b',');
        let text = String::from_utf8_lossy(first);
        let cells: Vec<String> =
            text.split(char::from(separator)).map(|cell| cell.trim().trim_matches('"').to_owned()).collect();
        Some(Self {
            reader: ReaderBuilder::new().delimiter(separator).build(),
            header: Header::of(&cells)?,
            is_header_read: false,
            cell: Cell::default(),
            cells: Vec::new(),
            error: None,
            began: None,
        })
    }

    /// Reads a chunk; an empty one is the end.
    fn read(&mut self, mut chunk: &[u8], number: &mut u32, lines: &mut Vec<FileLine>) {
        let is_end = chunk.is_empty();
        let mut output = [0; 1024];
        loop {
            if self.began.is_none() {
                // The reader skips empty lines as well, but does not say how many.
                let blank = chunk.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
                count_lines(&chunk[..blank], number);
                chunk = &chunk[blank..];
                if !chunk.is_empty() {
                    self.began = Some(*number);
                }
            }
            if chunk.is_empty() && !is_end {
                return;
            }
            let (result, read, written) = self.reader.read_field(chunk, &mut output);
            count_lines(&chunk[..read], number);
            chunk = &chunk[read..];
            self.cell.push(&output[..written]);
            match result {
                ReadFieldResult::OutputFull => {}
                ReadFieldResult::InputEmpty if is_end => return,
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::Field { record_end } => {
                    self.end_cell();
                    if record_end {
                        lines.extend(self.end_record());
                    }
                }
                ReadFieldResult::End => return,
            }
        }
    }

    fn end_cell(&mut self) {
        match self.cell.take() {
            Ok(text) if self.cells.len() < MAX_CELLS => self.cells.push(text),
            Ok(_) => {}
            Err(error) => {
                self.cells.push(String::new());
                self.error = Some(error);
            }
        }
    }

    fn end_record(&mut self) -> Option<FileLine> {
        let (cells, error) = (std::mem::take(&mut self.cells), self.error.take());
        let number = self.began.take()?;
        if !std::mem::replace(&mut self.is_header_read, true) {
            return None;
        }
        if error.is_none() && cells.iter().all(|cell| cell.trim().is_empty()) {
            return None;
        }
        let line = self.header.line(cells);
        let missing = || "listing: the column is empty".to_owned();
        let content = match error {
            Some(error) => Err(error),
            None if line.listing.is_empty() => Err(missing()),
            None => Ok(line),
        };
        Some(FileLine { number, content })
    }
}

fn count_lines(bytes: &[u8], number: &mut u32) {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    *number = number.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_in(chunks: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Vec<FileLine>, FileError> {
        let (mut reader, mut lines) = (ImportReader::default(), Vec::new());
        for chunk in chunks {
            reader.push(chunk.as_ref(), &mut lines)?;
        }
        reader.finish(&mut lines)?;
        Ok(lines)
    }

    fn read(file: impl AsRef<[u8]>) -> Vec<FileLine> {
        read_in([file]).unwrap()
    }

    fn listings(lines: &[FileLine]) -> Vec<(u32, &str)> {
        lines.iter().map(|line| (line.number, line.content.as_ref().unwrap().listing.as_str())).collect()
    }

    #[test]
    fn a_list_has_one_listing_per_line() {
        let lines = read("# my list\nB07FZ8S74R\r\n\n  https://www.amazon.de/dp/B000000000 \nB111111111");
        assert_eq!(
            listings(&lines),
            [(2, "B07FZ8S74R"), (4, "https://www.amazon.de/dp/B000000000"), (5, "B111111111")]
        );
    }

    #[test]
    fn csv_is_read_with_commas_semicolons_and_tabs() {
        for separator in [",", ";", "\t"] {
            let file = ["asin,label", "B07FZ8S74R,\"Dot, \"\"3rd\"\"\"", "B000000000,Ünï"].join("\r\n");
            let file = file.replace("asin,", &format!("asin{separator}")).replace("R,", &format!("R{separator}"));
            let lines = read(file.replace("0,", &format!("0{separator}")));
            assert_eq!(listings(&lines), [(2, "B07FZ8S74R"), (3, "B000000000")]);
            let labels: Vec<_> = lines.iter().map(|line| line.content.as_ref().unwrap().label.as_deref()).collect();
            assert_eq!(labels, [Some("Dot, \"3rd\""), Some("Ünï")]);
        }
    }

    #[test]
    fn a_byte_order_mark_and_windows_1252_are_understood() {
        let lines = read(b"\xef\xbb\xbfasin;label\nB07FZ8S74R;K\xe4se\n");
        assert_eq!(lines[0].content.as_ref().unwrap().label.as_deref(), Some("Käse"));
        assert_eq!(read_in([b"\xff\xfea\0s\0".as_slice()]), Err(FileError::Utf16));
        assert_eq!(read_in([b"PK\x03\x04\0\0".as_slice()]), Err(FileError::Binary));
        assert_eq!(read_in([vec![b'x'; MAX_HEAD_BYTES + 1]]), Err(FileError::LongHead));
    }

    #[test]
    fn a_line_keeps_its_number_behind_empty_ones_and_cells_with_line_breaks() {
        let lines = read("asin,label\r\n\r\n\r\nB000000000,\"two\r\nlines\"\r\nB111111111,x\r\n,\r\nB222222222,y");
        assert_eq!(listings(&lines), [(4, "B000000000"), (6, "B111111111"), (8, "B222222222")]);
    }

    #[test]
    fn a_line_that_cannot_be_read_says_why_and_takes_no_other_along() {
        let file = format!("asin,label\n,nothing\nB000000000,{}\nB111111111,x\n", "y".repeat(MAX_CELL_BYTES + 1));
        let lines = read(file);
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(lines[0].content, Err("listing: the column is empty".into()));
        assert!(lines[1].content.as_ref().unwrap_err().contains("4096 bytes"));
        assert!(lines[2].content.is_ok());
        let lines = read(format!("{}\nB000000000", "z".repeat(MAX_CELL_BYTES + 1)));
        assert!(lines[0].content.is_err() && lines[1].content.is_ok());
    }

    #[test]
    fn nothing_comes_of_nothing() {
        for file in ["", "\n\n", "# only a comment", "asin,label", "asin,label\n,\n"] {
            assert_eq!(read(file), [], "{file:?}");
        }
    }

    proptest! {
        #[test]
        fn the_lines_do_not_depend_on_the_chunks(
            file in "(asin,label\n)?([A-Z0-9]{10}|,|\"|\r|\n|x|#|<|é){0,60}",
            size in 1usize..9,
        ) {
            let whole = read_in([&file]);
            prop_assert_eq!(read_in(file.as_bytes().chunks(size)), whole);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_in(bytes.chunks(7));
        }
    }
}
