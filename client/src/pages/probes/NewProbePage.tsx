import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useApiMutation, useApiQuery } from '../../api/hooks.ts';
import { useIdempotencyKey } from '../../api/idempotency.ts';
import { measurementsOf } from '../../domain/measurements.ts';
import { parseList } from '../../domain/typed.ts';
import { bytes } from '../../format/numbers.ts';
import { sentences } from '../../format/sentence.ts';
import {
  NewProbePageDocument,
  type NewProbePageQuery,
  type ProbedExperimentFragment,
  ProbeMemoryDocument,
} from '../../generated/operations.ts';
import { ArchitecturePicker } from '../../parts/ArchitecturePicker.tsx';
import { NotDone } from '../../parts/NotDone.tsx';
import { ForWriters, ReadOnlyNotice } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Checkbox, Select, TextField } from '../../ui/Field.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { PageHead, Panel, Row, Stack } from '../../ui/Page.tsx';
import { useLinkedState } from '../../ui/useLinkedState.ts';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './Probes.module.css';
import {
  emptyProbe,
  type ProbeDraft,
  type ProbeProblem,
  placeRefusals,
  probeInput,
  probeLink,
  readProbe,
} from './probeInput.ts';

const precisions = ['AUTO', 'FP32', 'FP16', 'BF16'];

export function NewProbePage() {
  const [get] = useSearch();
  // What is typed goes on into the link: who has come is asked for once.
  const [experimentId] = useState(() => get('experiment') ?? '');
  const variables = { experimentId, named: experimentId !== '' };
  const { data, error, refetch } = useApiQuery(NewProbePageDocument, variables);
  return (
    <>
      <PageHead title="New memory probe" trail={[{ to: routes.probes, label: 'Memory probes' }]} />
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton height="70vh" />}
      {data && <ProbeForm data={data} named={variables.named} />}
    </>
  );
}

