//! Which web pages may use the server.
//!
//! A browser says with every request that a script makes which page it is from. A page that is not listed is refused,
//! whatever name it has found the server by: so a page whose name is made to lead to this machine gains nothing. What is
//! not from a browser has no origin and is not judged here.

/// The pages that may use the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// None but the server's own.
    #[default]
    OwnOnly,
    /// All of them.
    Any,
    /// These, as browsers write them: `https://example.com:8443`.
    Listed(Vec<String>),
}

impl AllowedOrigins {
    /// Reads a list with commas; `*` stands for all.
    ///
    /// ```
    /// use pixii_server::AllowedOrigins;
    ///
    /// assert_eq!(AllowedOrigins::parse("*"), AllowedOrigins::Any);
    /// let listed = AllowedOrigins::parse("https://a.example, http://b.example:8080");
    /// assert!(matches!(listed, AllowedOrigins::Listed(origins) if origins.len() == 2));
    /// ```
    pub fn parse(list: &str) -> Self {
        let origins: Vec<String> = list.split(',').map(|origin| origin.trim().to_owned()).collect();
        if origins.iter().any(|origin| origin == "*") { Self::Any } else { Self::Listed(origins) }
    }

    /// Whether a page may use the server that it calls `host`.
    pub(crate) fn allow(&self, origin: &str, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(origins) if origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin)) => true,
            Self::OwnOnly | Self::Listed(_) => is_own(origin, host),
        }
    }
}

/// A page of the server itself, by an address or a name that nobody else can have: not by one that a stranger's name
/// server may have made up.
fn is_own(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) && is_unforgeable(host)
}

fn is_unforgeable(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_whose_name_was_made_to_lead_here_is_refused() {
        for (origins, origin, host, is_allowed) in [
            ("", "http://localhost:8000", "localhost:8000", true),
            ("", "http://127.0.0.1:8000", "127.0.0.1:8000", true),
            ("", "http://[::1]:8000", "[::1]:8000", true),
            ("", "http://evil.example:8000", "evil.example:8000", false),
            ("", "http://localhost:3000", "localhost:8000", false),
            ("", "null", "localhost:8000", false),
            ("", "http://evil.example", "127.0.0.1:8000", false),
            ("https://app.example", "https://app.example", "db.example:8000", true),
            ("https://app.example", "http://app.example", "db.example:8000", false),
            ("*", "http://evil.example", "127.0.0.1:8000", true),
        ] {
            assert_eq!(AllowedOrigins::parse(origins).allow(origin, host), is_allowed, "{origin} {host}");
        }
    }
}
