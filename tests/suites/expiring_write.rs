//! An item that expires in the midst of a write: at whichever question for the time it happens, the write finds what had not
//! expired by the time of its own commit.

use crate::model::{TABLE, schema};
use pixii::env::time::Clock;
use pixii::sim::{SimClock, Simulation};
use pixii::{Database, Environment, ErrorKind, Item, TimeToLiveSpecification, UpdateTimeToLiveRequest, attr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// When the item expires, in seconds.
const EXPIRES: u64 = 1_000_000;

/// Beyond the questions that a write asks before it has its place.
const QUESTIONS: u64 = 40;

/// The simulated clock, which goes on by a second at one question for the time.
#[derive(Debug)]
struct JumpingClock {
    clock: SimClock,
    /// Questions until then.
    left: Arc<AtomicU64>,
}

impl Clock for JumpingClock {
    fn wall_millis(&self) -> u64 {
        let next = |left: u64| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) == Ok(1) {
            self.clock.advance(Duration::from_secs(1));
        }
        self.clock.wall_millis()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

/// A write on the condition that the item is there, during which it expires, at the question of that number. Says whether it
/// was done.
fn write(question: u64) -> Result<bool, String> {
    let text = |error: pixii::Error| error.to_string();
    let simulation = Simulation::new(question);
    simulation.clock().set_wall_millis((EXPIRES - 100) * 1000);
    let left = Arc::new(AtomicU64::new(0));
    let clock = JumpingClock { clock: simulation.clock().clone(), left: Arc::clone(&left) };
    let environment = Environment { clock: Arc::new(clock), ..simulation.environment() };
    let database = Database::options().environment(environment).open("/store").map_err(text)?;
    let table = database.create_table(schema()).map_err(text)?;
    let specification = TimeToLiveSpecification { attribute_name: "expires".to_owned(), enabled: true };
    let request =
        UpdateTimeToLiveRequest { table_name: TABLE.to_owned(), time_to_live_specification: specification };
    database.update_time_to_live(request).map_err(text)?;
    database.wait_for_time_to_live(TABLE).map_err(text)?;
    let item = Item::new().with("pk", "a").with("sk", 1).with("expires", EXPIRES);
    table.put(&item).map_err(text)?;
    simulation.clock().set_wall_millis(EXPIRES * 1000 - 500);
    left.store(question, Ordering::SeqCst);
    let successor = Item::new().with("pk", "a").with("sk", 1);
    match table.put_request(&successor).condition(attr("pk").exists()).send() {
        Ok(output) if output.commit.time.0 >= EXPIRES * 1000 => {
            Err(format!("at question {question} the write found an item that had expired by its commit"))
        }
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::ConditionalCheckFailed => Ok(false),
        Err(error) => Err(text(error)),
    }
}

/// Writes during which the item expires at each question in turn.
pub(crate) fn at_every_question() -> Result<(), String> {
    let done = (1..=QUESTIONS).map(write).collect::<Result<Vec<bool>, String>>()?;
    // Else it never happened in the midst of one.
    if done.contains(&true) && done.contains(&false) {
        Ok(())
    } else {
        Err("all writes ended alike".to_owned())
    }
}

#[test]
fn a_write_finds_what_had_not_expired_by_its_commit() {
    assert_eq!(at_every_question(), Ok(()));
}
