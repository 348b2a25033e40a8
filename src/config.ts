/** Configuration from the environment, parsed once by the composition roots in bin/ and handed down as values. */

import path from 'node:path';
import { z } from 'zod';
import type { DeviceChoice, EngineChoice } from './domain/trainer.ts';
import { StartupError } from './errors.ts';

const port = z.coerce.number().int().min(0).max(65535);
const bytes = z.coerce.number().int().positive();

const environment = z.object({
  /** Folder of the embedded database, blobs and caches. */
  RUNGRAPH_HOME: z.string().min(1).default('.rungraph'),
  /** A PostgreSQL of your own; unset: the embedded one in RUNGRAPH_HOME. */
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgresql://')
    .optional(),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.default(4000),
  ENGINE: z.enum(['auto', 'tensorflow', 'onnxruntime']).default('auto'),
  DEVICE: z.enum(['auto', 'cuda', 'webgpu', 'cpu']).default('auto'),
  /** Compute threads of one trainer; 0: one per core. */
  RUNGRAPH_THREADS: z.coerce.number().int().min(0).default(0),
  /** Bytes of decoded images kept on disk. */
  RUNGRAPH_CACHE_BYTES: bytes.default(10 * 2 ** 30),
  RUNGRAPH_LOG: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** Every variable that is read. */
export const environmentVariables: readonly string[] = Object.keys(environment.shape);

export interface Config {
  /** Absolute. */
  readonly home: string;
  readonly databaseUrl: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly engine: EngineChoice;
  readonly device: DeviceChoice;
  readonly threads: number;
  readonly cacheLimitBytes: number;
  readonly logLevel: string;
}

/** Reads the configuration; every wrong variable is named in one StartupError. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new StartupError(`The environment is not usable:\n${lines.join('\n')}`);
  }
  const e = parsed.data;
  return {
    home: path.resolve(e.RUNGRAPH_HOME),
    databaseUrl: e.DATABASE_URL,
    host: e.HOST,
    port: e.PORT,
    engine: e.ENGINE,
    device: e.DEVICE,
    threads: e.RUNGRAPH_THREADS,
    cacheLimitBytes: e.RUNGRAPH_CACHE_BYTES,
    logLevel: e.RUNGRAPH_LOG,
  };
}
