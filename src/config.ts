/** Configuration from the environment, parsed once by the composition roots in bin/ and handed down as values. */

import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { type HostRule, hostRuleOf, parseHostRule } from './domain/hostRule.ts';
import { type Limits, parseLimits } from './domain/limits.ts';
import { isNetwork } from './domain/network.ts';
import type { RetentionPolicy } from './domain/retention.ts';
import type { DeviceChoice, EngineChoice } from './domain/trainer.ts';
import { StartupError } from './errors.ts';
import { datasetsOf } from './files/datasetFolders.ts';

const port = z.coerce.number().int().min(0).max(65535);
const bytes = z.coerce.number().int().positive();
const days = z.coerce.number().positive().max(36_500);

/** A comma between items, spaces around them do not count. */
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

/** As the Hugging Face libraries read it. */
const flag = z.string().transform((value) => ['1', 'ON', 'YES', 'TRUE'].includes(value.toUpperCase()));

const hostName = z
  .string()
  .toLowerCase()
  .regex(/^(?:[\w-]+(?:\.[\w-]+)*|\[[\da-f:.]+\])$/, 'must be host names without a port, e.g. rungraph.example');

const origin = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:\/\//.test(text) && new URL(text).origin === text, {
    message: 'must be origins such as https://dashboard.example, without a path and without *',
  });

const network = z.string().refine(isNetwork, 'must be addresses or networks such as 10.0.0.0/8');

const hostPattern = z.string().refine((text) => parseHostRule(text) !== null, {
  message: 'must be host names, with a port where it is not the usual one, or patterns such as *.hf.co',
});

/** Where the Hugging Face hub keeps large files. */
const hubStorage = ['*.huggingface.co', '*.hf.co'];
const publicHub = 'https://huggingface.co';

/** As PATH: absolute, or relative to where the process was started. */
const folders = z.string().transform((value) =>
  value
    .split(path.delimiter)
    .filter((folder) => folder.trim() !== '')
    .map((folder) => path.resolve(folder)),
);

