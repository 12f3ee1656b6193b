//! Who runs this, for the next operator to read.

/// Returns the user and the machine as `user@host`.
pub(super) fn operator() -> String {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = named("USER")
        .or_else(|| named("LOGNAME"))
        .unwrap_or_else(|| "somebody".to_owned());
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    // A space parts the run's name from this.
    format!("{user}@{host}").split_whitespace().collect()
}
