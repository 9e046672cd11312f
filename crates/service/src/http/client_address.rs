//! Whom a request comes from: for limits only, never kept.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

/// The address of a client, for rate limits. An IPv6 client is its /64 network, since one household has that many
/// addresses. No `Display` and an empty `Debug`: it must not end up in a log (threat 16).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The client behind `trusted_proxies` proxies that each append to `X-Forwarded-For`. With none, or when the header
    /// is too short or malformed, the peer itself: a client cannot gain anything by sending the header.
    pub fn of(peer: SocketAddr, headers: &HeaderMap, trusted_proxies: usize) -> Self {
        Self::normal(forwarded(headers, trusted_proxies).unwrap_or(peer.ip()))
    }

    fn normal(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

fn forwarded(headers: &HeaderMap, trusted_proxies: usize) -> Option<IpAddr> {
    let entries: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let at = entries.len().checked_sub(trusted_proxies).filter(|_| trusted_proxies > 0)?;
    entries.get(at)?.trim().parse().ok()
}

impl std::fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ClientAddress {
        ClientAddress::normal(text.parse().unwrap())
    }

    #[test]
    fn only_what_trusted_proxies_appended_counts() {
        let peer: SocketAddr = "10.0.0.1:5000".parse().unwrap();
        let mut headers = HeaderMap::new();
        let of = |headers: &HeaderMap, proxies| ClientAddress::of(peer, headers, proxies);
        assert_eq!(of(&headers, 0), address("10.0.0.1"));
        assert_eq!(of(&headers, 1), address("10.0.0.1"), "no header");
        headers.append("x-forwarded-for", "6.6.6.6, 198.51.100.7".parse().unwrap());
        assert_eq!(of(&headers, 0), address("10.0.0.1"));
        assert_eq!(of(&headers, 1), address("198.51.100.7"));
        headers.append("x-forwarded-for", "10.0.0.9".parse().unwrap());
        assert_eq!(of(&headers, 2), address("198.51.100.7"));
        assert_eq!(of(&headers, 9), address("10.0.0.1"), "more proxies than entries");
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        assert_eq!(address("2001:db8:1:2:3::4"), address("2001:db8:1:2::"));
        assert_ne!(address("2001:db8:1:2::"), address("2001:db8:1:3::"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[test]
    fn threat_16_an_address_does_not_print() {
        assert_eq!(format!("{:?}", address("192.0.2.1")), "ClientAddress(…)");
    }
}
