//! Client tokens: what makes a transaction idempotent.
//!
//! ```text
//! system row := keyspace 0 ‖ 06 ‖ scope ‖ token → digest of the request u128, completion time in ms   (metadata record)
//! scope      := nothing (transactions of writes) | ff (transactions of statements)
//! ```
//!
//! No token begins with the byte of a scope: it stands in no text.
//!
//! Invariants:
//! 1. A token's row is written in the batch of its transaction: it is there if and only if the transaction was done.
//! 2. A row counts for ten minutes after its transaction was done, and expires then, so that it goes away by itself. A
//!    transaction that was cancelled leaves none.
//! 3. A repeated request is answered when the transaction is as durable as the repetition asks, whatever the first asked.
//! 4. A token runs from the beginning of its request until that is acknowledged, in one request at a time.

use crate::base::batch::WriteBatch;
use crate::base::expiry::Expiry;
use crate::base::ident::{KeyspaceId, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expiry::SYSTEM_GENERATION;
use crate::dynamo::fault::{Constraint, Fault, MemberFault, Operation};
use crate::dynamo::item_fault::WriteFault;
use crate::dynamo::limits;
use crate::dynamo::store::Store;
use crate::dynamo::system_rows::TOKEN_ROW;
use crate::engine::options::Durability;
use crate::engine::store::Engine;
use crate::engine::ticket::Ticket;
use crate::format::metadata;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

const OPERATION: Operation = Operation::TransactWriteItems;

const KEPT_MILLIS: u64 = limits::TRANSACTION_TOKEN_SECONDS * 1000;

/// Whose token it is. The same text in another scope is another token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenScope {
    /// `TransactWriteItems`.
    #[default]
    Writes,
    /// `ExecuteTransaction`.
    Statements,
}

/// The key of a token's row.
fn row_key(scope: TokenScope, token: &str) -> Vec<u8> {
    let mut key = KeyspaceId::SYSTEM.prefix().to_vec();
    key.push(TOKEN_ROW);
    match scope {
        TokenScope::Writes => {}
        TokenScope::Statements => key.push(0xff),
    }
    key.extend_from_slice(token.as_bytes());
    key
}

/// A token that runs until this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    row_key: Vec<u8>,
    tokens: Arc<Mutex<HashSet<Vec<u8>>>>,
}

impl Running {
    /// Begins to run a token, unless a request does already.
    pub(super) fn begin(store: &Store, scope: TokenScope, token: &str) -> Result<Self> {
        let row_key = row_key(scope, token);
        if store.running_tokens.lock().insert(row_key.clone()) {
            Ok(Self { row_key, tokens: Arc::clone(&store.running_tokens) })
        } else {
            Err(Error::new(OPERATION, WriteFault::TransactionInProgress.into()))
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tokens.lock().remove(&self.row_key);
    }
}

/// Refuses tokens that are empty or have more than 36 characters.
pub(super) fn check(token: &str) -> Result<(), Fault> {
    let length = token.chars().count();
    let most = limits::TRANSACTION_TOKEN_CHARACTERS_MAX;
    let constraint = match length {
        0 => Constraint::LengthAtLeast(1),
        _ if length > most => Constraint::LengthAtMost(most),
        _ => return Ok(()),
    };
    let member = "clientRequestToken".to_owned();
    Err(Fault::Members(vec![MemberFault { member, value: token.to_owned(), constraint }]))
}

/// A transaction that was done under a token before.
#[derive(Debug)]
pub(super) struct Earlier {
    /// Its commit, or one after it.
    pub(super) seqno: SeqNo,
    pub(super) content: SameContent,
    row: Vec<u8>,
    expiry: Option<Expiry>,
}

/// Whether a request asks for the same as the one before.
#[derive(Clone, Copy, Debug)]
pub(super) enum SameContent {
    Yes,
    No,
}

/// The row of a token and the request that it stands for.
pub(super) struct TokenRow {
    pub(super) key: Vec<u8>,
    digest: u128,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    digest: u128,
    completed_at_millis: u64,
}

impl TokenRow {
    pub(super) fn new(scope: TokenScope, token: &str, content: &impl fmt::Debug) -> Self {
        Self { key: row_key(scope, token), digest: digest(content) }
    }

    /// The transaction that was done under this token within the last ten minutes, if one was.
    ///
    /// REQUIRES: the row's key is locked. What is answered rests on the commit that is given.
    pub(super) fn find(&self, engine: &Engine) -> Result<Option<Earlier>> {
        let found = engine.latest_version(&self.key, |version| {
            let counts = !version.is_expired || planted(Bug::TokenCountsForEver);
            (version.seqno, version.value.filter(|_| counts).map(<[u8]>::to_vec), version.expiry)
        })?;
        let Some((seqno, Some(row), expiry)) = found else { return Ok(None) };
        let stored: Stored =
            metadata::decode(&row).map_err(|error| Error::damaged("transaction token", error))?;
        let is_same = stored.digest == self.digest || planted(Bug::TokenContentUnchecked);
        let content = if is_same { SameContent::Yes } else { SameContent::No };
        Ok(Some(Earlier { seqno, content, row, expiry }))
    }

    /// A ticket that is done when the transaction before, and what was seen up to `newest_seen`, is as durable as is asked.
    ///
    /// One that was buffered is not synced by being read: the row is written again as it is, and takes everything before
    /// it in the log along.
    ///
    /// REQUIRES: the row's key is locked.
    pub(super) fn acknowledged_again(
        self,
        engine: &Engine,
        earlier: Earlier,
        newest_seen: SeqNo,
        durability: Durability,
    ) -> Result<Ticket> {
        if durability == Durability::Buffered || earlier.seqno <= engine.durable() {
            return Ok(engine.visible(newest_seen));
        }
        let mut batch = WriteBatch::new();
        batch.put_until(self.key, earlier.row, earlier.expiry);
        Ok(engine.submit(&batch, durability)?)
    }

    /// Adds to the transaction's batch that it was done.
    pub(super) fn complete(self, engine: &Engine, batch: &mut WriteBatch) {
        let completed_at_millis = engine.now().0;
        let at_millis = completed_at_millis + KEPT_MILLIS;
        let row = Stored { digest: self.digest, completed_at_millis };
        let expiry = Expiry { at_millis, generation: SYSTEM_GENERATION };
        if !planted(Bug::TokenNotKept) {
            batch.put_expiring(self.key, metadata::encode(&row), expiry);
        }
    }
}

/// A digest of what a request asks to be done, by the text that shows it.
fn digest(content: &impl fmt::Debug) -> u128 {
    let mut digest = Digest(Xxh3::new());
    write!(digest, "{content:?}").expect("a digest takes all text");
    digest.0.digest128()
}

/// Takes the text that shows a request in place of the request.
struct Digest(Xxh3);

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}
