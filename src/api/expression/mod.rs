//! Expressions said in Rust: the trees that text makes, with no text and no placeholders.
//!
//! [`attr`](attribute::attr) names an attribute. What it is asked becomes a [`Condition`](condition::Condition); what
//! is done to it becomes an [`UpdateExpression`](update::UpdateExpression); several of them become a
//! [`ProjectionExpression`](crate::dynamo::expression::tree::ProjectionExpression). Names are names: reserved words,
//! dots and spaces in them mean nothing.
//!
//! A builder never fails in the middle. What is wrong with a value (an empty set, a float that is no number, a type
//! that serde cannot serialise) is kept, the first fault of each expression, and is the error of the request that it is
//! given to. So values may be given as they are or as results: `attr("tags").eq(Value::string_set(tags))`.
//!
//! In the order of use:

pub mod operand;
pub mod condition;
pub mod attribute;
pub mod update;
pub mod projection;
