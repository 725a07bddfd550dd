#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pixii_fuzz::targets::key_order::run(data));
