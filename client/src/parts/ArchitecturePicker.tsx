import { type KeyboardEvent, useRef, useState } from 'react';
import type { Measurement } from '../domain/measurements.ts';
import { sizeText } from '../domain/typed.ts';
import { bytes, significant } from '../format/numbers.ts';
import type { PickedArchitectureFragment } from '../generated/operations.ts';
import { Button } from '../ui/Button.tsx';
import { TextField } from '../ui/Field.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Row, Stack } from '../ui/Page.tsx';
import { Segments } from '../ui/Tabs.tsx';
import styles from './ArchitecturePicker.module.css';

const everyFamily = 'all';

/** Networks by family, as many as are to be tried. Arrow keys go through the list, space chooses. */
export function ArchitecturePicker({
  architectures,
  chosen,
  measured,
  problem,
  onChange,
}: {
  readonly architectures: readonly PickedArchitectureFragment[];
  /** Names or aliases. */
  readonly chosen: readonly string[];
  /** Newest first. */
  readonly measured: readonly Measurement[];
  readonly problem: string | undefined;
  readonly onChange: (chosen: readonly string[]) => void;
}) {
  const [search, setSearch] = useState('');
  const [family, setFamily] = useState(everyFamily);
  const list = useRef<HTMLTableElement>(null);
  const families = [...new Set(architectures.map((one) => one.family))];
  const wanted = search.trim().toLowerCase();
  const shown = architectures.filter(
    (one) =>
      (family === everyFamily || one.family === family) &&
      [one.name, ...one.aliases].some((name) => name.toLowerCase().includes(wanted)),
  );
  const isChosen = ({ name, aliases }: PickedArchitectureFragment) =>
    chosen.some((one) => one === name || aliases.includes(one));
  const toggle = (one: PickedArchitectureFragment) =>
    onChange(
      isChosen(one) ? chosen.filter((name) => name !== one.name && !one.aliases.includes(name)) : [...chosen, one.name],
    );

  const boxes = () => [...(list.current?.querySelectorAll<HTMLInputElement>('input') ?? [])];
  const onKeyDown = (event: KeyboardEvent) => {
    const all = boxes();
    const at = all.indexOf(document.activeElement as HTMLInputElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    all[Math.max(0, Math.min(next, all.length - 1))]?.focus();
  };
  // One stop for the tab key: the first that is chosen, else the first.
  const stop = (shown.find(isChosen) ?? shown[0])?.name;

  return (
    <Stack>
      {chosen.length > 0 && (
        <ul className={styles.chosen} aria-label="Chosen architectures">
          {chosen.map((name) => (
            <li key={name}>
              <Button
                small
                aria-label={`Remove ${name}`}
                onClick={() => onChange(chosen.filter((other) => other !== name))}
              >
                <bdi className={styles.name}>{name}</bdi>
                <Icon name="close" />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <Row>
        <div className={styles.search}>
          <TextField
            label="Search architectures"
            hideLabel
            type="search"
            placeholder="Search architectures"
            value={search}
            problem={problem}
            onChange={({ target }) => setSearch(target.value)}
            onKeyDown={(event) => {
              // A search is no submission.
              if (event.key === 'Enter') event.preventDefault();
              if (event.key !== 'ArrowDown') return;
              event.preventDefault();
              boxes()[0]?.focus();
            }}
          />
        </div>
        <Segments
          label="Family"
          value={family}
          onChange={setFamily}
          options={[everyFamily, ...families].map((value) => ({ value, label: value }))}
        />
      </Row>
      <div className={styles.picker}>
        <table ref={list} className={styles.table} aria-label="Architectures" onKeyDown={onKeyDown}>
          <thead>
            <tr>
              <th scope="col">Architecture</th>
              <th scope="col" className={styles.number}>
                Parameters
              </th>
              <th scope="col" className={styles.number} title="Multiply-accumulates for one image of its own size">
                GMACs
              </th>
              <th scope="col" className={styles.number}>
                Own size
              </th>
              <th scope="col">Measured memory</th>
            </tr>
          </thead>
          {families.map((group) => {
            const members = shown.filter((one) => one.family === group);
            if (!members.length) return null;
            return (
              <tbody key={group}>
                <tr>
                  <th scope="rowgroup" colSpan={5} className={styles.family}>
                    {group}
                  </th>
                </tr>
                {members.map((one) => (
                  <tr key={one.name} className={isChosen(one) ? styles.picked : undefined}>
                    <th scope="row">
                      <label className={styles.pick}>
                        <input
                          type="checkbox"
                          checked={isChosen(one)}
                          tabIndex={one.name === stop ? 0 : -1}
                          onChange={() => toggle(one)}
                        />
                        <span className={styles.name}>{one.name}</span>
                      </label>
                    </th>
                    <td className={styles.number}>{significant(one.parameters / 1e6)} M</td>
                    <td className={styles.number}>{significant(one.gmacs)}</td>
                    <td className={styles.number} title={`Takes sides of ${one.allowedSides.description}`}>
                      {sizeText(one.defaultSize)}
                    </td>
                    <td>
                      <Measured measured={memoryOf(one.name, measured)} />
                    </td>
                  </tr>
                ))}
              </tbody>
            );
          })}
        </table>
        {!shown.length && <p className={styles.none}>No architecture has “{search}” in its name</p>}
      </div>
    </Stack>
  );
}

/** The newest measurement; one that came to its end before one that was cut off. */
function memoryOf(name: string, measured: readonly Measurement[]): Measurement | undefined {
  const own = measured.filter(({ architecture }) => architecture === name);
  return own.find(({ complete }) => complete) ?? own[0];
}

function Measured({ measured }: { readonly measured: Measurement | undefined }) {
  if (!measured) return <span className={styles.hint}>–</span>;
  const { peakMemory, complete, size, microBatchSize, precision } = measured;
  return (
    <>
      {complete ? '' : 'over '}
      {bytes(peakMemory)}{' '}
      <span className={styles.hint}>
        {microBatchSize} of {sizeText(size)}
        {precision === 'AUTO' ? '' : ` ${precision}`}
      </span>
    </>
  );
}
