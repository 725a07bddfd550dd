//! The parameters that expressions have replaced, turned into the trees of expressions.
//!
//! ```text
//!   Expected, QueryFilter, ScanFilter ──> Condition             KeyConditions    ──> KeyClauses
//!   AttributeUpdates                  ──> Update                AttributesToGet  ──> ProjectionExpression
//! ```
//!
//! The conversions are pure. What they refuse is all that DynamoDB refuses without a table, in DynamoDB's order; a tree
//! from here has been checked, and is not given to `check`, which knows limits that only expressions have. Names are
//! those of whole attributes: a dot is a dot, and no word is reserved.
//!
//! What the trees ask for that no expression does, so that whoever evaluates them must know it:
//!
//! | parameter | tree | what is different |
//! | --- | --- | --- |
//! | `NE` | `<>` | nothing: true of a missing attribute in both |
//! | `NULL`, `NOT_NULL` | `AttributeNotExists`, `AttributeExists` | they ask whether it exists; a stored `NULL` does |
//! | `CONTAINS` | `Contains` | nothing: that it looks for scalars only is checked here |
//! | `NOT_CONTAINS` | `NotContains` | false of a missing attribute, and true of types that contain nothing |
//! | `PUT` | `Set` of a value | nothing |
//! | `ADD` | `LegacyAdd` | appends to lists too; makes an item where none is |
//! | `DELETE` with a value | `Delete` | nothing; makes no item |
//! | `DELETE` without | `Remove` | nothing; makes no item |
//!
//! An `ADD` or `DELETE` that meets another type in the item is `UpdateFault::OperandType` here as there, and has words of
//! its own: the operation, which knows the parameter that its update came from, says
//! [`LegacyFault::StoredType`](fault::LegacyFault::StoredType) for it. No other fault of an update differs, and no `Set`
//! of a value has that one.
//!
//! Knows nothing of tables, keys and the engine. In the order of use:

pub mod parameters;
pub mod fault;
pub mod mixing;
mod contents;
mod comparison;
pub mod conditional_operator;
pub mod expected;
pub mod filter;
pub mod attribute_updates;
pub mod key_conditions;
pub mod attributes_to_get;
#[cfg(test)]
mod said;
#[cfg(test)]
mod truth;
#[cfg(test)]
mod equivalents;
