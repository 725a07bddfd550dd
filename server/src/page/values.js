// Attribute values, as DynamoDB's JSON has them.

/** A value in a cell. */
export function shown(value) {
  if (value === undefined) return "";
  const [type, content] = Object.entries(value)[0] ?? [];
  switch (type) {
    case "S": return content;
    case "N": return content;
    case "BOOL": return String(content);
    case "NULL": return "null";
    case "B": return `base64 ${content}`;
    case "L": return `[${content.map(inner).join(", ")}]`;
    case "M": return `{${Object.entries(content).map(([name, member]) => `${name}: ${inner(member)}`).join(", ")}}`;
    default: return `{${(content ?? []).map((member) => (type === "NS" ? member : JSON.stringify(member))).join(", ")}}`;
  }
}

const inner = (value) => ("S" in value ? JSON.stringify(value.S) : shown(value));

/** The value that somebody has typed for an attribute of a key. */
export const typed = (type, text) => ({ [type]: text });

/** The key of an item. */
export const keyOf = (item, schema) =>
  Object.fromEntries(schema.map(({ AttributeName }) => [AttributeName, item[AttributeName]]));

/** Whether two values are the same. */
export const same = (first, second) => JSON.stringify(first) === JSON.stringify(second);
