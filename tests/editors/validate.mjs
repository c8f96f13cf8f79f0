// Judges JSON documents with ajv, the validator of many editors and of JavaScript: prints whether each is valid.
// Usage: node validate.mjs MODULES SCHEMA < a JSON array of documents
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [modules, schemaFile] = process.argv.slice(2);
const require = createRequire(modules + "/");
const Ajv = require("ajv/dist/2020").default;
const ajv = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allErrors: true, validateFormats: false });
for (const word of ["enumDescriptions", "markdownEnumDescriptions", "markdownDescription"]) ajv.addKeyword(word);
const validate = ajv.compile(JSON.parse(readFileSync(schemaFile, "utf8")));
const documents = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(documents.map((document) => {
  const valid = validate(document);
  return valid ? [] : validate.errors.filter((error) => error.keyword !== "if").map((error) => `${error.instancePath} ${error.message}`);
})));
