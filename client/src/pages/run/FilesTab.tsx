import { useApiMutation } from '../../api/hooks.ts';
import { bytes, count } from '../../format/numbers.ts';
import { splitWords } from '../../format/splits.ts';
import { ExportOnnxDocument } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { Button, ButtonAnchor } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { toasts } from '../../ui/toasts.ts';
import { passesWords } from './predictionWords.ts';
import { isOver, type PredictionParts, type RunFacts, type RunState } from './runState.ts';
import { Submissions } from './Submissions.tsx';
import { useRefresh } from './useRefresh.ts';

type Artifact = RunFacts['artifacts'][number];

const kinds: Readonly<Record<Artifact['kind'], string>> = {
  WEIGHTS: 'Weights (safetensors)',
  ONNX: 'ONNX model',
  CHECKPOINT: 'Checkpoint',
  PREDICTIONS: 'Predictions',
  FILE: 'File',
};

const artifactColumns: readonly Column<Artifact>[] = [
  { key: 'name', header: 'File', width: 'minmax(12rem, 1fr)', cell: ({ name }) => <Name>{name}</Name> },
  {
    key: 'get',
    header: 'Download',
    width: '8rem',
    cell: ({ downloadUrl, name }) => (
      <ButtonAnchor small href={downloadUrl} download aria-label={`Download ${name}`}>
        Download
      </ButtonAnchor>
    ),
  },
  { key: 'kind', header: 'Kind', width: '12rem', cell: ({ kind }) => kinds[kind] },
  { key: 'size', header: 'Size', width: '7rem', align: 'right', cell: ({ size }) => bytes(size) },
  { key: 'at', header: 'Made', width: '9rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  {
    key: 'hash',
    header: 'SHA-256',
    width: '9rem',
    cell: ({ contentHash }) => <code title={contentHash}>{contentHash.slice(0, 12)}</code>,
  },
];

const predictionColumns: readonly Column<PredictionParts>[] = [
  { key: 'split', header: 'Split', width: 'minmax(8rem, 1fr)', cell: ({ split }) => splitWords[split] },
  {
    key: 'get',
    header: 'Download',
    width: '8rem',
    cell: ({ downloadUrl, split, kind }) => (
      <ButtonAnchor
        small
        href={downloadUrl}
        download
        aria-label={`Download predictions: ${splitWords[split]}, ${kind}`}
      >
        Download
      </ButtonAnchor>
    ),
  },
  {
    key: 'kind',
    header: 'Made',
    width: '12rem',
    cell: ({ kind, passes }) => (kind === 'TTA' ? passesWords(passes) : kind.toLowerCase()),
  },
  { key: 'rows', header: 'Images', width: '7rem', align: 'right', cell: ({ rowCount }) => count(rowCount) },
  {
    key: 'hash',
    header: 'SHA-256',
    width: '9rem',
    cell: ({ contentHash }) => <code title={contentHash}>{contentHash.slice(0, 12)}</code>,
  },
];

/** What a run leaves to take away. */
export function FilesTab({ state: { facts }, reload }: { readonly state: RunState; readonly reload: () => void }) {
  useRefresh(facts, reload);
  const { artifacts, predictions, status } = facts;
  const hasTest = predictions.some(({ split }) => split === 'TEST');
  const hasWeights = artifacts.some(({ kind }) => kind === 'WEIGHTS');
  const hasOnnx = artifacts.some(({ kind }) => kind === 'ONNX');
  return (
    <Stack>
      <Panel
        title="Model"
        actions={
          status === 'SUCCEEDED' &&
          hasWeights &&
          !hasOnnx && (
            <ForWriters>
              <OnnxButton runId={facts.id} reload={reload} />
            </ForWriters>
          )
        }
      >
        {artifacts.length > 0 ? (
          <DataTable label="Files that it left" columns={artifactColumns} rows={artifacts} rowKey={({ id }) => id} />
        ) : (
          <Empty title="No files">
            <p>
              {isOver(status)
                ? 'It left none: a run leaves its weights when it has succeeded.'
                : 'Checkpoints while it trains, its weights when it has succeeded.'}
            </p>
          </Empty>
        )}
      </Panel>
      <Panel title="Predictions">
        {predictions.length > 0 ? (
          <DataTable
            label="Stored predictions"
            columns={predictionColumns}
            rows={predictions}
            rowKey={({ id }) => id}
          />
        ) : (
          <Empty title="No predictions">
            <p>Probabilities of every image as safetensors, one file per split.</p>
          </Empty>
        )}
      </Panel>
      {hasTest && <Submissions facts={facts} />}
    </Stack>
  );
}

function OnnxButton({ runId, reload }: { readonly runId: string; readonly reload: () => void }) {
  const make = useApiMutation(ExportOnnxDocument);
  const begin = () =>
    make.mutate(
      { runId },
      {
        onSuccess({ exportOnnx: { userErrors } }) {
          for (const { message } of userErrors) toasts.refuse(message);
          if (!userErrors.length) toasts.show('The ONNX model is made');
          reload();
        },
        onError: ({ message }) => toasts.refuse(message),
      },
    );
  return (
    <Button onClick={begin} disabled={make.isPending}>
      {make.isPending ? 'Making it …' : 'Make ONNX model'}
    </Button>
  );
}
