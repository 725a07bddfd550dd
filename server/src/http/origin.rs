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

    /// Whether the server is called by a name that nobody else can have, or by that of a page that is listed.
    pub(crate) fn is_known(&self, host: &str) -> bool {
        let is_listed = |origin: &String| {
            origin.split_once("://").is_some_and(|(_, listed)| listed.eq_ignore_ascii_case(host))
        };
        is_unforgeable(host) || matches!(self, Self::Listed(origins) if origins.iter().any(is_listed))
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
    fn the_server_knows_its_names() {
        for (origins, host, is_known) in [
            ("", "localhost:8000", true),
            ("", "LOCALHOST", true),
            ("", "[::1]:8000", true),
            ("", "10.0.0.7:8000", true),
            ("", "evil.example:8000", false),
            ("", "localhost.evil.example:8000", false),
            ("", "", false),
            ("*", "evil.example:8000", false),
            ("https://db.example", "db.example", true),
            ("https://db.example", "db.example:8000", false),
        ] {
            assert_eq!(AllowedOrigins::parse(origins).is_known(host), is_known, "{origins} {host}");
        }
    }

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
