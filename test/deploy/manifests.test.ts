/** What can be checked of compose.yaml and deploy/kubernetes without Docker and a cluster: that they speak of programs, variables, ports and paths that exist. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { environmentVariables } from '../../src/environment.ts';

const kubernetes = 'deploy/kubernetes';
const read = (file: string) => readFileSync(file, 'utf8');

interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: string[];
  readonly env?: { name: string; valueFrom?: { secretKeyRef?: { key: string } } }[];
  readonly ports: { name?: string; containerPort: number }[];
  readonly readinessProbe: { httpGet?: { path: string; port: string } };
  readonly livenessProbe?: { httpGet: { path: string; port: string } };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Record<string, string>;
  readonly stringData?: Record<string, string>;
  readonly spec?: {
    readonly selector?: { readonly app?: string; readonly matchLabels?: { readonly app: string } };
    readonly template?: {
      readonly metadata: { readonly labels: { app: string } };
      readonly spec: { readonly containers: Container[]; readonly terminationGracePeriodSeconds: number };
    };
  };
}

const files = readdirSync(kubernetes).filter((name) => name.endsWith('.yaml'));
const manifests = files
  .filter((name) => name !== 'kustomization.yaml')
  .flatMap((name) => parseAllDocuments(read(`${kubernetes}/${name}`)).map((document) => document.toJS() as Manifest));
const named = (kind: string, name: string) =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)!;
const rungraphs = manifests
  .filter(({ kind }) => kind === 'Deployment')
  .map((manifest) => ({ name: manifest.metadata.name, ...manifest.spec!.template!.spec }));

/** Variables of the server's and the worker's own, and those that the S3 client reads. */
const known = new Set([
  ...environmentVariables,
  'AWS_REGION',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
]);

function programOf(command: readonly string[]): string {
  expect(command.slice(0, 3)).toEqual(['node', '--import', 'tsx']);
  expect(existsSync(command[3]!)).toBe(true);
  return command[3]!;
}

describe('Kubernetes manifests', () => {
  test('the kustomization names every file that is there', () => {
    const { resources } = parse(read(`${kubernetes}/kustomization.yaml`)) as { resources: string[] };
    expect([...resources].sort()).toEqual(
      files.filter((name) => !['kustomization.yaml', 'secrets.example.yaml'].includes(name)).sort(),
    );
  });

  test('every variable is one that the programs read', () => {
    for (const name of Object.keys(named('ConfigMap', 'rungraph').data!)) expect(known).toContain(name);
    for (const { containers } of rungraphs)
      for (const { env = [] } of containers) for (const { name } of env) expect(known).toContain(name);
  });

  test('every secret that is asked for is in the example', () => {
    const secrets = Object.keys(named('Secret', 'rungraph').stringData!);
    const asked = manifests
      .flatMap((manifest) => manifest.spec?.template?.spec.containers ?? [])
      .flatMap(({ env = [] }) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.key ?? []));
    expect(asked.length).toBeGreaterThan(5);
    for (const key of asked) expect(secrets).toContain(key);
  });

  test('what is open to a network asks for keys', () => {
    const { HOST, RUNGRAPH_AUTH } = named('ConfigMap', 'rungraph').data!;
    expect({ HOST, RUNGRAPH_AUTH }).toEqual({ HOST: '0.0.0.0', RUNGRAPH_AUTH: 'keys' });
  });

  test.each(rungraphs)('$name runs a program of ours, asked at its own port, with time to stop', (deployment) => {
    const { containers, terminationGracePeriodSeconds } = deployment;
    const [container] = containers;
    const { command, ports, env = [], readinessProbe, livenessProbe } = container!;
    const program = programOf(command!);
    const isServer = program.endsWith('server.ts');
    expect(ports).toEqual([{ name: 'http', containerPort: isServer ? 4000 : 4001 }]);
    if (!isServer) expect(env).toContainEqual({ name: 'RUNGRAPH_WORKER_PORT', value: '4001' });
    expect(readinessProbe.httpGet).toMatchObject({ path: '/readyz', port: 'http' });
    expect(livenessProbe!.httpGet).toMatchObject({ path: '/healthz', port: 'http' });
    const drainDelay = Number(named('ConfigMap', 'rungraph').data!.RUNGRAPH_DRAIN_DELAY);
    expect(terminationGracePeriodSeconds).toBeGreaterThan(isServer ? drainDelay + 15 : 60);
  });

  test('services, budgets and deployments select pods that exist', () => {
    const apps = manifests.flatMap((manifest) => manifest.spec?.template?.metadata.labels.app ?? []);
    const selected = manifests.flatMap(({ spec }) => spec?.selector?.app ?? spec?.selector?.matchLabels?.app ?? []);
    expect(selected.length).toBeGreaterThan(6);
    for (const app of selected) expect(apps).toContain(app);
  });

  test('the GPU worker asks for a GPU', () => {
    expect(read(`${kubernetes}/worker-gpu.yaml`).match(/nvidia\.com\/gpu: 1/g)).toHaveLength(2);
  });
});

describe('compose.yaml', () => {
  interface Service {
    readonly command?: string[];
    readonly environment: Record<string, string>;
    readonly ports?: string[];
    readonly volumes: string[];
    readonly stop_grace_period?: string;
    readonly healthcheck: { test: string[] };
    readonly build?: string | { dockerfile: string };
  }
  const text = read('compose.yaml');
  const { services, volumes } = parse(text, { merge: true }) as {
    services: Record<string, Service>;
    volumes: Record<string, null>;
  };
  const ours = Object.entries(services).filter(([name]) => name !== 'postgres');

  test.each(ours)('%s runs a program of ours with variables that it reads', (_name, service) => {
    const program = programOf(service.command!);
    for (const name of Object.keys(service.environment)) expect(known).toContain(name);
    expect(service.environment.RUNGRAPH_AUTH).toBe('keys');
    const port = program.endsWith('server.ts') ? 4000 : Number(service.environment.RUNGRAPH_WORKER_PORT);
    expect(service.healthcheck.test.join(' ')).toContain(`127.0.0.1:${port}/readyz`);
    const dockerfile = typeof service.build === 'object' ? service.build.dockerfile : 'Dockerfile';
    expect(existsSync(dockerfile)).toBe(true);
    expect(read(dockerfile)).toContain('/var/lib/rungraph-blobs');
  });

  test('every named volume is declared, and only loopback is published', () => {
    for (const service of Object.values(services)) {
      for (const volume of service.volumes)
        if (/^\w+:/.test(volume)) expect(Object.keys(volumes)).toContain(volume.split(':')[0]);
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  test('the password of the database is asked for, not invented', () => {
    expect(text).toMatch(/POSTGRES_PASSWORD: \$\{POSTGRES_PASSWORD:\?/);
  });
});
