//! The `amazon-tracker` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    amazon_tracker::cli::main()
}
