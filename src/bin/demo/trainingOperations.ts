/** The documents about memory probes, sweeps and their events. */

import type { RunProgress } from '../../domain/run.ts';
import type {
  NonFinite,
  ProbeMemoryInput,
  ProbeOutcome,
  ProbeTargetInput,
  ResizeMethod,
  RunStatus,
  StartSweepInput,
  TrainingConfigInput,
} from '../../generated/graphql.ts';
import { operation, type Payload, userErrors } from './client.ts';

export interface MetricValue {
  readonly value: number | null;
  readonly nonFinite: NonFinite | null;
}

/** Lists may be constants. */
export type ProbeInput = Omit<ProbeMemoryInput, 'targets'> & { readonly targets: readonly ProbeTargetInput[] };

export const probeMemory = operation<
  { probeMemory: Payload & { memoryProbe: { id: string; run: { id: string } } | null } },
  { input: ProbeInput }
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
  readonly failure: { readonly message: string } | null;
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
        architecture size { height width } recommendation failure { message }
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
  | { readonly __typename: 'RunProgressed'; readonly progress: RunProgress }
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
