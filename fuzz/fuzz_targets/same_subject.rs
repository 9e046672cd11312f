#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    enishi_fuzz::same_subject::run(input);
});
