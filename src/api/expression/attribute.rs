//! Attributes: where in an item a value stands, and what can be asked of it.

use super::condition::Condition;
use super::operand::{Encode, MemberOf, OperandOf, Untyped};
use crate::dynamo::expression::path::DocumentPath;
use crate::dynamo::expression::tree::{self, Comparator, Operand};
use crate::dynamo::fault::Fault;
use crate::dynamo::serde::error::SerdeError;
use crate::dynamo::serde::ser::to_value;
use crate::dynamo::value::{Value, ValueType};
use serde::Serialize;
use std::fmt;

/// An attribute of items, or what stands somewhere in one; made by [`attr`] by name alone, or with the type of a
/// struct's field by [`Attribute::new`] and by `#[derive(Entity)]`.
///
/// ```
/// use pixii::{Attribute, attr};
///
/// const VERSION: Attribute<u64> = Attribute::new("version");
/// let condition = VERSION.eq(3) & attr("address").member("city").begins_with("New ") & attr("tags").size().lt(10);
/// assert!(condition.into_tree().is_ok());
/// ```
pub struct Attribute<T = Untyped> {
    place: Place,
    encode: Encode<T>,
}

#[derive(Clone)]
enum Place {
    /// A top-level attribute that is known when the program is compiled.
    Name(&'static str),
    Path(DocumentPath),
}

/// The top-level attribute of that name, whatever characters it has.
///
/// ```
/// use pixii::attr;
///
/// assert_eq!(attr("a.b").member("c").element(3).path().to_string(), "[a.b, c, [3]]");
/// ```
pub fn attr(name: impl Into<String>) -> Attribute {
    at(DocumentPath::attribute(name))
}

fn at(path: DocumentPath) -> Attribute {
    // No value has this type, so none is ever encoded.
    Attribute { place: Place::Path(path), encode: |untyped| match *untyped {} }
}

impl<T> Attribute<T> {
    /// The top-level attribute of that name, which holds what serde makes of a `T`.
    pub const fn new(name: &'static str) -> Self
    where
        T: Serialize,
    {
        Self::encoded_by(name, to_value::<T>)
    }

    /// The top-level attribute of that name, which holds what `encode` makes of a `T`.
    ///
    /// ```
    /// use pixii::{Attribute, sets, to_value_with};
    ///
    /// const TAGS: Attribute<Vec<String>> =
    ///     Attribute::encoded_by("tags", |tags| to_value_with(|serializer| sets::string_set::serialize(tags, serializer)));
    /// assert!(TAGS.eq(["new", "hot"]).into_tree().is_ok());
    /// ```
    pub const fn encoded_by(name: &'static str, encode: Encode<T>) -> Self {
        Self { place: Place::Name(name), encode }
    }

    /// What is stored of a value.
    pub fn encode(&self, value: &T) -> Result<Value, SerdeError> {
        (self.encode)(value)
    }

    /// How its values are stored.
    pub fn encoding(&self) -> Encode<T> {
        self.encode
    }

    /// Where it stands.
    pub fn path(&self) -> DocumentPath {
        match &self.place {
            Place::Name(name) => DocumentPath::attribute(*name),
            Place::Path(path) => path.clone(),
        }
    }

    pub(super) fn into_path(self) -> DocumentPath {
        match self.place {
            Place::Name(name) => DocumentPath::attribute(name),
            Place::Path(path) => path,
        }
    }

    /// The same attribute, known by name alone.
    pub fn untyped(self) -> Attribute {
        at(self.into_path())
    }

    /// The attribute `name` of the map that stands here.
    pub fn member(self, name: impl Into<String>) -> Attribute {
        at(self.into_path().member(name))
    }

    /// The element at `index`, counted from 0, of the list that stands here.
    pub fn element(self, index: usize) -> Attribute {
        at(self.into_path().element(index))
    }

    fn compare(self, comparator: Comparator, other: impl OperandOf<T, Form: Into<Operand>>) -> Condition {
        let encode = self.encode;
        let left = self.into_path().into();
        let right = other.into_form(encode).map(Into::into);
        Condition::new(right.map(|right| tree::Condition::Compare { left, comparator, right }))
    }

    /// `=`: equal in type and value.
    pub fn eq(self, other: impl OperandOf<T, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::Equal, other)
    }

