//! Loopback addresses and a plain HTTP client.

use std::net::{Ipv4Addr, TcpListener};

/// A port of 127.0.0.1 that nobody listens on. See [`free_ports`].
pub fn free_port() -> u16 {
    let [port] = free_ports();
    port
}

/// Several different ports of 127.0.0.1 that nobody listens on.
///
/// Somebody else may take one before it is used. Where the program under test can listen on port 0 and say which port it
/// got, let it; this is for ports that have to be written into a config before anything runs.
pub fn free_ports<const N: usize>() -> [u16; N] {
    // All are held until all are found; otherwise the same one could be given twice.
    let held: [TcpListener; N] = std::array::from_fn(|_| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port")
    });
    held.map(|listener| listener.local_addr().expect("a bound listener has an address").port())
}

/// An HTTP client as a stranger would have it: it follows no redirect, keeps no cookie, and uses no proxy.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(crate::wait::PATIENCE)
        .build()
        .expect("a client without special wishes can be built")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_can_be_listened_on() {
        let [a, b, c] = free_ports();
        assert!(a != b && b != c && a != c);
        TcpListener::bind((Ipv4Addr::LOCALHOST, a)).unwrap();
    }
}
