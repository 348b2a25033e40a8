import { useState } from 'react';
import { bytes } from '../../format/numbers.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonAnchor, ButtonLink } from '../../ui/Button.tsx';
import { CopyButton } from '../../ui/CopyButton.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Grid, Panel, Row, Stack } from '../../ui/Page.tsx';
import styles from './Run.module.css';
import { graphiqlLink, type RecipeRow, recipeGroups, startRunOperation } from './recipe.ts';
import type { RunState } from './runState.ts';

/** The complete recipe of a run, and the ways to use it again. */
export function ConfigTab({ state: { facts } }: { readonly state: RunState }) {
  const [open, setOpen] = useState(false);
  const { config, experiment, id, kind } = facts;
  return (
    <Stack>
      <Row>
        {kind === 'TRAINED' && (
          <>
            <ForWriters>
              <ButtonLink look="primary" to={`${routes.start(experiment.id)}?from=${encodeURIComponent(id)}`}>
                Start again with changes
              </ButtonLink>
            </ForWriters>
            <Button onClick={() => setOpen(true)}>Copy as mutation</Button>
          </>
        )}
        <CopyButton look="plain" label="Copy as JSON" text={() => JSON.stringify(config, null, 2)} />
      </Row>
      <Grid least="24rem">
        {recipeGroups(config).map(({ title, rows }) => (
          <Panel key={title} title={title}>
            <KeyValues entries={rows.map((row) => [row.label, <Value key={row.path} row={row} />] as const)} />
          </Panel>
        ))}
      </Grid>
      {open && <MutationDialog facts={facts} onClose={() => setOpen(false)} />}
    </Stack>
  );
}

function Value({ row: { path, value } }: { readonly row: RecipeRow }) {
  const known = path === 'memoryBudget' && value !== '–' ? bytes(Number(value)) : value;
  return (
    <code className={styles.value} title={path}>
      <bdi>{known}</bdi>
    </code>
  );
}

/** The operation that starts the same training again, as GraphiQL takes it. */
function MutationDialog({ facts, onClose }: { readonly facts: RunState['facts']; readonly onClose: () => void }) {
  const operation = startRunOperation(facts);
  const variables = JSON.stringify(operation.variables, null, 2);
  return (
    <Dialog
      title="Start this run again over GraphQL"
      onClose={onClose}
      wide
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <ButtonAnchor look="primary" href={graphiqlLink(operation)}>
            Open in GraphiQL
          </ButtonAnchor>
        </>
      }
    >
      <Stack>
        <p>
          With the same seed it trains the same network to the last bit. Add idempotencyKey where it is sent by a
          script.
        </p>
        <section>
          <div className={styles.codeHead}>
            <h3>Operation</h3>
            <CopyButton text={operation.document} label="Copy operation" />
          </div>
          <pre className={styles.code}>{operation.document}</pre>
        </section>
        <section>
          <div className={styles.codeHead}>
            <h3>Variables</h3>
            <CopyButton text={variables} label="Copy variables" />
          </div>
          <pre className={styles.code}>{variables}</pre>
        </section>
      </Stack>
    </Dialog>
  );
}
