//! The rules, as functions from the sources of a crate to what breaks them.

use crate::lexer::{Token, group_end, starts_with, tokens, without_tests};
use crate::paths::{Use, uses};
use std::collections::{BTreeMap, BTreeSet};

/// Most lines of code in a file, its tests and comments apart.
pub(crate) const CODE_LINES_MAX: usize = 700;

/// A file of the crate.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// Its path below `src`, with slashes.
    pub(crate) path: &'a str,
    /// What stands in it.
    pub(crate) text: &'a str,
}

impl<'a> Source<'a> {
    fn module(&self) -> Vec<String> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(self.path);
        let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        module
    }

    fn is_table_of_contents(&self) -> bool {
        self.path == "lib.rs" || self.path.ends_with("mod.rs")
    }

    fn code(&self) -> Vec<Token<'a>> {
        without_tests(&tokens(self.text))
    }
}

/// Where a rule is broken and how, for people.
pub(crate) type Violation = String;

fn violation(source: &Source<'_>, line: usize, what: &str) -> Violation {
    format!("src/{}:{line}: {what}", source.path)
}

/// The modules that a file declares in files of their own, in their order.
fn declared(code: &[Token<'_>]) -> Vec<String> {
    let is_declaration = |at: &[Token<'_>]| at[0].text == "mod" && at[2].text == ";";
    code.windows(3).filter(|at| is_declaration(at)).map(|at| at[1].text.to_owned()).collect()
}

/// Use goes down only: a module uses what is declared above it, or above the folder that it stands in.
pub(crate) fn direction(sources: &[Source<'_>]) -> Vec<Violation> {
    let codes: Vec<Vec<Token<'_>>> = sources.iter().map(Source::code).collect();
    let order: BTreeMap<Vec<String>, Vec<String>> =
        sources.iter().zip(&codes).map(|(source, code)| (source.module(), declared(code))).collect();
    let mut violations = Vec::new();
    for (source, code) in sources.iter().zip(&codes) {
        let module = source.module();
        if !is_declared(&order, &module) {
            // a module for tests alone
            continue;
        }
        let inline = code.windows(3).filter(|at| at[0].text == "mod" && at[2].text == "{");
        let mut children = declared(code);
        children.extend(inline.map(|at| at[1].text.to_owned()));
        for used in uses(code, &module, &children) {
            if let Some(what) = upward(&order, &module, &used) {
                violations.push(violation(source, used.line, &what));
            }
        }
    }
    violations
}

fn is_declared(order: &BTreeMap<Vec<String>, Vec<String>>, module: &[String]) -> bool {
    module.split_last().is_none_or(|(name, folder)| {
        order.get(folder).is_some_and(|names| names.contains(name)) && is_declared(order, folder)
    })
}

/// What is wrong with a use, if anything is.
fn upward(order: &BTreeMap<Vec<String>, Vec<String>>, module: &[String], used: &Use) -> Option<String> {
    let depth = (0..=used.path.len()).rev().find(|depth| order.contains_key(&used.path[..*depth]))?;
    let target = &used.path[..depth];
    if target.starts_with(module) {
        return None;
    }
    let name = |path: &[String]| path.join("::");
    if module.starts_with(target) {
        return Some(format!("`crate::{}` is not where this thing lives", name(&used.path)));
    }
    let shared = module.iter().zip(target).take_while(|(ours, theirs)| ours == theirs).count();
    let siblings = order.get(&module[..shared])?;
    let place = |path: &[String]| siblings.iter().position(|sibling| path.get(shared) == Some(sibling));
    if place(target) < place(module) {
        return None;
    }
    let (below, above) = (name(&module[..=shared]), name(&target[..=shared]));
    Some(format!("uses `{}`, but `{above}` is declared below `{below}`", name(target)))
}

/// A `mod.rs`, and `lib.rs`, holds documentation and `mod` lines, and re-exports where `reexporting` names the file.
pub(crate) fn tables_of_contents(sources: &[Source<'_>], reexporting: &[&str]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.is_table_of_contents()) {
        let code = tokens(source.text);
        let mut index = 0;
        while index < code.len() {
            let start = index;
            while starts_with(&code[index..], &["#"]) {
                index += 1 + usize::from(starts_with(&code[index + 1..], &["!"]));
                index = group_end(&code, index);
            }
            if index == code.len() {
                break;
            }
            if starts_with(&code[index..], &["pub"]) {
                index += 1;
                if starts_with(&code[index..], &["("]) {
                    index = group_end(&code, index);
                }
            }
            let end = index + code[index..].iter().take_while(|token| token.text != ";").count() + 1;
            let is_module = starts_with(&code[index..], &["mod"]) && end == index + 3;
            let is_reexport = starts_with(&code[index..], &["use"]) && reexporting.contains(&source.path);
            if !is_module && !is_reexport {
                let what = "only documentation and `mod` lines stand here";
                violations.push(violation(source, code[start].line, what));
                break;
            }
            index = end;
        }
    }
    violations
}

/// Things are named where they live: only `reexporting` files hand on what stands elsewhere.
pub(crate) fn reexports(sources: &[Source<'_>], reexporting: &[&str]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| !reexporting.contains(&source.path)) {
        let module = source.module();
        for used in uses(&source.code(), &module, &[]) {
            if used.is_reexport && !used.path.starts_with(&module) {
                violations.push(violation(source, used.line, "a re-export: only `lib.rs` has them"));
            }
        }
    }
    violations
}

/// A word of code stands in `allowed` files only.
pub(crate) fn word(sources: &[Source<'_>], word: &str, allowed: &[&str]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| !allowed.contains(&source.path)) {
        for token in tokens(source.text).iter().filter(|token| token.text == word) {
            violations.push(violation(source, token.line, &format!("`{word}` has no place here")));
        }
    }
    violations
}

/// No file has more than `CODE_LINES_MAX` lines of code.
pub(crate) fn file_sizes(sources: &[Source<'_>]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources {
        let lines: BTreeSet<usize> = source.code().iter().map(|token| token.line).collect();
        if lines.len() > CODE_LINES_MAX {
            violations.push(violation(source, 1, &format!("{} lines of code", lines.len())));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: Source<'static> = Source { path: "lib.rs", text: "pub mod base; pub mod env; pub mod lsm;" };
    const ENV: Source<'static> = Source {
        path: "env/mod.rs",
        text: "pub mod file; mod memory; #[cfg(feature = \"sim\")] pub mod sim; #[cfg(test)] mod checks;",
    };

    fn tree<'a>(path: &'a str, text: &'a str) -> Vec<Source<'a>> {
        let others = ["base.rs", "env/file.rs", "env/memory.rs", "env/checks.rs", "lsm.rs"];
        let mut sources = vec![LIB, ENV, Source { path, text }];
        let sim = Source { path: "env/sim/mod.rs", text: "mod disk; mod fs;" };
        let sim_files = ["env/sim/disk.rs", "env/sim/fs.rs"];
        sources.push(sim);
        for other in others.into_iter().chain(sim_files).filter(|other| *other != path) {
            sources.push(Source { path: other, text: "" });
        }
        sources
    }

    #[track_caller]
    fn keeps(path: &str, text: &str) {
        assert_eq!(direction(&tree(path, text)), [""; 0], "{path}: {text}");
    }

    #[track_caller]
    fn breaks(path: &str, text: &str) {
        assert_eq!(direction(&tree(path, text)).len(), 1, "{path}: {text}");
    }

    #[test]
    fn a_layer_uses_the_layers_above_it_in_the_list_and_no_other() {
        keeps("lsm.rs", "use crate::env::file::Vfs; use crate::base::Batch;");
        breaks("base.rs", "use crate::env::file::Vfs;");
        breaks("env/file.rs", "fn f() { crate::lsm::flush() }");
        breaks("env/sim/fs.rs", "use {crate::lsm};");
    }

    #[test]
    fn a_module_uses_what_its_folder_declares_above_it_and_no_other() {
        keeps("env/memory.rs", "use super::file::Vfs;");
        breaks("env/file.rs", "use super::memory::Memory;");
        keeps("env/sim/fs.rs", "use crate::env::file::Vfs; use super::disk::Disk;");
        breaks("env/sim/disk.rs", "use super::fs::Fs;");
        breaks("env/memory.rs", "use crate::env::sim::fs::Fs;");
    }

    #[test]
    fn a_thing_is_named_where_it_lives() {
        breaks("lsm.rs", "use crate::Database;");
        breaks("env/sim/fs.rs", "use super::SimDisk;");
    }

    #[test]
    fn tests_may_look_anywhere() {
        keeps("base.rs", "#[cfg(test)] mod tests { use crate::lsm::picker::Shape; }");
        keeps("env/checks.rs", "use crate::lsm::picker::Shape;");
    }

    #[test]
    fn logic_in_a_table_of_contents_is_found() {
        let check = |path, text| tables_of_contents(&[Source { path, text }], &["lib.rs"]).len();
        let contents = "//! Docs.\n#![warn(x)]\n#[cfg(test)]\nmod a;\npub mod b; pub(crate) mod c;";
        assert_eq!(check("env/mod.rs", contents), 0);
        assert_eq!(check("lib.rs", "pub mod a; pub use a::B;"), 0);
        for logic in ["mod a; fn f() {}", "mod a { }", "pub use a::B;", "const X: u8 = 1;", "use a::B;"] {
            assert_eq!(check("env/mod.rs", logic), 1, "{logic}");
        }
        assert_eq!(check("env/file.rs", "fn f() {}"), 0);
    }

    #[test]
    fn a_reexport_is_found_unless_it_is_of_the_file_itself() {
        let check = |text| reexports(&[Source { path: "env/file.rs", text }], &[]).len();
        assert_eq!(check("pub use super::memory::Memory;"), 1);
        assert_eq!(check("pub(crate) use crate::base::Batch;"), 1);
        assert_eq!(check("mod switch {} pub use switch::plant; use super::memory::Memory;"), 0);
    }

    #[test]
    fn a_word_is_found_in_code_and_not_in_comments() {
        let check = |text| word(&[Source { path: "a.rs", text }], "unsafe", &["b.rs"]).len();
        assert_eq!(check("unsafe { x }"), 1);
        assert_eq!(check("#![expect(unsafe_code)] // unsafe"), 0);
        assert_eq!(word(&[Source { path: "b.rs", text: "unsafe {}" }], "unsafe", &["b.rs"]).len(), 0);
    }

    #[test]
    fn a_file_that_is_too_long_is_found_and_its_tests_do_not_count() {
        let long = "x;\n".repeat(CODE_LINES_MAX);
        let check = |text: &str| file_sizes(&[Source { path: "a.rs", text }]).len();
        assert_eq!(check(&format!("{long}// a comment\n#[cfg(test)] mod tests {{\n{long}}}")), 0);
        assert_eq!(check(&format!("{long}x;")), 1);
    }
}
