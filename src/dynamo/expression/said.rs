//! What is said of expressions: a table of texts and of DynamoDB's words for what is wrong with them.
//!
//! The names and values are the same everywhere (`names`, `values`). A text that is right prints as the tree that it is.

use super::context::ExpressionContext;
use super::fault::ExpressionFault;
use super::path::DocumentPath;
use super::print::key_condition_to_expression;
use super::text::expression;
use super::tree::Condition;
use crate::dynamo::value::Value;
use std::collections::BTreeMap;

fn names() -> BTreeMap<String, String> {
    let names = [("#n", "name"), ("#a", "a"), ("#b", "b"), ("#c", "c"), ("#dot", "a.b[0]"), ("#3", "[3]")];
    names.map(|(placeholder, name)| (placeholder.to_owned(), name.to_owned())).into()
}

pub(super) fn values() -> BTreeMap<String, Value> {
    let set = |members: [&str; 2]| Value::string_set(members).expect("distinct members");
    let values = [
        (":v", Value::from("v")),
        (":w", Value::from("w")),
        (":n", Value::from(1)),
        (":m", Value::from(2)),
        (":b", Value::from(b"bytes")),
        (":bool", Value::from(true)),
        (":null", Value::Null),
        (":l", Value::List(Vec::new())),
        (":map", Value::Map(BTreeMap::new())),
        (":ss", set(["x", "y"])),
        (":ns", Value::number_set([1, 2]).expect("distinct members")),
        (":bs", Value::binary_set([b"x", b"y"]).expect("distinct members")),
        (":type", Value::from("SS")),
        (":dog", Value::from("DOG")),
    ];
    values.map(|(placeholder, value)| (placeholder.to_owned(), value)).into()
}

/// The text that the tree of an expression prints as.
fn read(kind: &str, text: &str) -> Result<String, ExpressionFault> {
    let mut context = ExpressionContext::new(Some(names()), Some(values()))?;
    Ok(match kind {
        "condition" => context.condition(text)?.to_string(),
        "filter" => context.filter(text)?.to_string(),
        "key" => key_condition_to_expression(&context.key_condition(text)?).text,
        "projection" => context.projection(text)?.to_string(),
        "update" => context.update(text)?.to_string(),
        other => panic!("{other} is no kind of expression"),
    })
}

/// What is said of a wrong expression, behind the name of its parameter.
#[track_caller]
fn check(kind: &str, text: &str, expected: &str) {
    let parameter = match kind {
        "condition" => "ConditionExpression",
        "filter" => "FilterExpression",
        "key" => "KeyConditionExpression",
        "projection" => "ProjectionExpression",
        _ => "UpdateExpression",
    };
    let said = read(kind, text).map_err(|fault| fault.to_string());
    assert_eq!(said, Err(format!("Invalid {parameter}: {expected}")), "{kind} {text:?}");
}

/// What a right expression prints as.
#[track_caller]
fn right(kind: &str, text: &str, expected: &str) {
    assert_eq!(read(kind, text).as_deref(), Ok(expected), "{kind} {text:?}");
}

