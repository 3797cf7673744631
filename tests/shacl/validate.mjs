// The second SHACL engine (rdf-validate-shacl). `node validate.mjs SHAPES.jsonld` reads addresses of N-Triples files from
// standard input, one a line, and answers each with one line of JSON: {conforms, results: [{focus, path, value, component}]}.
import { createReadStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { JsonLdParser } from "jsonld-streaming-parser";
import { Parser, Store } from "n3";
import SHACLValidator from "rdf-validate-shacl";

async function shapes(path) {
  const quads = new Store();
  const parser = new JsonLdParser({ baseIRI: "urn:x-shapes:" });
  for await (const quad of createReadStream(path).pipe(parser)) quads.add(quad);
  return quads;
}

function data(path) {
  return new Store(new Parser({ format: "N-Triples" }).parse(readFileSync(path, "utf8")));
}

const term = (value) => (value ? value.value : "");
const validator = new SHACLValidator(await shapes(process.argv[2]));

for await (const line of createInterface({ input: process.stdin })) {
  const report = await validator.validate(data(line.trim()));
  const results = report.results.map((found) => ({
    focus: term(found.focusNode),
    path: term(found.path),
    value: term(found.value),
    component: term(found.sourceConstraintComponent),
  }));
  console.log(JSON.stringify({ conforms: report.conforms, results }));
}
