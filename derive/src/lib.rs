//! The derive macro of [pixii](https://docs.rs/pixii): a struct as the items of a table.
//!
//! The steps, a module each: how fields are called and stored (`serde_attributes`), what the table is made of
//! (`attributes`), whether that fits together (`model`), and the code (`generate`). All faults of a struct are told at
//! once, each at the place that it is about. In the order of use:

mod names;
mod serde_attributes;
mod attributes;
mod model;
mod generate;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// A struct as the items of a table: its key, its indexes, and an attribute for each field.
///
/// ```
/// use pixii::{Database, Entity, attr};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Entity, Debug, PartialEq)]
/// #[pixii(table = "Messages")]
/// struct Message {
///     #[pixii(partition_key)]
///     room: String,
///     #[pixii(sort_key)]
///     #[pixii(index(name = "BySender", sort_key))]
///     sent_at: u64,
///     #[pixii(index(name = "BySender", partition_key))]
///     sender: String,
///     #[pixii(ttl)]
///     expires_at: Option<u64>,
///     text: String,
/// }
///
/// let database = Database::in_memory()?;
/// let messages = database.entity_or_create::<Message>()?;
/// let hello = Message {
///     room: "kitchen".into(),
///     sent_at: 7,
///     sender: "ada".into(),
///     expires_at: None,
///     text: "hello".into(),
/// };
/// messages.put(&hello)?;
/// assert_eq!(messages.query_by(Message::BY_SENDER, "ada").page()?.items, [hello]);
///
/// let condition = Message::SENDER.ne("bob") & Message::SENT_AT.between(1, 10) & attr("hidden").not_exists();
/// assert!(condition.into_tree().is_ok());
/// # Ok::<(), pixii::Error>(())
/// ```
///
/// Several fields may choose the partition of an index, and order it; a local index orders the table's partitions by
/// another field:
///
/// ```
/// use pixii::{Database, Entity};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Entity, Debug, PartialEq)]
/// #[pixii(table = "Matches")]
/// struct Match {
///     #[pixii(partition_key)]
///     tournament: String,
///     #[pixii(sort_key)]
///     id: u64,
///     #[pixii(local_index(name = "ByDay"), index(name = "ByPlace", sort_key))]
///     day: u32,
///     #[pixii(index(name = "ByPlace", partition_key = 1))]
///     country: String,
///     #[pixii(index(name = "ByPlace", partition_key = 2))]
///     city: String,
/// }
///
/// let database = Database::in_memory()?;
/// let matches = database.create_entity::<Match>()?;
/// let (country, city) = ("France".to_owned(), "Lyon".to_owned());
/// matches.put(&Match { tournament: "cup".into(), id: 7, day: 3, country, city })?;
/// assert_eq!(matches.query_by(Match::BY_PLACE, ("France", "Lyon")).sort_key_less(10).page()?.count, 1);
/// assert_eq!(matches.query_by(Match::BY_DAY, "cup").sort_key_equal(3).page()?.count, 1);
/// # Ok::<(), pixii::Error>(())
/// ```
///
/// # On the struct
///
/// `#[pixii(table = "…")]` names the table. `#[pixii(crate = path)]` says where pixii is, if not at `::pixii`.
///
/// # On fields
///
/// | `#[pixii(…)]` | |
/// | --- | --- |
/// | `partition_key`, `sort_key` | the key of the table: one of the first, at most one of the second |
/// | `index(name = "…", partition_key)`, `index(name = "…", sort_key)` | the key of a global index; as often as there are indexes |
/// | `index(name = "…", partition_key = 1)`, `index(name = "…", sort_key = 1)` | the same where several fields are one part of it: up to four each, in this order |
/// | `local_index(name = "…")` | another order of the table's partitions: by this field |
/// | `index(…, keys_only)`, `index(…, include(field, …))`, and of a local index | what the index holds beside the keys; everything, if neither is said |
/// | `key_type = String`, `Number` or `Binary` | what serde makes of the field's type, where that is no `KeyField` |
/// | `ttl` | the seconds since 1970 when an item expires |
/// | `version` | counts the item's versions: a typed table writes over no version that was not read |
///
/// # What is written
///
/// The trait `Entity`; for each field an `Attribute` of its type, and for each index an `EntityIndex`, as constants in
/// capitals: `sent_at` is `SENT_AT`, `BySender` is `BY_SENDER`. They are as visible as their fields.
///
/// Names are those that serde uses: `rename` and `rename_all` are followed, and `with` and `serialize_with` too, so
/// that values in expressions are stored as the field is. Fields that serde skips or flattens have no attribute.
///
/// # What does not compile
///
/// No partition key, or two:
///
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     id: u64,
/// }
/// ```
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: u64,
///     #[pixii(partition_key)]
///     owner: String,
/// }
/// ```
///
/// A key of a type that no key has:
///
/// ```compile_fail,E0277
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: Vec<u64>,
/// }
/// ```
///
/// An index key that may be `None` and is not left out then, because serde would store `NULL`, which is no key:
///
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: u64,
///     #[pixii(index(name = "ByOwner", partition_key))]
///     owner: Option<String>,
/// }
/// ```
///
/// An attribute that the macro does not know, and one that the struct does not have:
///
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(hash_key)]
///     id: u64,
/// }
/// ```
/// ```compile_fail,E0599
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: u64,
/// }
/// let condition = Note::OWNER.eq("ada");
/// ```
///
/// A version that is a key, a local index of a table without sort key, and two fields for one place of an index's key:
///
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key, version)]
///     id: u64,
/// }
/// ```
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: u64,
///     #[pixii(local_index(name = "ByDay"))]
///     day: u64,
/// }
/// ```
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: u64,
///     #[pixii(index(name = "ByBoth", partition_key = 1))]
///     owner: String,
///     #[pixii(index(name = "ByBoth", partition_key = 1))]
///     tag: String,
/// }
/// ```
///
/// One value for a partition that two choose, and a version that is no number:
///
/// ```compile_fail,E0277
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: u64,
///     #[pixii(index(name = "ByBoth", partition_key = 1))]
///     owner: String,
///     #[pixii(index(name = "ByBoth", partition_key = 2))]
///     tag: String,
/// }
/// fn notes(notes: &pixii::TypedTable<Note>) -> pixii::Result<usize> {
///     notes.query_by(Note::BY_BOTH, "ada").count()
/// }
/// ```
/// ```compile_fail,E0277
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: u64,
///     #[pixii(version)]
///     version: String,
/// }
/// ```
///
/// A value of another type than the field's, and a key of another shape than the entity's:
///
/// ```compile_fail,E0277
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: u64,
/// }
/// let condition = Note::ID.eq("seven");
/// ```
/// ```compile_fail,E0277
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, pixii::Entity)]
/// #[pixii(table = "Notes")]
/// struct Note {
///     #[pixii(partition_key)]
///     id: u64,
/// }
/// fn note(notes: &pixii::TypedTable<Note>) -> pixii::Result<Option<Note>> {
///     notes.get((7, 7))
/// }
/// ```
#[proc_macro_derive(Entity, attributes(pixii))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let code = model::Model::new(&input).map(|model| generate::entity(&model));
    code.unwrap_or_else(|error| error.to_compile_error()).into()
}
