#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pixii_fuzz::targets::copies_read::run(data));