const environment = z.object({
  /** Folder of the embedded database, blobs and caches. */
  RUNGRAPH_HOME: z.string().min(1).default('.rungraph'),
  /** Where blobs are, which every server and worker of an installation must share: a folder or s3://bucket/prefix; unset: `blobs` in RUNGRAPH_HOME. */
  RUNGRAPH_BLOBS: z
    .string()
    .min(1)
    .refine((text) => !text.includes('://') || /^s3:\/\/[a-z0-9.-]{3,63}(\/[^/]+)*\/?$/.test(text), {
      message: 'must be a folder or s3://bucket/prefix',
    })
    .optional(),
  /** Folders below which a request may name data sets, separated as in PATH; unset: any while nobody is asked who he is, else RUNGRAPH_HOME/datasets. */
  RUNGRAPH_DATA_ROOTS: folders.optional(),
  /** The same of weights that a run names by path; unset: as RUNGRAPH_DATA_ROOTS. */
  RUNGRAPH_WEIGHTS_ROOTS: folders.optional(),
  /** Bytes of one upload. */
  RUNGRAPH_UPLOAD_BYTES: bytes.default(10 * 2 ** 30),
  /** Bytes that one archive may unpack to. */
  RUNGRAPH_UNPACKED_BYTES: bytes.default(40 * 2 ** 30),
  /** A PostgreSQL of your own; unset: the embedded one in RUNGRAPH_HOME. */
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgresql://')
    .optional(),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.default(4000),
  /** Port of a worker's /healthz, /readyz and /metrics, on HOST; unset: none. */
  RUNGRAPH_WORKER_PORT: port.optional(),
  /** Seconds for which a server that was told to stop still serves, but says that it is not ready, so that load balancers let go of it. */
  RUNGRAPH_DRAIN_DELAY: z.coerce.number().min(0).max(600).default(0),
  /** `keys`: every request needs an API key or a session that one has opened. `off`: nobody is asked, on loopback only. */
  RUNGRAPH_AUTH: z.enum(['off', 'keys']).default('off'),
  /** Names under which the server is reached, besides those of loopback. */
  RUNGRAPH_ALLOWED_HOSTS: list.pipe(z.array(hostName)).default([]),
  /** Origins whose pages may use the API from a browser. */
  RUNGRAPH_CORS_ORIGINS: list.pipe(z.array(origin)).default([]),
  /** Addresses and networks of reverse proxies, whose X-Forwarded headers are believed. */
  RUNGRAPH_TRUST_PROXY: list.pipe(z.array(network)).default([]),
  /** Limits that are not the usual ones: `cost=50000, writesPerMinute=60`. docs/security.md lists them. */
  RUNGRAPH_LIMITS: z
    .string()
    .transform((text, context) => {
      const { limits, problems } = parseLimits(text);
      for (const message of problems) context.addIssue({ code: 'custom', message });
      return limits;
    })
    .default({}),
  /** Whether clients that may read may ask for the schema, too, and have GraphiQL. */
  RUNGRAPH_INTROSPECTION: flag.default(true),
  /** Hosts that the worker may ask besides that of HF_ENDPOINT; `*.` stands for every name below one. */
  RUNGRAPH_OUTGOING_HOSTS: list.pipe(z.array(hostPattern)).optional(),
  /** API key with which `rungraph predict` and `demo` ask their server. */
  RUNGRAPH_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be one word')
    .optional(),
  ENGINE: z.enum(['auto', 'tensorflow', 'onnxruntime']).default('auto'),
  DEVICE: z.enum(['auto', 'cuda', 'webgpu', 'cpu']).default('auto'),
  /** Compute threads of one trainer; 0: one per core. */
  RUNGRAPH_THREADS: z.coerce.number().int().min(0).default(0),
  /** Resident memory of one trainer on a CPU, which is ended when it takes more; unset: what the machine can spare. */
  RUNGRAPH_MEMORY_BYTES: bytes.optional(),
  /** Bytes of decoded images kept on disk. */
  RUNGRAPH_CACHE_BYTES: bytes.default(10 * 2 ** 30),
  /** Days after the end of a run for which its events, log lines, memory samples and metric points are kept; unset: for good. */
  RUNGRAPH_KEEP_DETAILS_DAYS: days.optional(),
  /** Days after the end of a run for which its checkpoints are kept; unset: for good. */
  RUNGRAPH_KEEP_CHECKPOINTS_DAYS: days.optional(),
  /** Days for which entries of the audit log are kept; unset: for good. */
  RUNGRAPH_KEEP_AUDIT_DAYS: days.optional(),
  /** Days for which an idempotency key answers with what its first try made. */
  RUNGRAPH_KEEP_IDEMPOTENCY_DAYS: days.default(30),
  /** Days for which a worker that is not seen any more is remembered. */
  RUNGRAPH_KEEP_WORKERS_DAYS: days.default(30),
  /** The Hugging Face hub or a mirror of it, where pretrained weights come from. */
  HF_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .refine((url) => URL.canParse(url) && !new URL(url).username && !new URL(url).password, {
      message: 'must not hold a user name and password; HF_TOKEN is sent to it',
    })
    .default(publicHub),
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
  readonly blobs: BlobPlace;
  /** Absolute folders below which requests may name data sets; null: any. */
  readonly dataRoots: readonly string[] | null;
  /** The same of weights. */
  readonly weightsRoots: readonly string[] | null;
  readonly uploadLimitBytes: number;
  readonly unpackedLimitBytes: number;
  readonly databaseUrl: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Undefined: the worker has no port. */
  readonly workerPort: number | undefined;
  readonly drainDelayMs: number;
  readonly access: AccessConfig;
  /** Those that are not the usual ones. */
  readonly limits: Partial<Limits>;
  /** Whether who may read may ask for the schema and have GraphiQL. */
  readonly introspection: boolean;
  /** Secret: of the server that `predict` or `demo` asks. */
  readonly apiKey: string | undefined;
  readonly engine: EngineChoice;
  readonly device: DeviceChoice;
  readonly threads: number;
  /** Undefined: derived from the machine. */
  readonly memoryLimitBytes: number | undefined;
  readonly cacheLimitBytes: number;
  readonly retention: RetentionPolicy;
  readonly hub: HubConfig;
  readonly logLevel: string;
  /** The environment of trainers: what was given, without secrets. */
  readonly trainerEnvironment: Readonly<Record<string, string | undefined>>;
}

export interface AccessConfig {
  /** Whether every request needs an API key or a session; without, the server may listen on loopback only. */
  readonly authenticated: boolean;
  /** Names under which the server is reached, besides those of loopback. Lower case. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may use the API from a browser, e.g. `https://dashboard.example`. */
  readonly corsOrigins: readonly string[];
  /** Addresses and networks (`10.0.0.0/8`) of reverse proxies. */
  readonly trustedProxies: readonly string[];
}

/** A folder, absolute, or a bucket of an S3-compatible store, whose endpoint and keys are the standard AWS variables. */
export type BlobPlace =
  | { readonly kind: 'folder'; readonly path: string }
  /** `prefix` has no slash at either end and may be empty. */
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string };

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
  /** What may be asked: the endpoint, and where it redirects to. */
  readonly hosts: readonly HostRule[];
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
  const endpoint = e.HF_ENDPOINT.replace(/\/+$/, '');
  const huggingFace = e.HF_HOME ?? path.join(e.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'huggingface');
  const home = path.resolve(e.RUNGRAPH_HOME);
  const dataRoots = e.RUNGRAPH_DATA_ROOTS ?? (e.RUNGRAPH_AUTH === 'keys' ? [datasetsOf(home)] : null);
  return {
    home,
    blobs: blobPlaceOf(e.RUNGRAPH_BLOBS ?? path.join(e.RUNGRAPH_HOME, 'blobs')),
    dataRoots,
    weightsRoots: e.RUNGRAPH_WEIGHTS_ROOTS ?? dataRoots,
    uploadLimitBytes: e.RUNGRAPH_UPLOAD_BYTES,
    unpackedLimitBytes: e.RUNGRAPH_UNPACKED_BYTES,
    databaseUrl: e.DATABASE_URL,
    host: e.HOST,
    port: e.PORT,
    workerPort: e.RUNGRAPH_WORKER_PORT,
    drainDelayMs: 1000 * e.RUNGRAPH_DRAIN_DELAY,
    access: {
      authenticated: e.RUNGRAPH_AUTH === 'keys',
      allowedHosts: e.RUNGRAPH_ALLOWED_HOSTS,
      corsOrigins: e.RUNGRAPH_CORS_ORIGINS,
      trustedProxies: e.RUNGRAPH_TRUST_PROXY,
    },
    limits: e.RUNGRAPH_LIMITS,
    introspection: e.RUNGRAPH_INTROSPECTION,
    apiKey: e.RUNGRAPH_API_KEY,
    engine: e.ENGINE,
    device: e.DEVICE,
    threads: e.RUNGRAPH_THREADS,
    memoryLimitBytes: e.RUNGRAPH_MEMORY_BYTES,
    cacheLimitBytes: e.RUNGRAPH_CACHE_BYTES,
    retention: {
      detailsDays: e.RUNGRAPH_KEEP_DETAILS_DAYS ?? null,
      checkpointsDays: e.RUNGRAPH_KEEP_CHECKPOINTS_DAYS ?? null,
      auditDays: e.RUNGRAPH_KEEP_AUDIT_DAYS ?? null,
      idempotencyDays: e.RUNGRAPH_KEEP_IDEMPOTENCY_DAYS,
      workersDays: e.RUNGRAPH_KEEP_WORKERS_DAYS,
    },
    hub: {
      endpoint,
      token: e.HF_TOKEN,
      tokenFile: path.resolve(e.HF_TOKEN_PATH ?? path.join(huggingFace, 'token')),
      cacheDirectory: path.resolve(e.HF_HUB_CACHE ?? path.join(huggingFace, 'hub')),
      offline: e.HF_HUB_OFFLINE,
      hosts: outgoingHosts(endpoint, e.RUNGRAPH_OUTGOING_HOSTS),
    },
    logLevel: e.RUNGRAPH_LOG,
    trainerEnvironment: withoutSecrets(env),
  };
}

