/** Configuration from the environment, parsed once by the composition roots in bin/ and handed down as values. */

import os from 'node:os';
import path from 'node:path';
import { type HostRule, hostRuleOf, parseHostRule } from './domain/hostRule.ts';
import type { Limits } from './domain/limits.ts';
import type { RetentionPolicy } from './domain/retention.ts';
import type { DeviceChoice, EngineChoice } from './domain/trainer.ts';
import { environment, publicHub } from './environment.ts';
import { StartupError } from './errors.ts';
import { datasetsOf } from './files/datasetFolders.ts';

/** Where the Hugging Face hub keeps large files. */
const hubStorage = ['*.huggingface.co', '*.hf.co'];

export interface Config {
  /** Absolute. */
  readonly home: string;
  readonly blobs: BlobPlace;
  /** Absolute folders below which requests may name data sets; null: any. */
  readonly dataRoots: readonly string[] | null;
  /** The same of weights. */
  readonly weightsRoots: readonly string[] | null;
  readonly uploadLimitBytes: number;
  readonly uploadsLimitBytes: number;
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
    uploadsLimitBytes: e.RUNGRAPH_UPLOADS_BYTES ?? 10 * e.RUNGRAPH_UPLOAD_BYTES,
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
