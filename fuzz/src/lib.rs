//! What the fuzz targets do. It lives beside the tests, which replay the corpus.

#[path = "../../tests/fuzz/targets/mod.rs"]
pub mod targets;
