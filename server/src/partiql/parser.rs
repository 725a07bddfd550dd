//! From tokens to a statement. Nesting is counted, and ends at a bound.

use super::fault::{Result, StatementFault};
use super::lexer::{Token, tokens};
use super::statement::{DeleteStatement, Direction, Insert, Select, Statement, UpdateStatement};
use pixii::dynamo::expression::tree::{
    Comparator, Condition, Constant, Operand, SetOperand, SetValue, UpdateAction,
};
use pixii::{DocumentPath, Item, Number, ReturnValues, Value, ValueType};
use std::collections::BTreeMap;

/// Longest statement in characters.
pub(crate) const STATEMENT_LENGTH_MAX: usize = 8192;

/// Most levels of conditions and values: those of an item, and a few. A level takes some stack, and much where nothing is
/// optimised.
const DEPTH_MAX: usize = 36;

/// Reads a statement, with a value for each of its question marks.
pub(crate) fn parse(text: &str, parameters: Vec<Value>) -> Result<Statement> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, parameters: parameters.into_iter(), depth: 0 };
    let statement = parser.statement()?;
    parser.take_symbol(";");
    if parser.at < parser.tokens.len() {
        return Err(parser.unexpected());
    }
    if parser.parameters.next().is_some() {
        return Err(StatementFault::parameter_count());
    }
    Ok(statement)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    parameters: std::vec::IntoIter<Value>,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn unexpected(&self) -> StatementFault {
        let found = match self.peek() {
            None => "Unexpected end of the statement".to_owned(),
            Some(Token::Word(word) | Token::Number(word)) => format!("Unexpected {word}"),
            Some(Token::Name(name)) => format!("Unexpected \"{name}\""),
            Some(Token::Text(_)) => "Unexpected text".to_owned(),
            Some(Token::Symbol(symbol)) => format!("Unexpected {symbol}"),
        };
        StatementFault::malformed(&found)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Symbol(next)) if *next == symbol);
        self.at += usize::from(is_next);
        is_next
    }

    fn symbol(&mut self, symbol: &str) -> Result<()> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.is_word(0, word);
        self.at += usize::from(is_next);
        is_next
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<String> {
        match self.peek() {
            Some(Token::Word(name) | Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEPTH_MAX {
            return Err(StatementFault::malformed("Too many levels"));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn statement(&mut self) -> Result<Statement> {
        if self.take_word("EXISTS") {
            self.symbol("(")?;
            self.word("SELECT")?;
            let select = self.select()?;
            self.symbol(")")?;
            return Ok(Statement::Exists(select));
        }
        if self.take_word("SELECT") {
            return self.select().map(Statement::Select);
        }
        if self.take_word("INSERT") {
            self.word("INTO")?;
            let table = self.name()?;
            self.word("VALUE")?;
            let Value::Map(attributes) = self.value()? else {
                return Err(StatementFault::malformed("INSERT takes the attributes of an item"));
            };
            return Ok(Statement::Insert(Insert { table, item: Item::from(attributes) }));
        }
        if self.take_word("UPDATE") {
            return self.update().map(Statement::Update);
        }
        if self.take_word("DELETE") {
            self.word("FROM")?;
            let table = self.name()?;
            let (condition, returning) = (self.condition_clause()?, self.returning()?);
            return Ok(Statement::Delete(DeleteStatement { table, condition, returning }));
        }
        Err(self.unexpected())
    }

    fn select(&mut self) -> Result<Select> {
        let paths = if self.take_symbol("*") {
            None
        } else {
            let mut paths = vec![self.path()?];
            while self.take_symbol(",") {
                paths.push(self.path()?);
            }
            Some(paths)
        };
        self.word("FROM")?;
        let table = self.name()?;
        let index = if self.take_symbol(".") { Some(self.name()?) } else { None };
        let condition = self.condition_clause()?;
        let mut order = Vec::new();
        if self.take_word("ORDER") {
            self.word("BY")?;
            loop {
                let attribute = self.name()?;
                let direction = if self.take_word("DESC") {
                    Direction::Descending
                } else {
                    self.take_word("ASC");
                    Direction::Ascending
                };
                order.push((attribute, direction));
                if !self.take_symbol(",") {
                    break;
                }
            }
        }
        Ok(Select { table, index, paths, condition, order })
    }

    fn update(&mut self) -> Result<UpdateStatement> {
        let table = self.name()?;
        let mut actions = Vec::new();
        loop {
            if self.take_word("SET") {
                loop {
                    actions.push(self.set()?);
                    if !self.take_symbol(",") {
                        break;
                    }
                }
            } else if self.take_word("REMOVE") {
                loop {
                    actions.push(UpdateAction::Remove(self.path()?));
                    if !self.take_symbol(",") {
                        break;
                    }
                }
            } else if actions.is_empty() {
                return Err(self.unexpected());
            } else {
                break;
            }
        }
        let (condition, returning) = (self.condition_clause()?, self.returning()?);
        Ok(UpdateStatement { table, actions, condition, returning })
    }

    fn set(&mut self) -> Result<UpdateAction> {
        let path = self.path()?;
        self.symbol("=")?;
        for (function, is_added) in [("set_add", true), ("set_delete", false)] {
            if self.is_call(function) {
                self.at += 2;
                let set = self.path()?;
                self.symbol(",")?;
                let value = Constant::new(self.value()?);
                self.symbol(")")?;
                if set != path {
                    return Err(StatementFault::malformed("A set is changed in its own place"));
                }
                return Ok(if is_added {
                    UpdateAction::Add { path, value }
                } else {
                    UpdateAction::Delete { path, value }
                });
            }
        }
        let left = self.set_operand()?;
        let value = if self.take_symbol("+") {
            SetValue::Sum(left, self.set_operand()?)
        } else if self.take_symbol("-") {
            SetValue::Difference(left, self.set_operand()?)
        } else {
            SetValue::Operand(left)
        };
        Ok(UpdateAction::Set { path, value })
    }

    fn is_call(&self, function: &str) -> bool {
        self.is_word(0, function) && self.tokens.get(self.at + 1) == Some(&Token::Symbol("("))
    }

    fn set_operand(&mut self) -> Result<SetOperand> {
        self.deeper(|parser| {
            if parser.is_call("list_append") {
                parser.at += 2;
                let front = parser.set_operand()?;
                parser.symbol(",")?;
                let back = parser.set_operand()?;
                parser.symbol(")")?;
                return Ok(SetOperand::ListAppend(Box::new(front), Box::new(back)));
            }
            if parser.is_call("if_not_exists") {
                parser.at += 2;
                let path = parser.path()?;
                parser.symbol(",")?;
                let default = Box::new(parser.set_operand()?);
                parser.symbol(")")?;
                return Ok(SetOperand::IfNotExists { path, default });
            }
            if parser.is_value() {
                return Ok(SetOperand::Value(Constant::new(parser.value()?)));
            }
            parser.path().map(SetOperand::Path)
        })
    }

    fn condition_clause(&mut self) -> Result<Option<Condition>> {
        if self.take_word("WHERE") { self.condition().map(Some) } else { Ok(None) }
    }

    fn returning(&mut self) -> Result<ReturnValues> {
        if !self.take_word("RETURNING") {
            return Ok(ReturnValues::None);
        }
        let is_all = self.take_word("ALL");
        if !is_all {
            self.word("MODIFIED")?;
        }
        let is_old = self.take_word("OLD");
        if !is_old {
            self.word("NEW")?;
        }
        self.symbol("*")?;
        Ok(match (is_all, is_old) {
            (true, true) => ReturnValues::AllOld,
            (true, false) => ReturnValues::AllNew,
            (false, true) => ReturnValues::UpdatedOld,
            (false, false) => ReturnValues::UpdatedNew,
        })
    }

    fn path(&mut self) -> Result<DocumentPath> {
        let mut path = DocumentPath::attribute(self.name()?);
        loop {
            if self.take_symbol(".") {
                path = path.member(self.name()?);
            } else if self.take_symbol("[") {
                let Some(Token::Number(digits)) = self.peek() else { return Err(self.unexpected()) };
                let index = digits.parse().map_err(|_| self.unexpected())?;
                self.at += 1;
                self.symbol("]")?;
                path = path.element(index);
            } else {
                return Ok(path);
            }
        }
    }

    fn condition(&mut self) -> Result<Condition> {
        self.deeper(|parser| {
            let mut parts = vec![parser.conjunction()?];
            while parser.take_word("OR") {
                parts.push(parser.conjunction()?);
            }
            Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Or(parts) })
        })
    }

    fn conjunction(&mut self) -> Result<Condition> {
        let mut parts = vec![self.negation()?];
        while self.take_word("AND") {
            parts.push(self.negation()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::And(parts) })
    }

    fn negation(&mut self) -> Result<Condition> {
        if self.take_word("NOT") {
            return self.deeper(|parser| Ok(Condition::Not(Box::new(parser.negation()?))));
        }
        if self.take_symbol("(") {
            let condition = self.condition()?;
            self.symbol(")")?;
            return Ok(condition);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Condition> {
        if self.is_call("begins_with") || self.is_call("contains") {
            let is_beginning = self.is_call("begins_with");
            self.at += 2;
            let operand = self.operand()?;
            self.symbol(",")?;
            let other = self.operand()?;
            self.symbol(")")?;
            return Ok(if is_beginning {
                Condition::BeginsWith { operand, prefix: other }
            } else {
                Condition::Contains { operand, member: other }
            });
        }
        if self.is_call("attribute_type") {
            self.at += 2;
            let operand = self.operand()?;
            self.symbol(",")?;
            let name = self.value()?;
            self.symbol(")")?;
            let value_type = name.as_str().and_then(ValueType::from_name);
            let value_type = value_type.ok_or_else(|| StatementFault::malformed("No such type"))?;
            return Ok(Condition::AttributeType { operand, value_type });
        }
        let left = self.operand()?;
        if self.take_word("IS") {
            return self.is(left);
        }
        let is_negated = self.take_word("NOT");
        let condition = if self.take_word("BETWEEN") {
            let lower = self.operand()?;
            self.word("AND")?;
            Condition::Between { operand: left, lower, upper: self.operand()? }
        } else if self.take_word("IN") {
            let close = if self.take_symbol("[") { "]" } else { ")" };
            if close == ")" {
                self.symbol("(")?;
            }
            let mut candidates = vec![self.operand()?];
            while self.take_symbol(",") {
                candidates.push(self.operand()?);
            }
            self.symbol(close)?;
            Condition::In { operand: left, candidates }
        } else if is_negated {
            return Err(self.unexpected());
        } else {
            let comparators = [
                ("<=", Comparator::LessOrEqual),
                (">=", Comparator::GreaterOrEqual),
                ("<>", Comparator::NotEqual),
                ("!=", Comparator::NotEqual),
                ("=", Comparator::Equal),
                ("<", Comparator::Less),
                (">", Comparator::Greater),
            ];
            let found = comparators.into_iter().find(|(symbol, _)| self.take_symbol(symbol));
            let (_, comparator) = found.ok_or_else(|| self.unexpected())?;
            Condition::Compare { left, comparator, right: self.operand()? }
        };
        Ok(if is_negated { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn is(&mut self, operand: Operand) -> Result<Condition> {
        let is_negated = self.take_word("NOT");
        if self.take_word("NULL") {
            let condition = Condition::AttributeType { operand, value_type: ValueType::Null };
            return Ok(if is_negated { Condition::Not(Box::new(condition)) } else { condition });
        }
        self.word("MISSING")?;
        let Operand::Path(path) = operand else { return Err(self.unexpected()) };
        Ok(if is_negated { Condition::AttributeExists(path) } else { Condition::AttributeNotExists(path) })
    }

    fn operand(&mut self) -> Result<Operand> {
        if self.is_call("size") {
            self.at += 2;
            let path = self.path()?;
            self.symbol(")")?;
            return Ok(Operand::Size(Box::new(Operand::Path(path))));
        }
        if self.is_value() {
            return Ok(Operand::Value(Constant::new(self.value()?)));
        }
        self.path().map(Operand::Path)
    }

    /// Whether a value comes next, and not a path.
    fn is_value(&self) -> bool {
        match self.peek() {
            Some(Token::Text(_) | Token::Number(_)) => true,
            Some(Token::Symbol(symbol)) => ["?", "[", "{", "<<", "-", "+"].contains(symbol),
            Some(Token::Word(word)) => {
                ["true", "false", "null"].iter().any(|literal| word.eq_ignore_ascii_case(literal))
            }
            Some(Token::Name(_)) | None => false,
        }
    }

    fn value(&mut self) -> Result<Value> {
        self.deeper(Self::value_at)
    }

    fn value_at(&mut self) -> Result<Value> {
        if self.take_symbol("?") {
            return self.parameters.next().ok_or_else(StatementFault::parameter_count);
        }
        if self.take_symbol("[") {
            return Ok(Value::List(self.elements("]")?));
        }
        if self.take_symbol("<<") {
            return set(&self.elements(">>")?);
        }
        if self.take_symbol("{") {
            let mut attributes = BTreeMap::new();
            while !self.take_symbol("}") {
                let name = match self.peek() {
                    Some(Token::Text(name) | Token::Name(name)) => name.clone(),
                    _ => return Err(self.unexpected()),
                };
                self.at += 1;
                self.symbol(":")?;
                attributes.insert(name, self.value()?);
                if !self.take_symbol(",") {
                    self.symbol("}")?;
                    break;
                }
            }
            return Ok(Value::Map(attributes));
        }
        let sign = if self.take_symbol("-") { "-" } else { "" };
        if sign.is_empty() {
            self.take_symbol("+");
        }
        let value = match self.peek() {
            Some(Token::Number(digits)) => {
                let number = format!("{sign}{digits}").parse::<Number>();
                Value::Number(number.map_err(|error| StatementFault(error.to_string()))?)
            }
            Some(Token::Text(text)) if sign.is_empty() => Value::String(text.clone()),
            Some(Token::Word(word)) if sign.is_empty() && word.eq_ignore_ascii_case("true") => {
                Value::Bool(true)
            }
            Some(Token::Word(word)) if sign.is_empty() && word.eq_ignore_ascii_case("false") => {
                Value::Bool(false)
            }
            Some(Token::Word(word)) if sign.is_empty() && word.eq_ignore_ascii_case("null") => Value::Null,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(value)
    }

    fn elements(&mut self, close: &str) -> Result<Vec<Value>> {
        let mut elements = Vec::new();
        while !self.take_symbol(close) {
            elements.push(self.value()?);
            if !self.take_symbol(",") {
                self.symbol(close)?;
                break;
            }
        }
        Ok(elements)
    }
}

/// A set of members that are all of one of the types that sets have.
fn set(members: &[Value]) -> Result<Value> {
    let made = match members.first() {
        Some(Value::Number(_)) => {
            let members: Option<Vec<Number>> = members.iter().map(Value::as_number).collect();
            members.map(Value::number_set)
        }
        Some(Value::Binary(_)) => {
            let members: Option<Vec<Vec<u8>>> =
                members.iter().map(|member| member.as_binary().map(<[u8]>::to_vec)).collect();
            members.map(Value::binary_set)
        }
        _ => {
            let members: Option<Vec<String>> =
                members.iter().map(|member| member.as_str().map(str::to_owned)).collect();
            members.map(Value::string_set)
        }
    };
    match made {
        Some(Ok(set)) => Ok(set),
        Some(Err(fault)) => Err(StatementFault(fault.to_string())),
        None => Err(StatementFault::malformed("The members of a set are all numbers, texts or binaries")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match parse(text, Vec::new()) {
            Ok(statement) => format!("{statement:?}"),
            Err(StatementFault(message)) => message,
        }
    }

    #[test]
    fn parameters_take_their_places() {
        let parse = |parameters| parse("SELECT * FROM t WHERE a = ? AND b IN [?, 3]", parameters);
        let Ok(Statement::Select(select)) = parse(vec![Value::from(1), Value::from(2)]) else {
            panic!("it is a statement")
        };
        assert_eq!(select.condition.expect("it has one").to_expression().text, "a = :0 AND b IN (:1, :2)");
        for parameters in [vec![], vec![Value::Null; 3]] {
            assert_eq!(parse(parameters), Err(StatementFault::parameter_count()));
        }
    }

    #[test]
    fn what_is_not_a_statement_is_refused() {
        for text in [
            "",
            "SELECT",
            "SELECT * FROM",
            "SELECT * FORM t",
            "SELECT * FROM t WHERE",
            "SELECT a, FROM t",
            "DELETE t",
            "INSERT INTO t VALUE 1",
            "INSERT INTO t VALUE {'a' 1}",
            "UPDATE t WHERE a = 1",
            "UPDATE t SET a",
            "SELECT * FROM t WHERE a = 1 b",
            "SELECT COUNT(*) FROM t",
            "SELECT * FROM t WHERE a NOT 1",
            "UPDATE t SET a = <<1, 'b'>>",
            "SELECT * FROM t; SELECT * FROM t",
            "DROP TABLE t",
        ] {
            let said = said(text);
            assert!(said.starts_with("Statement wasn't well formed, can't be processed: "), "{text}: {said}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for (open, end) in [("(", "a = 1"), ("NOT ", "a = 1"), ("a = [", "1"), ("a = {'a':", "1")] {
            let said = said(&format!("SELECT * FROM t WHERE {}{end}", open.repeat(1000)));
            assert!(said.starts_with("Statement wasn't well formed"), "{said}");
        }
    }
}
