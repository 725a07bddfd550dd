//! A session store: sessions end by themselves, and whoever wants to know of it reads the table's stream.
//!
//! A session's field `expires_at` is its time to live: from that instant on no read, condition or index finds the session,
//! and its space comes back without anybody deleting it. Each visit puts the end off, if the session has not ended by then:
//! the condition says so, and it is judged at the very commit. The stream tells of each end once, with the session as it
//! was.
//!
//! `cargo run --example sessions`
#![expect(clippy::disallowed_methods, reason = "a service lives by the system's clock")]

use pixii::{
    Database, Entity, EventName, Item, StreamSpecification, StreamViewType, TypedTable, UpdateTableRequest,
    UserIdentity, from_item,
};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Entity)]
#[pixii(table = "Sessions")]
struct Session {
    #[pixii(partition_key)]
    token: String,
    #[pixii(index(name = "ByUser", partition_key))]
    user: String,
    visits: u32,
    /// In seconds since 1970.
    #[pixii(ttl)]
    expires_at: u64,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs()
}

fn begin(sessions: &TypedTable<Session>, token: &str, user: &str, seconds: u64) -> pixii::Result<()> {
    let (token, user) = (token.to_owned(), user.to_owned());
    sessions.put(&Session { token, user, visits: 0, expires_at: now() + seconds })
}

fn session(item: &Item) -> Session {
    from_item(item).expect("only sessions are put into the table")
}

/// Counts a visit and puts the session's end off; none if it has ended.
fn visit(sessions: &TypedTable<Session>, token: &str, seconds: u64) -> pixii::Result<Option<Session>> {
    let visited = sessions
        .update(token)
        .add(Session::VISITS, 1)
        .set(Session::EXPIRES_AT, now() + seconds)
        .condition(Session::TOKEN.exists())
        .return_values(pixii::ReturnValues::AllNew)
        .send();
    match visited {
        Ok(output) => Ok(output.attributes.as_ref().map(session)),
        Err(error) if error.kind() == pixii::ErrorKind::ConditionalCheckFailed => Ok(None),
        Err(error) => Err(error),
    }
}

/// The sessions that a user has now.
fn of_user(sessions: &TypedTable<Session>, user: &str) -> pixii::Result<Vec<String>> {
    let found = sessions.query_by(Session::BY_USER, user);
    found.into_iter().map(|session| session.map(|session| session.token)).collect()
}

pub(crate) fn main() -> pixii::Result<()> {
    let database = Database::in_memory()?;
    let sessions = database.entity_or_create::<Session>()?;
    let stream_view_type = Some(StreamViewType::OldImage);
    database.update_table(UpdateTableRequest {
        table_name: Session::TABLE.to_owned(),
        stream_specification: Some(StreamSpecification { stream_enabled: true, stream_view_type }),
        ..UpdateTableRequest::default()
    })?;

    begin(&sessions, "a1", "ada", 1)?;
    begin(&sessions, "a2", "ada", 3600)?;
    begin(&sessions, "b1", "bob", 60)?;
    let visited = visit(&sessions, "b1", 3600)?.expect("it has just begun");
    println!("bob was here {} time, and stays", visited.visits);

    // Until the whole second of its end.
    while sessions.get("a1")?.is_some() {
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("the first session of ada has ended");
    assert_eq!(of_user(&sessions, "ada")?, ["a2"]);
    assert_eq!(of_user(&sessions, "bob")?, ["b1"]);
    assert_eq!(visit(&sessions, "a1", 3600)?, None, "what has ended cannot be put off");

    // The stream tells of it as soon as the sweeper has come by.
    let stream = database.stream(Session::TABLE)?;
    let ended = loop {
        let records = stream.records()?.collect::<pixii::Result<Vec<_>>>()?;
        let is_end = |record: &&pixii::StreamRecord| record.user_identity == Some(UserIdentity::EXPIRY);
        if let Some(record) = records.iter().find(is_end) {
            break record.clone();
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let image = ended.old_image.expect("the stream holds old images");
    let Session { token, user, .. } = session(&image);
    println!("told: the session {token} of {user} has ended");
    assert_eq!((ended.event_name, token.as_str()), (EventName::Remove, "a1"));
    Ok(())
}
