#!/usr/bin/env node
/**
 * Stands in for Prisma's native schema engine, which the CLI would download: the same arguments, the same JSON-RPC over
 * stdin and stdout, answered by the WebAssembly engine of src/db. prisma.config.ts points the CLI here.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { register } from 'tsx/esm/api';

register();
const { connectionOptions, databaseName, withDatabase } = await import('../../src/db/connection.ts');
const { lastPanic, openSchemaEngine } = await import('../../src/db/schemaEngine.ts');

const argv = process.argv.slice(2);
const valuesOf = (flag) => argv.flatMap((argument, i) => (argument === flag ? [argv[i + 1]] : []));
const url = JSON.parse(valuesOf('--datasource')[0] ?? '{}').url ?? process.env.DATABASE_URL;

if (argv.includes('--version') || argv.includes('-V')) {
  console.log('schema-engine-cli wasm');
} else if (argv.includes('cli')) {
  process.exitCode = await runCommand(argv.at(-1));
} else {
  await serve();
  process.exit(0); // pools of the engine may still be open
}

/** `can-connect-to-database` and `create-database`: exit status 0 or 1, the error as a log line that the CLI parses. */
async function runCommand(command) {
  const creating = command === 'create-database';
  const { schema: _, ...options } = connectionOptions(creating ? withDatabase(url, 'postgres') : url);
  const client = new pg.Client(options);
  try {
    await client.connect();
    if (creating) await client.query(`create database ${pg.escapeIdentifier(databaseName(url))}`);
    await client.end();
    return 0;
  } catch (error) {
    const [code, message] =
      error.code === '3D000'
        ? ['P1003', `Database \`${databaseName(url)}\` does not exist`]
        : [error.code === '28P01' ? 'P1000' : 'P1001', error.message || String(error.code)];
    const lines = [
      { level: 'INFO', target: 'schema_engine', fields: { message: 'start' } },
      { level: 'ERROR', target: 'schema_engine::logger', fields: { message, error_code: code } },
    ];
    for (const line of lines) process.stderr.write(`${JSON.stringify(line)}\n`);
    return 1;
  }
}

/** Answers one JSON-RPC request per line until stdin ends. */
async function serve() {
  const datamodels = valuesOf('--datamodels').map((file) => [file, readFileSync(file, 'utf8')]);
  const log = (line) => process.stderr.write(`${String(line).trim()}\n`);
  const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  let opening;
  let printed = 0;
  let current;
  const fail = (id, error) => {
    const message = lastPanic() || error?.message || String(error);
    send({
      id,
      error: { code: 4466, message, data: { is_panic: false, message, error_code: error?.code, meta: null } },
    });
  };
  // Every request gets an answer: without one the CLI would end with status 0 and no word.
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, (error) => fail(current, error));

  for await (const line of createInterface({ input: process.stdin })) {
    if (!line.trim()) continue;
    const { id, method, params } = JSON.parse(line);
    if (method === undefined) continue; // the CLI's reply to our `print`
    current = id;
    try {
      opening ??= openSchemaEngine(url, datamodels, log);
      const { engine } = await opening;
      const result = (await engine[method === 'getDatabaseVersion' ? 'version' : method](params)) ?? {};
      if (method === 'diff' && typeof result.stdout === 'string') {
        send({ id: `print-${++printed}`, method: 'print', params: { content: result.stdout } });
        delete result.stdout;
      }
      send({ id, result });
    } catch (error) {
      fail(id, error);
    }
  }
}
