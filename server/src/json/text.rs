//! The pieces of JSON text that both forms are written with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Appends a JSON string.
pub(crate) fn write_string(text: &str, line: &mut Vec<u8>) {
    serde_json::to_writer(line, text).expect("memory takes every string");
}

/// Appends bytes as a JSON string of base64.
pub(crate) fn write_binary(bytes: &[u8], line: &mut Vec<u8>) {
    // No letter of base64 is escaped in JSON.
    line.push(b'"');
    line.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    line.push(b'"');
}

/// The bytes that `text` is the base64 of: with padding, and no bits left over.
pub(crate) fn read_binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Appends a JSON array of what `write` appends for each element.
pub(crate) fn write_array<T>(
    elements: impl IntoIterator<Item = T>,
    line: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    line.push(b'[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            line.push(b',');
        }
        write(element, line);
    }
    line.push(b']');
}

/// Appends a JSON object of what `write` appends for each value.
pub(crate) fn write_object<N: AsRef<str>, T>(
    members: impl IntoIterator<Item = (N, T)>,
    line: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    line.push(b'{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            line.push(b',');
        }
        write_string(name.as_ref(), line);
        line.push(b':');
        write(value, line);
    }
    line.push(b'}');
}

/// What a JSON value is called in messages.
pub(crate) fn kind(json: &serde_json::Value) -> &'static str {
    match json {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a string",
        serde_json::Value::Array(_) => "an array",
        serde_json::Value::Object(_) => "an object",
    }
}
