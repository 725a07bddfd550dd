//! Rust types as items and back, by serde.
//!
//! | Rust | DynamoDB |
//! | --- | --- |
//! | structs, maps | `M` (at the top: the item); keys of maps are texts, integers, booleans, characters or unit variants |
//! | `Vec`, slices, tuples | `L` |
//! | integers of up to 38 digits, `f32`, `f64` | `N`; a float is the shortest decimal that reads back as itself |
//! | `String`, `&str`, `char` | `S` |
//! | bytes by `serialize_bytes` (`serde_bytes`) | `B` |
//! | `bool` | `BOOL` |
//! | `None`, `()`, unit structs | `NULL` |
//! | unit variants of enums | `S`: the variant's name |
//! | other variants | `M` of one attribute: the variant's name and what it holds |
//! | `Number`, `Value`, `Item` | themselves, exactly; also behind `#[serde(flatten)]` |
//! | collections with `#[serde(with = "…")]` of the modules in [`sets`] | `SS`, `NS`, `BS` |
//!
//! Reading is a little wider than writing: sequences are read from sets as well, `Vec<u8>` from `B`, and a set's
//! module reads lists. Floats are read as the nearest to the stored decimal. What is not one of a struct's fields is
//! stepped over without being decoded.
//!
//! serde has no words for exact decimals and for sets. So numbers and sets are written as newtype structs of private
//! names (`marker`), and whoever asks for any type, as `Value` does and as serde's buffers behind `flatten`, `untagged`
//! and `tag` do, is given sets, and those numbers that neither 64-bit integers nor `f64` hold, as newtype structs.
//! `serde_json::Value` and its kind know no newtypes and so refuse these rather than change them. serde's own buffers do
//! not take `i128` and `u128`; behind them, use `Number`.
//!
//! Knows nothing of tables. In the order of use:

pub mod error;
pub mod marker;
pub mod ser;
pub mod de;
pub mod values;
pub mod sets;
