//! An outbox: what a service has to tell the world is written in the transaction that it tells of, and a relay passes it
//! on from the table's stream, through restarts.
//!
//! The order and its event are committed together, or neither. The relay's place in the stream is durable: after a crash
//! it goes on behind the last event that it has committed, so that every event is told at least once, in order. What was
//! told and not committed is told again, with the same id, and whoever listens steps over it.
//!
//! `cargo run --example outbox`

use pixii::{CreateTableRequest, Database, Entity, StreamSpecification, StreamViewType, TypedTable};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Entity)]
#[pixii(table = "Orders")]
struct Order {
    #[pixii(partition_key)]
    id: u64,
    article: String,
    is_paid: bool,
}

/// Something that happened to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Entity)]
#[pixii(table = "Outbox")]
struct Event {
    #[pixii(partition_key)]
    order: u64,
    #[pixii(sort_key)]
    number: u64,
    what: String,
}

struct Shop {
    database: Database,
    orders: TypedTable<Order>,
    outbox: TypedTable<Event>,
}

impl Shop {
    fn open(directory: &Path) -> pixii::Result<Self> {
        let database = Database::open(directory)?;
        if !database.tables().iter().any(|table| table == Event::TABLE) {
            let stream_view_type = Some(StreamViewType::NewImage);
            database.create_table(CreateTableRequest {
                stream_specification: Some(StreamSpecification { stream_enabled: true, stream_view_type }),
                ..Event::schema().build()?.into()
            })?;
        }
        let (orders, outbox) = (database.entity_or_create()?, database.entity()?);
        Ok(Self { database, orders, outbox })
    }

    /// Writes what an order has become and what is to be told of it, both or neither.
    fn record(&self, order: &Order, number: u64, what: &str) -> pixii::Result<()> {
        let event = Event { order: order.id, number, what: what.to_owned() };
        self.database.transact(|transaction| {
            transaction.put(self.orders.table(), order)?;
            transaction.put(self.outbox.table(), &event)
        })
    }
}

/// The world: it hears every event once, however often it is told.
#[derive(Debug, Default)]
struct World {
    heard: Vec<Event>,
    known: HashSet<String>,
    told_again: usize,
}

impl World {
    fn tell(&mut self, id: String, event: Event) {
        if self.known.insert(id) {
            println!("  order {}: {}", event.order, event.what);
            self.heard.push(event);
        } else {
            self.told_again += 1;
        }
    }
}

/// What stops a relay.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    /// It has told everything.
    Idle,
    /// The process dies when it has told a batch, before it could note that.
    Dies,
}

/// Passes on what is in the outbox, two events at a time.
fn relay(shop: &Shop, world: &mut World, ends: Ends) -> pixii::Result<()> {
    let mut consumer = shop.database.stream(Event::TABLE)?.consumer("relay")?;
    loop {
        let records = consumer.next_batch(2)?;
        if records.is_empty() {
            return Ok(());
        }
        for record in records {
            let id = record.sequence_number.to_string();
            if let Some(image) = record.new_image {
                world.tell(id, pixii::from_item(&image).expect("the outbox holds events"));
            }
        }
        if ends == Ends::Dies {
            return Ok(());
        }
        consumer.commit()?;
    }
}

pub(crate) fn main() -> pixii::Result<()> {
    let directory = tempfile::tempdir().expect("a directory");
    let mut world = World::default();

    println!("the shop opens:");
    let shop = Shop::open(directory.path())?;
    let order = |id, is_paid| Order { id, article: "lamp".into(), is_paid };
    for id in 1..=3 {
        shop.record(&order(id, false), 1, "ordered")?;
    }
    relay(&shop, &mut world, Ends::Idle)?;
    shop.record(&order(2, true), 2, "paid")?;
    relay(&shop, &mut world, Ends::Dies)?;
    assert_eq!(world.heard.len(), 4);
    drop(shop);

    println!("and again after a crash:");
    let shop = Shop::open(directory.path())?;
    assert_eq!(shop.orders.get(2)?, Some(order(2, true)), "the order and its event were one commit");
    shop.record(&order(1, true), 2, "paid")?;
    relay(&shop, &mut world, Ends::Idle)?;
    let told: Vec<_> = world.heard.iter().map(|event| (event.order, event.what.as_str())).collect();
    assert_eq!(told, [(1, "ordered"), (2, "ordered"), (3, "ordered"), (2, "paid"), (1, "paid")]);
    assert_eq!(world.told_again, 1, "what the relay could not note was told again, and nothing else");

    relay(&shop, &mut world, Ends::Idle)?;
    assert_eq!(world.heard.len(), 5, "its place is kept: nothing is left to tell");
    Ok(())
}
