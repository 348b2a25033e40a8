/** The import rules of ARCHITECTURE.md: what each folder may import of ours, besides domain, config, errors, log, makeFolder and version. */
const layers = {
  domain: [],
  db: ['generated', 'locks'],
  // one process at a time: files, process ids
  locks: [],
  // which files may be read, and where those of archives are
  files: ['locks'],
  archives: [],
  // ensembles is arithmetic without imports; a prediction set is stored with its score
  store: ['db', 'generated', 'ensembles'],
  queue: ['db'],
  events: ['db', 'store'],
  blobs: [],
  // numbers of a process for Prometheus
  metrics: ['db', 'queue'],
  hub: ['locks', 'outgoing'],
  outgoing: [],
  commands: ['store', 'queue', 'events', 'blobs', 'db', 'ensembles', 'archives', 'files'],
  backup: ['blobs', 'db', 'store'],
  datasets: ['vision'],
  vision: [],
  engine: [],
  models: ['engine', 'blobs'],
  learner: ['engine', 'models', 'vision', 'ensembles', 'blobs'],
  worker: [
    'blobs',
    'commands',
    'store',
    'queue',
    'events',
    'db',
    'datasets',
    'engine',
    'hub',
    'locks',
    'metrics',
    'archives',
    'files',
  ],
  ensembles: [],
  graphql: ['commands', 'store', 'events', 'generated'],
  server: ['graphql', 'commands', 'db', 'queue', 'metrics', 'events', 'blobs', 'store', 'vision', 'files'],
};

/** The same for the dashboard, besides routes.ts. */
const clientLayers = {
  generated: [],
  api: ['generated'],
  // pure rules that several views share
  domain: [],
  format: [],
  ui: ['format'],
  charts: ['ui', 'format'],
  // pieces of several views that know the API
  parts: ['api', 'generated', 'domain', 'format', 'ui', 'charts'],
  // views know each other by their links alone
  pages: ['api', 'generated', 'domain', 'format', 'ui', 'charts', 'parts'],
  app: ['api', 'generated', 'format', 'ui', 'parts', 'pages'],
  // the page to log in with, apart from all others
  login: [],
};

const shared = '^src/(domain/|(config|errors|log|makeFolder|version)\\.ts)';

export default {
  forbidden: [
    // Generated code has cycles of types, within itself and through the GraphQL context and mappers.
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { pathNot: '^src/generated/' } },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { path: '^(node:|node_modules/(?!zod))', pathNot: 'node_modules/zod', dependencyTypesNot: ['core'] },
    },
    ...Object.entries(layers).map(([folder, allowed]) => ({
      name: `${folder}-imports`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: [shared, `^src/(${[folder, ...allowed].join('|')})/`] },
    })),
    ...Object.entries(clientLayers).map(([folder, allowed]) => ({
      name: `client-${folder}-imports`,
      severity: 'error',
      from: { path: `^client/src/${folder}/` },
      to: {
        path: '^(client/)?src/',
        pathNot: ['^client/src/routes\\.ts', `^client/src/(${[folder, ...allowed].join('|')})/`],
      },
    })),
    {
      name: 'pages-know-links-not-each-other',
      severity: 'error',
      from: { path: '^client/src/pages/([^/]+)/' },
      to: { path: '^client/src/pages/', pathNot: '^client/src/pages/$1/' },
    },
    {
      name: 'trainers-read-tensor-files-not-stores',
      severity: 'error',
      from: { path: '^src/(models|learner)/' },
      to: { path: '^src/blobs/(blobStore|blobCache|localStore|s3Store)' },
    },
    {
      name: 'generated-prisma-is-for-db-and-store',
      severity: 'error',
      from: { path: '^src/(commands|graphql|worker|server|learner)/' },
      to: { path: '^src/generated/prisma' },
    },
    {
      name: 'trainer-libraries',
      severity: 'error',
      from: { path: '^src/(?!engine|models|learner|bin)' },
      to: { path: 'node_modules/(@tensorflow|onnxruntime)' },
    },
    {
      name: 'sharp-lives-in-vision-and-datasets',
      severity: 'error',
      from: { path: '^src/(?!vision|datasets|bin)' },
      to: { path: 'node_modules/sharp' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '^src/generated/(?!prisma|graphql)|^client/dist' },
    doNotFollow: { path: 'node_modules' },
  },
};
