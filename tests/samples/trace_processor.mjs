// Loads a trace into Perfetto's trace processor (its WebAssembly build) and answers SQL queries as JSON.
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

const [folder, trace, ...queries] = process.argv.slice(2);
const { EngineBase } = await import(pathToFileURL(path.join(folder, "engine.mjs")).href);

// The glue is made for a browser's worker: it gets what it looks for there, and the module's bytes at once.
globalThis.self ??= globalThis;
globalThis.WorkerGlobalScope = function WorkerGlobalScope() {};
globalThis.location = { href: pathToFileURL(folder).href + "/" };
globalThis.engineBytes = new Uint8Array(readFileSync(path.join(folder, "trace_processor.wasm")));
let glue = readFileSync(path.join(folder, "engine_bundle.node.js"), "utf8");
for (const [from, to] of [
  ["this.useMemory64 = hasMemory64Support();", "this.useMemory64 = false;"],
  ["locateFile: (s) => s,", "locateFile: (s) => s, wasmBinary: globalThis.engineBytes,"],
  ["const wasmBridge = new wasm_bridge_1.WasmBridge();", "const wasmBridge = globalThis.engineBridge = new wasm_bridge_1.WasmBridge();"],
]) {
  if (!glue.includes(from)) throw new Error(`not found in the glue: ${from}`);
  glue = glue.replace(from, to);
}
console.warn = () => {};
vm.runInThisContext(glue);

const { port1, port2 } = new MessageChannel();
globalThis.engineBridge.initialize(port1);

class Engine extends EngineBase {
  mode = "WASM";
  id = "test";
  rpcSendRequestBytes(data) { port2.postMessage(data); }
}
const engine = new Engine();
port2.onmessage = (message) => engine.onRpcResponseBytes(message.data);

const bytes = new Uint8Array(readFileSync(trace));
for (let at = 0; at < bytes.length; at += 32 << 20) await engine.parse(bytes.subarray(at, at + (32 << 20)));
await engine.notifyEof();

const answers = [];
for (const query of queries) {
  const result = await engine.query(query);
  const columns = result.columns();
  const rows = [];
  for (const row = result.iter({}); row.valid(); row.next()) rows.push(columns.map((name) => row.get(name)));
  answers.push(rows);
}
process.stdout.write(JSON.stringify(answers, (_, value) => (typeof value === "bigint" ? Number(value) : value)));
process.exit(0);