/** A host that is named in full by whoever runs the worker may be on a private network; others may not get there. */
function outgoingHosts(endpoint: string, listed: readonly string[] | undefined): HostRule[] {
  const own = { ...hostRuleOf(new URL(endpoint)), mayBePrivate: endpoint !== publicHub };
  const others = (listed ?? hubStorage).map((text) => parseHostRule(text)!);
  return [own, ...others.map((rule) => ({ ...rule, mayBePrivate: listed !== undefined && !rule.below }))];
}

/** Secrets of ours, all of which are in the configuration, and variables in which libraries look for theirs. */
const ownSecrets = /^(DATABASE_URL|HF_TOKEN|RUNGRAPH_API_KEY)$/;
const librarySecrets = /^(PG\w+|AWS_\w+|KAGGLE_\w+|HUGGING_FACE_HUB_TOKEN|NODE_AUTH_TOKEN|NPM_TOKEN)$/i;

/** Takes our secrets out of an environment that has been read, so that no process that this one starts inherits them. */
export function forgetSecrets(env: Record<string, string | undefined>): void {
  for (const name of Object.keys(env)) if (ownSecrets.test(name)) delete env[name];
}

/** What is left for a process that needs no secret at all. */
function withoutSecrets(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const harmless = Object.entries(env).filter(([name]) => !ownSecrets.test(name) && !librarySecrets.test(name));
  return Object.fromEntries(harmless);
}

function blobPlaceOf(given: string): BlobPlace {
  const s3 = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(given);
  return s3 ? { kind: 's3', bucket: s3[1]!, prefix: s3[2]! } : { kind: 'folder', path: path.resolve(given) };
}
