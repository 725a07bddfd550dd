//! From text to syntax, by recursive descent.
//!
//! ```text
//!   condition  = all { OR all }          all = not { AND not }          not = { NOT } test
//!   test       = operand comparator operand | operand BETWEEN operand AND operand | operand IN ( operand {, operand} )
//!              | function | ( condition )
//!   operand    = ( operand ) | path | :value | function
//!   function   = word ( operand {, operand} )
//!   path       = name { . name | [ digits ] }      name = word | #name
//!
//!   update     = section { section }
//!   section    = SET set {, set} | REMOVE path {, path} | ADD path :value {, …} | DELETE path :value {, …}
//!   set        = path = value                   value = ( value ) | operand [ + operand | - operand ]
//!
//!   projection = path {, path}
//! ```
//!
//! A parenthesis can open a condition or an operand, and which one is known only behind it. So what stands between
//! parentheses is parsed as either, and whoever goes on with it says what it has to be.
//!
//! Invariant: nesting is bounded by [`NESTING_MAX`], and so is recursion, whatever the text. A text that nests deeper has
//! more operators than are allowed, or redundant parentheses, or does not parse.

use super::fault::{InvalidExpression, SyntaxFault};
use super::lexer::{Span, Token, TokenKind, tokens};
use super::syntax::{
    Call, ConditionSyntax, ElementSyntax, FunctionSyntax, Notes, OperandSyntax, PathSyntax, Place,
    SectionSyntax, SetSyntax, Syntax,
};
use super::tree::Comparator;
use crate::dynamo::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_OPERATORS_MAX};
use std::mem;

/// Deepest nesting of parentheses. Each pair that is not redundant belongs to an operator or to an operand of one.
const NESTING_MAX: usize = EXPRESSION_OPERATORS_MAX + 10;

/// Parses a condition, filter or key condition expression.
pub(super) fn parse_condition(text: &str) -> Result<Syntax<ConditionSyntax>, InvalidExpression> {
    parse(text, &["AND", "OR", "NOT", "BETWEEN", "IN"], Parser::condition)
}

/// Parses an update expression.
pub(super) fn parse_update(text: &str) -> Result<Syntax<Vec<SectionSyntax>>, InvalidExpression> {
    parse(text, &["SET", "REMOVE", "ADD", "DELETE"], Parser::update)
}

/// Parses a projection expression.
pub(super) fn parse_projection(text: &str) -> Result<Syntax<Vec<PathSyntax>>, InvalidExpression> {
    parse(text, &[], |parser| parser.list(Parser::path))
}

fn parse<'t, Root>(
    text: &'t str,
    keywords: &'static [&'static str],
    rule: impl FnOnce(&mut Parser<'t>) -> Parsed<Root>,
) -> Result<Syntax<Root>, InvalidExpression> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(InvalidExpression::TooLong { size_bytes: text.len() });
    }
    let tokens = tokens(text);
    if tokens.is_empty() {
        return Err(InvalidExpression::Empty);
    }
    let mut parser = Parser {
        text,
        tokens,
        keywords,
        next: 0,
        depth: 0,
        negations: 0,
        call: None,
        last_group: None,
        notes: Notes::default(),
    };
    let root = rule(&mut parser).and_then(|root| parser.expect_end().map(|()| root));
    match root {
        Ok(root) => Ok(Syntax { root, notes: parser.notes }),
        Err(Stop::Unexpected) => Err(InvalidExpression::Syntax(Box::new(parser.unexpected()))),
        Err(Stop::Nested(fault)) => Err(match fault {
            Nesting::Parentheses => InvalidExpression::RedundantParentheses,
            Nesting::Operators => InvalidExpression::TooManyOperators { count: EXPRESSION_OPERATORS_MAX + 1 },
        }),
    }
}

type Parsed<T> = Result<T, Stop>;

/// Why parsing does not go on. Small, because it is handed through every level.
#[derive(Clone, Copy, Debug)]
enum Stop {
    /// The next token cannot stand where it does.
    Unexpected,
    /// The text nests too deeply.
    Nested(Nesting),
}

/// What a text has too much of when it nests too deeply.
#[derive(Clone, Copy, Debug)]
enum Nesting {
    Parentheses,
    Operators,
}

/// What stands between parentheses: either may.
#[derive(Debug)]
enum Node {
    Operand(OperandSyntax),
    Condition(ConditionSyntax),
}

