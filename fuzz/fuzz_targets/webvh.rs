#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    enishi_fuzz::webvh::run(input);
});