#[test]
fn syntax() {
    check("condition", "", "The expression can not be empty;");
    check("update", " \t\r\n", "The expression can not be empty;");
    check("condition", "a = :v AND", r#"Syntax error; token: "<EOF>", near: "AND""#);
    check("condition", "a = = b", r#"Syntax error; token: "=", near: "= = b""#);
    check("condition", "(", r#"Syntax error; token: "<EOF>", near: "(""#);
    check("condition", "a", r#"Syntax error; token: "<EOF>", near: "a""#);
    check("condition", "[object Object]", r#"Syntax error; token: "[", near: "[object""#);
    check("condition", "!!!", r#"Syntax error; token: "!", near: "!!""#);
    check("condition", "_x = :v", r#"Syntax error; token: "_", near: "_x""#);
    check("condition", "1a = :v", r#"Syntax error; token: "1", near: "1a""#);
    check("condition", "a-b = :v", r#"Syntax error; token: "-", near: "a-b""#);
    check("condition", "$x = :v", r#"Syntax error; token: "$", near: "$x""#);
    check("condition", "ü > a", r#"Syntax error; token: "ü", near: "ü >""#);
    check("condition", "a > \u{a0}:v", "Syntax error; token: \"\u{a0}\", near: \"> \u{a0}:v\"");
    check("condition", "a[01] = :v", r#"Syntax error; token: "1", near: "01]""#);
    check("condition", "a[-1] = :v", r#"Syntax error; token: "-", near: "[-1""#);
    check("condition", "a[:n] = :v", r#"Syntax error; token: ":n", near: "[:n]""#);
    check("condition", "a[#a] = :v", r##"Syntax error; token: "#a", near: "[#a]""##);
    check("condition", "a > 4", r#"Syntax error; token: "4", near: "> 4""#);
    check("condition", "a in :v", r#"Syntax error; token: ":v", near: "in :v""#);
    check("condition", "a in (:v,)", r#"Syntax error; token: ")", near: ",)""#);
    check("condition", "a in ()", r#"Syntax error; token: ")", near: "()""#);
    check("condition", "size() > :n", r#"Syntax error; token: ")", near: "() >""#);
    check("condition", "a > between", r#"Syntax error; token: "between", near: "> between""#);
    check("condition", "a between :n", r#"Syntax error; token: "<EOF>", near: ":n""#);
    check("condition", "a AND b = :v", r#"Syntax error; token: "AND", near: "a AND b""#);
    check("condition", "(a) OR b = :v", r#"Syntax error; token: "OR", near: ") OR b""#);
    check("condition", "NOT a", r#"Syntax error; token: "<EOF>", near: "a""#);
    check("condition", "(a = :v) = b", r#"Syntax error; token: "=", near: ") = b""#);
    check("condition", "a = (b = :v)", r#"Syntax error; token: "=", near: "b = :v""#);
    check("condition", "a = :v b", r#"Syntax error; token: "b", near: ":v b""#);
    check("condition", "size(a).b > a", r#"Syntax error; token: ".", near: ").b""#);
    check("condition", "(size(a))[0] > a", r#"Syntax error; token: "[", near: ")[0""#);
    check("condition", "a.(b.c) = :v", r#"Syntax error; token: "(", near: ".(b""#);
    check("condition", ":v.b = a", r#"Syntax error; token: ".", near: ":v.b""#);
    check("condition", "a..b = :v", r#"Syntax error; token: ".", near: "..b""#);
    check("filter", "a ==:v", r#"Syntax error; token: "=", near: "==:v""#);
    check("key", "things are not gonna be ok", r#"Syntax error; token: "are", near: "things are not""#);
    check("projection", "a b", r#"Syntax error; token: "b", near: "a b""#);
    check("projection", "a,", r#"Syntax error; token: "<EOF>", near: ",""#);
    check("projection", "(a)", r#"Syntax error; token: "(", near: "(a""#);
    check("update", "SET", r#"Syntax error; token: "<EOF>", near: "SET""#);
    check("update", "SET _123 = :v", r#"Syntax error; token: "_", near: "SET _123""#);
    check("update", "whatever", r#"Syntax error; token: "whatever", near: "whatever""#);
    check("update", "SET a = b + ", r#"Syntax error; token: "<EOF>", near: "+""#);
    check("update", "SET a = numx / :v", r#"Syntax error; token: "/", near: "numx / :v""#);
    check("update", "SET a = b + c + d", r#"Syntax error; token: "+", near: "c + d""#);
    check("update", "SET a = (b + c) + d", r#"Syntax error; token: "+", near: ") + d""#);
    check("update", "SET a = (b.c).d", r#"Syntax error; token: ".", near: ").d""#);
    check("update", "SET a = set", r#"Syntax error; token: "set", near: "= set""#);
    check("update", "SET :v = a", r#"Syntax error; token: ":v", near: "SET :v =""#);
    check("update", "SET f(a, b) = a", r#"Syntax error; token: "(", near: "f(a""#);
    check("update", "ADD a b", r#"Syntax error; token: "b", near: "a b""#);
    check(
        "update",
        "ADD a if_not_exists(b)",
        r#"Syntax error; token: "if_not_exists", near: "a if_not_exists(""#,
    );
    check("update", "DELETE a = :ss", r#"Syntax error; token: "=", near: "a = :ss""#);
    check("update", "REMOVE a = b", r#"Syntax error; token: "=", near: "a = b""#);
    check("update", "REMOVE a b", r#"Syntax error; token: "b", near: "a b""#);
}

#[test]
fn lengths_and_depths() {
    let padded = |length: usize| format!("a = :v{}", " ".repeat(length - 6));
    right("condition", &padded(4096), "a = :0");
    check("condition", &padded(4097), "Expression size has exceeded the maximum allowed size;");
    check("update", &"(".repeat(20_000), "Expression size has exceeded the maximum allowed size;");

    let path = |levels: usize| format!("a{}", ".b".repeat(levels - 1));
    right("projection", &path(32), &path(32));
    let too_deep = "The document path has too many nesting levels; nesting levels: 33";
    check("projection", &path(33), too_deep);
    check("condition", &format!("{} = :v", path(33)), too_deep);
    check("condition", &format!("attribute_exists({})", path(33)), too_deep);
    check("condition", &format!("size({}) = :n", path(33)), too_deep);
    check("update", &format!("REMOVE {}", path(33)), too_deep);
    check("update", &format!("SET a = if_not_exists({}, :v)", path(33)), too_deep);
    check("update", &format!("SET a = if_not_exists(b, {})", path(33)), too_deep);

    let index = "List index is not within the allowable range; index: [99999999999999]";
    check("condition", "a[99999999999999] = :v", index);
    check("projection", "a[4294967295]", "List index is not within the allowable range; index: [4294967295]");
    right("projection", "a[4294967294]", "a[4294967294]");
    right("projection", "a[0]", "a[0]");
}

#[test]
fn operators_are_counted() {
    let all = |count: usize| vec!["a=:v"; count].join(" AND ");
    // a comparison is an operator, and so is each AND
    assert!(read("condition", &all(150)).is_ok());
    let said = "The expression contains too many operators; operator count: 301";
    check("condition", &all(151), said);
    check("condition", &format!("{}a=:v", "NOT ".repeat(300)), said);
    assert!(read("condition", &format!("{}a=:v", "NOT ".repeat(299))).is_ok());
    assert!(read("condition", &format!("a<b{}{}", " OR (a<b".repeat(149), ")".repeat(149))).is_ok());
    check("condition", &format!("a<b{}{}", " OR (a<b".repeat(454), ")".repeat(454)), said);
    assert!(read("condition", &format!("{}a<b{}", "NOT (".repeat(299), ")".repeat(299))).is_ok());
    check("condition", &format!("{}a<b{}", "NOT (".repeat(600), ")".repeat(600)), said);
    check("condition", &format!("{}a=:v", "NOT ".repeat(1000)), said);
    let set = |count: usize| {
        let sets: Vec<_> = (0..count).map(|index| format!("a{index}=b+:n")).collect();
        format!("SET {}", sets.join(","))
    };
    assert!(read("update", &set(300)).is_ok());
    check("update", &set(301), said);
    let nested = |count: usize| format!("SET a={}:l{}", "if_not_exists(b,".repeat(count), ")".repeat(count));
    assert!(read("update", &nested(200)).is_ok());
}

#[test]
fn what_nests_too_deeply_is_refused_and_not_followed() {
    check("condition", &"(".repeat(4096), "The expression has redundant parentheses;");
    let doubled = format!("{}a<b{}", "(".repeat(2046), ")".repeat(2046));
    check("condition", &doubled, "The expression has redundant parentheses;");
    let said = "The expression contains too many operators; operator count: 301";
    check("condition", &"NOT ".repeat(1024), said);
    check("condition", &format!("a < {}", "f(".repeat(2000)), said);
    check("condition", &format!("a < {}b{}", "size(".repeat(680), ")".repeat(680)), said);
    check("update", &format!("SET a = {}", "(".repeat(4000)), "The expression has redundant parentheses;");
    check("update", &format!("SET a = {}", "f(".repeat(2000)), said);
}

#[test]
fn redundant_parentheses() {
    let said = "The expression has redundant parentheses;";
    for text in [
        "((a = :v))",
        "a = :v AND b > ((c))",
        "(a) between (((b.c)).d) and (c)",
        "a = f((:v), ((a)))",
        "a = :v AND ((a = :v AND b = :v)) AND c = :v",
        "NOT ((a = :v))",
        "((a)) IN (:v)",
    ] {
        check("condition", text, said);
    }
    check("key", "((a = :v))", said);
    check("update", "SET a = ((b))", said);
    check("update", "SET a = ((b + c))", said);
    right("condition", "(a = :v)", "a = :0");
    right("condition", "((a) = (:v))", "a = :0");
    right("condition", "((a = :v) OR (b = :v))", "a = :0 OR b = :1");
    right("condition", "attribute_exists((a))", "attribute_exists(a)");
    right("condition", "(a.b)[0].c = :v", "a.b[0].c = :0");
    right("update", "SET a = ((b.c) + (:n))", "SET a = b.c + :0");
}

#[test]
fn functions() {
    check("condition", "dog(a)", "Invalid function name; function: dog");
    check("condition", "Size(a) > :n", "Invalid function name; function: Size");
    check("condition", "CONTAINS(a, :v)", "Invalid function name; function: CONTAINS");
    check("update", "SET a = dog(a)", "Invalid function name; function: dog");
    for function in ["if_not_exists", "list_append"] {
        for kind in ["condition", "filter", "key"] {
            let said = format!("The function is not allowed in a condition expression; function: {function}");
            check(kind, &format!("{function}(a, :v)"), &said);
            check(kind, &format!("a = {function}(a, :v)"), &said);
        }
    }
    for function in ["contains", "size", "begins_with", "attribute_exists"] {
        let said = format!("The function is not allowed in an update expression; function: {function}");
        check("update", &format!("SET a = {function}(a, :v)"), &said);
    }
    for (text, function) in [
        ("size(a)", "size"),
        ("size(a) AND b = :v", "size"),
        ("NOT size(a)", "size"),
        ("(size(a))", "size"),
        ("attribute_exists(a) > b", "attribute_exists"),
        ("size(contains(a, b)) > a", "contains"),
        ("a between b and attribute_exists(c)", "attribute_exists"),
        ("a in (b, begins_with(c, d))", "begins_with"),
        ("contains(a, attribute_type(b, :type))", "attribute_type"),
    ] {
        let said =
            format!("The function is not allowed to be used this way in an expression; function: {function}");
        check("condition", text, &said);
    }
    check(
        "update",
        "SET a = list_append(list_append(a, :l), :l)",
        "The function is not allowed to be used this way in an expression; function: list_append",
    );
    right(
        "update",
        "SET a = list_append(if_not_exists(a, :l), :l)",
        "SET a = list_append(if_not_exists(a, :0), :1)",
    );
    right(
        "update",
        "SET a = if_not_exists(b, if_not_exists(c, :n)) - :n",
        "SET a = if_not_exists(b, if_not_exists(c, :0)) - :1",
    );
}

#[test]
fn reserved_words() {
    let said = "Attribute name is a reserved keyword; reserved keyword: ";
    check("condition", "timestamp = :v", &format!("{said}timestamp"));
    check("condition", ":v < abOrT", &format!("{said}abOrT"));
    check("condition", "a.Name = :v", &format!("{said}Name"));
    check("condition", "attribute_exists(views, #x)", &format!("{said}views"));
    check("projection", "a, and", &format!("{said}and"));
    check("projection", "#n.set", &format!("{said}set"));
    check("update", "SET #zz = :zz SET abOrt = true", &format!("{said}abOrt"));
    check("update", "REMOVE Between", &format!("{said}Between"));
    right("projection", "#n.a.#n", "#0.a.#0");
}

#[test]
fn placeholders_that_are_not_defined() {
    let name = "An expression attribute name used in the document path is not defined; attribute name: ";
    let value = "An expression attribute value used in expression is not defined; attribute value: ";
    check("condition", "attribute_exists(#x.y, :zz) and a = a", &format!("{name}#x"));
    check("condition", "begins_with(a.#4g)", &format!("{name}#4g"));
    check("condition", ":zz < :yy", &format!("{value}:zz"));
    check("condition", "begins_with(:_, #n, #b)", &format!("{value}:_"));
    check("projection", "a, #x", &format!("{name}#x"));
    check("update", "SET a = :zz, #x = :v", &format!("{name}#x"));
    check("update", "SET #a = if_not_exists(:zz)", &format!("{value}:zz"));
    check("update", "ADD a :zz", &format!("{value}:zz"));
    // a condition that stands further left is looked at as a whole first
    check(
        "condition",
        "a = a AND :zz > b",
        "The first operand must be distinct from the remaining operands for this operator or function; \
         operator: =, first operand: [a]",
    );
}

#[test]
fn numbers_of_operands() {
    let said = "Incorrect number of operands for operator or function; operator or function: ";
    for (kind, text, function, count) in [
        ("condition", "size(a, b) > :n", "size", 2),
        ("condition", "attribute_exists(a, b)", "attribute_exists", 2),
        ("condition", "attribute_not_exists(a, b)", "attribute_not_exists", 2),
        ("condition", "attribute_type(a)", "attribute_type", 1),
        ("condition", "begins_with(a, size(a), b)", "begins_with", 3),
        ("filter", "contains(a)", "contains", 1),
        ("update", "SET a = if_not_exists(c)", "if_not_exists", 1),
        ("update", "SET a = list_append(c, d, e)", "list_append", 3),
        ("update", "SET a = :n + if_not_exists(b, c, d)", "if_not_exists", 3),
    ] {
        check(kind, text, &format!("{said}{function}, number of operands: {count}"));
    }
    let candidates = |count: usize| format!("a IN ({})", vec![":v"; count].join(", "));
    assert!(read("condition", &candidates(100)).is_ok());
    check(
        "condition",
        &candidates(101),
        "The IN operator is provided with too many operands; number of operands: 101",
    );
}

#[test]
fn an_operand_that_is_there_twice() {
    let said = "The first operand must be distinct from the remaining operands for this operator or function; \
                operator: ";
    for (text, operator, operand) in [
        ("#a <> a", "<>", "[a]"),
        ("a > #a", ">", "[a]"),
        ("((a=a) OR (a=a))", "=", "[a]"),
        ("contains(a.b[1].a, a.b[1].#a)", "contains", "[a, b, [1], a]"),
        ("attribute_type(a, a)", "attribute_type", "[a]"),
        ("begins_with(a, a)", "begins_with", "[a]"),
    ] {
        check("condition", text, &format!("{said}{operator}, first operand: {operand}"));
    }
    check("update", "SET a = if_not_exists(b, b)", &format!("{said}if_not_exists, first operand: [b]"));
    right("condition", ":v = :v", ":0 = :1");
    right("condition", "size(a) = size(a)", "size(a) = size(a)");
    right("condition", "a.b[1] = a.b[2]", "a.b[1] = a.b[2]");
}

#[test]
fn types_of_operands() {
    let path = "Operator or function requires a document path; operator or function: ";
    check("condition", "attribute_exists(:v)", &format!("{path}attribute_exists"));
    check("condition", "attribute_not_exists(size(:v))", &format!("{path}attribute_not_exists"));
    check("update", "SET a = if_not_exists(:v, c)", &format!("{path}if_not_exists"));
    check("update", "SET a = if_not_exists(if_not_exists(a, b), c)", &format!("{path}if_not_exists"));

    let said = "Incorrect operand type for operator or function; operator or function: ";
    for (kind, text, operator, operand) in [
        ("condition", "a < :l", "<", "L"),
        ("condition", ":bool >= a", ">=", "BOOL"),
        ("condition", "a <= :ss", "<=", "SS"),
        ("filter", "a > :null", ">", "NULL"),
        ("condition", "a BETWEEN :map AND :n", "BETWEEN", "M"),
        ("condition", ":ns BETWEEN a AND b", "BETWEEN", "NS"),
        ("condition", "begins_with(a, :n)", "begins_with", "N"),
        ("condition", "begins_with(:bs, a)", "begins_with", "BS"),
        ("condition", "begins_with(a, size(b))", "begins_with", "N"),
        ("condition", "size(:n) > a", "size", "N"),
        ("condition", "size(:bool) > a", "size", "BOOL"),
        ("condition", "size(:null) = a", "size", "NULL"),
        ("condition", "size(size(a)) = :n", "size", "N"),
        ("condition", "attribute_not_exists(size(:n))", "size", "N"),
        ("condition", "attribute_type(a, :n)", "attribute_type", "N"),
        ("condition", "attribute_type(a, size(b))", "attribute_type", "N"),
        ("condition", "attribute_type(a, b)", "attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
        ("key", "begins_with(a, :n)", "begins_with", "N"),
        ("update", "SET a = b + :v", "+", "S"),
        ("update", "SET a = :b - b", "-", "B"),
        ("update", "SET a = :l + :n", "+", "L"),
        ("update", "SET a = b + list_append(c, d)", "+", "L"),
        ("update", "SET a = list_append(b, :ns)", "list_append", "NS"),
        ("update", "SET a = list_append(:v, b)", "list_append", "S"),
    ] {
        check(kind, text, &format!("{said}{operator}, operand type: {operand}"));
    }
    check(
        "condition",
        "attribute_type(a, :dog)",
        "Invalid attribute type name found; type: DOG, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
    );
    right("condition", "attribute_type(:v, :type)", "attribute_type(:0, :1)");
    right("condition", "contains(:l, a) AND begins_with(:v, a)", "contains(:0, a) AND begins_with(:1, a)");
    right("condition", "a = :l OR a <> :null", "a = :0 OR a <> :1");
    right("condition", "size(:ss) > :n AND size(:map) > :n", "size(:0) > :1 AND size(:2) > :3");

    let said = "Incorrect operand type for operator or function; operator: ";
    for (value, operand) in [
        ("v", "STRING"),
        ("b", "BINARY"),
        ("bool", "BOOLEAN"),
        ("null", "NULL"),
        ("l", "LIST"),
        ("map", "MAP"),
    ] {
        for action in ["ADD", "DELETE"] {
            let said =
                format!("{said}{action}, operand type: {operand}, typeSet: ALLOWED_FOR_{action}_OPERAND");
            check("update", &format!("{action} a :{value}"), &said);
        }
    }
    check(
        "update",
        "delete a :n",
        &format!("{said}DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"),
    );
    right("update", "ADD a :n, b :ss, c :ns, d :bs", "ADD a :0, b :1, c :2, d :3");
    right("update", "DELETE b :ss, c :ns, d :bs", "DELETE b :0, c :1, d :2");
}

#[test]
fn bounds() {
    let said = "The BETWEEN operator requires ";
    check(
        "condition",
        "a BETWEEN :m AND :n",
        &format!(
            "{said}upper bound to be greater than or equal to lower bound; lower bound operand: \
             AttributeValue: {{N:2}}, upper bound operand: AttributeValue: {{N:1}}"
        ),
    );
    check(
        "key",
        "a BETWEEN :w AND :v",
        &format!(
            "{said}upper bound to be greater than or equal to lower bound; lower bound operand: \
             AttributeValue: {{S:w}}, upper bound operand: AttributeValue: {{S:v}}"
        ),
    );
    check(
        "filter",
        "a BETWEEN :n AND :b",
        &format!(
            "{said}same data type for lower and upper bounds; lower bound operand: AttributeValue: {{N:1}}, \
             upper bound operand: AttributeValue: {{B:Ynl0ZXM=}}"
        ),
    );
    right("condition", "a BETWEEN :n AND :n", "a BETWEEN :0 AND :1");
    right("condition", "a BETWEEN :m AND b", "a BETWEEN :0 AND b");
}

#[test]
fn paths_that_meet() {
    let overlap = "Two document paths overlap with each other; must remove or rewrite one of these paths; ";
    let conflict = "Two document paths conflict with each other; must remove or rewrite one of these paths; ";
    for (kind, text, paths) in [
        ("update", "SET a = :v, a.b = :v", "path one: [a], path two: [a, b]"),
        ("update", "SET a = b REMOVE #a", "path one: [a], path two: [a]"),
        ("update", "SET #c[3].#3 = a, #c[3] = a", "path one: [c, [3], [3]], path two: [c, [3]]"),
        // an overlap goes before a conflict that stands further left
        ("update", "SET d[1] = a, d.b = a, c[1].a = a, #c = b", "path one: [c, [1], a], path two: [c]"),
        ("projection", "a, b, c, b", "path one: [b], path two: [b]"),
        ("projection", "a.b[0], a", "path one: [a, b, [0]], path two: [a]"),
    ] {
        check(kind, text, &format!("{overlap}{paths}"));
    }
    check("update", "SET a.b = :v, a[1] = :v", &format!("{conflict}path one: [a, b], path two: [a, [1]]"));
    check("projection", "x, a[1].b, a.b", &format!("{conflict}path one: [a, [1], b], path two: [a, b]"));
    check(
        "update",
        "SET a = :v + :n, a = :n",
        "Incorrect operand type for operator or function; operator or \
           function: +, operand type: S",
    );
    right("projection", "a.b, a.c, #dot, d[0].b, d[1]", "a.b, a.c, #0, d[0].b, d[1]");
    right("update", "SET a = b, b = a", "SET a = b, b = a");
}

#[test]
fn sections() {
    let said =
        |section: &str| format!("The \"{section}\" section can only be used once in an update expression;");
    check("update", "set a = #c set c = :zz", &said("SET"));
    check("update", "remove #b set a = b remove e", &said("REMOVE"));
    check("update", "add #b :n set a = b add e :n", &said("ADD"));
    check("update", "delete #b :n set a = b delete #b :n", &said("DELETE"));
    right(
        "update",
        " sEt a=:v,b.c[2]= d-:n reMove e , f Add g :n DELETE h :ss",
        "SET a = :0, b.c[2] = d - :1 REMOVE e, f ADD g :2 DELETE h :3",
    );
}

#[test]
fn key_conditions() {
    let said = "Invalid operator used in KeyConditionExpression: ";
    for (text, operator) in [
        ("a > b and size(b) > c or a > c", "OR"),
        ("not a > b", "NOT"),
        ("a in (b, size(c), d)", "IN"),
        ("a <> b", "<>"),
        ("attribute_exists(a)", "attribute_exists"),
        ("attribute_not_exists(a)", "attribute_not_exists"),
        ("attribute_type(a, :type)", "attribute_type"),
        ("contains(a.d, b)", "contains"),
    ] {
        check("key", text, &format!("{said}{operator}"));
    }
    for text in ["size(b) > a AND a.b > b", "a > size(b.d)", "a between size(b) and size(c)"] {
        check("key", text, "KeyConditionExpressions cannot contain nested operations");
    }
    for text in ["b.d > a AND c.d > e.f", "a.d = :v", "b[0] > a"] {
        check("key", text, "KeyConditionExpressions cannot have conditions on nested attributes");
    }
    let said = "Invalid condition in KeyConditionExpression: ";
    for text in ["b > a.b", "b between c[1] and d", "a between b and size(c)", "begins_with(a, b)"] {
        check("key", text, &format!("{said}Multiple attribute names used in one condition"));
    }
    for text in [":n > :m AND a < :n", ":n > b AND :m < :n"] {
        check("key", text, &format!("{said}No key attribute specified"));
    }
    let first = "operator must have the key attribute as its first operand";
    check("key", ":v between a and b", &format!("{said}BETWEEN {first}"));
    check("key", "begins_with(:v, b)", &format!("{said}begins_with {first}"));
    for text in ["b > :n AND b < :m", "(a > :n and b > :n) and (b > :n and c > :n)"] {
        check("key", text, "KeyConditionExpressions must only contain one condition per key");
    }
    right("key", "#n = :v AND :n <= sk", "#0 = :0 AND sk >= :1");
    right("key", "(a = :v) AND (b BETWEEN :n AND :m)", "a = :0 AND b BETWEEN :1 AND :2");
    right("key", "(a = :v AND begins_with(b, :w))", "a = :0 AND begins_with(b, :1)");
    right("key", ":n < a AND :n > b AND :n >= c", "a > :0 AND b < :1 AND c <= :2");
}

#[test]
fn precedence() {
    right("condition", "NOT a=b AND c=d OR e=f", "NOT a = b AND c = d OR e = f");
    let tree = expression("NOT a=b AND c=d OR e=f").condition().expect("it is right");
    let Condition::Or(any) = tree else { panic!("OR binds least") };
    let Condition::And(all) = &any[0] else { panic!("AND binds tighter than OR") };
    assert!(matches!(all[0], Condition::Not(_)), "NOT binds tighter than AND");
    right("condition", "a=b AND (c=d OR e=f)", "a = b AND (c = d OR e = f)");
    right("condition", "(a=b AND c=d) OR e=f", "a = b AND c = d OR e = f");
    right("condition", "a=b AND (c=d AND e=f)", "a = b AND (c = d AND e = f)");
    right("condition", "NOT (a=b OR c=d)", "NOT (a = b OR c = d)");
    right("condition", "not not a=b", "NOT NOT a = b");
    right(
        "condition",
        "a between b And c anD d iN (e,f) oR g=h",
        "a BETWEEN b AND c AND d IN (e, f) OR g = h",
    );
}

#[test]
fn names_are_names() {
    right("projection", "#dot, #3[0], #n.#n", "#0, #1[0], #2.#2");
    let tree = expression("#x.b").name("#x", "a.b[0] ü").projection().expect("it is right");
    assert_eq!(tree.paths, [DocumentPath::attribute("a.b[0] ü").member("b")]);
}
