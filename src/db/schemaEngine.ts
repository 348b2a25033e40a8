/**
 * Prisma's schema engine as WebAssembly, from npm. The native engine is a download that may be out of reach, and the application
 * must apply its migrations without the `prisma` development package.
 */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { MigrationAdapter } from './migrationAdapter.ts';

export interface OpenSchemaEngine {
  readonly engine: bindings.SchemaEngine;
  /** Frees the engine and ends its connections. */
  close(): Promise<void>;
}

/** The part of the platform's WebAssembly used here; Node's types leave it to the DOM's. */
interface WebAssemblyLoader {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
}
const wasm = (globalThis as unknown as { WebAssembly: WebAssemblyLoader }).WebAssembly;

let loading: Promise<typeof bindings.SchemaEngine> | undefined;
let panic = '';

/** Text of the engine's last panic: its own exceptions only say "unreachable". */
export function lastPanic(): string {
  return panic;
}

/**
 * An engine on the database at `url`.
 * @param datamodels pairs of file name and Prisma schema text; needed to compare, not to apply
 * @param log receives the engine's log lines (JSON)
 */
export async function openSchemaEngine(
  url: string,
  datamodels: [string, string][] = [],
  log: (line: string) => void = () => {},
): Promise<OpenSchemaEngine> {
  loading ??= load();
  const Engine = await loading;
  const adapter = new MigrationAdapter(url);
  const engine = await Engine.new(
    { datamodels: datamodels.length ? datamodels : undefined },
    log,
    bindMigrationAwareSqlAdapterFactory(adapter),
  );
  return {
    engine,
    close: async () => {
      engine.free();
      await adapter.close();
    },
  };
}

async function load(): Promise<typeof bindings.SchemaEngine> {
  // The hook that the engine's panic handler calls.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message: (message: string) => {
        panic = message;
      },
    },
  });
  const file = createRequire(import.meta.url)
    .resolve('@prisma/schema-engine-wasm')
    .replace(/schema_engine\.js$/, 'schema_engine_bg.wasm');
  const { instance } = await wasm.instantiate(await readFile(file), { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return bindings.SchemaEngine;
}
