import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useApiQuery } from '../../api/hooks.ts';
import { measurementsOf } from '../../domain/measurements.ts';
import { parseList } from '../../domain/typed.ts';
import { StartMemoryDocument, type StartPageQuery, StartPlanDocument } from '../../generated/operations.ts';
import { ArchitecturePicker } from '../../parts/ArchitecturePicker.tsx';
import { NotDone } from '../../parts/NotDone.tsx';
import { ForWriters, ReadOnlyNotice } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Checkbox, TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel, Row, Stack } from '../../ui/Page.tsx';
import { TagsField } from '../../ui/Tags.tsx';
import { useLinkedState } from '../../ui/useLinkedState.ts';
import { Changes } from './Changes.tsx';
import { type Draft, requestOf } from './draft.ts';
import { linkOf, readDraft } from './link.ts';
import { Plan } from './Plan.tsx';
import { Preprocessings } from './Preprocessings.tsx';
import { placeProblems } from './problems.ts';
import { RecipeFields } from './RecipeFields.tsx';
import styles from './Start.module.css';
import { useStart } from './useStart.ts';

/** One form for a run and for a sweep: with several architectures, preprocessings or values it is a sweep of all of them. */
export function StartForm({
  experimentId,
  vocab,
  architectures,
  base,
  from,
}: {
  readonly experimentId: string;
  readonly vocab: readonly string[];
  readonly architectures: StartPageQuery['architectures'];
  /** Where the form begins. */
  readonly base: Draft;
  /** Name of the run that it begins as. */
  readonly from: string | undefined;
}) {
  const [draft, setDraft, settled] = useLinkedState(
    (get) => readDraft(base, get),
    (next) => linkOf(base, next),
  );
  const change = (next: Draft) => setDraft(() => next);
  const { start, busy, refused, error } = useStart(draft);
  const request = useMemo(() => requestOf(experimentId, draft), [experimentId, draft]);
  const asked = useMemo(() => requestOf(experimentId, settled), [experimentId, settled]);
  const ready = asked.problems.length === 0;
  const plan = useApiQuery(StartPlanDocument, { input: asked.sweep }, { enabled: ready });
  const memory = useApiQuery(StartMemoryDocument, {});
  const measured = useMemo(() => measurementsOf(memory.data?.memoryProbes.nodes ?? []), [memory.data]);

  // What has not been filled in yet is no mistake before one wants to start.
  const [tries, setTries] = useState(0);
  const typed = request.problems.filter(({ path }) => tries > 0 || path.length > 1);
  const planned = (ready && plan.data?.sweepPlan.problems) || [];
  const { fields, others } = placeProblems([...typed, ...planned, ...refused], draft);

  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (tries === 0 && !refused.length) return;
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    if (wrong) wrong.focus();
    else form.current?.scrollIntoView({ block: 'start' });
  }, [tries, refused]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (request.problems.length) setTries(tries + 1);
    else void start(request);
  };

  return (
    <form ref={form} onSubmit={submit} noValidate className={styles.layout}>
      <Stack>
        <ReadOnlyNotice what="start runs" />
        {others.length > 0 && (
          <Notice tone="bad" title="This cannot be started">
            {others.map((text) => (
              <p key={text}>
                <bdi>{text}</bdi>
              </p>
            ))}
          </Notice>
        )}
        <Panel title="Architectures">
          <ArchitecturePicker
            {...{ architectures, measured }}
            chosen={draft.architectures}
            problem={fields.architectures}
            onChange={(chosen) => change({ ...draft, architectures: chosen })}
          />
        </Panel>
        <Panel title="Images">
          <Preprocessings
            preprocessings={draft.preprocessings}
            problems={fields}
            onChange={(preprocessings) => change({ ...draft, preprocessings })}
          />
        </Panel>
        <Panel title="Training">
          <RecipeFields {...{ base, draft, vocab }} problems={fields} onChange={change} />
        </Panel>
      </Stack>
      <div className={styles.aside}>
        <Stack>
          <Panel title={request.run ? 'One run will be queued' : 'What will be queued'}>
            <Stack>
              <Plan
                {...{ plan, measured, ready }}
                single={request.run !== null}
                outdated={settled !== draft || plan.isPlaceholderData}
              />
              <TextField
                label="Name"
                placeholder={(request.run ? plan.data?.sweepPlan.runs[0]?.name : plan.data?.sweepPlan.name) ?? ''}
                value={draft.name}
                problem={fields.name}
                onChange={({ target }) => change({ ...draft, name: target.value })}
              />
              <TagsField
                label="Tags"
                tags={parseList(draft.tags)}
                problem={fields.tags}
                onChange={(tags) => change({ ...draft, tags: tags.join(', ') })}
              />
              {!request.run && ready && (
                <Checkbox
                  label="Do not train a config twice"
                  checked={draft.skipIdentical}
                  onChange={({ target }) => change({ ...draft, skipIdentical: target.checked })}
                />
              )}
              {error && <NotDone error={error} again="Nothing is started twice when it is sent again." />}
              <ForWriters>
                <Row>
                  <Button look="primary" type="submit" disabled={busy}>
                    {busy ? 'Queueing…' : request.run || !ready ? 'Start run' : 'Start sweep'}
                  </Button>
                  <ButtonLink to={routes.newProbe(probeOf(experimentId, draft))}>Measure memory first</ButtonLink>
                </Row>
              </ForWriters>
            </Stack>
          </Panel>
          <Panel title={from === undefined ? 'Changed from the recipe' : 'Changed from the run'}>
            <Changes {...{ base, draft }} onChange={change} />
          </Panel>
        </Stack>
      </div>
    </form>
  );
}

/** The memory probe of what the form would train. */
function probeOf(experiment: string, { architectures, preprocessings, values }: Draft): Record<string, string> {
  return {
    experiment,
    arch: architectures.join(','),
    sizes: [...new Set(preprocessings.map(({ size }) => size))].join(','),
    precision: parseList(values.precision ?? '').join(','),
    batch: parseList(values.effectiveBatchSize ?? '')[0] ?? '',
  };
}
