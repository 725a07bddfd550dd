//! A bank: transfers by interactive transactions, from several threads, while an auditor adds up all accounts.
//!
//! A transfer reads two accounts and writes both. Nothing is locked while it runs: if somebody else has changed one of
//! the accounts meanwhile, it is run again on what is there then. So no money is made or lost, no account is overdrawn,
//! and the auditor, who reads one moment, finds the same sum every time.
//!
//! `cargo run --example bank`

use pixii::{Database, Entity, TypedTable};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

const ACCOUNTS: u64 = 8;
const FIRST_BALANCE: u64 = 100;
const CLERKS: u64 = 4;
const TRANSFERS_EACH: u64 = 200;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Entity)]
#[pixii(table = "Accounts")]
struct Account {
    #[pixii(partition_key)]
    number: u64,
    balance: u64,
}

/// What has become of a transfer.
#[derive(Debug, PartialEq)]
enum Transfer {
    Done,
    NotEnough,
}

struct Bank {
    database: Database,
    accounts: TypedTable<Account>,
}

impl Bank {
    fn open() -> pixii::Result<Self> {
        let database = Database::in_memory()?;
        let accounts = database.entity_or_create::<Account>()?;
        for number in 0..ACCOUNTS {
            accounts.put(&Account { number, balance: FIRST_BALANCE })?;
        }
        Ok(Self { database, accounts })
    }

    /// Moves `amount` between two accounts, or nothing. `runs` counts how often it had to be run.
    fn transfer(&self, from: u64, to: u64, amount: u64, runs: &AtomicU64) -> pixii::Result<Transfer> {
        let table = self.accounts.table();
        self.database.transact(|transaction| {
            runs.fetch_add(1, Ordering::Relaxed);
            let read = |number: u64| {
                let account = transaction.get::<Account>(table, number)?;
                Ok::<_, pixii::Error>(account.expect("accounts are never closed"))
            };
            let (mut source, mut target) = (read(from)?, read(to)?);
            let Some(rest) = source.balance.checked_sub(amount) else {
                // Nothing was written, so nothing happens.
                return Ok(Transfer::NotEnough);
            };
            source.balance = rest;
            target.balance += amount;
            transaction.put(table, &source)?;
            transaction.put(table, &target)?;
            Ok(Transfer::Done)
        })
    }

    /// The sum of all balances at one moment.
    fn audit(&self) -> pixii::Result<u64> {
        let balances = self.accounts.scan().into_iter();
        balances.map(|account| account.map(|account| account.balance)).sum()
    }
}

pub(crate) fn main() -> pixii::Result<()> {
    let bank = Bank::open()?;
    let (runs, done, refused) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let is_closing = AtomicBool::new(false);

    let audits = thread::scope(|scope| {
        let auditor = scope.spawn(|| {
            let mut audits = 0;
            while !is_closing.load(Ordering::Relaxed) {
                assert_eq!(bank.audit()?, ACCOUNTS * FIRST_BALANCE, "money was made or lost");
                audits += 1;
            }
            Ok::<u64, pixii::Error>(audits)
        });
        let clerks: Vec<_> = (0..CLERKS)
            .map(|clerk| {
                let (bank, runs, done, refused) = (&bank, &runs, &done, &refused);
                scope.spawn(move || {
                    for round in 0..TRANSFERS_EACH {
                        // Everybody moves money between neighbours, back and forth, so that they meet often.
                        let from = (clerk + round) % ACCOUNTS;
                        let to = (from + 1 + round % 3) % ACCOUNTS;
                        let outcome = match bank.transfer(from, to, round % 60, runs)? {
                            Transfer::Done => done,
                            Transfer::NotEnough => refused,
                        };
                        outcome.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok::<(), pixii::Error>(())
                })
            })
            .collect();
        let worked = clerks.into_iter().try_for_each(|clerk| clerk.join().expect("no clerk panics"));
        is_closing.store(true, Ordering::Relaxed);
        let audits = auditor.join().expect("the sum is right")?;
        worked.map(|()| audits)
    })?;

    let (runs, done, refused) = (runs.into_inner(), done.into_inner(), refused.into_inner());
    println!("{done} transfers were done and {refused} refused for lack of money, in {runs} runs");
    println!("{audits} audits found {} each time", ACCOUNTS * FIRST_BALANCE);
    assert_eq!(done + refused, CLERKS * TRANSFERS_EACH);
    assert!(runs >= done + refused);
    let too_much = bank.transfer(0, 1, ACCOUNTS * FIRST_BALANCE + 1, &AtomicU64::new(0))?;
    assert_eq!(too_much, Transfer::NotEnough, "nobody has more than there is");
    assert_eq!(bank.audit()?, ACCOUNTS * FIRST_BALANCE);
    Ok(())
}
