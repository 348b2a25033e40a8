/**
 * How types are made from the SDL: `server` those of src/generated/graphql.ts, `client` those of the dashboard's documents.
 */

const events = [
  'EpochCompleted',
  'EventsPruned',
  'LogLine',
  'MemorySampled',
  'MetricsLogged',
  'PredictionsStored',
  'RunEvent',
  'RunProgressed',
  'RunStatusChanged',
];

/** A mapper names the value that stands behind a GraphQL type; a resolver exists only where a field is no property of that value. */
const server = {
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
    ...Object.fromEntries(events.map((type) => [type, '../events/stream.ts#StreamedEvent'])),
    ApiKey: '../store/apiKey.ts#ApiKey as ApiKeyRow',
    Architecture: '../domain/architecture.ts#Architecture as ArchitectureRow',
    Artifact: '../store/artifact.ts#Artifact as ArtifactRow',
    AuditEntry: '../store/audit.ts#AuditEntry as AuditEntryRow',
    Attempt: '../store/attempt.ts#Attempt as AttemptRow',
    Dataset: '../store/dataset.ts#Dataset as DatasetRow',
    Ensemble: '../store/ensemble.ts#Ensemble as EnsembleRow',
    Device: '../store/worker.ts#Device as DeviceRow',
    DeviceProcess: '../store/worker.ts#DeviceProcess as DeviceProcessRow',
    EnsembleMember: '../graphql/rows.ts#EnsembleMemberRow',
    EnsembleSelection: '../store/ensemble.ts#EnsembleSelection as EnsembleSelectionRow',
    EnsembleResult: '../commands/ensembleResult.ts#EnsembleResult as EnsembleResultRow',
    EpochMetrics: '../graphql/rows.ts#EpochRow',
    Experiment: '../store/experiment.ts#Experiment as ExperimentRow',
    LeaderboardConnection: '../graphql/rows.ts#LeaderboardRow',
    LeaderboardEntry: '../store/leaderboard.ts#LeaderboardEntry as LeaderboardEntryRow',
    MemoryProbe: '../store/probe.ts#MemoryProbe as MemoryProbeRow',
    MetricSeries: '../store/metric.ts#MetricSeries as MetricSeriesRow',
    MetricValue: 'number',
    Node: '../graphql/rows.ts#NodeRow',
    PlannedRun: '../commands/sweepPlan.ts#PlannedRun as PlannedRunRow',
    PredictionRow: '../store/prediction.ts#PredictionRow as PredictionRowRow',
    PredictionSet: '../store/prediction.ts#PredictionSet as PredictionSetRow',
    Run: '../store/run.ts#Run as RunRow',
    RunComparison: '../graphql/rows.ts#RunComparisonRow',
    RunConnection: '../graphql/rows.ts#RunConnectionRow',
    Sample: '../store/dataset.ts#Sample as SampleRow',
    Score: '../graphql/rows.ts#ScoreRow',
    SelectionStep: '../graphql/rows.ts#SelectionStepRow',
    SkippedImages: '../graphql/rows.ts#SkippedImagesRow',
    Submission: '../store/submission.ts#Submission as SubmissionRow',
    Sweep: '../store/sweep.ts#Sweep as SweepRow',
    Viewer: '../domain/viewer.ts#Viewer as ViewerRow',
    Worker: '../store/worker.ts#Worker as WorkerRow',
  },
};

/** Documents are sent as text: the browser has no use for their syntax trees. */
const client = {
  documentMode: 'string',
  enumType: 'string-literal',
  enumsAsTypes: true,
  immutableTypes: true,
  useTypeImports: true,
  strictScalars: true,
  avoidOptionals: { field: true, inputValue: false, object: true },
  scalars: { Bytes: 'number', DateTime: 'string', ID: 'string', JSONObject: 'Record<string, unknown>', Long: 'number' },
};

export default { server, client };
