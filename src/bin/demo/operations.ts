/** The documents that the demo sends, with the parts of the schema's types that it reads; those about training are in trainingOperations.ts. */

import type {
  CreateEnsembleInput,
  CreateExperimentInput,
  CreateSubmissionInput,
  DeviceKind,
  ImportDatasetInput,
  ImportSeverity,
} from '../../generated/graphql.ts';
import { operation, type Payload, userErrors } from './client.ts';
import type { MetricValue, Run } from './trainingOperations.ts';

export const importDataset = operation<
  { importDataset: Payload & { dataset: { id: string } | null } },
  { input: ImportDatasetInput }
>(`mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { dataset { id } ${userErrors} } }`);

export const findDataset = operation<
  { dataset: { id: string; status: Dataset['status']; path: string; createdAt: string } | null },
  { name: string }
>(`query ($name: String!) { dataset(name: $name) { id status path createdAt } }`);

export const findExperiment = operation<
  { experiment: { id: string; name: string; dataset: { id: string } | null } | null },
  { name: string }
>(`query ($name: String!) { experiment(name: $name) { id name dataset { id } } }`);

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

export interface LeaderboardEntry {
  readonly rank: number;
  readonly node: {
    readonly run: Pick<Run, 'id' | 'name' | 'architecture' | 'config'> | null;
    readonly ensemble: { readonly name: string } | null;
    readonly value: MetricValue;
    readonly predictionValue: MetricValue | null;
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
          value { value nonFinite } predictionValue { value nonFinite } comparable trainSeconds imagesPerSecond peakMemory
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

/** A worker with what it computes on, as `report_gpu` tells it. */
export interface WorkerState {
  readonly host: string;
  readonly online: boolean;
  readonly devices: readonly {
    readonly index: number;
    readonly name: string;
    readonly kind: DeviceKind;
    readonly memoryTotal: number | null;
    readonly processes: readonly {
      readonly pid: number;
      readonly memory: number;
      readonly run: { readonly name: string } | null;
    }[];
  }[];
}

export const readWorkers = operation<{ workers: readonly WorkerState[] }, Record<never, never>>(`query {
  workers { host online devices { index name kind memoryTotal processes { pid memory run { name } } } }
}`);
