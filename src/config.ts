/** Configuration from the environment, parsed once by the composition roots in bin/ and handed down as values. */

import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { DeviceChoice, EngineChoice } from './domain/trainer.ts';
import { StartupError } from './errors.ts';

const port = z.coerce.number().int().min(0).max(65535);
const bytes = z.coerce.number().int().positive();

/** As the Hugging Face libraries read it. */
const flag = z.string().transform((value) => ['1', 'ON', 'YES', 'TRUE'].includes(value.toUpperCase()));

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
  /** Resident memory of one trainer on a CPU, which is ended when it takes more; unset: what the machine can spare. */
  RUNGRAPH_MEMORY_BYTES: bytes.optional(),
  /** Bytes of decoded images kept on disk. */
  RUNGRAPH_CACHE_BYTES: bytes.default(10 * 2 ** 30),
  /** The Hugging Face hub or a mirror of it, where pretrained weights come from. */
  HF_ENDPOINT: z.url({ protocol: /^https?$/ }).default('https://huggingface.co'),
  /** Access token of the hub, for repositories that are not for everybody. */
  HF_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be one word')
    .optional(),
  /** File in which `huggingface-cli login` keeps a token, when it is elsewhere than in HF_HOME; it counts while HF_TOKEN is unset. */
  HF_TOKEN_PATH: z.string().min(1).optional(),
  /** Folder of the Hugging Face libraries, whose cache of downloads is shared. */
  HF_HOME: z.string().min(1).optional(),
  /** That cache, when it is elsewhere than in HF_HOME. */
  HF_HUB_CACHE: z.string().min(1).optional(),
  /** Take pretrained weights from the cache only. */
  HF_HUB_OFFLINE: flag.default(false),
  /** Folder of caches, in which HF_HOME lies unless it is set. */
  XDG_CACHE_HOME: z.string().min(1).optional(),
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
  /** Undefined: derived from the machine. */
  readonly memoryLimitBytes: number | undefined;
  readonly cacheLimitBytes: number;
  readonly hub: HubConfig;
  readonly logLevel: string;
}

export interface HubConfig {
  /** Without a slash at the end. */
  readonly endpoint: string;
  /** Secret: for requests to the endpoint only. */
  readonly token: string | undefined;
  /** Absolute path of the file that has the token where none is given, if it is there. */
  readonly tokenFile: string;
  /** Absolute. */
  readonly cacheDirectory: string;
  readonly offline: boolean;
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
  const huggingFace = e.HF_HOME ?? path.join(e.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'huggingface');
  return {
    home: path.resolve(e.RUNGRAPH_HOME),
    databaseUrl: e.DATABASE_URL,
    host: e.HOST,
    port: e.PORT,
    engine: e.ENGINE,
    device: e.DEVICE,
    threads: e.RUNGRAPH_THREADS,
    memoryLimitBytes: e.RUNGRAPH_MEMORY_BYTES,
    cacheLimitBytes: e.RUNGRAPH_CACHE_BYTES,
    hub: {
      endpoint: e.HF_ENDPOINT.replace(/\/+$/, ''),
      token: e.HF_TOKEN,
      tokenFile: path.resolve(e.HF_TOKEN_PATH ?? path.join(huggingFace, 'token')),
      cacheDirectory: path.resolve(e.HF_HUB_CACHE ?? path.join(huggingFace, 'hub')),
      offline: e.HF_HUB_OFFLINE,
    },
    logLevel: e.RUNGRAPH_LOG,
  };
}