    /// `<>`: another type or value, or missing.
    pub fn ne(self, other: impl OperandOf<T, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::NotEqual, other)
    }

    /// `<`, of strings, numbers or binaries.
    pub fn lt(self, other: impl OperandOf<T, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::Less, other)
    }

    /// `<=`, of strings, numbers or binaries.
    pub fn le(self, other: impl OperandOf<T, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::LessOrEqual, other)
    }

    /// `>`, of strings, numbers or binaries.
    pub fn gt(self, other: impl OperandOf<T, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::Greater, other)
    }

    /// `>=`, of strings, numbers or binaries.
    pub fn ge(self, other: impl OperandOf<T, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::GreaterOrEqual, other)
    }

    /// `BETWEEN`: from `lower` to `upper`, both included.
    pub fn between(
        self,
        lower: impl OperandOf<T, Form: Into<Operand>>,
        upper: impl OperandOf<T, Form: Into<Operand>>,
    ) -> Condition {
        let encode = self.encode;
        let operand = self.into_path().into();
        let bounds = lower.into_form(encode).and_then(|lower| Ok((lower, upper.into_form(encode)?)));
        Condition::new(bounds.map(|(lower, upper)| tree::Condition::Between {
            operand,
            lower: lower.into(),
            upper: upper.into(),
        }))
    }

    /// `IN`: equal to one of these.
    pub fn one_of(self, candidates: impl IntoIterator<Item: OperandOf<T, Form: Into<Operand>>>) -> Condition {
        let encode = self.encode;
        let operand = self.into_path().into();
        let candidates = candidates.into_iter().map(|candidate| candidate.into_form(encode).map(Into::into));
        let candidates: Result<Vec<Operand>, Fault> = candidates.collect();
        Condition::new(candidates.map(|candidates| tree::Condition::In { operand, candidates }))
    }

    /// `begins_with`: a string or binary begins so.
    pub fn begins_with(self, prefix: impl OperandOf<T, Form: Into<Operand>>) -> Condition {
        let encode = self.encode;
        let operand = self.into_path().into();
        let prefix = prefix.into_form(encode).map(Into::into);
        Condition::new(prefix.map(|prefix| tree::Condition::BeginsWith { operand, prefix }))
    }

    /// `contains`: a string or binary has this part, a set or list this member.
    pub fn contains(self, member: impl MemberOf<T>) -> Condition {
        let encode = self.encode;
        let operand = self.into_path().into();
        let member = member.into_member(encode);
        Condition::new(member.map(|member| tree::Condition::Contains { operand, member }))
    }

    /// `attribute_exists`: something stands here, `NULL` included.
    pub fn exists(self) -> Condition {
        tree::Condition::AttributeExists(self.into_path()).into()
    }

    /// `attribute_not_exists`: nothing stands here.
    pub fn not_exists(self) -> Condition {
        tree::Condition::AttributeNotExists(self.into_path()).into()
    }

    /// `attribute_type`: what stands here has this type.
    pub fn is_type(self, value_type: ValueType) -> Condition {
        tree::Condition::AttributeType { operand: self.into_path().into(), value_type }.into()
    }

    /// `size`: characters of a string in UTF-16 units, bytes of a binary, members of the others.
    ///
    /// ```
    /// use pixii::attr;
    ///
    /// let condition = attr("tags").size().between(1, 10) & attr("text").size().le(attr("limit"));
    /// assert!(condition.into_tree().is_ok());
    /// ```
    pub fn size(self) -> Size {
        Size { operand: Operand::Size(Box::new(self.into_path().into())) }
    }
}

