//! Names from names: what serde makes of a field's, and the constants that stand for fields and indexes.

/// The case of serde's `rename_all`.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    /// The case that serde calls so.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// What becomes of a field's name, which is in snake case.
    pub(crate) fn apply(self, field: &str) -> String {
        match self {
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Pascal => pascal(field),
            Self::Camel => {
                let name = pascal(field);
                let first = name.chars().next().map_or(0, char::len_utf8);
                name[..first].to_ascii_lowercase() + &name[first..]
            }
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn pascal(field: &str) -> String {
    let mut name = String::new();
    let mut begins = true;
    for letter in field.chars() {
        if letter == '_' {
            begins = true;
        } else {
            name.push(if begins { letter.to_ascii_uppercase() } else { letter });
            begins = false;
        }
    }
    name
}

/// The constant that stands for an index: `BySender` is `BY_SENDER`.
pub(crate) fn constant(index: &str) -> String {
    let letters: Vec<char> = index.chars().collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let behind = letters.get(at + 1);
        let is_lower = |other: Option<&char>| other.is_some_and(|other| other.is_lowercase());
        let ends_a_word = is_lower(before) || before.is_some_and(char::is_ascii_digit);
        let ends_capitals = before.is_some_and(|before| before.is_uppercase()) && is_lower(behind);
        if letter.is_uppercase() && (ends_a_word || ends_capitals) {
            name.push('_');
        }
        if letter.is_alphanumeric() {
            name.extend(letter.to_uppercase());
        } else {
            name.push('_');
        }
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("INDEX_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_renamed_as_serde_does() {
        for (case, expected) in [
            ("lowercase", "sent_at"),
            ("UPPERCASE", "SENT_AT"),
            ("PascalCase", "SentAt"),
            ("camelCase", "sentAt"),
            ("snake_case", "sent_at"),
            ("SCREAMING_SNAKE_CASE", "SENT_AT"),
            ("kebab-case", "sent-at"),
            ("SCREAMING-KEBAB-CASE", "SENT-AT"),
        ] {
            let case = Case::from_name(case).expect("serde has it");
            assert_eq!(case.apply("sent_at"), expected);
        }
        assert!(Case::from_name("Train-Case").is_none());
    }

    #[test]
    fn indexes_are_constants_word_by_word() {
        for (index, expected) in [
            ("BySender", "BY_SENDER"),
            ("by-sender.index", "BY_SENDER_INDEX"),
            ("GSI1", "GSI1"),
            ("SKUIndex", "SKU_INDEX"),
            ("byA", "BY_A"),
            ("2024", "INDEX_2024"),
        ] {
            assert_eq!(constant(index), expected);
        }
    }
}
