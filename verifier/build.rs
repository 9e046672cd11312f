//! `sqlx::migrate!` embeds the migration files; cargo must notice when one is added.

fn main() {
    // A build script speaks to cargo through its standard output.
    #[expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
    {
        println!("cargo:rerun-if-changed=migrations");
    }
}
