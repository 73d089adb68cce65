//! The exponential method from outside: its errors against other methods and closed forms, what it costs, and what it
//! says where it cannot go on. Its plain twin stands beside the code.

#[path = "../common/mod.rs"]
mod common;

mod accuracy;
mod cost;
mod failures;
mod linear;
mod problems;
mod roots;
