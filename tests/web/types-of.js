// Prints what `client.d.ts` says, as JSON, for a test that knows what it has to say:
// {"interfaces": {NAME: {FIELD: TYPE}}, "events": {TYPE: {FIELD: TYPE}}, "commands": …, "values": [NAME]}
// A field that may be left out ends with "?".

import { fileURLToPath } from "node:url";
import ts from "typescript";

const file = fileURLToPath(new URL("../../web/client.d.ts", import.meta.url));
const program = ts.createProgram([file], {
  strict: true, target: ts.ScriptTarget.ES2022, lib: ["lib.es2022.d.ts", "lib.dom.d.ts"], types: [],
});
const checker = program.getTypeChecker();
const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)));
const named = (name) => checker.getDeclaredTypeOfSymbol(exported.find((one) => one.name === name));

const text = (type) => checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation);

function fieldsOf(type) {
  return Object.fromEntries(type.getProperties().map((field) => {
    const isOptional = field.flags & ts.SymbolFlags.Optional;
    const whole = checker.getTypeOfSymbol(field);
    return [field.name + (isOptional ? "?" : ""), text(isOptional ? checker.getNonNullableType(whole) : whole)];
  }));
}

const table = (name) => Object.fromEntries(named(name).getProperties().map((one) =>
  [one.name, fieldsOf(checker.getTypeOfSymbol(one))]));

const interfaces = {};
for (const symbol of exported) {
  if (symbol.flags & ts.SymbolFlags.Interface) interfaces[symbol.name] = fieldsOf(named(symbol.name));
}
console.log(JSON.stringify({
  interfaces,
  events: table("EventData"),
  commands: table("Commands"),
  values: exported.filter(({ flags }) => flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Function)).map(({ name }) => name),
}));
