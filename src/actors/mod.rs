//! The actors of the house. [`kernel`] makes them possible.

pub mod kernel;
