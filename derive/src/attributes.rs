//! What `#[pixii(…)]` says of a struct and its fields, part by part.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Ident, LitInt, LitStr, Path, Result, Token};

/// Most attributes of each part of a global index's key.
const KEY_ATTRIBUTES_MAX: usize = 4;

/// Of the struct.
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) table: Option<LitStr>,
    pub(crate) library: Option<Path>,
}

/// Which part of a key a field is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Partition,
    Sort,
}

/// What an index holds beside the keys.
pub(crate) enum Holds {
    Keys,
    Fields(Vec<Ident>),
}

/// That a field is a part of an index's key.
pub(crate) struct IndexPart {
    pub(crate) name: LitStr,
    pub(crate) place: Place,
    pub(crate) holds: Option<Holds>,
    pub(crate) span: Span,
}

/// Which part of an index's key a field is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Of a global index: the part, and which of several, from 1, if that is said.
    Global(Role, Option<usize>),
    /// Of a local index: what orders it.
    Local,
}

/// Of a field.
#[derive(Default)]
pub(crate) struct FieldParts {
    /// As which part of the table's key, and where that is said.
    pub(crate) keys: Vec<(Role, Span)>,
    pub(crate) indexes: Vec<IndexPart>,
    pub(crate) key_type: Option<Ident>,
    pub(crate) ttl: Option<Span>,
    pub(crate) version: Option<Span>,
}

impl Container {
    pub(crate) fn new(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        each(attributes, |meta| {
            if meta.path.is_ident("table") {
                once(&meta, &mut container.table, meta.value()?.parse()?)
            } else if meta.path.is_ident("crate") {
                once(&meta, &mut container.library, meta.value()?.call(Path::parse_mod_style)?)
            } else {
                Err(meta.error("a struct has `table = \"…\"` and `crate = path`"))
            }
        })?;
        Ok(container)
    }
}

impl FieldParts {
    pub(crate) fn new(attributes: &[Attribute]) -> Result<Self> {
        let mut parts = Self::default();
        each(attributes, |meta| {
            let (path, span) = (&meta.path, meta.path.span());
            if let Some(role) = role(path) {
                parts.keys.push((role, span));
            } else if path.is_ident("index") {
                parts.indexes.push(index_part(&meta)?);
            } else if path.is_ident("local_index") {
                parts.indexes.push(local_index_part(&meta)?);
            } else if path.is_ident("key_type") {
                let key_type: Ident = meta.value()?.parse()?;
                if !["String", "Number", "Binary"].iter().any(|known| key_type == known) {
                    let fault = "a key is a `String`, a `Number` or a `Binary`";
                    return Err(syn::Error::new(key_type.span(), fault));
                }
                return once(&meta, &mut parts.key_type, key_type);
            } else if path.is_ident("ttl") {
                return once(&meta, &mut parts.ttl, span);
            } else if path.is_ident("version") {
                return once(&meta, &mut parts.version, span);
            } else {
                return Err(meta.error(
                    "a field has `partition_key`, `sort_key`, `index(…)`, `local_index(…)`, `key_type = …`, `ttl` and \
                     `version`",
                ));
            }
            Ok(())
        })?;
        Ok(parts)
    }
}

fn role(path: &Path) -> Option<Role> {
    if path.is_ident("partition_key") {
        Some(Role::Partition)
    } else if path.is_ident("sort_key") {
        Some(Role::Sort)
    } else {
        None
    }
}

/// What stands in `index(…)`.
fn index_part(meta: &ParseNestedMeta<'_>) -> Result<IndexPart> {
    let (mut name, mut place, mut holds) = (None, None, None);
    meta.parse_nested_meta(|part| {
        if let Some(role) = role(&part.path) {
            once(&part, &mut place, Place::Global(role, position(&part)?))
        } else if is_name_or_holds(&part, &mut name, &mut holds)? {
            Ok(())
        } else {
            Err(part.error(
                "an index has `name = \"…\"`, `partition_key` or `sort_key`, and `keys_only` or `include(field, …)`",
            ))
        }
    })?;
    let name = name.ok_or_else(|| meta.error("which index? `index(name = \"…\", …)`"))?;
    let place =
        place.ok_or_else(|| meta.error("which part of the index's key? `partition_key` or `sort_key`"))?;
    Ok(IndexPart { name, place, holds, span: meta.path.span() })
}

/// What stands in `local_index(…)`.
fn local_index_part(meta: &ParseNestedMeta<'_>) -> Result<IndexPart> {
    let (mut name, mut holds) = (None, None);
    meta.parse_nested_meta(|part| {
        if is_name_or_holds(&part, &mut name, &mut holds)? {
            Ok(())
        } else {
            Err(part.error(
                "a local index has `name = \"…\"`, and `keys_only` or `include(field, …)`: its partition key is the \
                 table's, and this field orders it",
            ))
        }
    })?;
    let name = name.ok_or_else(|| meta.error("which index? `local_index(name = \"…\", …)`"))?;
    Ok(IndexPart { name, place: Place::Local, holds, span: meta.path.span() })
}

/// Takes in the name of an index, or what it holds; says whether it was one of these.
fn is_name_or_holds(
    part: &ParseNestedMeta<'_>,
    name: &mut Option<LitStr>,
    holds: &mut Option<Holds>,
) -> Result<bool> {
    if part.path.is_ident("name") {
        once(part, name, part.value()?.parse::<LitStr>()?)?;
    } else if part.path.is_ident("keys_only") {
        once(part, holds, Holds::Keys)?;
    } else if part.path.is_ident("include") {
        let mut fields = Vec::new();
        part.parse_nested_meta(|field| {
            fields.push(field.path.require_ident()?.clone());
            Ok(())
        })?;
        once(part, holds, Holds::Fields(fields))?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// The number in `partition_key = 2`, if there is one.
fn position(part: &ParseNestedMeta<'_>) -> Result<Option<usize>> {
    if !part.input.peek(Token![=]) {
        return Ok(None);
    }
    let position: LitInt = part.value()?.parse()?;
    match position.base10_parse() {
        Ok(at @ 1..=KEY_ATTRIBUTES_MAX) => Ok(Some(at)),
        _ => Err(syn::Error::new(
            position.span(),
            "an index has up to four partition keys and up to four sort keys, numbered from 1",
        )),
    }
}

/// Calls back with each part of the `#[pixii(…)]`s.
fn each(attributes: &[Attribute], mut part: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    let attributes = attributes.iter().filter(|attribute| attribute.path().is_ident("pixii"));
    attributes.into_iter().try_for_each(|attribute| attribute.parse_nested_meta(&mut part))
}

fn once<T>(meta: &ParseNestedMeta<'_>, place: &mut Option<T>, value: T) -> Result<()> {
    if place.is_some() {
        return Err(meta.error("this is said twice"));
    }
    *place = Some(value);
    Ok(())
}
