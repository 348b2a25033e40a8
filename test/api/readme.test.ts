import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { environmentVariables } from '../../src/environment.ts';
import { createSchema } from '../../src/graphql/schema.ts';

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
const schema = createSchema();

describe('every operation of the README', () => {
  const blocks = [...readme.matchAll(/^```graphql\n(.*?)^```/gms)].map(([, text]) => text!);
  const named = blocks.map((text) => [/^(?:query|mutation|subscription) (\w+)/.exec(text)?.[1] ?? text, text] as const);

  test('is there: starting a run, following it, the leaderboard, an ensemble', () => {
    const text = blocks.join('');
    for (const field of ['startRun', 'runEvents', 'leaderboard', 'createEnsemble']) expect(text).toContain(field);
  });

  test.each(named)('%s is an operation of the schema', (_, text) => {
    expect(validate(schema, parse(text))).toEqual([]);
  });
});

const daysOf = (days: number | null) => String(days ?? 'for good');

test('the README has a row for every environment variable, with its default, and for no other', () => {
  const rows = [...readme.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \|([^|]*)\|/gm)];
  const listed = rows.flatMap(([, names]) => [...names!.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
  expect(listed.sort()).toEqual([...environmentVariables].sort());

  const config = readConfig({});
  const defaults = Object.fromEntries(rows.map(([, names, text]) => [names!.replaceAll('`', ''), text!.trim()]));
  expect(defaults).toEqual({
    RUNGRAPH_HOME: `\`${path.basename(config.home)}\``,
    RUNGRAPH_BLOBS: `\`$RUNGRAPH_HOME/${config.blobs.kind === 'folder' && path.relative(config.home, config.blobs.path)}\``,
    DATABASE_URL: config.databaseUrl ?? '',
    'HOST, PORT': `\`${config.host}\`, \`${config.port}\``,
    RUNGRAPH_WORKER_PORT: config.workerPort === undefined ? '' : String(config.workerPort),
    RUNGRAPH_DRAIN_DELAY: `\`${config.drainDelayMs / 1000}\``,
    RUNGRAPH_AUTH: config.access.authenticated ? '`keys`' : '`off`',
    RUNGRAPH_ALLOWED_HOSTS: config.access.allowedHosts.join(),
    RUNGRAPH_CORS_ORIGINS: config.access.corsOrigins.join(),
    RUNGRAPH_TRUST_PROXY: config.access.trustedProxies.join(),
    RUNGRAPH_LIMITS: Object.keys(config.limits).join(),
    RUNGRAPH_INTROSPECTION: config.introspection ? '`1`' : '`0`',
    RUNGRAPH_OUTGOING_HOSTS: `\`${config.hub.hosts
      .slice(1)
      .map(({ host }) => `*.${host}`)
      .join()}\``,
    RUNGRAPH_API_KEY: config.apiKey ?? '',
    RUNGRAPH_DATA_ROOTS: `${config.dataRoots ?? 'any'}; with \`RUNGRAPH_AUTH=keys\` \`$RUNGRAPH_HOME/${path.relative(
      config.home,
      readConfig({ RUNGRAPH_AUTH: 'keys' }).dataRoots!.join(),
    )}\``,
    RUNGRAPH_WEIGHTS_ROOTS: config.weightsRoots === config.dataRoots ? 'as `RUNGRAPH_DATA_ROOTS`' : '',
    RUNGRAPH_UPLOAD_BYTES: `${config.uploadLimitBytes / 2 ** 30} GiB`,
    RUNGRAPH_UPLOADS_BYTES: `${config.uploadsLimitBytes / config.uploadLimitBytes} × \`RUNGRAPH_UPLOAD_BYTES\``,
    RUNGRAPH_UNPACKED_BYTES: `${config.unpackedLimitBytes / 2 ** 30} GiB`,
    RUNGRAPH_KEEP_DETAILS_DAYS: daysOf(config.retention.detailsDays),
    RUNGRAPH_KEEP_CHECKPOINTS_DAYS: daysOf(config.retention.checkpointsDays),
    RUNGRAPH_KEEP_AUDIT_DAYS: daysOf(config.retention.auditDays),
    RUNGRAPH_KEEP_IDEMPOTENCY_DAYS: daysOf(config.retention.idempotencyDays),
    RUNGRAPH_KEEP_WORKERS_DAYS: daysOf(config.retention.workersDays),
    ENGINE: `\`${config.engine}\``,
    DEVICE: `\`${config.device}\``,
    RUNGRAPH_THREADS: `\`${config.threads}\``,
    RUNGRAPH_MEMORY_BYTES: '',
    RUNGRAPH_CACHE_BYTES: `${config.cacheLimitBytes / 2 ** 30} GiB`,
    HF_ENDPOINT: `\`${config.hub.endpoint}\``,
    HF_TOKEN: config.hub.token ?? '',
    HF_TOKEN_PATH: `\`$HF_HOME/${path.basename(config.hub.tokenFile)}\``,
    HF_HOME: `\`${path.dirname(config.hub.cacheDirectory).replace(os.homedir(), '~')}\``,
    HF_HUB_CACHE: `\`$HF_HOME/${path.basename(config.hub.cacheDirectory)}\``,
    HF_HUB_OFFLINE: config.hub.offline ? '`1`' : '',
    XDG_CACHE_HOME: `\`${path.dirname(path.dirname(config.hub.cacheDirectory)).replace(os.homedir(), '~')}\``,
    RUNGRAPH_LOG: `\`${config.logLevel}\``,
  });
});
