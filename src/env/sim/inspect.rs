//! Looking at the disk and damaging it, past the process: none of this is an operation, and it works after the machine
//! has stopped.

use super::directory::{Binding, DirectoryId, Node};
use super::fs::SimVfs;
use super::inode::{Contents, Inode, PendingState};
use super::machine::State;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl SimVfs {
    /// The paths of all files, sorted.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.lock_state().names.files().into_keys().collect()
    }

    /// The bytes of a file as they are seen.
    pub fn read(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let inode = self.inode(path.as_ref())?;
        let contents = inode.contents.lock();
        Some(contents.visible.as_ref().clone())
    }

    /// All files and their bytes as they are seen.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = self.lock_state().names.files();
        files
            .into_iter()
            .map(|(path, inode)| (path, inode.contents.lock().visible.as_ref().clone()))
            .collect()
    }

    /// Puts a file there, durably, in place of the one that has the name. Directories on the way are made.
    pub fn write_raw(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let path = path.as_ref();
        let mut state = self.lock_state();
        let directory = path.parent().map_or(DirectoryId::ROOT, |parent| directory(&mut state, parent));
        let inode = Inode::new(state.next_inode_id(), Contents::durable(Arc::new(bytes.to_vec())));
        bind(&mut state, directory, path, Some(Node::File(inode)));
    }

    /// Takes a file away, durably. Says whether there was one.
    pub fn remove(&self, path: impl AsRef<Path>) -> bool {
        let path = path.as_ref();
        let is_there = self.inode(path).is_some();
        if is_there {
            let mut state = self.lock_state();
            let directory = path.parent().map_or(DirectoryId::ROOT, |parent| directory(&mut state, parent));
            bind(&mut state, directory, path, None);
        }
        is_there
    }

    /// Flips a bit of a file, on the medium and in the cache. Says whether there is such a byte.
    pub fn flip(&self, path: impl AsRef<Path>, offset: u64, bit: u32) -> bool {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        self.inode(path.as_ref())
            .is_some_and(|inode| inode.contents.lock().flip(offset, 1_u8.wrapping_shl(bit)))
    }

    /// Cuts a file to this size, on the medium and in the cache, if it is longer. Says whether there is such a file.
    pub fn truncate(&self, path: impl AsRef<Path>, size_bytes: u64) -> bool {
        let size = usize::try_from(size_bytes).unwrap_or(usize::MAX);
        let inode = self.inode(path.as_ref());
        inode.map(|inode| inode.contents.lock().truncate(size)).is_some()
    }

    /// What is pending, one line each, for the message of a test that fails. The numbers are those that
    /// [`ImageChoice`](super::ImageChoice) speaks of.
    pub fn pending(&self) -> Vec<String> {
        let state = self.lock_state();
        let mut lines = Vec::new();
        for change in state.names.journal() {
            let bindings = change.bindings.iter().map(|binding| match &binding.node {
                Some(Node::File(inode)) => format!("{} = file {}", binding.place.1, inode.id.0),
                Some(Node::Directory(directory)) => {
                    format!("{} = directory {}", binding.place.1, directory.0)
                }
                None => format!("{} = nothing", binding.place.1),
            });
            let bindings: Vec<String> = bindings.collect();
            lines.push(format!("{}: {} ({:?})", lines.len(), bindings.join(", "), change.state));
        }
        for inode in state.names.inodes().values() {
            for write in &inode.contents.lock().pending {
                let length = write.bytes.len();
                let line = format!("file {} {}+{length} ({:?})", inode.id.0, write.offset, write.state);
                lines.push(format!("{}: {line}", lines.len()));
            }
        }
        lines
    }

    fn inode(&self, path: &Path) -> Option<Arc<Inode>> {
        self.lock_state().names.resolve(path).ok()?.file().ok()
    }
}

/// The directory at `path`, made durably if it is missing.
fn directory(state: &mut State, path: &Path) -> DirectoryId {
    if let Ok(directory) = state.names.resolve_directory(path) {
        return directory;
    }
    let parent = path.parent().map_or(DirectoryId::ROOT, |parent| directory(state, parent));
    let new = state.names.add_directory();
    bind(state, parent, path, Some(Node::Directory(new)));
    new
}

/// Binds the last name of `path`, durably.
fn bind(state: &mut State, directory: DirectoryId, path: &Path, node: Option<Node>) {
    let name = path.file_name().and_then(|name| name.to_str()).expect("a path that ends in a name");
    let place = (directory, Arc::from(name));
    state.names.change(vec![Binding::new(place.clone(), node)], PendingState::Dirty);
    state.names.sync_name(&place);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::file::Vfs;
    use crate::env::sim::image::ImageChoice;

    #[test]
    fn what_is_put_on_the_disk_is_durable_and_makes_nothing_else_so() {
        let vfs = SimVfs::new();
        vfs.create(Path::new("/pending")).expect("a new file");
        vfs.write_raw("/deep/down/a", b"abc");
        vfs.write_raw("/b", b"old");
        vfs.write_raw("/b", b"new");
        let image = vfs.crash_image(ImageChoice::AllLost);
        let expected =
            [(PathBuf::from("/b"), b"new".to_vec()), (PathBuf::from("/deep/down/a"), b"abc".to_vec())];
        assert_eq!(image.files(), expected);
        assert!(vfs.remove("/b") && !vfs.remove("/b"));
        assert_eq!(vfs.paths(), [Path::new("/deep/down/a"), Path::new("/pending")]);
        assert_eq!(vfs.operation_count(), 1, "looking and damaging are no operations");
    }

    #[test]
    fn damage_is_seen_at_once_and_after_a_power_loss() {
        let vfs = SimVfs::new();
        vfs.write_raw("/a", b"abc");
        assert!(vfs.flip("/a", 1, 7) && !vfs.flip("/a", 3, 0) && !vfs.flip("/b", 0, 0));
        assert!(vfs.truncate("/a", 2) && !vfs.truncate("/b", 0));
        assert_eq!(vfs.read("/a"), Some(vec![b'a', b'b' | 0x80]));
        assert_eq!(vfs.crash_image(0).read("/a"), vfs.read("/a"));
        assert_eq!(vfs.read("/b"), None);
    }

    #[test]
    fn what_is_pending_reads_as_a_list() {
        let vfs = SimVfs::new();
        vfs.create(Path::new("/a")).and_then(|file| file.append(b"abc")).expect("space");
        assert_eq!(vfs.pending(), ["0: a = file 1 (Dirty)", "1: file 1 0+3 (Dirty)"]);
    }
}
