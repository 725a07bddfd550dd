//! Directories: the names as they are seen, the names that a power loss cannot take, and the changes in between.
//!
//! Invariants:
//! 1. The seen names are the durable ones with all changes of the journal applied in order, save those in flight.
//! 2. A change binds one name or, for a rename, two; it becomes durable as a whole or not at all.
//! 3. A change becomes durable only after all earlier changes of the names it binds.
//! 4. The root is directory 0 and always there.

use super::inode::{Inode, InodeId, PendingState};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The identity of a directory, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct DirectoryId(pub(super) usize);

impl DirectoryId {
    pub(super) const ROOT: Self = Self(0);
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Node {
    File(Arc<Inode>),
    Directory(DirectoryId),
}

impl Node {
    pub(super) fn is(&self, other: &Node) -> bool {
        match (self, other) {
            (Node::File(one), Node::File(other)) => one.id == other.id,
            (Node::Directory(one), Node::Directory(other)) => one == other,
            _ => false,
        }
    }

    pub(super) fn file(&self) -> io::Result<Arc<Inode>> {
        match self {
            Self::File(inode) => Ok(Arc::clone(inode)),
            Self::Directory(_) => Err(ErrorKind::IsADirectory.into()),
        }
    }
}

/// A name within a directory.
pub(super) type Place = (DirectoryId, Arc<str>);

/// A name that now stands for something else, or for nothing.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) place: Place,
    pub(super) node: Option<Node>,
}

impl Binding {
    pub(super) fn new(place: Place, node: Option<Node>) -> Self {
        Self { place, node }
    }
}

/// Bindings that happen together.
#[derive(Clone, Debug)]
pub(super) struct NameChange {
    pub(super) bindings: Vec<Binding>,
    pub(super) state: PendingState,
}

impl NameChange {
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.bindings.iter().map(|binding| &binding.place)
    }
}

type Entries = BTreeMap<Arc<str>, Node>;

#[derive(Clone, Debug, Default)]
struct Directory {
    visible: Entries,
    durable: Entries,
}

