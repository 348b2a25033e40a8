/** The variables of the environment: what each may be, and what it is where it is not given. */

import path from 'node:path';
import { z } from 'zod';
import { isBlockedPort } from './domain/blockedPorts.ts';
import { parseHostRule } from './domain/hostRule.ts';
import { parseLimits } from './domain/limits.ts';
import { isNetwork } from './domain/network.ts';

const port = z.coerce.number().int().min(0).max(65535);
const browsersPort = port.refine((number) => !isBlockedPort(number), {
  message: 'is a port that browsers refuse, for it is that of another protocol; choose another one, such as 4000',
});
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

export const publicHub = 'https://huggingface.co';

/** As PATH: absolute, or relative to where the process was started. */
const folders = z.string().transform((value) =>
  value
    .split(path.delimiter)
    .filter((folder) => folder.trim() !== '')
    .map((folder) => path.resolve(folder)),
);

export const environment = z.object({
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
  /** Bytes of all uploads that wait to be imported; unset: ten times RUNGRAPH_UPLOAD_BYTES. */
  RUNGRAPH_UPLOADS_BYTES: bytes.optional(),
  /** Bytes that one archive may unpack to. */
  RUNGRAPH_UNPACKED_BYTES: bytes.default(40 * 2 ** 30),
  /** A PostgreSQL of your own; unset: the embedded one in RUNGRAPH_HOME. */
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgresql://')
    .optional(),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: browsersPort.default(4000),
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
