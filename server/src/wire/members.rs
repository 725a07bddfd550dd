//! What single members of a request must hold to. All that do not are told together.

use pixii::dynamo::limits;
use pixii::{Constraint, Error, Fault, MemberFault, Operation};

/// DynamoDB tells no more than this many at once.
const TOLD_MAX: usize = 10;

/// The members of a request that break their constraints, in the order in which they are looked at.
#[derive(Debug, Default)]
pub(crate) struct Members {
    faults: Vec<MemberFault>,
    /// Of the members that are none of some texts, only the first is told.
    tells_one_choice: bool,
}

impl Members {
    /// Refuses the request of `operation` if a member breaks its constraint.
    pub(crate) fn finish(self, operation: Operation) -> Result<(), Error> {
        if self.faults.is_empty() { Ok(()) } else { Err(Error::new(operation, Fault::Members(self.faults))) }
    }

    /// Tells only the first of the members that are none of some texts, as `UpdateItem` does.
    pub(crate) fn telling_one_choice() -> Self {
        Self { tells_one_choice: true, ..Self::default() }
    }

    /// Adds what was found of members of which nothing is noted yet.
    pub(crate) fn extend(&mut self, faults: Vec<MemberFault>) {
        let noted = self.faults.len();
        for fault in faults {
            if !self.faults.iter().take(noted).any(|before| before.member == fault.member) {
                self.note(&fault.member, fault.value, fault.constraint);
            }
        }
    }

    fn note(&mut self, member: &str, value: impl Into<String>, constraint: Constraint) {
        if self.faults.len() < TOLD_MAX {
            self.faults.push(MemberFault { member: member.to_owned(), value: value.into(), constraint });
        }
    }

    /// A member that must be there.
    pub(crate) fn present<T>(&mut self, member: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.note(member, "null", Constraint::Present);
        }
        value
    }

    /// A text with a shortest and a longest length in bytes, if it is there.
    pub(crate) fn length(&mut self, member: &str, text: Option<&str>, least: usize, most: usize) {
        let Some(text) = text else { return };
        if text.len() < least {
            self.note(member, text, Constraint::LengthAtLeast(least));
        }
        if text.len() > most {
            self.note(member, text, Constraint::LengthAtMost(most));
        }
    }

    /// The name of a table, which must be there, or its long name.
    pub(crate) fn table_name(&mut self, member: &str, name: Option<String>) -> String {
        let name = self.present(member, name).unwrap_or_else(|| "missing".to_owned());
        self.resource_name(member, Some(&name));
        name
    }

    /// The name of a table or an index, if it is there. What a long name must be is told when it is looked up.
    pub(crate) fn resource_name(&mut self, member: &str, name: Option<&str>) {
        let Some(name) = name.filter(|name| !name.starts_with("arn:")) else { return };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if name.is_empty() || !name.bytes().all(allowed) {
            self.note(member, name, Constraint::Pattern("[a-zA-Z0-9_.-]+"));
        }
        self.length(member, Some(name), limits::TABLE_NAME_BYTES_MIN, limits::TABLE_NAME_BYTES_MAX);
    }

    /// A number with a least and a greatest value, if it is there.
    pub(crate) fn range(&mut self, member: &str, number: Option<i64>, least: u64, most: u64) {
        let Some(number) = number else { return };
        if u64::try_from(number).map_or(true, |number| number < least) {
            self.note(member, number.to_string(), Constraint::ValueAtLeast(least));
        } else if u64::try_from(number).is_ok_and(|number| number > most) {
            self.note(member, number.to_string(), Constraint::ValueAtMost(most));
        }
    }

    /// How many elements a list has, if it is there.
    pub(crate) fn count<T>(&mut self, member: &str, list: Option<&[T]>, least: usize, most: usize) {
        let Some(list) = list else { return };
        if list.len() < least {
            self.note(member, "[]", Constraint::LengthAtLeast(least));
        } else if list.len() > most {
            self.note(member, "[...]", Constraint::LengthAtMost(most));
        }
    }

    /// One of some texts, if it is there. `set` is how DynamoDB lists them.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        member: &str,
        text: Option<&str>,
        choices: &[(&str, T)],
        set: &'static str,
    ) -> Option<T> {
        let text = text?;
        let choice = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        if choice.is_none() {
            self.note_choice(member, text, Constraint::OneOf(set));
        }
        choice
    }

    /// Notes a text that is none of those that it can be.
    pub(crate) fn note_choice(&mut self, member: &str, text: &str, constraint: Constraint) {
        let is_choice =
            |fault: &MemberFault| matches!(fault.constraint, Constraint::OneOf(_) | Constraint::ReturnValues);
        if !(self.tells_one_choice && self.faults.iter().any(is_choice)) {
            self.note(member, text, constraint);
        }
    }
}