/// All directories, and the journal of changes that are not durable.
#[derive(Clone, Debug)]
pub(super) struct Names {
    directories: Vec<Directory>,
    journal: Vec<NameChange>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { directories: vec![Directory::default()], journal: Vec::new() }
    }

    /// What a path stands for.
    pub(super) fn resolve(&self, path: &Path) -> io::Result<Node> {
        let mut found = vec![Node::Directory(DirectoryId::ROOT)];
        for component in path.components() {
            let name = match component {
                Component::Normal(name) => name.to_str().ok_or(ErrorKind::InvalidFilename)?,
                Component::ParentDir => {
                    found.truncate(found.len().max(2) - 1);
                    continue;
                }
                Component::Prefix(_) | Component::RootDir | Component::CurDir => continue,
            };
            let Some(Node::Directory(directory)) = found.last() else {
                return Err(ErrorKind::NotADirectory.into());
            };
            let node = self.entries(*directory).get(name).cloned().ok_or(ErrorKind::NotFound)?;
            found.push(node);
        }
        found.pop().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// The directory that a path stands for.
    pub(super) fn resolve_directory(&self, path: &Path) -> io::Result<DirectoryId> {
        match self.resolve(path)? {
            Node::Directory(directory) => Ok(directory),
            Node::File(_) => Err(ErrorKind::NotADirectory.into()),
        }
    }

    /// Where the name that a path ends with belongs; the directory must exist, the name need not.
    pub(super) fn place(&self, path: &Path) -> io::Result<Place> {
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        let name = name.to_str().ok_or(ErrorKind::InvalidFilename)?;
        let parent = path.parent().ok_or(ErrorKind::InvalidInput)?;
        Ok((self.resolve_directory(parent)?, Arc::from(name)))
    }

    /// What stands at a place.
    pub(super) fn at(&self, place: &Place) -> Option<&Node> {
        self.entries(place.0).get(&place.1)
    }

    pub(super) fn names(&self, directory: DirectoryId) -> Vec<String> {
        self.entries(directory).keys().map(ToString::to_string).collect()
    }

    /// Makes a directory that has no name yet.
    pub(super) fn add_directory(&mut self) -> DirectoryId {
        self.directories.push(Directory::default());
        DirectoryId(self.directories.len() - 1)
    }

    /// Whether `inner` is `outer` or lies within it.
    pub(super) fn is_within(&self, inner: DirectoryId, outer: DirectoryId) -> bool {
        inner == outer
            || self.entries(outer).values().any(|node| match node {
                Node::Directory(child) => self.is_within(inner, *child),
                Node::File(_) => false,
            })
    }

    /// Changes names. Nobody sees a change that is in flight. Returns the files that lost a name.
    pub(super) fn change(&mut self, bindings: Vec<Binding>, state: PendingState) -> Vec<Arc<Inode>> {
        let mut lost = Vec::new();
        if state != PendingState::InFlight {
            for binding in &bindings {
                let before = bind(&mut self.directories, binding, |directory| &mut directory.visible);
                if let Some(Node::File(inode)) = before {
                    lost.push(inode);
                }
            }
            lost.retain(|inode| {
                let is_rebound =
                    |binding: &Binding| matches!(&binding.node, Some(Node::File(new)) if new.id == inode.id);
                !bindings.iter().any(is_rebound)
            });
        }
        self.journal.push(NameChange { bindings, state });
        lost
    }

    /// Makes all changes of a directory durable, and those that must come before them.
    pub(super) fn sync(&mut self, directory: DirectoryId) {
        self.sync_where(|place| place.0 == directory);
    }

    /// Makes all changes of a name durable, and those that must come before them.
    pub(super) fn sync_name(&mut self, name: &Place) {
        self.sync_where(|place| place == name);
    }

    fn sync_where(&mut self, is_meant: impl Fn(&Place) -> bool) {
        let mut needed: BTreeSet<Place> = BTreeSet::new();
        let mut is_synced = vec![false; self.journal.len()];
        for (change, is_synced) in self.journal.iter().zip(&mut is_synced).rev() {
            let is_wanted = change.places().any(|place| is_meant(place) || needed.contains(place));
            if is_wanted && change.state == PendingState::Dirty {
                *is_synced = true;
                needed.extend(change.places().cloned());
            }
        }
        let changes = std::mem::take(&mut self.journal);
        for (change, is_synced) in changes.into_iter().zip(is_synced) {
            if is_synced {
                // What a failed sync left of the same names is replaced by this.
                self.journal
                    .retain(|left| !left.places().any(|place| change.places().any(|mine| mine == place)));
                for binding in &change.bindings {
                    bind(&mut self.directories, binding, |directory| &mut directory.durable);
                }
            } else {
                self.journal.push(change);
            }
        }
    }

    /// The changes of a directory are neither durable nor tried again by the next sync.
    pub(super) fn fail_sync(&mut self, directory: DirectoryId) {
        for change in &mut self.journal {
            if change.places().any(|place| place.0 == directory) {
                change.state = PendingState::Stuck;
            }
        }
    }

    pub(super) fn journal(&self) -> &[NameChange] {
        &self.journal
    }

    /// Every file that has a name, had one durably, or has one in the journal.
    pub(super) fn inodes(&self) -> BTreeMap<InodeId, Arc<Inode>> {
        let mut inodes = BTreeMap::new();
        let mut add = |node: &Node| {
            if let Node::File(inode) = node {
                inodes.entry(inode.id).or_insert_with(|| Arc::clone(inode));
            }
        };
        for directory in &self.directories {
            directory.visible.values().chain(directory.durable.values()).for_each(&mut add);
        }
        for binding in self.journal.iter().flat_map(|change| &change.bindings) {
            binding.node.iter().for_each(&mut add);
        }
        inodes
    }

    /// The paths of all files that are seen, sorted, with their inodes.
    pub(super) fn files(&self) -> BTreeMap<PathBuf, Arc<Inode>> {
        let mut files = BTreeMap::new();
        self.walk(DirectoryId::ROOT, Path::new("/"), &mut files);
        files
    }

    /// The names after a power loss that keeps the durable ones and the changes in `kept`, all of it durable. A change is
    /// left out if it would come before one of the same name that is not kept. Files become what `survivor` makes of
    /// them.
    pub(super) fn surviving(
        &self,
        kept: &[bool],
        mut survivor: impl FnMut(&Arc<Inode>) -> Arc<Inode>,
    ) -> Self {
        let mut directories: Vec<Directory> = self
            .directories
            .iter()
            .map(|directory| Directory { visible: Entries::new(), durable: directory.durable.clone() })
            .collect();
        for (change, is_kept) in self.journal.iter().zip(self.possible(kept)) {
            if is_kept {
                for binding in &change.bindings {
                    bind(&mut directories, binding, |directory| &mut directory.durable);
                }
            }
        }
        let mut names = Self { directories, journal: Vec::new() };
        names.replace_files(&mut survivor);
        for directory in &mut names.directories {
            directory.visible.clone_from(&directory.durable);
        }
        names
    }

    /// `kept` without the changes that could not be kept because an earlier one of the same name is not.
    pub(super) fn possible(&self, kept: &[bool]) -> Vec<bool> {
        let mut lost: BTreeSet<&Place> = BTreeSet::new();
        let mut possible = Vec::with_capacity(self.journal.len());
        for (change, is_kept) in self.journal.iter().zip(kept) {
            let is_kept = *is_kept && !change.places().any(|place| lost.contains(place));
            if !is_kept {
                lost.extend(change.places());
            }
            possible.push(is_kept);
        }
        possible
    }

    /// The names after the death of the process: all that was seen, and what is pending of it stays pending.
    pub(super) fn orphaned(&self, mut survivor: impl FnMut(&Arc<Inode>) -> Arc<Inode>) -> Self {
        let mut names = self.clone();
        names.journal.retain(|change| change.state != PendingState::InFlight);
        names.replace_files(&mut survivor);
        names
    }

    fn replace_files(&mut self, survivor: &mut impl FnMut(&Arc<Inode>) -> Arc<Inode>) {
        let mut replace = |node: &mut Node| {
            if let Node::File(inode) = node {
                *inode = survivor(inode);
            }
        };
        for directory in &mut self.directories {
            directory.visible.values_mut().for_each(&mut replace);
            directory.durable.values_mut().for_each(&mut replace);
        }
        for change in &mut self.journal {
            for binding in &mut change.bindings {
                binding.node.iter_mut().for_each(&mut replace);
            }
        }
    }

    fn walk(&self, directory: DirectoryId, path: &Path, files: &mut BTreeMap<PathBuf, Arc<Inode>>) {
        for (name, node) in self.entries(directory) {
            let path = path.join(name.as_ref());
            match node {
                Node::Directory(child) => self.walk(*child, &path, files),
                Node::File(inode) => {
                    files.insert(path, Arc::clone(inode));
                }
            }
        }
    }

    fn entries(&self, directory: DirectoryId) -> &Entries {
        &self.directories.get(directory.0).expect("directories are never taken out of the list").visible
    }
}

