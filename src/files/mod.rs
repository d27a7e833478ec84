//! The formats of files that are imported and exported. Pure: bytes in, lines out, in bounded memory.

mod columns;
mod file_line;
mod import_reader;
mod product_table;
pub mod report;
mod table_writer;
mod wish_list;

pub use columns::COLUMNS;
pub use file_line::FileLine;
pub use import_reader::{FileError, ImportReader};
pub use product_table::{HISTORY_COLUMNS, PRODUCT_COLUMNS, point_row, product_row};
pub use table_writer::{Cell, MAX_SPREADSHEET_ROWS, TableError, TableFormat, TableFormatError, TableWriter};
