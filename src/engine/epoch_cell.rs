//! A value that is replaced as a whole and read without locks or shared counters.
//!
//! Invariants:
//! 1. The pointer is never null and points to a value that was put in by `new` or `replace`.
//! 2. A value that was replaced is destroyed only after every guard that could have seen it is gone
//!    (crossbeam-epoch's promise for `defer_destroy`).
//!
//! Threads: any number may load and replace. Who replaces on the ground of what was loaded needs a lock of its own.
#![expect(unsafe_code, reason = "epoch pointers are dereferenced and destroyed")]

use crossbeam_epoch::{Atomic, Guard, Owned, pin};
use std::sync::atomic::Ordering;

/// The cell.
#[derive(Debug)]
pub(super) struct EpochCell<T> {
    pointer: Atomic<T>,
}

impl<T: Send + Sync + 'static> EpochCell<T> {
    pub(super) fn new(value: T) -> Self {
        Self { pointer: Atomic::new(value) }
    }

    /// The value, for as long as the guard is held.
    #[inline]
    pub(super) fn load<'guard>(&self, guard: &'guard Guard) -> &'guard T {
        let shared = self.pointer.load(Ordering::SeqCst, guard);
        // SAFETY: invariants 1 and 2: not null, and not destroyed while the guard is held.
        unsafe { shared.deref() }
    }

    /// Puts another value in the place of this one.
    pub(super) fn replace(&self, value: T) {
        let guard = pin();
        let old = self.pointer.swap(Owned::new(value), Ordering::SeqCst, &guard);
        // SAFETY: `old` can no longer be loaded, and nobody else was given it by this swap.
        unsafe { guard.defer_destroy(old) };
        drop(guard);
        // Replacing is rare and what is replaced can be large: help the epoch on, so that it goes soon.
        for _ in 0..3 {
            pin().flush();
        }
    }
}

impl<T> Drop for EpochCell<T> {
    fn drop(&mut self) {
        let pointer = std::mem::replace(&mut self.pointer, Atomic::null());
        // SAFETY: `&mut self`: nobody loads from this cell any more, and invariant 1.
        drop(unsafe { pointer.into_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_loaded_value_outlives_its_replacement() {
        let first = Arc::new(1);
        let cell = EpochCell::new(Arc::clone(&first));
        let guard = pin();
        let loaded = cell.load(&guard);
        cell.replace(Arc::new(2));
        assert_eq!((**loaded, **cell.load(&guard)), (1, 2));
        assert_eq!(Arc::strong_count(&first), 2);
    }

    #[test]
    fn the_last_value_is_dropped_with_the_cell() {
        let value = Arc::new(());
        drop(EpochCell::new(Arc::clone(&value)));
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
