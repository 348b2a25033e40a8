/** The documents the demo sends, with the parts of the schema's types that it reads. */

import type {
  CreateEnsembleInput,
  CreateExperimentInput,
  CreateSubmissionInput,
  ImportDatasetInput,
  ImportSeverity,
  NonFinite,
  ProbeMemoryInput,
  ProbeOutcome,
  ResizeMethod,
  RunPhase,
  RunStatus,
  StartSweepInput,
  TrainingConfigInput,
} from '../../generated/graphql.ts';
import { operation, type UserError } from './client.ts';

interface Payload {
  readonly userErrors: readonly UserError[];
}

const userErrors = 'userErrors { code message path }';

export interface MetricValue {
  readonly value: number | null;
  readonly nonFinite: NonFinite | null;
}

export const importDataset = operation<
  { importDataset: Payload & { dataset: { id: string } | null } },
  { input: ImportDatasetInput }
>(`mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { dataset { id } ${userErrors} } }`);

export interface Dataset {
  readonly id: string;
  readonly name: string;
  readonly status: 'IMPORTING' | 'READY' | 'FAILED';
  readonly failure: string | null;
  readonly trainCount: number;
  readonly testCount: number;
  readonly labelCounts: readonly { label: string; count: number }[];
  readonly problems: {
    readonly nodes: readonly { path: string; reason: string; severity: ImportSeverity }[];
    readonly pageInfo: { readonly hasNextPage: boolean };
  };
}

export const readDataset = operation<{ dataset: Dataset | null }, { id: string }>(`query ($id: ID!) {
  dataset(id: $id) {
    id name status failure trainCount testCount labelCounts { label count }
    problems(first: 20) { nodes { path reason severity } pageInfo { hasNextPage } }
  }
}`);

export const createExperiment = operation<
  { createExperiment: Payload & { experiment: { id: string; name: string } | null } },
  { input: CreateExperimentInput }
>(`mutation ($input: CreateExperimentInput!) {
  createExperiment(input: $input) { experiment { id name } ${userErrors} }
}`);

export const probeMemory = operation<
  { probeMemory: Payload & { memoryProbe: { id: string; run: { id: string } } | null } },
  { input: ProbeMemoryInput }
>(`mutation ($input: ProbeMemoryInput!) {
  probeMemory(input: $input) { memoryProbe { id run { id } } ${userErrors} }
}`);

export interface MemoryProbe {
  readonly status: RunStatus;
  readonly budget: number;
  readonly targets: readonly ProbeTarget[];
  readonly run: { readonly failure: { readonly message: string } | null };
}

export interface ProbeTarget {
  readonly architecture: string;
  readonly size: { height: number; width: number };
  readonly recommendation: number | null;
  readonly trials: readonly {
    accumulation: number;
    microBatchSize: number;
    peakMemory: number | null;
    outcome: ProbeOutcome;
    imagesPerSecond: number | null;
    message: string | null;
    cached: boolean;
  }[];
}

export const readProbe = operation<{ node: MemoryProbe | null }, { id: string }>(`query ($id: ID!) {
  node(id: $id) {
    ... on MemoryProbe {
      status budget run { failure { message } }
      targets {
        architecture size { height width } recommendation
        trials { accumulation microBatchSize peakMemory outcome imagesPerSecond message cached }
      }
    }
  }
}`);

export interface Run {
  readonly id: string;
  readonly name: string;
  readonly architecture: string;
  readonly status: RunStatus;
  readonly failure: { readonly message: string } | null;
  readonly config: RunConfig;
  readonly epochs: readonly { errorRate: number; validLoss: MetricValue }[];
  readonly peakMemory: number | null;
  readonly imagesPerSecond: number | null;
}

/** The fields of a run's config that the demo shows. */
export interface RunConfig {
  readonly size: { readonly height: number; readonly width: number };
  readonly itemTransform: {
    readonly size: { readonly height: number; readonly width: number };
    readonly method: ResizeMethod;
  };
  readonly effectiveBatchSize: number;
  readonly accumulation: number;
}

/** One value for all runs where the schema also takes a list. */
type SweepConfig = Omit<TrainingConfigInput, 'architecture' | 'itemTransform' | 'size'>;

export const startSweep = operation<
  { startSweep: Payload & { sweep: { id: string } | null } },
  { input: Omit<StartSweepInput, 'config'> & { readonly config: SweepConfig } }
>(`mutation ($input: StartSweepInput!) { startSweep(input: $input) { sweep { id } ${userErrors} } }`);

