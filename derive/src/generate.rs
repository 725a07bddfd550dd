//! The code of an entity.

use crate::model::{Field, Index, IndexHolds, KeyParts, Model, Scope};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

/// The constants of the struct, and its `Entity`.
pub(crate) fn entity(model: &Model<'_>) -> TokenStream {
    let Model { name, library, table, .. } = model;
    let attributes = model.fields.iter().map(|field| attribute(model, field));
    let indexes = model.indexes.iter().map(|index| index_constant(model, index));
    let key_type = key_attributes_type(model, model.key);
    let key_attributes = key_attributes(model, model.key);
    let special = special_attributes(model);
    let key_values = key_values(model);
    let definition = definition(model);
    quote! {
        #[automatically_derived]
        #[allow(dead_code)]
        impl #name {
            #(#attributes)*
            #(#indexes)*
        }

        #[automatically_derived]
        impl #library::Entity for #name {
            const TABLE: &'static str = #table;
            type Key = #key_type;
            const KEY: <Self as #library::Entity>::Key = #key_attributes;
            #special

            fn schema() -> #library::TableSchemaBuilder {
                #library::TableSchema::builder(#table) #definition
            }

            fn key(&self) -> ::core::result::Result<#library::Key, #library::SerdeError> {
                #key_values
            }
        }
    }
}

/// The constant of a field.
fn attribute(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let library = &model.library;
    let Field { constant, visibility, stored_type, attribute, .. } = field;
    let made = match &field.serialize_with {
        None => quote!(#library::Attribute::new(#attribute)),
        Some(serialize) => quote! {
            #library::Attribute::encoded_by(#attribute, |value| {
                #library::to_value_with(|serializer| #serialize(value, serializer))
            })
        },
    };
    let documents = format!("The attribute `{attribute}`.");
    quote! {
        #[doc = #documents]
        #visibility const #constant: #library::Attribute<#stored_type> = #made;
    }
}

