//! The struct as an entity: what it says, put together and found to fit.
//!
//! Invariant: a model that exists has one partition key and at most one sort key, each of its global indexes one to four
//! and none to four, each of its local ones the table's and one; names are ones that tables and indexes can have, and its
//! constants have different names.

use crate::attributes::{Container, FieldParts, Holds, IndexPart, Place, Role};
use crate::names;
use crate::serde_attributes::{SerdeContainer, SerdeField};
use proc_macro2::Span;
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, ExprPath, Fields, Ident, LitStr, Path, Result, Type, Visibility};

/// Most global indexes of a table.
const GLOBAL_INDEXES_MAX: usize = 20;

/// Most local indexes of a table.
const LOCAL_INDEXES_MAX: usize = 5;

/// An entity.
pub(crate) struct Model<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) library: Path,
    pub(crate) table: LitStr,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) key: KeyParts,
    pub(crate) indexes: Vec<Index>,
    /// The positions of fields.
    pub(crate) ttl: Option<usize>,
    pub(crate) version: Option<usize>,
}

/// A field that is an attribute.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) constant: Ident,
    pub(crate) visibility: &'a Visibility,
    pub(crate) stored_type: &'a Type,
    /// The attribute's name.
    pub(crate) attribute: String,
    pub(crate) serialize_with: Option<ExprPath>,
    pub(crate) key_type: Option<Ident>,
}

/// The fields of a key, by their positions.
#[derive(Clone, Copy)]
pub(crate) struct KeyParts {
    pub(crate) partition: usize,
    pub(crate) sort: Option<usize>,
}

/// An index.
pub(crate) struct Index {
    pub(crate) name: LitStr,
    pub(crate) constant: Ident,
    pub(crate) scope: Scope,
    pub(crate) key: IndexKey,
    pub(crate) holds: IndexHolds,
}

/// How far an index reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Global,
    Local,
}

/// The fields of an index's key, by their positions, in order.
pub(crate) struct IndexKey {
    pub(crate) partition: Vec<usize>,
    pub(crate) sort: Vec<usize>,
}

/// What an index holds beside the keys.
pub(crate) enum IndexHolds {
    Everything,
    Keys,
    /// The positions of fields.
    Fields(Vec<usize>),
}

/// Faults, told together.
#[derive(Default)]
struct Faults {
    error: Option<Error>,
}

impl Faults {
    fn add(&mut self, error: Error) {
        match &mut self.error {
            Some(earlier) => earlier.combine(error),
            None => self.error = Some(error),
        }
    }

    fn say(&mut self, span: Span, what: impl std::fmt::Display) {
        self.add(Error::new(span, what));
    }

    /// What was made, if it was.
    fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    fn finish(self) -> Result<()> {
        self.error.map_or(Ok(()), Err)
    }
}

impl<'a> Model<'a> {
    pub(crate) fn new(input: &'a DeriveInput) -> Result<Self> {
        let mut faults = Faults::default();
        let named = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => Some(&fields.named),
                _ => None,
            },
            _ => None,
        };
        let Some(named) = named else {
            return Err(Error::new(input.ident.span(), "an entity is a struct with named fields"));
        };
        if !input.generics.params.is_empty() {
            faults
                .say(input.generics.span(), "an entity has no parameters: it is one type, and owns its data");
        }
        let container = faults.take(Container::new(&input.attrs)).unwrap_or_default();
        let serde = faults.take(SerdeContainer::new(&input.attrs)).unwrap_or_default();
        match &container.table {
            None => faults.say(input.ident.span(), "which table? `#[pixii(table = \"…\")]`"),
            Some(name) => check_name(name, "table", &mut faults),
        }

        let (mut fields, mut all_parts) = (Vec::new(), Vec::new());
        for field in named {
            let parts = faults.take(FieldParts::new(&field.attrs)).unwrap_or_default();
            let told = faults.take(SerdeField::new(&field.attrs)).unwrap_or_default();
            check_field(field, &parts, &told, &mut faults);
            let Some(name) = field.ident.as_ref().filter(|_| !told.is_no_attribute) else {
                continue;
            };
            let bare = name.unraw().to_string();
            let renamed = || serde.rename_all.map_or_else(|| bare.clone(), |case| case.apply(&bare));
            fields.push(Field {
                name,
                constant: constant(&bare.to_uppercase(), name.span(), &mut faults),
                visibility: &field.vis,
                stored_type: &field.ty,
                attribute: told.rename.unwrap_or_else(renamed),
                serialize_with: told.serialize_with,
                key_type: parts.key_type.clone(),
            });
            all_parts.push(parts);
        }

        let key = table_key(&input.ident, &all_parts, &mut faults);
        let indexes = indexes(&fields, key, &mut all_parts, &mut faults);
        let ttl = single(all_parts.iter().map(|parts| parts.ttl), "says when an item expires", &mut faults);
        let version = single(all_parts.iter().map(|parts| parts.version), "counts the versions", &mut faults);
        check_constants(&fields, &indexes, &mut faults);
        faults.finish()?;
        Ok(Self {
            name: &input.ident,
            library: container.library.unwrap_or_else(|| syn::parse_quote!(::pixii)),
            table: container.table.unwrap_or_else(|| LitStr::new("", Span::call_site())),
            fields,
            key: key.unwrap_or(KeyParts { partition: 0, sort: None }),
            indexes,
            ttl,
            version,
        })
    }
}

