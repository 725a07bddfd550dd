//! The paths by which a source names things of its own crate.

use crate::lexer::{Token, group_end, starts_with};

/// A path from the crate's root, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// The names behind `crate`.
    pub(crate) path: Vec<String>,
    /// The line.
    pub(crate) line: usize,
    /// Whether it is handed on: `pub use`.
    pub(crate) is_reexport: bool,
}

/// The paths into its own crate that a module's tokens name, in `use` declarations and in code.
///
/// `children` are the modules that the file declares: a `use` may begin with one of them.
pub(crate) fn uses(tokens: &[Token<'_>], module: &[String], children: &[String]) -> Vec<Use> {
    let mut reader = Reader { tokens, index: 0, module: module.to_vec(), children, found: Vec::new() };
    reader.read(tokens.len());
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    index: usize,
    /// The module that is being read: the file's, or one that stands in it.
    module: Vec<String>,
    children: &'a [String],
    found: Vec<Use>,
}

impl Reader<'_> {
    fn read(&mut self, end: usize) {
        while self.index < end {
            match self.text(0) {
                "mod" if self.text(2) == "{" => self.inline_module(),
                // `use<…>` says what an `impl Trait` captures
                "use" if self.text(1) != "<" => self.declaration(),
                "crate" | "super" | "self" if self.text(1) == "::" && !self.is_visibility() => {
                    self.path_in_code();
                }
                _ => self.index += 1,
            }
        }
    }

    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.index + ahead).map_or("", |token| token.text)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.index).map_or(0, |token| token.line)
    }

    /// `pub(in crate::…)`, which uses nothing.
    fn is_visibility(&self) -> bool {
        self.index >= 2 && starts_with(&self.tokens[self.index - 2..], &["(", "in"])
    }

    fn inline_module(&mut self) {
        let end = group_end(self.tokens, self.index + 2) - 1;
        self.module.push(self.text(1).to_owned());
        self.index += 3;
        self.read(end);
        self.module.pop();
    }

    fn declaration(&mut self) {
        let before = self.index.checked_sub(1).map_or("", |index| self.tokens[index].text);
        let is_reexport = matches!(before, "pub" | ")");
        self.index += 1;
        if self.text(0) == "::" {
            return;
        }
        self.tree(Vec::new(), is_reexport);
    }

    /// A tree of a `use` declaration below `prefix`.
    fn tree(&mut self, mut prefix: Vec<String>, is_reexport: bool) {
        let line = self.line();
        loop {
            match self.text(0) {
                "{" => {
                    let end = group_end(self.tokens, self.index) - 1;
                    self.index += 1;
                    while self.index < end {
                        self.tree(prefix.clone(), is_reexport);
                        self.index += usize::from(self.text(0) == ",");
                    }
                    self.index = end + 1;
                    return;
                }
                "as" => self.index += 2,
                "::" => self.index += 1,
                "," | "}" | ";" | "" => break,
                name => {
                    prefix.push(name.to_owned());
                    self.index += 1;
                }
            }
        }
        self.add(&prefix, line, is_reexport);
    }

    fn path_in_code(&mut self) {
        let line = self.line();
        let mut path = vec![self.text(0).to_owned()];
        while self.text(1) == "::" && self.text(2).starts_with(|c: char| c.is_alphabetic() || c == '_') {
            path.push(self.text(2).to_owned());
            self.index += 2;
        }
        self.index += 1;
        self.add(&path, line, false);
    }

    fn add(&mut self, written: &[String], line: usize, is_reexport: bool) {
        let mut path = self.module.clone();
        for (index, name) in written.iter().enumerate() {
            match name.as_str() {
                "crate" if index == 0 => path.clear(),
                "super" => drop(path.pop()),
                "self" => {}
                _ if index == 0 && !self.children.contains(name) => return,
                _ => path.push(name.clone()),
            }
        }
        self.found.push(Use { path, line, is_reexport });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let module = ["engine".to_owned(), "store".to_owned()];
        let found = uses(&tokens(source), &module, &["switch".to_owned()]);
        let found: Vec<String> = found.into_iter().map(|used| used.path.join("::")).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn declarations_are_followed_through_groups_and_names() {
        check(
            "use crate::lsm::{picker::Shape, version::{self, Version as V}};",
            &["lsm::picker::Shape", "lsm::version", "lsm::version::Version"],
        );
        check("use super::log::*; use self::inner::A;", &["engine::log::*", "engine::store::inner::A"]);
        check(
            "pub(crate) use switch::{plant, planted};",
            &["engine::store::switch::plant", "engine::store::switch::planted"],
        );
    }

    #[test]
    fn paths_in_code_count_as_well() {
        check(
            "fn f(x: crate::base::ident::SeqNo) -> super::view::View { crate::a::b::<C>() }",
            &["base::ident::SeqNo", "engine::view::View", "a::b"],
        );
        check("f(&$crate::base::x)", &["base::x"]);
    }

    #[test]
    fn super_within_a_module_of_the_file_is_the_file() {
        check(
            "mod switch { use super::Bug; use super::super::log::Log; } use super::view::View;",
            &["engine::store::Bug", "engine::log::Log", "engine::view::View"],
        );
    }

    #[test]
    fn other_crates_and_visibilities_are_not_meant() {
        check("use std::fmt; use ::serde::de; use serde::{ser, de}; pub(super) fn f() {}", &[]);
        check("pub(in crate::engine) struct A; fn g() -> impl I + use<'_> {}", &[]);
    }
}