/// The constant of an index.
fn index_constant(model: &Model<'_>, index: &Index) -> TokenStream {
    let library = &model.library;
    let Index { name, constant, scope, key, .. } = index;
    let asked_by = match scope {
        Scope::Global => &key.partition,
        Scope::Local => &key.sort,
    };
    let visibility = asked_by.first().map(|field| model.fields[*field].visibility);
    let (key_type, attributes) = match (&key.partition[..], &key.sort[..]) {
        ([_], [] | [_]) => {
            let key = KeyParts { partition: key.partition[0], sort: key.sort.first().copied() };
            (key_attributes_type(model, key), key_attributes(model, key))
        }
        (partition, sort) => {
            let (partition_type, partition) = several(model, partition);
            let (sort_type, sort) = several(model, sort);
            (
                quote!(#library::CompositeKey<#partition_type, #sort_type>),
                quote!(#library::CompositeKey::new(#partition, #sort)),
            )
        }
    };
    let documents = format!("The index `{}`.", name.value());
    quote! {
        #[doc = #documents]
        #visibility const #constant: #library::EntityIndex<Self, #key_type> =
            #library::EntityIndex::new(#name, #attributes);
    }
}

/// The type and the value of several attributes: a tuple, but one stands by itself.
fn several(model: &Model<'_>, fields: &[usize]) -> (TokenStream, TokenStream) {
    let types = fields.iter().map(|field| attribute_type(model, *field));
    let constants = fields.iter().map(|field| &model.fields[*field].constant);
    if fields.len() == 1 {
        (quote!(#(#types)*), quote!(#(Self::#constants)*))
    } else {
        (quote!((#(#types),*)), quote!((#(Self::#constants),*)))
    }
}

fn attribute_type(model: &Model<'_>, field: usize) -> TokenStream {
    let (library, stored_type) = (&model.library, model.fields[field].stored_type);
    quote!(#library::Attribute<#stored_type>)
}

fn key_attributes_type(model: &Model<'_>, key: KeyParts) -> TokenStream {
    let partition = attribute_type(model, key.partition);
    match key.sort.map(|sort| attribute_type(model, sort)) {
        None => partition,
        Some(sort) => quote!((#partition, #sort)),
    }
}

fn key_attributes(model: &Model<'_>, key: KeyParts) -> TokenStream {
    let constant = |field: usize| &model.fields[field].constant;
    let partition = constant(key.partition);
    match key.sort.map(constant) {
        None => quote!(Self::#partition),
        Some(sort) => quote!((Self::#partition, Self::#sort)),
    }
}

/// The attributes that expire an item and count its versions, whose types are asserted.
fn special_attributes(model: &Model<'_>) -> TokenStream {
    let library = &model.library;
    let special = |field: Option<usize>, constant: TokenStream, bound: TokenStream| {
        field.map(|field| {
            let Field { attribute, stored_type, .. } = &model.fields[field];
            let asserted = quote_spanned!(stored_type.span()=> asserted::<#stored_type>());
            quote! {
                const #constant: ::core::option::Option<&'static str> = {
                    const fn asserted<T: #library::#bound>() {}
                    #asserted;
                    ::core::option::Option::Some(#attribute)
                };
            }
        })
    };
    let ttl = special(model.ttl, quote!(TTL_ATTRIBUTE), quote!(ExpiryField));
    let version = special(model.version, quote!(VERSION_ATTRIBUTE), quote!(VersionField));
    let counting = model.version.map(|field| {
        let name = model.fields[field].name;
        quote! {
            fn version(&self) -> ::core::option::Option<#library::EntityVersion> {
                ::core::option::Option::Some(#library::EntityVersion::of(&self.#name))
            }

            fn advance_version(&mut self) {
                if let ::core::option::Option::Some(next) = #library::VersionField::next(&self.#name) {
                    self.#name = next;
                }
            }
        }
    });
    quote!(#ttl #version #counting)
}

/// The calls that define the table.
fn definition(model: &Model<'_>) -> TokenStream {
    let library = &model.library;
    let KeyParts { partition, sort } = model.key;
    let of_table = key_definition(model, &[partition], sort.as_slice(), &quote!(KeyField));
    let indexes = model.indexes.iter().map(|index| {
        let (name, bound) = (&index.name, quote!(IndexKeyField));
        let (method, builder, partition) = match index.scope {
            Scope::Global => (quote!(global_index), quote!(GlobalIndex), &index.key.partition[..]),
            // The partition key is the table's.
            Scope::Local => (quote!(local_index), quote!(LocalIndex), &[][..]),
        };
        let key = key_definition(model, partition, &index.key.sort, &bound);
        let projection = match &index.holds {
            IndexHolds::Everything => None,
            IndexHolds::Keys => Some(quote!(#library::Projection::KeysOnly)),
            IndexHolds::Fields(fields) => {
                let names = fields.iter().map(|field| &model.fields[*field].attribute);
                Some(quote!(#library::Projection::include([#(#names),*])))
            }
        };
        let projection = projection.map(|projection| quote!(.projection(#projection)));
        quote!(.#method(#library::#builder::builder(#name) #key #projection))
    });
    quote!(#of_table #(#indexes)*)
}

fn key_definition(
    model: &Model<'_>,
    partition: &[usize],
    sort: &[usize],
    bound: &TokenStream,
) -> TokenStream {
    let library = &model.library;
    let part = |field: &usize, method: TokenStream| {
        let Field { attribute, stored_type, key_type, .. } = &model.fields[*field];
        let of_type = || quote_spanned!(stored_type.span()=> <#stored_type as #library::#bound>::KEY_TYPE);
        let key_type = key_type.as_ref().map_or_else(of_type, |said| quote!(#library::KeyType::#said));
        quote!(.#method(#attribute, #key_type))
    };
    let partition = partition.iter().map(|field| part(field, quote!(partition_key)));
    let sort = sort.iter().map(|field| part(field, quote!(sort_key)));
    quote!(#(#partition)* #(#sort)*)
}

/// The body of `key`.
fn key_values(model: &Model<'_>) -> TokenStream {
    let library = &model.library;
    let value = |field: usize| {
        let Field { name, constant, .. } = &model.fields[field];
        quote!(Self::#constant.encode(&self.#name)?)
    };
    let partition = value(model.key.partition);
    let sort = match model.key.sort.map(value) {
        None => quote!(::core::option::Option::None),
        Some(sort) => quote!(::core::option::Option::Some(#sort)),
    };
    quote!(::core::result::Result::Ok(#library::Key::Values { partition: #partition, sort: #sort }))
}