/// Refuses roles that a field cannot have for how serde treats it.
fn check_field(field: &syn::Field, parts: &FieldParts, told: &SerdeField, faults: &mut Faults) {
    let table_key = parts.keys.first().map(|(_, span)| *span);
    let index_key = parts.indexes.first().map(|index| index.span);
    let role = table_key.or(index_key).or(parts.ttl).or(parts.version);
    if let Some(span) = role.filter(|_| told.is_no_attribute) {
        faults.say(span, "serde leaves this field out, or flattens it: it is no attribute");
    }
    if let Some(span) = table_key.filter(|_| told.is_skipped_if) {
        faults.say(span, "an item always has its key, and serde may leave this field out");
    }
    if index_key.is_some() && is_option(&field.ty) && !told.is_skipped_if {
        faults.say(
            field.ty.span(),
            "serde stores `None` as NULL, which is no key: leave it out of the item, and so of the index, with \
             `#[serde(default, skip_serializing_if = \"Option::is_none\")]`",
        );
    }
    if let Some(key_type) = parts.key_type.as_ref().filter(|_| table_key.or(index_key).is_none()) {
        faults.say(key_type.span(), "this field is in no key");
    }
    let Some(version) = parts.version else { return };
    if table_key.or(index_key).is_some() {
        faults.say(version, "a version changes with every write: it is no key");
    }
    if parts.ttl.is_some() {
        faults.say(version, "a version counts, and does not say when an item expires");
    }
    if told.serialize_with.is_some() {
        faults.say(
            version,
            "a version is stored as the number that it is, and serde makes something else of it",
        );
    }
}

fn is_option(field_type: &Type) -> bool {
    let Type::Path(path) = field_type else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Option")
}

/// The table's key, if there is one.
fn table_key(entity: &Ident, parts: &[FieldParts], faults: &mut Faults) -> Option<KeyParts> {
    let (mut partition, mut sort) = (None, None);
    for (field, parts) in parts.iter().enumerate() {
        for (role, span) in &parts.keys {
            let (place, called) = match role {
                Role::Partition => (&mut partition, "partition"),
                Role::Sort => (&mut sort, "sort"),
            };
            if place.is_some() {
                faults.say(*span, format_args!("the table has a {called} key already"));
            }
            *place = Some(field);
        }
        if let [_, (_, span), ..] = parts.keys[..] {
            faults.say(span, "a field is one part of the key");
        }
    }
    if partition.is_none() {
        faults.say(entity.span(), "which field chooses the partition? `#[pixii(partition_key)]`");
    }
    Some(KeyParts { partition: partition?, sort })
}

/// An index of which not all parts are known yet.
struct IndexDraft {
    name: LitStr,
    scope: Scope,
    partition: Vec<DraftPart>,
    sort: Vec<DraftPart>,
    holds: Option<Holds>,
}

/// A field of an index's key, and which of several it is, if that is said.
struct DraftPart {
    field: usize,
    position: Option<usize>,
    span: Span,
}

