//! Expressions as they are written: placeholders are not yet in their places, and all names are spans of the text.
//!
//! Beside the tree stands what is asked of an expression as a whole, in the order of the text: which functions and bare
//! names it has, and which placeholders.

use super::lexer::Span;
use super::tree::Comparator;

/// A parsed text.
#[derive(Clone, Debug)]
pub(super) struct Syntax<Root> {
    /// The tree.
    pub(super) root: Root,
    /// What the text has.
    pub(super) notes: Notes,
}

/// What a text has, wherever it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    /// Parentheses stand directly around parentheses.
    pub(super) has_redundant_parentheses: bool,
    /// The calls of functions.
    pub(super) calls: Vec<Call>,
    /// The bare names of paths.
    pub(super) words: Vec<Span>,
    /// The placeholders for names.
    pub(super) names: Vec<Span>,
    /// The placeholders for values.
    pub(super) values: Vec<Span>,
}

/// A function that is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) name: Span,
    pub(super) place: Place,
}

/// Where a function stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is a condition.
    Condition,
    /// It is the operand of an operator.
    Operand,
    /// It is the operand of that call.
    Argument {
        /// The position of the call among the calls.
        call: usize,
    },
}

/// An element of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum ElementSyntax {
    /// A bare name.
    Word(Span),
    /// A placeholder for a name.
    Name(Span),
    /// A position in a list.
    Index(Span),
}

/// A path; the first element is not an index.
#[derive(Clone, Debug)]
pub(super) struct PathSyntax {
    pub(super) elements: Vec<ElementSyntax>,
}

/// An operand.
#[derive(Clone, Debug)]
pub(super) enum OperandSyntax {
    Path(PathSyntax),
    Value(Span),
    Function(FunctionSyntax),
}

/// A function with its operands.
#[derive(Clone, Debug)]
pub(super) struct FunctionSyntax {
    /// The position among the calls.
    pub(super) call: usize,
    pub(super) name: Span,
    /// At least one.
    pub(super) operands: Vec<OperandSyntax>,
}

/// A condition.
#[derive(Clone, Debug)]
pub(super) enum ConditionSyntax {
    Compare { left: OperandSyntax, comparator: Comparator, right: OperandSyntax },
    Between { operand: OperandSyntax, lower: OperandSyntax, upper: OperandSyntax },
    In { operand: OperandSyntax, candidates: Vec<OperandSyntax> },
    Function(FunctionSyntax),
    And(Vec<ConditionSyntax>),
    Or(Vec<ConditionSyntax>),
    Not(Box<ConditionSyntax>),
}

/// A section of an update.
#[derive(Clone, Debug)]
pub(super) enum SectionSyntax {
    Set(Vec<(PathSyntax, SetSyntax)>),
    Remove(Vec<PathSyntax>),
    Add(Vec<(PathSyntax, Span)>),
    Delete(Vec<(PathSyntax, Span)>),
}

/// What a `SET` gives a path.
#[derive(Clone, Debug)]
pub(super) enum SetSyntax {
    Operand(OperandSyntax),
    Sum(OperandSyntax, OperandSyntax),
    Difference(OperandSyntax, OperandSyntax),
}