export const readSweep = operation<
  { node: { runs: { nodes: readonly Run[] } } | null },
  { id: string }
>(`query ($id: ID!) {
  node(id: $id) {
    ... on Sweep {
      runs(first: 100) {
        nodes {
          id name architecture status failure { message } config peakMemory imagesPerSecond
          epochs { errorRate validLoss { value nonFinite } }
        }
      }
    }
  }
}`);

export type RunEvent = { readonly runId: string } & (
  | {
      readonly __typename: 'RunStatusChanged';
      readonly status: RunStatus;
      readonly failure: { readonly message: string } | null;
    }
  | { readonly __typename: 'RunProgressed'; readonly progress: Progress }
  | {
      readonly __typename: 'EpochCompleted';
      readonly epoch: {
        readonly index: number;
        readonly trainLoss: MetricValue;
        readonly validLoss: MetricValue;
        readonly errorRate: number;
        readonly imagesPerSecond: number;
      };
    }
  | { readonly __typename: 'MemorySampled'; readonly point: { readonly used: number; readonly peak: number } }
);

export interface Progress {
  readonly phase: RunPhase;
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  readonly imagesPerSecond: number | null;
  readonly etaSeconds: number | null;
}

export interface EventBatch {
  readonly cursor: string;
  readonly events: readonly RunEvent[];
}

const batch = `{
  cursor
  events {
    __typename runId
    ... on RunStatusChanged { status failure { message } }
    ... on RunProgressed { progress { phase epoch epochs batch batches imagesPerSecond etaSeconds } }
    ... on EpochCompleted {
      epoch { index trainLoss { value nonFinite } validLoss { value nonFinite } errorRate imagesPerSecond }
    }
    ... on MemorySampled { point { used peak } }
  }
}`;

export const runEvents = operation<
  { runEvents: EventBatch },
  { runId: string; after: string | null }
>(`subscription ($runId: ID!, $after: String) {
  runEvents(runId: $runId, after: $after, kinds: [STATUS, PROGRESS]) ${batch}
}`);

export const experimentEvents = operation<
  { experimentEvents: EventBatch },
  { experimentId: string; after: string | null }
>(`subscription ($experimentId: ID!, $after: String) {
  experimentEvents(experimentId: $experimentId, after: $after, kinds: [STATUS, PROGRESS, EPOCH, MEMORY]) ${batch}
}`);

export interface LeaderboardEntry {
  readonly rank: number;
  readonly node: {
    readonly run: Pick<Run, 'id' | 'name' | 'architecture' | 'config'> | null;
    readonly ensemble: { readonly name: string } | null;
    readonly value: MetricValue;
    readonly comparable: boolean;
    readonly trainSeconds: number | null;
    readonly imagesPerSecond: number | null;
    readonly peakMemory: number | null;
  };
}

export const readLeaderboard = operation<
  {
    experiment: {
      objective: { metric: string };
      leaderboard: { edges: readonly LeaderboardEntry[] };
    } | null;
  },
  { id: string }
>(`query ($id: ID!) {
  experiment(id: $id) {
    objective { metric }
    leaderboard(first: 20, split: VALID) {
      edges {
        rank
        node {
          run { id name architecture config }
          ensemble { name }
          value { value nonFinite } comparable trainSeconds imagesPerSecond peakMemory
        }
      }
    }
  }
}`);

export interface Ensemble {
  readonly id: string;
  readonly name: string;
  readonly members: readonly {
    readonly run: { readonly id: string; readonly name: string; readonly architecture: string };
    readonly weight: number;
    readonly share: number;
  }[];
  /** Over the validation images, which have labels. */
  readonly result: { readonly score: { readonly errorRate: number; readonly rowCount: number } | null };
}

export const createEnsemble = operation<
  { createEnsemble: Payload & { ensemble: Ensemble | null } },
  { input: CreateEnsembleInput }
>(`mutation ($input: CreateEnsembleInput!) {
  createEnsemble(input: $input) {
    ensemble {
      id name members { run { id name architecture } weight share }
      result(split: VALID) { score { errorRate rowCount } }
    }
    ${userErrors}
  }
}`);

export interface Submission {
  readonly id: string;
  readonly csvUrl: string;
  readonly rowCount: number;
}

export const createSubmission = operation<
  { createSubmission: Payload & { submission: Submission | null } },
  { input: CreateSubmissionInput }
>(`mutation ($input: CreateSubmissionInput!) {
  createSubmission(input: $input) { submission { id csvUrl rowCount } ${userErrors} }
}`);
