//! `sqlx::migrate!` embeds the migration files; cargo must notice when one is added.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
