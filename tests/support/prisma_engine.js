#!/usr/bin/env node
// Stands in for the query engine that LiteLLM's database layer starts (PyPI's prisma 0.11.0), a program that is to be had
// from Prisma's own host alone. It is that engine compiled to WebAssembly, from npm's @prisma/client 5.17.0, since 5.4.2
// has none; this file only turns the GraphQL that Python speaks into the JSON that this build understands, and back.
const fs = require("fs");
const http = require("http");

if (process.argv.includes("--version")) {
  console.log("query-engine ac9d7041ed77bcc8a8dbd2ab6616b39013829574");
  process.exit();
}
const { bindAdapter } = require("@prisma/driver-adapter-utils");
const { PrismaPg } = require("@prisma/adapter-pg");
const { parse } = require("graphql");
const pg = require("pg");

const RUNTIME = "@prisma/client/runtime/query_engine_bg.postgresql";
const compiled = require(`${RUNTIME}.js`);
const wasm = new WebAssembly.Module(fs.readFileSync(require.resolve(`${RUNTIME}.js`).replace(/js$/, "wasm")));
compiled.__wbg_set_wasm(new WebAssembly.Instance(wasm, { "./query_engine_bg.js": compiled }).exports);

const NAMES = 1003, TEXTS = 1009; // Postgres's numbers for name[] and text[]
pg.types.setTypeParser(NAMES, pg.types.getTypeParser(TEXTS));
class Adapter extends PrismaPg {
  async performIO(query) { // adapter-pg 5.17.0 does not know name[], in which LiteLLM asks for the views there are
    const done = await super.performIO(query);
    for (const field of done.value?.fields ?? []) if (field.dataTypeID === NAMES) field.dataTypeID = TEXTS;
    return done;
  }
}
const datamodel = fs.readFileSync(process.env.PRISMA_DML_PATH, "utf8");
const engine = new compiled.QueryEngine(
  { datamodel, logLevel: "error", logQueries: false, ignoreEnvVarErrors: true, datasourceOverrides: {}, env: {} },
  (line) => console.error(line),
  bindAdapter(new Adapter(new pg.Pool({ connectionString: process.env.DATABASE_URL }))),
);
const TRACE = "{}";

// In GraphQL what goes into a column of JSON is a string like any other; in Prisma's JSON it has to be called that.
const models = [...datamodel.matchAll(/^model (\w+) \{([^]*?)^\}/gm)];
const jsonColumns = Object.fromEntries(
  models.map(([, model, body]) => [model, [...body.matchAll(/^\s*(\w+)\s+Json\b/gm)].map(([, column]) => column)]),
);
const ACTION =
  /^(find(?:Unique|First|Many)|(?:create|update|upsert|delete)(?:One|Many)|aggregate|groupBy|\w+Raw)(.*?)(OrThrow)?$/;
const named = (nodes, of) => Object.fromEntries(nodes.map((node) => [node.name.value, of(node)]));

function toJson(field) {
  const [, action, model, strict = ""] = ACTION.exec(field.name.value);
  const value = (node, column) => {
    switch (node.kind) {
      case "ObjectValue": return named(node.fields, (one) => value(one.value, one.name.value));
      case "ListValue": return node.values.map((one) => value(one));
      case "NullValue": return null;
      case "FloatValue": return Number(node.value);
      case "IntValue":
        return Number.isSafeInteger(+node.value) ? +node.value : { $type: "BigInt", value: node.value };
      case "StringValue":
        return jsonColumns[model]?.includes(column) ? { $type: "Json", value: node.value } : node.value;
      default: return node.value;
    }
  };
  const query = (of) => ({ arguments: named(of.arguments, (one) => value(one.value)), selection: selection(of) });
  const selection = (of) => named(of.selectionSet?.selections ?? [], (one) => (one.selectionSet ? query(one) : true));
  return { modelName: model || undefined, action: action + strict, query: query(field) };
}

const cell = (value, kind) => ({ prisma__type: value === null ? "null" : kind, prisma__value: value });
const cells = (row, { columns, types }) =>
  Object.fromEntries(
    row.map((value, index) => {
      const [kind, array] = types[index].split("-");
      return [columns[index], array && value ? cell(value.map((one) => cell(one, kind)), "array") : cell(value, kind)];
    }),
  );

function plain(found) {
  if (Array.isArray(found)) return found.map(plain);
  if (found === null || typeof found !== "object") return found;
  if ("$type" in found) return found.value;
  if (Array.isArray(found.rows)) return found.rows.map((row) => cells(row, found)); // of raw SQL, as 5.4.2 gave them
  return Object.fromEntries(Object.entries(found).map(([name, one]) => [name, plain(one)]));
}

async function answer({ query, batch, transaction }, id) {
  const fields = (batch ?? [{ query }]).map((one) => parse(one.query).definitions[0].selectionSet.selections[0]);
  const operations = fields.map(toJson);
  const asked = batch ? { batch: operations, transaction: transaction ? {} : undefined } : operations[0];
  const said = JSON.parse(await engine.query(JSON.stringify(asked), TRACE, id));
  const back = (one, index) =>
    one.data ? { data: { [fields[index].alias.value]: plain(Object.values(one.data)[0]) } } : one;
  return said.batchResult ? { batchResult: said.batchResult.map(back) } : back(said, 0);
}

async function serve(request) {
  let body = "";
  for await (const part of request) body += part;
  const [, place, id, end] = request.url.split("/");
  if (place === "status") return { status: "ok" };
  if (place !== "transaction") return answer(JSON.parse(body), request.headers["x-transaction-id"]);
  const done = id === "start" ? engine.startTransaction(body, TRACE) : engine[`${end}Transaction`](id, TRACE);
  return JSON.parse(await done);
}

const server = http.createServer(async (request, reply) => {
  const said = await serve(request).catch((error) => ({ errors: [{ error: String(error), user_facing_error: {} }] }));
  if (said.errors) console.error(`prisma_engine.js: ${request.url}: ${JSON.stringify(said.errors)}`);
  reply.setHeader("Content-Type", "application/json");
  reply.end(JSON.stringify(said));
});
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 1000); // ends with LiteLLM, however that ends
engine.connect(TRACE).then(() => server.listen(+process.argv[process.argv.indexOf("-p") + 1], "127.0.0.1"));