/// The size of what stands somewhere in an item; made by [`Attribute::size`].
#[derive(Clone, Debug)]
pub struct Size {
    operand: Operand,
}

impl Size {
    fn compare(
        self,
        comparator: Comparator,
        other: impl OperandOf<Untyped, Form: Into<Operand>>,
    ) -> Condition {
        let left = self.operand;
        let right = other.into_form(|untyped| match *untyped {}).map(Into::into);
        Condition::new(right.map(|right| tree::Condition::Compare { left, comparator, right }))
    }

    /// `=`
    pub fn eq(self, other: impl OperandOf<Untyped, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::Equal, other)
    }

    /// `<>`
    pub fn ne(self, other: impl OperandOf<Untyped, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::NotEqual, other)
    }

    /// `<`
    pub fn lt(self, other: impl OperandOf<Untyped, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::Less, other)
    }

    /// `<=`
    pub fn le(self, other: impl OperandOf<Untyped, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::LessOrEqual, other)
    }

    /// `>`
    pub fn gt(self, other: impl OperandOf<Untyped, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::Greater, other)
    }

    /// `>=`
    pub fn ge(self, other: impl OperandOf<Untyped, Form: Into<Operand>>) -> Condition {
        self.compare(Comparator::GreaterOrEqual, other)
    }

    /// `BETWEEN`: from `lower` to `upper`, both included.
    pub fn between(
        self,
        lower: impl OperandOf<Untyped, Form: Into<Operand>>,
        upper: impl OperandOf<Untyped, Form: Into<Operand>>,
    ) -> Condition {
        let encode: Encode<Untyped> = |untyped| match *untyped {};
        let bounds = lower.into_form(encode).and_then(|lower| Ok((lower, upper.into_form(encode)?)));
        Condition::new(bounds.map(|(lower, upper)| tree::Condition::Between {
            operand: self.operand,
            lower: lower.into(),
            upper: upper.into(),
        }))
    }
}

impl OperandOf<Untyped> for Size {
    type Form = Operand;

    fn into_form(self, _: Encode<Untyped>) -> Result<Operand, Fault> {
        Ok(self.operand)
    }
}

/// Attributes beside attributes, of one type or of none.
macro_rules! paths {
    ($([$($parameter:tt)*] $source:ty as $target:ty),* $(,)?) => {$(
        impl<$($parameter)*> OperandOf<$target> for $source {
            type Form = DocumentPath;

            fn into_form(self, _: Encode<$target>) -> Result<DocumentPath, Fault> {
                Ok(self.into_path())
            }
        }
    )*};
}

paths! {
    [T] Attribute<T> as T,
    [T: Serialize] Attribute<T> as Untyped,
    [T: Serialize] Attribute<Untyped> as T,
    [T: Serialize] Attribute<T> as Option<T>,
    [T: Serialize] Attribute<Option<T>> as T,
}

/// What names an attribute: a text names a top-level one.
pub trait IntoAttribute {
    /// The Rust type of its values; [`Untyped`] if it is known by name alone.
    type Type;

    /// The attribute.
    fn into_attribute(self) -> Attribute<Self::Type>;
}

impl<T> IntoAttribute for Attribute<T> {
    type Type = T;

    fn into_attribute(self) -> Self {
        self
    }
}

impl IntoAttribute for DocumentPath {
    type Type = Untyped;

    fn into_attribute(self) -> Attribute {
        at(self)
    }
}

macro_rules! names {
    ($($name:ty),*) => {$(
        impl IntoAttribute for $name {
            type Type = Untyped;

            fn into_attribute(self) -> Attribute {
                attr(self)
            }
        }
    )*};
}

names!(&str, String, &String);

impl<T> Clone for Attribute<T> {
    fn clone(&self) -> Self {
        Self { place: self.place.clone(), encode: self.encode }
    }
}

