//! What serde is told about a struct and its fields, as far as it decides the names and values that are stored.

use crate::names::Case;
use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parse;
use syn::{Attribute, ExprPath, LitStr, Result, Token, parenthesized};

/// Of the struct.
#[derive(Default)]
pub(crate) struct SerdeContainer {
    pub(crate) rename_all: Option<Case>,
}

/// Of a field.
#[derive(Default)]
pub(crate) struct SerdeField {
    pub(crate) rename: Option<String>,
    /// Whether serde leaves the field out, or puts its parts in its place: then it is no attribute.
    pub(crate) is_no_attribute: bool,
    /// Whether the field is left out sometimes.
    pub(crate) is_skipped_if: bool,
    /// The function that serialises it.
    pub(crate) serialize_with: Option<ExprPath>,
}

impl SerdeContainer {
    pub(crate) fn new(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        each(attributes, |meta| {
            if meta.path.is_ident("rename_all") {
                if let Some(name) = both_ways(&meta)? {
                    let unknown = || syn::Error::new(name.span(), "serde knows no such case");
                    container.rename_all = Some(Case::from_name(&name.value()).ok_or_else(unknown)?);
                }
                return Ok(());
            }
            for shape in ["into", "transparent", "remote"] {
                if meta.path.is_ident(shape) {
                    let fault = format!("an entity's fields are its attributes, which `{shape}` changes");
                    return Err(meta.error(fault));
                }
            }
            skip_value(&meta)
        })?;
        Ok(container)
    }
}

impl SerdeField {
    pub(crate) fn new(attributes: &[Attribute]) -> Result<Self> {
        let mut field = Self::default();
        each(attributes, |meta| {
            let path = &meta.path;
            if path.is_ident("rename") {
                field.rename = both_ways(&meta)?.map(|name| name.value());
            } else if path.is_ident("with") {
                let module = function(&meta)?;
                field.serialize_with = Some(syn::parse_quote!(#module::serialize));
            } else if path.is_ident("serialize_with") {
                field.serialize_with = Some(function(&meta)?);
            } else if path.is_ident("skip") || path.is_ident("skip_serializing") || path.is_ident("flatten") {
                field.is_no_attribute = true;
            } else {
                field.is_skipped_if |= path.is_ident("skip_serializing_if");
                skip_value(&meta)?;
            }
            Ok(())
        })?;
        Ok(field)
    }
}

/// Calls back with each part of the `#[serde(…)]`s.
fn each(attributes: &[Attribute], mut part: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    let attributes = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
    attributes.into_iter().try_for_each(|attribute| attribute.parse_nested_meta(&mut part))
}

/// The text of `name = "…"`, or of `name(serialize = "…", deserialize = "…")`, which must be the same both ways.
fn both_ways(meta: &ParseNestedMeta<'_>) -> Result<Option<LitStr>> {
    if meta.input.peek(Token![=]) {
        return meta.value()?.parse().map(Some);
    }
    let (mut written, mut read) = (None, None);
    meta.parse_nested_meta(|way| {
        let name: LitStr = way.value()?.parse()?;
        if way.path.is_ident("serialize") {
            written = Some(name);
        } else {
            read = Some(name);
        }
        Ok(())
    })?;
    if written.as_ref().map(LitStr::value) != read.map(|name| name.value()) {
        return Err(meta.error("an attribute has one name, both when it is written and when it is read"));
    }
    Ok(written)
}

/// The path in `name = "path"`.
fn function(meta: &ParseNestedMeta<'_>) -> Result<ExprPath> {
    meta.value()?.parse::<LitStr>()?.parse_with(ExprPath::parse)
}

/// Steps over what the struct's attributes do not depend on.
fn skip_value(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<LitStr>().map(drop)
    } else if meta.input.peek(syn::token::Paren) {
        let content;
        parenthesized!(content in meta.input);
        content.parse::<TokenStream>().map(drop)
    } else {
        Ok(())
    }
}
