/**
 * How the types of src/generated/graphql.ts are made from the SDL: resolvers receive and return rows of the store (mappers),
 * so a resolver exists only where a field is not a property of its row.
 */

/** GraphQL types whose value in the server is a row of the same name in src/store/<noun>.ts. */
const rows = {
  dataset: ['Dataset', 'Sample'],
  ensemble: ['Ensemble'],
  experiment: ['Experiment'],
  leaderboard: ['LeaderboardEntry'],
  memory: ['MemorySeries'],
  metric: ['MetricSeries', 'MetricSummary'],
  prediction: ['PredictionRow', 'PredictionSet'],
  probe: ['MemoryProbe', 'ProbeTrial'],
  run: ['Run'],
  attempt: ['Attempt'],
  submission: ['Submission'],
  sweep: ['Sweep'],
  worker: ['Device', 'DeviceProcess', 'Worker'],
};

const events = [
  'EpochCompleted',
  'LogLine',
  'MemorySampled',
  'MetricsLogged',
  'PredictionsStored',
  'RunEvent',
  'RunProgressed',
  'RunStatusChanged',
];

const config = {
  contextType: '../graphql/context.ts#Context',
  enumType: 'string-literal',
  enumsAsTypes: true,
  immutableTypes: true,
  useTypeImports: true,
  strictScalars: true,
  useIndexSignature: false,
  scalars: {
    Bytes: 'number',
    DateTime: 'Date',
    ID: 'string',
    JSONObject: '../domain/json.ts#JsonObject',
    Long: 'number',
  },
  mappers: {
    ...Object.fromEntries(
      Object.entries(rows).flatMap(([noun, types]) =>
        types.map((type) => [type, `../store/${noun}.ts#${type} as ${type}Row`]),
      ),
    ),
    ...Object.fromEntries(events.map((type) => [type, '../domain/runEvent.ts#RunEvent as RunEventRow'])),
    Architecture: '../domain/architecture.ts#Architecture as ArchitectureRow',
    DisagreementRow: '../commands/ensembleResult.ts#DisagreementRow as DisagreementRowRow',
    EnsembleMember: '../graphql/rows.ts#EnsembleMemberRow',
    EnsembleResult: '../commands/ensembleResult.ts#EnsembleResult as EnsembleResultRow',
    EpochMetrics: '../domain/run.ts#EpochMetrics as EpochMetricsRow',
    MetricPoint: '../domain/run.ts#MetricPoint as MetricPointRow',
    MetricValue: 'number',
    Node: '../graphql/rows.ts#NodeRow',
  },
};

export default config;
