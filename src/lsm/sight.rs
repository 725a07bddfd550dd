//! What a reader sees of a version: all that is judged by the reader's moment.

use crate::base::entry::EntryKind;
use crate::base::expiry::ExpiryRules;
use crate::base::ident::Moment;
use std::sync::Arc;

/// A reader's moment, and the rules by which it tells the dead.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The moment that is read.
    pub at: Moment,
    /// What becomes of dead entries.
    pub rules: Arc<ExpiryRules>,
}

impl Sight {
    /// Whether the newest version of a key, at the reader's sequence number, gives the key a value.
    #[inline]
    pub fn shows(&self, kind: EntryKind) -> bool {
        match kind {
            EntryKind::Put => true,
            EntryKind::Delete => false,
            EntryKind::ExpiringPut(expiry) => !self.rules.is_hidden(expiry, self.at.time),
        }
    }
}
