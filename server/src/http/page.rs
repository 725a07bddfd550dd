//! The page for people: its files, which are in the program, and who gets them.
//!
//! It is a client like any other: it asks the operations of DynamoDB's protocol, and one more for the engine's statistics,
//! by requests that other pages cannot make. Its files are given only where the server is called by a name that nobody
//! else can have, or by one that is listed: a page that another name leads to would be that name's. Nothing in it runs but
//! its own files, and no page may frame it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use std::net::IpAddr;

/// Who gets the page for people at the server's root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Page {
    /// Those of this machine: whoever asks, if the server listens nowhere else.
    #[default]
    Local,
    /// Whoever asks.
    Always,
    /// Nobody.
    Never,
}

impl Page {
    /// Whether a server that listens at `address` has the page.
    pub(crate) fn is_served_at(self, address: IpAddr) -> bool {
        match self {
            Self::Local => address.is_loopback(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

struct File {
    path: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const INDEX: File =
    File { path: "/", content_type: "text/html; charset=utf-8", content: include_str!("../page/index.html") };

const FILES: [File; 9] = [
    File { path: "/page/icon.svg", content_type: "image/svg+xml", content: include_str!("../page/icon.svg") },
    File {
        path: "/page/page.css",
        content_type: "text/css; charset=utf-8",
        content: include_str!("../page/page.css"),
    },
    script("/page/page.js", include_str!("../page/page.js")),
    script("/page/client.js", include_str!("../page/client.js")),
    script("/page/elements.js", include_str!("../page/elements.js")),
    script("/page/values.js", include_str!("../page/values.js")),
    script("/page/tables.js", include_str!("../page/tables.js")),
    script("/page/editor.js", include_str!("../page/editor.js")),
    script("/page/engine.js", include_str!("../page/engine.js")),
];

const fn script(path: &'static str, content: &'static str) -> File {
    File { path, content_type: JAVASCRIPT, content }
}

/// What browsers are told of each file.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // A newer program has newer files.
    (header::CACHE_CONTROL, "no-cache"),
];

/// The file at `path`. At the root it is the page, for those who ask for HTML.
pub(crate) fn answer(path: &str, headers: &HeaderMap) -> Option<Response<Full<Bytes>>> {
    let file = if path == INDEX.path {
        Some(&INDEX).filter(|_| asks_for_html(headers))
    } else {
        FILES.iter().find(|file| file.path == path)
    };
    let file = file?;
    let mut response = Response::new(Full::new(Bytes::from_static(file.content.as_bytes())));
    *response.status_mut() = StatusCode::OK;
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    told.insert(header::VARY, HeaderValue::from_static("Accept"));
    for (name, value) in HEADERS {
        told.insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

/// A client that takes everything does not ask for HTML; browsers name it.
fn asks_for_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|part| {
        part.split(';').next().is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("text/html"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_ask_for_html_get_the_page_and_nobody_else() {
        for (accepted, is_page) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("application/json, Text/HTML;q=0.1", true),
            ("*/*", false),
            ("application/json", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accepted));
            assert_eq!(answer("/", &headers).is_some(), is_page, "{accepted}");
        }
        assert!(answer("/", &HeaderMap::new()).is_none());
    }

    #[test]
    fn every_file_that_the_page_names_is_there_and_no_other() {
        for path in
            ["/page", "/page/", "/page/../page/page.js", "/page/page.js/", "/page/%70age.js", "/index.html"]
        {
            assert!(answer(path, &HeaderMap::new()).is_none(), "{path}");
        }
        for file in FILES.iter().chain([&INDEX]) {
            for named in file.content.split(['"', '\'', ' ']).filter(|word| word.starts_with("/page/")) {
                assert!(answer(named, &HeaderMap::new()).is_some(), "{} names {named}", file.path);
            }
        }
    }

    #[test]
    fn nothing_of_the_page_needs_what_its_policy_forbids() {
        for file in FILES.iter().chain([&INDEX]) {
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "eval(",
                " style=",
                "onclick=\"",
                "http://",
                "https://",
            ] {
                let text = file.content.replace("http://www.w3.org/2000/svg", "");
                assert!(!text.contains(forbidden), "{} has {forbidden}", file.path);
            }
        }
    }
}
