//! The `amazon-tracker` command.
fn main() {}