/** `named`: the link says of which experiment. */
function ProbeForm({ data, named }: { readonly data: NewProbePageQuery; readonly named: boolean }) {
  const experiments = experimentsToProbe(data);
  const [base] = useState(() => ({ ...emptyProbe, experiment: experiments[0]?.id ?? '' }));
  const known = (draft: ProbeDraft) => {
    const there = experiments.some(({ id }) => id === draft.experiment);
    return there ? draft : { ...draft, experiment: base.experiment };
  };
  const [draft, setDraft] = useLinkedState(
    (get) => known(readProbe(base, get)),
    (next) => probeLink(base, next),
  );
  const change = (part: Partial<ProbeDraft>) => setDraft((before) => ({ ...before, ...part }));
  const [, navigate] = useLocation();
  const measure = useApiMutation(ProbeMemoryDocument);
  const { keyFor, done } = useIdempotencyKey();
  const [problems, setProblems] = useState<readonly ProbeProblem[]>([]);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (problems.length) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [problems]);

  const about = (...fields: ProbeProblem['field'][]) =>
    sentences(problems.filter(({ field }) => fields.includes(field))) || undefined;
  const text = (field: 'sizes' | 'batch' | 'budget' | 'load') => ({
    value: draft[field],
    problem: about(field),
    autoComplete: 'off',
    onChange: ({ target }: { readonly target: { readonly value: string } }) => change({ [field]: target.value }),
  });
  const { input, problems: typed } = probeInput(draft);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setProblems(typed);
    if (typed.length) return;
    const { probeMemory } = await measure.mutateAsync({ input: { ...input, idempotencyKey: keyFor(input) } });
    if (!probeMemory.memoryProbe) return setProblems(placeRefusals(probeMemory.userErrors));
    done();
    navigate(routes.probe(probeMemory.memoryProbe.id));
  };

  if (!experiments.length) {
    return (
      <Empty title="There are no images to measure with yet">
        <p>
          A probe trains on the smallest class of an experiment’s data set. Import images and make an experiment first.
        </p>
        <ButtonLink to={routes.datasets}>To the data sets</ButtonLink>
      </Empty>
    );
  }
  const chosenPrecisions = parseList(draft.precision);
  const others = about(null);
  const networks = input.targets.length;
  return (
    <form ref={form} noValidate onSubmit={(event) => void submit(event).catch(() => {})}>
      <Stack>
        <ReadOnlyNotice what="measure memory" />
        {named && !experiments.some(({ id }) => id === data.named?.id) && (
          <Notice tone="warn" title="It cannot be measured with the experiment of this link">
            {data.named ? (
              <>
                <Name whole>{data.named.name}</Name> has no images that are imported.
              </>
            ) : (
              'There is no such experiment any more.'
            )}{' '}
            The images of another one are chosen below.
          </Notice>
        )}
        {others && (
          <Notice tone="bad" title="It cannot be measured">
            <bdi>{others}</bdi>
          </Notice>
        )}
        <Panel title="Architectures">
          <ArchitecturePicker
            architectures={data.architectures}
            chosen={parseList(draft.arch)}
            measured={measurementsOf(data.memoryProbes.nodes)}
            problem={about('arch')}
            onChange={(chosen) => change({ arch: chosen.join(',') })}
          />
        </Panel>
        <Panel title="Sizes and precision">
          <Stack>
            <div className={styles.fields}>
              <TextField
                label="Train at"
                hint="Pixels, with commas between them: 64, 224, 320x240"
                {...text('sizes')}
              />
              <Select label="Resize" value={draft.method} onChange={({ target }) => change({ method: target.value })}>
                <option value="CROP">Crop</option>
                <option value="SQUISH">Squish</option>
                <option value="PAD">Pad</option>
              </Select>
              <TextField label="Load as" hint="Empty: at the size that is trained at" {...text('load')} />
            </div>
            <fieldset className={styles.choices}>
              <legend>Precision</legend>
              {precisions.map((one) => (
                <Checkbox
                  key={one}
                  label={one === 'AUTO' ? 'Automatic' : one}
                  checked={chosenPrecisions.includes(one)}
                  onChange={() =>
                    change({
                      precision: precisions
                        .filter((other) => chosenPrecisions.includes(other) !== (other === one))
                        .join(','),
                    })
                  }
                />
              ))}
            </fieldset>
            {about('precision') && <p className={styles.problem}>{about('precision')}</p>}
          </Stack>
        </Panel>
        <Panel title="Memory">
          <Stack>
            <div className={styles.fields}>
              <TextField label="Budget" hint={devicesText(data.workers)} {...text('budget')} />
              <TextField label="Batch size" hint="Images per weight update" {...text('batch')} />
              <Select
                label="Images of"
                hint="Those of its smallest class are trained on"
                value={draft.experiment}
                problem={about('experiment')}
                onChange={({ target }) => change({ experiment: target.value })}
              >
                {experiments.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </Select>
            </div>
            <Checkbox
              label="Compare the gradients of accumulated parts with those of a whole batch"
              checked={draft.equivalence === 'true'}
              onChange={({ target }) => change({ equivalence: String(target.checked) })}
            />
            <Checkbox
              label="Measure anew what earlier probes have measured"
              checked={draft.refresh === 'true'}
              onChange={({ target }) => change({ refresh: String(target.checked) })}
            />
          </Stack>
        </Panel>
        {measure.error && <NotDone error={measure.error} again="Nothing is measured twice when it is sent again." />}
        <Row>
          <ForWriters>
            <Button look="primary" type="submit" disabled={measure.isPending}>
              {networks > 1 ? `Measure ${networks} networks` : 'Measure'}
            </Button>
          </ForWriters>
          <span className={styles.hint}>Accumulation is doubled until the network fits the budget.</span>
        </Row>
      </Stack>
    </form>
  );
}

/** Those that have images: the newest, and the one that the link names. */
function experimentsToProbe({ named, experiments: { nodes } }: NewProbePageQuery): readonly ProbedExperimentFragment[] {
  const all = named && !nodes.some(({ id }) => id === named.id) ? [...nodes, named] : nodes;
  return all.filter(({ dataset }) => dataset?.status === 'READY');
}

/** What there is to spend. */
function devicesText(workers: NewProbePageQuery['workers']): string {
  const devices = workers.filter(({ online }) => online).flatMap((worker) => worker.devices);
  const known = devices.filter(({ memoryTotal }) => memoryTotal !== null);
  const words = known.map(({ name, memoryTotal }) => `${name} has ${bytes(memoryTotal)}`);
  return ['E.g. 4 GiB or 512 MiB', ...new Set(words)].join('; ');
}