#[derive(Debug)]
struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    /// The words that cannot be names, in capitals.
    keywords: &'static [&'static str],
    /// The position of the next token.
    next: usize,
    depth: usize,
    /// How many there are in all.
    negations: usize,
    /// The position among the calls of the one whose operands are parsed.
    call: Option<usize>,
    /// The positions of the parentheses of the group that ended last.
    last_group: Option<(usize, usize)>,
    notes: Notes,
}

impl Parser<'_> {
    /// The parentheses that are open are a list and not recursion: conditions nest deeper than anything else.
    fn condition(&mut self) -> Parsed<ConditionSyntax> {
        let mut around: Vec<(Level, usize)> = Vec::new();
        let mut level = Level::default();
        loop {
            self.negations(&mut level)?;
            if self.is_at(TokenKind::ParenthesisOpen) {
                let open = self.open()?;
                around.push((mem::take(&mut level), open));
                continue;
            }
            let operand = self.operand()?;
            let mut node = self.test(operand)?;
            while !self.is_at_keyword("AND") && !self.is_at_keyword("OR") {
                if !level.is_empty() || around.is_empty() {
                    let last = self.as_condition(node)?;
                    node = Node::Condition(mem::take(&mut level).end(last));
                }
                let Some((outer, open)) = around.pop() else { return self.as_condition(node) };
                self.close(open)?;
                level = outer;
                if let Node::Operand(operand) = node {
                    let operand = self.path_of_group(operand)?;
                    node = self.test(operand)?;
                }
            }
            let condition = self.as_condition(node)?;
            level.add(condition);
            if self.take_keyword("OR") {
                level.end_all();
            } else {
                self.next += 1;
            }
        }
    }

    fn negations(&mut self, level: &mut Level) -> Parsed<()> {
        while self.take_keyword("NOT") {
            level.negations += 1;
            self.negations += 1;
            if self.negations > EXPRESSION_OPERATORS_MAX {
                return Err(Stop::Nested(Nesting::Operators));
            }
        }
        Ok(())
    }

    /// What begins with that operand.
    fn test(&mut self, operand: OperandSyntax) -> Parsed<Node> {
        if let Some(TokenKind::Comparator(comparator)) = self.kind() {
            self.next += 1;
            let right = self.operand()?;
            return Ok(Node::Condition(ConditionSyntax::Compare { left: operand, comparator, right }));
        }
        if self.take_keyword("BETWEEN") {
            let lower = self.operand()?;
            if !self.take_keyword("AND") {
                return Err(Stop::Unexpected);
            }
            let upper = self.operand()?;
            return Ok(Node::Condition(ConditionSyntax::Between { operand, lower, upper }));
        }
        if self.take_keyword("IN") {
            self.expect(TokenKind::ParenthesisOpen)?;
            let candidates = self.list(Self::operand)?;
            self.expect(TokenKind::ParenthesisClose)?;
            return Ok(Node::Condition(ConditionSyntax::In { operand, candidates }));
        }
        Ok(Node::Operand(operand))
    }

    /// What has to be a condition. Of the operands a function can be one.
    fn as_condition(&mut self, node: Node) -> Parsed<ConditionSyntax> {
        match node {
            Node::Condition(condition) => Ok(condition),
            Node::Operand(OperandSyntax::Function(function)) => {
                self.notes.calls[function.call].place = Place::Condition;
                Ok(ConditionSyntax::Function(function))
            }
            Node::Operand(_) => Err(Stop::Unexpected),
        }
    }

    fn operand(&mut self) -> Parsed<OperandSyntax> {
        if self.is_at(TokenKind::ParenthesisOpen) {
            let operand = self.group(Self::operand)?;
            return self.path_of_group(operand);
        }
        match self.kind() {
            Some(TokenKind::Value) => self.value().map(OperandSyntax::Value),
            Some(TokenKind::Word) if self.is_followed_by(TokenKind::ParenthesisOpen) => {
                self.function().map(OperandSyntax::Function)
            }
            _ => self.path().map(OperandSyntax::Path),
        }
    }

    fn function(&mut self) -> Parsed<FunctionSyntax> {
        let name = self.word()?;
        let place = self.call.map_or(Place::Operand, |call| Place::Argument { call });
        let call = self.notes.calls.len();
        self.notes.calls.push(Call { name, place });
        self.enter(Nesting::Operators)?;
        self.expect(TokenKind::ParenthesisOpen)?;
        let outer = self.call.replace(call);
        let operands = self.list(Self::operand)?;
        self.call = outer;
        self.expect(TokenKind::ParenthesisClose)?;
        self.depth -= 1;
        Ok(FunctionSyntax { call, name, operands })
    }

    fn path(&mut self) -> Parsed<PathSyntax> {
        let mut path = PathSyntax { elements: vec![self.path_name()?] };
        self.path_rest(&mut path)?;
        Ok(path)
    }

    fn path_rest(&mut self, path: &mut PathSyntax) -> Parsed<()> {
        loop {
            if self.take(TokenKind::Dot) {
                path.elements.push(self.path_name()?);
            } else if self.take(TokenKind::BracketOpen) {
                path.elements.push(ElementSyntax::Index(self.expect(TokenKind::Digits)?));
                self.expect(TokenKind::BracketClose)?;
            } else {
                return Ok(());
            }
        }
    }

    /// A path in parentheses can go on behind them, in conditions alone: `(a.b).c = :v`.
    fn path_of_group(&mut self, mut operand: OperandSyntax) -> Parsed<OperandSyntax> {
        if let (OperandSyntax::Path(path), true) = (&mut operand, self.keywords.contains(&"AND")) {
            self.path_rest(path)?;
        }
        Ok(operand)
    }

    fn path_name(&mut self) -> Parsed<ElementSyntax> {
        if self.is_at(TokenKind::Name) {
            let name = self.expect(TokenKind::Name)?;
            self.notes.names.push(name);
            return Ok(ElementSyntax::Name(name));
        }
        let word = self.word()?;
        self.notes.words.push(word);
        Ok(ElementSyntax::Word(word))
    }

    fn value(&mut self) -> Parsed<Span> {
        let value = self.expect(TokenKind::Value)?;
        self.notes.values.push(value);
        Ok(value)
    }

    fn update(&mut self) -> Parsed<Vec<SectionSyntax>> {
        let mut sections = Vec::new();
        while sections.is_empty() || self.kind().is_some() {
            sections.push(if self.take_keyword("SET") {
                SectionSyntax::Set(self.list(Self::set)?)
            } else if self.take_keyword("REMOVE") {
                SectionSyntax::Remove(self.list(Self::path)?)
            } else if self.take_keyword("ADD") {
                SectionSyntax::Add(self.list(Self::path_and_value)?)
            } else if self.take_keyword("DELETE") {
                SectionSyntax::Delete(self.list(Self::path_and_value)?)
            } else {
                return Err(Stop::Unexpected);
            });
        }
        Ok(sections)
    }

    fn path_and_value(&mut self) -> Parsed<(PathSyntax, Span)> {
        Ok((self.path()?, self.value()?))
    }

    fn set(&mut self) -> Parsed<(PathSyntax, SetSyntax)> {
        let path = self.path()?;
        self.expect(TokenKind::Comparator(Comparator::Equal))?;
        Ok((path, self.set_value()?))
    }

    fn set_value(&mut self) -> Parsed<SetSyntax> {
        let value = if self.is_at(TokenKind::ParenthesisOpen) {
            self.group(Self::set_value)?
        } else {
            SetSyntax::Operand(self.operand()?)
        };
        let SetSyntax::Operand(left) = value else { return Ok(value) };
        if self.take(TokenKind::Plus) {
            Ok(SetSyntax::Sum(left, self.operand()?))
        } else if self.take(TokenKind::Minus) {
            Ok(SetSyntax::Difference(left, self.operand()?))
        } else {
            Ok(SetSyntax::Operand(left))
        }
    }

    /// What stands between parentheses.
    fn group<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let open = self.open()?;
        let content = rule(self)?;
        self.close(open)?;
        Ok(content)
    }

    /// Takes a parenthesis that is not a function's; gives its position.
    fn open(&mut self) -> Parsed<usize> {
        let open = self.next;
        let is_doubled = open > 0 && self.tokens[open - 1].kind == TokenKind::ParenthesisOpen;
        self.enter(if is_doubled { Nesting::Parentheses } else { Nesting::Operators })?;
        self.expect(TokenKind::ParenthesisOpen)?;
        Ok(open)
    }

    /// Takes the other parenthesis. Notes whether what stands between is again only something between parentheses.
    fn close(&mut self, open: usize) -> Parsed<()> {
        let close = self.next;
        self.expect(TokenKind::ParenthesisClose)?;
        self.depth -= 1;
        if self.last_group == Some((open + 1, close - 1)) {
            self.notes.has_redundant_parentheses = true;
        }
        self.last_group = Some((open, close));
        Ok(())
    }

    fn enter(&mut self, nesting: Nesting) -> Parsed<()> {
        self.depth += 1;
        if self.depth > NESTING_MAX { Err(Stop::Nested(nesting)) } else { Ok(()) }
    }

    /// One or more, with commas between them.
    fn list<T>(&mut self, rule: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut elements = vec![rule(self)?];
        while self.take(TokenKind::Comma) {
            elements.push(rule(self)?);
        }
        Ok(elements)
    }

    fn kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.next).map(|token| token.kind)
    }

    fn is_at(&self, kind: TokenKind) -> bool {
        self.kind() == Some(kind)
    }

    fn is_followed_by(&self, kind: TokenKind) -> bool {
        self.tokens.get(self.next + 1).is_some_and(|token| token.kind == kind)
    }

    fn take(&mut self, kind: TokenKind) -> bool {
        let is_there = self.is_at(kind);
        self.next += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, kind: TokenKind) -> Parsed<Span> {
        match self.tokens.get(self.next) {
            Some(token) if token.kind == kind => {
                self.next += 1;
                Ok(token.span)
            }
            _ => Err(Stop::Unexpected),
        }
    }

    fn expect_end(&self) -> Parsed<()> {
        if self.kind().is_none() { Ok(()) } else { Err(Stop::Unexpected) }
    }

    /// A word that is not a keyword.
    fn word(&mut self) -> Parsed<Span> {
        if self.keywords.iter().any(|keyword| self.is_at_keyword(keyword)) {
            return Err(Stop::Unexpected);
        }
        self.expect(TokenKind::Word)
    }

    fn is_at_keyword(&self, keyword: &str) -> bool {
        self.tokens.get(self.next).is_some_and(|token| {
            token.kind == TokenKind::Word && token.span.of(self.text).eq_ignore_ascii_case(keyword)
        })
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let is_there = self.is_at_keyword(keyword);
        self.next += usize::from(is_there);
        is_there
    }

    /// The next token, which cannot stand where it does, with the one before and the one behind.
    fn unexpected(&self) -> SyntaxFault {
        let span = |index: usize| self.tokens.get(index).map(|token| token.span);
        let end = Span { start: self.text.len(), end: self.text.len() };
        let token = span(self.next);
        let before = self.next.checked_sub(1).and_then(span);
        let start = before.or(token).unwrap_or(end).start;
        let near = Span { start, end: span(self.next + 1).or(token).or(before).unwrap_or(end).end };
        SyntaxFault {
            position_bytes: token.unwrap_or(end).start,
            token: token.map(|token| token.of(self.text).to_owned()),
            near: near.of(self.text).to_owned(),
        }
    }
}