impl<T> fmt::Debug for Attribute<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attribute({})", self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::expression::tree::Constant;
    use crate::dynamo::value::ValueFault;
    use serde::Serialize;
    use std::collections::{BTreeSet, HashSet};

    #[derive(Clone, Serialize)]
    struct UserId(String);

    const TEXT: Attribute<String> = Attribute::new("text");
    const COUNT: Attribute<u64> = Attribute::new("count");
    const RATING: Attribute<Option<f64>> = Attribute::new("rating");
    const READER: Attribute<Option<String>> = Attribute::new("reader");
    const USER: Attribute<UserId> = Attribute::new("user");
    const LINES: Attribute<Vec<String>> = Attribute::new("lines");
    const SIZES: Attribute<HashSet<u32>> = Attribute::encoded_by("sizes", |sizes| {
        crate::to_value_with(|serializer| crate::sets::number_set::serialize(sizes, serializer))
    });

    const BLOBS: Attribute<Vec<Vec<u8>>> = Attribute::encoded_by("blobs", |blobs| {
        crate::to_value_with(|serializer| crate::sets::binary_set::serialize(blobs, serializer))
    });

    fn path(name: &str) -> Operand {
        Operand::Path(DocumentPath::attribute(name))
    }

    fn constant(value: impl Into<Value>) -> Operand {
        Operand::Value(Constant::new(value))
    }

    fn compare(left: Operand, comparator: Comparator, right: Operand) -> tree::Condition {
        tree::Condition::Compare { left, comparator, right }
    }

    #[track_caller]
    fn check(condition: Condition, expected: tree::Condition) {
        assert_eq!(condition.into_tree().ok(), Some(expected));
    }

    /// Checks that an equality with what is on the right was asked.
    #[track_caller]
    fn check_right(condition: Condition, expected: impl Into<Value>) {
        match condition.into_tree().expect("all values are right") {
            tree::Condition::Compare { right, .. } => assert_eq!(right, constant(expected)),
            other => panic!("no comparison: {other:?}"),
        }
    }

    #[test]
    fn each_comparison_makes_its_tree() {
        use Comparator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let a = || attr("a");
        for (condition, comparator) in [
            (a().eq(1), Equal),
            (a().ne(1), NotEqual),
            (a().lt(1), Less),
            (a().le(1), LessOrEqual),
            (a().gt(1), Greater),
            (a().ge(1), GreaterOrEqual),
        ] {
            check(condition, compare(path("a"), comparator, constant(1)));
        }
        let size = || Operand::Size(Box::new(path("a")));
        for (condition, comparator) in [
            (a().size().eq(1), Equal),
            (a().size().ne(1), NotEqual),
            (a().size().lt(1), Less),
            (a().size().le(1), LessOrEqual),
            (a().size().gt(1), Greater),
            (a().size().ge(1), GreaterOrEqual),
        ] {
            check(condition, compare(size(), comparator, constant(1)));
        }
    }

    #[test]
    fn each_function_makes_its_tree() {
        let at = DocumentPath::attribute;
        check(attr("a").exists(), tree::Condition::AttributeExists(at("a")));
        check(attr("a").not_exists(), tree::Condition::AttributeNotExists(at("a")));
        check(
            attr("a").is_type(ValueType::StringSet),
            tree::Condition::AttributeType { operand: path("a"), value_type: ValueType::StringSet },
        );
        check(
            attr("a").begins_with("x"),
            tree::Condition::BeginsWith { operand: path("a"), prefix: constant("x") },
        );
        check(attr("a").contains(7), tree::Condition::Contains { operand: path("a"), member: constant(7) });
        check(
            attr("a").between(1, attr("b")),
            tree::Condition::Between { operand: path("a"), lower: constant(1), upper: path("b") },
        );
        check(
            attr("a").size().between(1, 2),
            tree::Condition::Between {
                operand: Operand::Size(Box::new(path("a"))),
                lower: constant(1),
                upper: constant(2),
            },
        );
        check(
            attr("a").one_of(["x", "y"]),
            tree::Condition::In { operand: path("a"), candidates: vec![constant("x"), constant("y")] },
        );
    }

    #[test]
    fn names_are_names_and_places_in_documents_are_reached_step_by_step() {
        let expected = DocumentPath::attribute("a.b[0]").member("size").element(3);
        assert_eq!(attr("a.b[0]").member("size").element(3).path(), expected);
        assert_eq!(LINES.element(1).path(), DocumentPath::attribute("lines").element(1));
        assert_eq!(TEXT.untyped().path(), TEXT.path());
    }

    #[test]
    fn attributes_are_compared_with_attributes_and_sizes() {
        use Comparator::{Equal, Less};
        check(attr("a").lt(attr("b")), compare(path("a"), Less, path("b")));
        check(TEXT.lt(attr("b")), compare(path("text"), Less, path("b")));
        check(attr("b").eq(COUNT), compare(path("b"), Equal, path("count")));
        check(TEXT.eq(READER), compare(path("text"), Equal, path("reader")));
        check(READER.eq(TEXT), compare(path("reader"), Equal, path("text")));
        let size = Operand::Size(Box::new(path("text")));
        check(attr("b").eq(TEXT.size()), compare(path("b"), Equal, size));
    }

    #[test]
    fn typed_attributes_take_what_is_stored_of_their_type() {
        check_right(TEXT.eq("a"), "a");
        let (text, count, user) = ("a".to_owned(), Box::new(7), UserId("a".to_owned()));
        check_right(TEXT.eq(&text), "a");
        check_right(COUNT.eq(7), 7);
        check_right(COUNT.eq(count.as_ref()), 7);
        check_right(RATING.eq(0.5), "0.5".parse::<crate::Number>().expect("a number"));
        check_right(RATING.eq(None), ());
        check_right(READER.eq("a"), "a");
        check_right(READER.eq(Some("a".to_owned())), "a");
        check_right(USER.eq(UserId("a".to_owned())), "a");
        check_right(USER.eq(&user), "a");
        check_right(LINES.eq(["a"]), vec![Value::from("a")]);
        check_right(SIZES.eq([1, 2]), BTreeSet::from([1, 2].map(crate::Number::from)));
    }

    #[test]
    fn members_are_stored_as_their_collection_stores_them() {
        let contains = |name, member| tree::Condition::Contains { operand: path(name), member };
        check(TEXT.contains("a"), contains("text", constant("a")));
        check(READER.contains("a"), contains("reader", constant("a")));
        check(LINES.contains("a"), contains("lines", constant("a")));
        check(SIZES.contains(7), contains("sizes", constant(7)));
        check(BLOBS.contains(vec![1]), contains("blobs", constant([1])));
    }

    #[test]
    fn values_may_be_results_and_their_fault_stays() {
        check_right(attr("a").eq(crate::to_value("x")), "x");
        let fault = attr("a").eq(Value::string_set(["x", "x"])).into_tree().expect_err("a member twice");
        assert!(matches!(fault, Fault::Value(ValueFault::DuplicateStrings(_))));
        let fault = attr("a").eq(crate::to_value(&f64::NAN)).into_tree().expect_err("no number");
        assert!(matches!(fault, Fault::Serde(_)));
    }

    #[test]
    fn a_wrong_value_is_found_wherever_it_stands() {
        let empty = || Value::StringSet(BTreeSet::new());
        for condition in [
            attr("a").eq(empty()),
            attr("a").between(1, empty()),
            attr("a").one_of([Value::Null, empty()]),
            attr("a").begins_with(empty()),
            attr("a").contains(empty()),
            attr("a").size().gt(f64::NAN),
            attr("a").size().between(f64::NAN, 1),
            RATING.eq(f64::INFINITY),
            !attr("a").eq(empty()),
            attr("a").exists() & attr("a").eq(f32::NAN),
            attr("a").eq(f32::NAN) | attr("a").exists(),
        ] {
            assert!(condition.into_tree().is_err());
        }
    }
}
