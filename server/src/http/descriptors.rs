//! How many files and connections the system lets this process have open at once.
//!
//! Connections take no more than half of them: the store needs its files whatever strangers open.

use super::limits::CONNECTIONS_MAX;

/// Raises what the process may have to the most that the system lets it have.
pub(crate) fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // Where that is not allowed, there are fewer connections.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// Most connections at once.
pub(crate) fn connections_max() -> usize {
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let limit = None;
    connections_of(limit)
}

/// The same where the process may have so many, if there is a limit.
fn connections_of(limit: Option<u64>) -> usize {
    let half = limit.map_or(CONNECTIONS_MAX, |limit| usize::try_from(limit / 2).unwrap_or(CONNECTIONS_MAX));
    half.clamp(1, CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_half_of_what_may_be_open() {
        for (limit, connections) in
            [(None, CONNECTIONS_MAX), (Some(1 << 20), CONNECTIONS_MAX), (Some(1024), 512), (Some(1), 1)]
        {
            assert_eq!(connections_of(limit), connections, "{limit:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        use rustix::process::{Resource, getrlimit};
        raise_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
