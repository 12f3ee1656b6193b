//! The address of an API server.

use url::Url;

/// Whether two addresses are of one server: neither the case of its name, nor a port that goes without saying, nor a slash
/// at the end makes another one.
pub fn same_server(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.as_str().trim_end_matches('/') == other.as_str().trim_end_matches('/'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_however_its_address_is_written() {
        for (one, other, same) in [
            ("https://10.0.0.7:6443", "https://10.0.0.7:6443/", true),
            ("https://K8s.example.com", "https://k8s.example.com:443", true),
            ("https://10.0.0.7:6443", "https://10.0.0.7:6444", false),
            ("https://10.0.0.7:6443", "http://10.0.0.7:6443", false),
            ("https://10.0.0.7/a", "https://10.0.0.7/b", false),
            ("4f1c23ab-77aa-4c1e-9b43-0242ac120002", "https://10.0.0.7", false),
        ] {
            assert_eq!(same_server(one, other), same, "{one} and {other}");
        }
    }
}