fn bind(
    directories: &mut [Directory],
    binding: &Binding,
    entries: impl Fn(&mut Directory) -> &mut Entries,
) -> Option<Node> {
    let (directory, name) = &binding.place;
    let directory = directories.get_mut(directory.0).expect("directories are never taken out of the list");
    match &binding.node {
        Some(node) => entries(directory).insert(Arc::clone(name), node.clone()),
        None => entries(directory).remove(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::sim::inode::Contents;

    fn file(id: u64) -> Node {
        Node::File(Inode::new(InodeId(id), Contents::default()))
    }

    fn place(name: &str) -> Place {
        (DirectoryId::ROOT, Arc::from(name))
    }

    /// create a, rename a to b, create a again, create c.
    fn journal() -> Names {
        let mut names = Names::new();
        let first = file(1);
        names.change(vec![Binding::new(place("a"), Some(first.clone()))], PendingState::Dirty);
        names.change(
            vec![Binding::new(place("a"), None), Binding::new(place("b"), Some(first))],
            PendingState::Dirty,
        );
        names.change(vec![Binding::new(place("a"), Some(file(2)))], PendingState::Dirty);
        names.change(vec![Binding::new(place("c"), Some(file(3)))], PendingState::Dirty);
        names
    }

    fn survivors(kept: [bool; 4]) -> Vec<(String, u64)> {
        let names = journal().surviving(&kept, Arc::clone);
        let files = names.files().into_iter();
        files.map(|(path, inode)| (path.to_string_lossy().into_owned(), inode.id.0)).collect()
    }

    #[test]
    fn a_change_of_a_name_is_kept_only_with_the_earlier_ones_of_that_name() {
        let named = |names: &[(&str, u64)]| -> Vec<(String, u64)> {
            names.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect()
        };
        assert_eq!(survivors([true; 4]), named(&[("/a", 2), ("/b", 1), ("/c", 3)]));
        assert_eq!(survivors([true, true, false, false]), named(&[("/b", 1)]));
        assert_eq!(survivors([true, false, true, true]), named(&[("/a", 1), ("/c", 3)]));
        assert_eq!(survivors([false, true, true, true]), named(&[("/c", 3)]));
        assert_eq!(survivors([false, false, false, true]), named(&[("/c", 3)]));
    }

    #[test]
    fn a_sync_takes_what_must_come_before_from_other_directories() {
        let mut names = Names::new();
        let other = names.add_directory();
        names.change(vec![Binding::new(place("other"), Some(Node::Directory(other)))], PendingState::Dirty);
        names.sync(DirectoryId::ROOT);
        let first = file(1);
        names.change(vec![Binding::new(place("a"), Some(first.clone()))], PendingState::Dirty);
        names.change(vec![Binding::new(place("unrelated"), Some(file(2)))], PendingState::Dirty);
        let moved = (other, Arc::from("b"));
        names.change(
            vec![Binding::new(place("a"), None), Binding::new(moved, Some(first))],
            PendingState::Dirty,
        );
        names.sync(other);
        assert_eq!(names.journal().len(), 1, "only the unrelated name is still pending");
        let kept: Vec<PathBuf> = names.surviving(&[false], Arc::clone).files().into_keys().collect();
        assert_eq!(kept, [Path::new("/other/b")]);
    }

    #[test]
    fn what_a_failed_sync_left_is_replaced_by_what_is_synced_later() {
        let mut names = Names::new();
        names.change(vec![Binding::new(place("a"), Some(file(1)))], PendingState::Dirty);
        names.change(vec![Binding::new(place("b"), Some(file(2)))], PendingState::Dirty);
        names.fail_sync(DirectoryId::ROOT);
        names.sync(DirectoryId::ROOT);
        assert_eq!(names.journal().len(), 2, "the next sync does not try them again");
        names.change(vec![Binding::new(place("a"), Some(file(3)))], PendingState::Dirty);
        names.sync(DirectoryId::ROOT);
        let files = names.surviving(&[false], Arc::clone).files();
        let kept: Vec<u64> = files.values().map(|inode| inode.id.0).collect();
        assert_eq!((names.journal().len(), kept), (1, vec![3]));
    }

    #[test]
    fn a_renamed_file_has_not_lost_its_name_and_a_replaced_one_has() {
        let mut names = Names::new();
        let (first, second) = (file(1), file(2));
        names.change(vec![Binding::new(place("a"), Some(first.clone()))], PendingState::Dirty);
        names.change(vec![Binding::new(place("b"), Some(second))], PendingState::Dirty);
        let lost = names.change(
            vec![Binding::new(place("a"), None), Binding::new(place("b"), Some(first))],
            PendingState::Dirty,
        );
        assert_eq!(lost.iter().map(|inode| inode.id.0).collect::<Vec<_>>(), [2]);
    }
}