/// The indexes, in the order in which the fields name them.
fn indexes(
    fields: &[Field<'_>],
    table: Option<KeyParts>,
    parts: &mut [FieldParts],
    faults: &mut Faults,
) -> Vec<Index> {
    let mut drafts: Vec<IndexDraft> = Vec::new();
    for (field, parts) in parts.iter_mut().enumerate() {
        for IndexPart { name, place, holds, span } in parts.indexes.drain(..) {
            let scope = if place == Place::Local { Scope::Local } else { Scope::Global };
            let known = drafts.iter().position(|draft| draft.name.value() == name.value());
            let at = known.unwrap_or(drafts.len());
            if known.is_none() {
                check_name(&name, "index", faults);
                drafts.push(IndexDraft { name, scope, partition: Vec::new(), sort: Vec::new(), holds: None });
            }
            let draft = &mut drafts[at];
            if draft.scope != scope {
                faults.say(span, "an index is global or local");
                continue;
            }
            let part = |position| DraftPart { field, position, span };
            match place {
                Place::Global(Role::Partition, position) => draft.partition.push(part(position)),
                Place::Global(Role::Sort, position) => draft.sort.push(part(position)),
                Place::Local => draft.sort.push(part(None)),
            }
            let is_here = |part: &&DraftPart| part.field == field;
            if draft.partition.iter().chain(&draft.sort).filter(is_here).count() > 1 {
                faults.say(span, "a field is one part of an index's key");
            }
            if holds.is_some() && draft.holds.is_some() {
                faults.say(span, "what the index holds is said twice");
            }
            draft.holds = holds.or(draft.holds.take());
        }
    }
    for (scope, most, fault) in [
        (Scope::Global, GLOBAL_INDEXES_MAX, "a table has at most 20 global indexes"),
        (Scope::Local, LOCAL_INDEXES_MAX, "a table has at most 5 local indexes"),
    ] {
        if let Some(draft) = drafts.iter().filter(|draft| draft.scope == scope).nth(most) {
            faults.say(draft.name.span(), fault);
        }
    }
    drafts.into_iter().filter_map(|draft| index(fields, table, draft, faults)).collect()
}

/// One part of an index's key, in the order that its fields say.
fn in_order(mut parts: Vec<DraftPart>, scope: Scope, called: &str, faults: &mut Faults) -> Vec<usize> {
    let count = parts.len();
    parts.sort_by_key(|part| part.position);
    for (part, at) in parts.iter().zip(1..) {
        match part.position {
            None if count > 1 && scope == Scope::Local => {
                faults.say(part.span, "one field orders a local index");
            }
            None if count > 1 => {
                let fault = format!(
                    "the index has several {called} keys: which comes first? `{called}_key = 1`, `{called}_key = 2`"
                );
                faults.say(part.span, fault);
            }
            Some(position) if position != at => {
                let fault = format!("the {called} keys of an index are numbered from 1, each number once");
                faults.say(part.span, fault);
            }
            _ => {}
        }
    }
    parts.into_iter().map(|part| part.field).collect()
}

/// The key of a local index: the partition is the table's.
fn check_local(
    table: Option<KeyParts>,
    name: &LitStr,
    sort: &[usize],
    faults: &mut Faults,
) -> Option<Vec<usize>> {
    let KeyParts { partition, sort: table_sort } = table?;
    match (table_sort, sort) {
        (None, _) => faults.say(name.span(), "only a table with a sort key has local indexes"),
        (Some(table_sort), [sort]) if *sort == table_sort => {
            faults.say(name.span(), "the table itself is in this order");
        }
        (_, [sort]) if *sort == partition => {
            faults.say(name.span(), "all items of a partition have this field in common");
        }
        _ => {}
    }
    Some(vec![partition])
}

fn index(
    fields: &[Field<'_>],
    table: Option<KeyParts>,
    draft: IndexDraft,
    faults: &mut Faults,
) -> Option<Index> {
    let IndexDraft { name, scope, partition, sort, holds } = draft;
    if partition.is_empty() && scope == Scope::Global {
        let fault =
            format!("which field chooses the partition? `index(name = {:?}, partition_key)`", name.value());
        faults.say(name.span(), fault);
    }
    let sort = in_order(sort, scope, "sort", faults);
    let partition = match scope {
        Scope::Global => in_order(partition, scope, "partition", faults),
        Scope::Local => check_local(table, &name, &sort, faults)?,
    };
    let holds = match holds {
        None => IndexHolds::Everything,
        Some(Holds::Keys) => IndexHolds::Keys,
        Some(Holds::Fields(names)) => {
            let mut positions = Vec::new();
            for name in names {
                match fields.iter().position(|field| *field.name == name) {
                    Some(position) => positions.push(position),
                    None => faults.say(name.span(), "no attribute has this name: it is the name of a field"),
                }
            }
            IndexHolds::Fields(positions)
        }
    };
    let constant = constant(&names::constant(&name.value()), name.span(), faults);
    Some(Index { name, constant, scope, key: IndexKey { partition, sort }, holds })
}

/// Refuses a name that no table and no index has.
fn check_name(name: &LitStr, of: &str, faults: &mut Faults) {
    let value = name.value();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if !(3..=255).contains(&value.len()) || !value.bytes().all(allowed) {
        let fault = format!(
            "the name of a{} {of} has 3 to 255 characters of a-z, A-Z, 0-9, `_`, `.` and `-`",
            if of == "index" { "n" } else { "" }
        );
        faults.say(name.span(), fault);
    }
}

/// The only field that has a role.
fn single(roles: impl Iterator<Item = Option<Span>>, what: &str, faults: &mut Faults) -> Option<usize> {
    let mut single = None;
    for (field, span) in roles.enumerate() {
        let Some(span) = span else { continue };
        if single.is_some() {
            faults.say(span, format_args!("another field {what} already"));
        }
        single = Some(field);
    }
    single
}

fn constant(name: &str, span: Span, faults: &mut Faults) -> Ident {
    if let Ok(mut constant) = syn::parse_str::<Ident>(name) {
        constant.set_span(span);
        return constant;
    }
    faults.say(span, format_args!("`{name}` is no name of a constant"));
    Ident::new("_", span)
}

fn check_constants(fields: &[Field<'_>], indexes: &[Index], faults: &mut Faults) {
    let mut seen = HashMap::new();
    let of_fields = fields.iter().map(|field| (&field.constant, field.name.to_string()));
    for (constant, called) in
        of_fields.chain(indexes.iter().map(|index| (&index.constant, index.name.value())))
    {
        if let Some(earlier) = seen.insert(constant.to_string(), called.clone()) {
            let fault =
                format!("the constants for `{earlier}` and `{called}` would both be called `{constant}`");
            faults.say(constant.span(), fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::TokenStream;
    use quote::quote;

    /// What is said of a struct with these fields.
    fn faults_of_struct(input: TokenStream) -> Vec<String> {
        let input: DeriveInput = syn::parse2(input).expect("Rust");
        let error = Model::new(&input).err();
        error.into_iter().flatten().map(|fault| fault.to_string()).collect()
    }

    fn faults(fields: &TokenStream) -> Vec<String> {
        faults_of_struct(quote!(
            #[pixii(table = "Notes")]
            struct Note { #fields }
        ))
    }

    /// Checks that one thing is wrong beside a right key.
    #[track_caller]
    fn check(fields: &TokenStream, expected: &str) {
        assert_eq!(faults(&quote!(#[pixii(partition_key)] id: u64, #fields)), [expected]);
    }

    #[test]
    fn a_struct_that_fits_together_is_an_entity() {
        let fields = quote! {
            #[pixii(partition_key, index(name = "ByOwner", sort_key))]
            id: u64,
            #[serde(rename(serialize = "the owner", deserialize = "the owner"), default = "nobody")]
            #[pixii(index(name = "ByOwner", partition_key, include(text)), index(name = "Owners", partition_key, keys_only))]
            owner: String,
            #[serde(skip_serializing_if = "Option::is_none", bound(serialize = ""))]
            #[pixii(ttl)]
            text: Option<String>,
            #[pixii(version)]
            edits: u32,
        };
        assert_eq!(faults(&fields), [""; 0]);
    }

    #[test]
    fn a_table_has_one_partition_key_and_at_most_one_sort_key() {
        assert_eq!(
            faults(&quote!(id: u64)),
            ["which field chooses the partition? `#[pixii(partition_key)]`"]
        );
        check(&quote!(#[pixii(partition_key)] other: u64), "the table has a partition key already");
        let two = quote!(#[pixii(sort_key)] first: u64, #[pixii(sort_key)] second: u64);
        check(&two, "the table has a sort key already");
        let both = quote!(#[pixii(partition_key, sort_key)] id: u64);
        assert_eq!(faults(&both), ["a field is one part of the key"]);
    }

    #[test]
    fn an_index_has_a_name_and_one_partition_key() {
        check(
            &quote!(#[pixii(index(name = "ByX", sort_key))] a: u64),
            "which field chooses the partition? `index(name = \"ByX\", partition_key)`",
        );
        check(&quote!(#[pixii(index(partition_key))] a: u64), "which index? `index(name = \"…\", …)`");
        check(
            &quote!(#[pixii(index(name = "ByX"))] a: u64),
            "which part of the index's key? `partition_key` or `sort_key`",
        );
        let two = quote! {
            #[pixii(index(name = "ByX", partition_key))] a: u64,
            #[pixii(index(name = "ByX", partition_key))] b: u64
        };
        let several = "the index has several partition keys: which comes first? `partition_key = 1`, `partition_key = 2`";
        let said = faults(&quote!(#[pixii(partition_key)] id: u64, #two));
        assert_eq!(said, [several, several]);
        check(
            &quote!(#[pixii(index(name = "ByX", partition_key), index(name = "ByX", sort_key))] a: u64),
            "a field is one part of an index's key",
        );
        let twice = quote! {
            #[pixii(index(name = "ByX", partition_key, keys_only))] a: u64,
            #[pixii(index(name = "ByX", sort_key, include(a)))] b: u64
        };
        check(&twice, "what the index holds is said twice");
        check(
            &quote!(#[pixii(index(name = "ByX", partition_key, include(nobody)))] a: u64),
            "no attribute has this name: it is the name of a field",
        );
        let nothing = quote! {
            #[pixii(partition_key)] id: u64,
            #[pixii(index(name = "ByX", partition_key, include()))] a: u64
        };
        assert_eq!(faults(&nothing).len(), 1);
    }

    #[test]
    fn an_index_over_several_fields_says_their_order() {
        let fits = quote! {
            #[pixii(partition_key)] id: u64,
            #[pixii(index(name = "ByAll", partition_key = 2))] b: u64,
            #[pixii(index(name = "ByAll", partition_key = 1))] a: u64,
            #[pixii(index(name = "ByAll", sort_key = 1))] c: u64
        };
        assert_eq!(faults(&fits), [""; 0]);
        let numbered = "the partition keys of an index are numbered from 1, each number once";
        check(&quote!(#[pixii(index(name = "ByAll", partition_key = 2))] a: u64), numbered);
        let twice = quote! {
            #[pixii(index(name = "ByAll", partition_key = 1))] a: u64,
            #[pixii(index(name = "ByAll", partition_key = 1))] b: u64
        };
        check(&twice, numbered);
        for position in [quote!(0), quote!(5)] {
            check(
                &quote!(#[pixii(index(name = "ByAll", partition_key = #position))] a: u64),
                "an index has up to four partition keys and up to four sort keys, numbered from 1",
            );
        }
    }

    #[test]
    fn a_local_index_is_another_order_of_the_tables_partitions() {
        let with_sort = |fields: TokenStream| {
            faults(&quote!(#[pixii(partition_key)] id: u64, #[pixii(sort_key)] at: u64, #fields))
        };
        assert_eq!(
            with_sort(quote!(#[pixii(local_index(name = "ByDay", include(note)))] day: u64, note: String)),
            [""; 0]
        );
        check(
            &quote!(#[pixii(local_index(name = "ByDay"))] day: u64),
            "only a table with a sort key has local indexes",
        );
        let two = quote! {
            #[pixii(local_index(name = "ByDay"))] a: u64,
            #[pixii(local_index(name = "ByDay"))] b: u64
        };
        assert_eq!(with_sort(two), ["one field orders a local index"; 2]);
        let mixed = quote! {
            #[pixii(local_index(name = "ByDay"))] a: u64,
            #[pixii(index(name = "ByDay", partition_key))] b: u64
        };
        assert_eq!(with_sort(mixed), ["an index is global or local"]);
        assert_eq!(
            with_sort(quote!(#[pixii(local_index(name = "ByDay", partition_key))] day: u64)),
            [
                "a local index has `name = \"…\"`, and `keys_only` or `include(field, …)`: its partition key is the \
              table's, and this field orders it"
            ]
        );
        let of_key = quote! {
            #[pixii(partition_key, local_index(name = "ById"))] id: u64,
            #[pixii(sort_key, local_index(name = "ByAt"))] at: u64
        };
        assert_eq!(
            faults(&of_key),
            ["all items of a partition have this field in common", "the table itself is in this order"]
        );
        let many: TokenStream = (0..6)
            .map(|at| {
                let (field, index) = (quote::format_ident!("f{at}"), format!("By{at}"));
                quote!(#[pixii(local_index(name = #index))] #field: u64,)
            })
            .collect();
        assert_eq!(with_sort(many), ["a table has at most 5 local indexes"]);
    }

    #[test]
    fn a_version_is_a_number_of_its_own() {
        check(
            &quote!(#[pixii(index(name = "ByVersion", partition_key), version)] a: u64),
            "a version changes with every write: it is no key",
        );
        check(
            &quote!(#[pixii(ttl, version)] a: u64),
            "a version counts, and does not say when an item expires",
        );
        check(
            &quote!(#[serde(with = "as_text")] #[pixii(version)] a: u64),
            "a version is stored as the number that it is, and serde makes something else of it",
        );
    }

    #[test]
    fn names_are_ones_that_tables_and_indexes_can_have() {
        let fault = |of: &str| {
            format!("the name of a{of} has 3 to 255 characters of a-z, A-Z, 0-9, `_`, `.` and `-`")
        };
        check(&quote!(#[pixii(index(name = "By", partition_key))] a: u64), &fault("n index"));
        assert_eq!(
            faults_of_struct(quote!(
                #[pixii(table = "my notes")]
                struct Note {
                    #[pixii(partition_key)]
                    id: u64,
                }
            )),
            [fault(" table")]
        );
    }

    #[test]
    fn a_key_is_an_attribute_that_is_always_there() {
        let no_attribute = "serde leaves this field out, or flattens it: it is no attribute";
        for told in [quote!(skip), quote!(skip_serializing), quote!(flatten)] {
            check(&quote!(#[serde(#told)] #[pixii(ttl)] at: u64), no_attribute);
        }
        check(
            &quote!(#[serde(skip_serializing_if = "f")] #[pixii(sort_key)] at: u64),
            "an item always has its key, and serde may leave this field out",
        );
        let fault = &faults(&quote! {
            #[pixii(partition_key)] id: u64,
            #[pixii(index(name = "ByX", partition_key))] a: std::option::Option<u64>
        })[0];
        assert!(fault.starts_with("serde stores `None` as NULL, which is no key"), "{fault}");
    }

    #[test]
    fn a_role_is_given_once_and_to_who_can_have_it() {
        check(
            &quote!(#[pixii(ttl)] a: u64, #[pixii(ttl)] b: u64),
            "another field says when an item expires already",
        );
        check(
            &quote!(#[pixii(version)] a: u64, #[pixii(version)] b: u64),
            "another field counts the versions already",
        );
        check(&quote!(#[pixii(ttl, ttl)] a: u64), "this is said twice");
        check(&quote!(#[pixii(key_type = Number)] a: u64), "this field is in no key");
        check(
            &quote!(#[pixii(sort_key, key_type = Bool)] a: u64),
            "a key is a `String`, a `Number` or a `Binary`",
        );
        check(
            &quote!(#[pixii(hash_key)] a: u64),
            "a field has `partition_key`, `sort_key`, `index(…)`, `local_index(…)`, `key_type = …`, `ttl` and `version`",
        );
    }

    #[test]
    fn constants_have_different_names() {
        check(
            &quote!(#[pixii(index(name = "ById", partition_key))] a: u64, by_id: u64),
            "the constants for `by_id` and `ById` would both be called `BY_ID`",
        );
    }

    #[test]
    fn an_entity_is_one_struct_whose_fields_are_its_attributes() {
        let fields = quote!(#[pixii(partition_key)] id: u64);
        let named = "an entity is a struct with named fields";
        assert_eq!(
            faults_of_struct(quote!(
                #[pixii(table = "Notes")]
                enum Note {
                    A,
                }
            )),
            [named]
        );
        assert_eq!(
            faults_of_struct(quote!(
                #[pixii(table = "Notes")]
                struct Note(u64);
            )),
            [named]
        );
        assert_eq!(
            faults_of_struct(quote!(struct Note { #fields })),
            ["which table? `#[pixii(table = \"…\")]`"]
        );
        assert_eq!(
            faults_of_struct(quote!(#[pixii(table = "Notes")] struct Note<T> { #fields, t: T })),
            ["an entity has no parameters: it is one type, and owns its data"]
        );
        assert_eq!(
            faults_of_struct(quote!(#[pixii(table = "Notes")] #[serde(into = "X")] struct Note { #fields })),
            ["an entity's fields are its attributes, which `into` changes"]
        );
        check(
            &quote!(#[serde(rename(serialize = "b"))] a: u64),
            "an attribute has one name, both when it is written and when it is read",
        );
    }
}