/// What of a condition stands between the same parentheses and is parsed.
#[derive(Debug, Default)]
struct Level {
    /// The parts that OR ended.
    any: Vec<ConditionSyntax>,
    /// The parts since then.
    all: Vec<ConditionSyntax>,
    /// How many NOT stand before the next part.
    negations: usize,
}

impl Level {
    fn is_empty(&self) -> bool {
        self.any.is_empty() && self.all.is_empty() && self.negations == 0
    }

    fn add(&mut self, part: ConditionSyntax) {
        let negations = 0..mem::take(&mut self.negations);
        self.all.push(negations.fold(part, |part, _| ConditionSyntax::Not(Box::new(part))));
    }

    fn end_all(&mut self) {
        self.any.push(one_or(mem::take(&mut self.all), ConditionSyntax::And));
    }

    /// The whole, with its last part.
    fn end(mut self, last: ConditionSyntax) -> ConditionSyntax {
        self.add(last);
        self.end_all();
        one_or(self.any, ConditionSyntax::Or)
    }
}

/// The only element, or what several are together.
fn one_or(
    mut conditions: Vec<ConditionSyntax>,
    several: impl FnOnce(Vec<ConditionSyntax>) -> ConditionSyntax,
) -> ConditionSyntax {
    match conditions.pop() {
        Some(only) if conditions.is_empty() => only,
        Some(last) => {
            conditions.push(last);
            several(conditions)
        }
        None => several(conditions),
    }
}
