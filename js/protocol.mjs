// Reads one JSON schema from stdin, writes its TypeScript types to stdout; scripts/protocol_types.py drives it.
import { compile } from "json-schema-to-typescript";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const schema = JSON.parse(Buffer.concat(chunks).toString("utf8"));

// The name of an interface is its key in $defs; the library takes it from the title.
for (const [name, definition] of Object.entries(schema.$defs)) definition.title = name;

const text = await compile(schema, "Protocol", {
  additionalProperties: false,
  bannerComment: "// Generated from _page/protocol.py by scripts/protocol_types.py. Don't edit.",
  format: true,
  ignoreMinAndMaxItems: true,
  style: { printWidth: 110 },
  unreachableDefinitions: true,
});
// The library adds an empty root, and a note to each type that only the root's $defs reach.
const root = /export interface Protocol \{[^}]*\}\n/;
const notes = /\n\/\*\*(?:(?!\*\/)[\s\S])*?via the `definition` "\w+"\.\n \*\//g;
process.stdout.write(text.replace(notes, "").replace(root, ""));
