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
/// | `index(…, keys_only)`, `index(…, include(field, …))` | what the index holds beside the keys; everything, if neither is said |
/// | `key_type = String`, `Number` or `Binary` | what serde makes of the field's type, where that is no `KeyField` |
/// | `ttl` | the seconds since 1970 when an item expires |
/// | `version` | counts the item's versions |
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
