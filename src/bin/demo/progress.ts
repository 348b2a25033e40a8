import { MultiBar, type SingleBar } from 'cli-progress';
import type { RunProgress } from '../../domain/run.ts';
import type { RunStatus } from '../../generated/graphql.ts';
import { formatMemory, formatMetric, formatPercent, formatSeconds, formatSpeed } from './text.ts';
import type { Run, RunEvent } from './trainingOperations.ts';

/** Shows runs while they train: bars on a terminal, else a line for every epoch and status. */
export interface ProgressView {
  handle(event: RunEvent): void;
  close(): void;
}

/** What is known of a run from its events. */
interface RunState {
  readonly name: string;
  status: RunStatus;
  progress: RunProgress | undefined;
  loss: string;
  error: string;
  /** Images per second. */
  speed: number | null;
  /** Bytes. */
  memory: number | null;
}

export function createProgressView(
  runs: readonly Pick<Run, 'id' | 'name'>[],
  output: NodeJS.WriteStream,
): ProgressView {
  const states = new Map<string, RunState>(
    runs.map(({ id, name }) => [
      id,
      { name, status: 'QUEUED', progress: undefined, loss: '-', error: '-', speed: null, memory: null },
    ]),
  );
  const show = output.isTTY ? showBars(states, output) : showLines(output);
  return {
    handle(event) {
      const state = states.get(event.runId);
      if (!state) return;
      apply(state, event);
      show.update(event, state);
    },
    close: show.close,
  };
}

function apply(state: RunState, event: RunEvent): void {
  switch (event.__typename) {
    case 'RunStatusChanged':
      state.status = event.status;
      break;
    case 'RunProgressed':
      state.progress = event.progress;
      state.speed = event.progress.imagesPerSecond ?? state.speed;
      break;
    case 'EpochCompleted':
      state.loss = formatMetric(event.epoch.validLoss);
      state.error = formatPercent(event.epoch.errorRate);
      state.speed = event.epoch.imagesPerSecond;
      break;
    case 'MemorySampled':
      state.memory = event.point.peak;
      break;
  }
}

interface Shown {
  update(event: RunEvent, state: RunState): void;
  close(): void;
}

/** Steps of a full bar. */
const barSteps = 1000;
/** Share of the bar for the epochs; the rest is for the predictions after them. */
const trainingShare = 0.9;

function showBars(states: ReadonlyMap<string, RunState>, output: NodeJS.WriteStream): Shown {
  const width = Math.max(...[...states.values()].map((state) => state.name.length));
  const bars = new MultiBar({
    stream: output,
    format: '{name} {bar} {percentage}% {phase} | loss {loss} | error {error} | {speed} | {memory} | ETA {remaining}',
    // What is left of the line beside the text.
    barsize: Math.max(5, Math.min(24, output.columns - width - 90)),
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    fps: 8,
    autopadding: true,
    emptyOnZero: true,
  });
  const barOf = new Map<string, SingleBar>();
  const payload = (state: RunState) => ({
    name: state.name.padEnd(width),
    phase: phaseOf(state).padEnd(12),
    loss: state.loss.padStart(6),
    error: state.error.padStart(6),
    speed: formatSpeed(state.speed).padStart(9),
    memory: formatMemory(state.memory).padStart(8),
    remaining: formatSeconds(state.status === 'RUNNING' ? (state.progress?.etaSeconds ?? null) : null),
  });
  for (const [id, state] of states) barOf.set(id, bars.create(barSteps, 0, payload(state)));
  return {
    update(event, state) {
      barOf.get(event.runId)?.update(Math.round(barSteps * fractionOf(state)), payload(state));
    },
    close: () => bars.stop(),
  };
}

function fractionOf({ status, progress }: RunState): number {
  if (status === 'SUCCEEDED') return 1;
  if (!progress) return 0;
  const { phase, epoch, epochs, batch, batches } = progress;
  const part = batches ? batch / batches : 0;
  if (phase === 'PREDICTING') return trainingShare + (1 - trainingShare) * Math.min(1, part);
  // While validating, `batch` counts validation batches: the epoch itself is done.
  const epochPart = phase === 'VALIDATING' ? 1 : part;
  return (trainingShare * Math.min(epochs, epoch + epochPart)) / Math.max(1, epochs);
}

function phaseOf({ status, progress }: RunState): string {
  if (status !== 'RUNNING') return status.toLowerCase();
  if (!progress) return 'starting';
  const { phase, epoch, epochs } = progress;
  return phase === 'PREPARING' || phase === 'PREDICTING' ? phase.toLowerCase() : `epoch ${epoch + 1}/${epochs}`;
}

function showLines(output: NodeJS.WriteStream): Shown {
  return {
    update(event, { name, progress, speed, memory }) {
      if (event.__typename === 'RunStatusChanged') {
        const reason = event.failure ? `: ${event.failure.message}` : '';
        output.write(`  ${name}: ${event.status.toLowerCase()}${reason}\n`);
      }
      if (event.__typename !== 'EpochCompleted') return;
      const { index, trainLoss, validLoss, errorRate } = event.epoch;
      const facts = [
        `epoch ${index + 1}${progress ? `/${progress.epochs}` : ''}`,
        `train loss ${formatMetric(trainLoss)}`,
        `valid loss ${formatMetric(validLoss)}`,
        `error ${formatPercent(errorRate)}`,
        formatSpeed(speed),
        formatMemory(memory),
        `ETA ${formatSeconds(progress?.etaSeconds ?? null)}`,
      ];
      output.write(`  ${name}: ${facts.join(', ')}\n`);
    },
    close: () => {},
  };
}
