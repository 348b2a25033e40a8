/** One compiled graph as an ONNX Runtime session that writes into buffers of ours. */

import { InferenceSession, type Tensor } from 'onnxruntime-node';
import type { Graph } from '../graph/ir.ts';
import { encodeModel } from '../graph/onnx.ts';

export type Buffers = Record<string, Tensor>;

/** Name of the output that keeps the binding from copying; no other output is called so. */
const stopper = '!';

export interface SessionSettings {
  /** Threads of one operator. */
  readonly threads: number;
  /**
   * What `InferenceSession.run` throws when the first output is a sequence (see `probeCopyStopper`), or null: let it copy.
   */
  readonly copyStopperMessage: string | null;
}

/**
 * The graph arrives fused, so ONNX Runtime's optimisers only cost start-up time. Its memory planner's one big block raises the
 * peak (2140 against 1470 MB for a ConvNeXt-Tiny step) and gains no time.
 */
const options: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'disabled',
  enableMemPattern: false,
  enableCpuMemArena: true,
  executionMode: 'sequential',
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  // Every session has threads of its own. Left alone they spin for milliseconds after each operator and after the run, and
  // take the cores from the next session, the image loaders and other processes.
  extra: { session: { force_spinning_stop: '1', intra_op: { spin_duration_us: '20' } } },
};

export class Session {
  readonly #session: InferenceSession;
  readonly #copyStopperMessage: string | null;
  readonly #inputs: ReadonlySet<string>;

  private constructor(session: InferenceSession, copyStopperMessage: string | null) {
    this.#session = session;
    this.#copyStopperMessage = copyStopperMessage;
    this.#inputs = new Set(session.inputNames);
  }

  static async create(graph: Graph, { threads, copyStopperMessage }: SessionSettings): Promise<Session> {
    if (copyStopperMessage !== null) graph.sequenceOutput(stopper, graph.float(0));
    const session = await InferenceSession.create(encodeModel(graph), { ...options, intraOpNumThreads: threads });
    return new Session(session, copyStopperMessage);
  }

  /** Runs once, reading `feeds` (those the graph does not need are left out) and filling `results`, one for every output. */
  async run(feeds: Buffers, results: Buffers): Promise<void> {
    const needed = Object.fromEntries(Object.entries(feeds).filter(([name]) => this.#inputs.has(name)));
    if (this.#copyStopperMessage === null) {
      const copies = await this.#session.run(needed, results);
      for (const [name, { data }] of Object.entries(results)) {
        const copy = copies[name]?.data;
        if (copy !== data) (data as Float32Array).set(copy as Float32Array);
      }
      return;
    }
    try {
      await this.#session.run(needed, { [stopper]: null, ...results });
    } catch (error) {
      if (!(error instanceof Error) || error.message !== this.#copyStopperMessage) throw error;
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}
