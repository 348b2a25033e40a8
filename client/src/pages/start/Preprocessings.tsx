import { Button } from '../../ui/Button.tsx';
import { Select, TextField } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Row, Stack } from '../../ui/Page.tsx';
import { type Method, type Preprocessing, recipe } from './draft.ts';
import { presets } from './presets.ts';
import styles from './Start.module.css';

/** How images are prepared: each way is tried with every architecture. */
export function Preprocessings({
  preprocessings,
  problems,
  onChange,
}: {
  readonly preprocessings: readonly Preprocessing[];
  readonly problems: Readonly<Record<string, string>>;
  readonly onChange: (preprocessings: readonly Preprocessing[]) => void;
}) {
  const change = (index: number, part: Partial<Preprocessing>) =>
    onChange(preprocessings.map((one, i) => (i === index ? { ...one, ...part } : one)));
  return (
    <Stack>
      <ul className={styles.preprocessings}>
        {preprocessings.map((one, index) => {
          const at = `preprocessings.${index}`;
          const which = preprocessings.length > 1 ? ` ${index + 1}` : '';
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: they have nothing but their place
            <li key={index} className={styles.preprocessing}>
              <Select
                label={`Resize${which}`}
                value={one.method}
                onChange={({ target }) => change(index, { method: target.value as Method })}
              >
                <option value="CROP">Crop: cover, keep the middle</option>
                <option value="SQUISH">Squish: distort</option>
                <option value="PAD">Pad: fit, fill the rest</option>
              </Select>
              <TextField
                label={`Load as${which}`}
                value={one.itemSize}
                problem={problems[`${at}.itemSize`]}
                placeholder="640x480"
                onChange={({ target }) => change(index, { itemSize: target.value })}
              />
              <TextField
                label={`Train at${which}`}
                value={one.size}
                problem={problems[`${at}.size`]}
                placeholder="224"
                onChange={({ target }) => change(index, { size: target.value })}
              />
              <TextField
                label={`Name${which}`}
                value={one.name}
                problem={problems[`${at}.name`]}
                placeholder="by its sizes"
                onChange={({ target }) => change(index, { name: target.value })}
              />
              <span className={styles.remove}>
                <Button
                  look="quiet"
                  aria-label={`Remove preprocessing ${index + 1}`}
                  title="Remove"
                  disabled={preprocessings.length === 1}
                  onClick={() => onChange(preprocessings.filter((_, i) => i !== index))}
                >
                  <Icon name="close" />
                </Button>
              </span>
            </li>
          );
        })}
      </ul>
      {problems.preprocessings !== undefined && (
        <p className={styles.problem} role="alert">
          {problems.preprocessings}
        </p>
      )}
      <p className={styles.hint}>
        Sizes are in pixels: 224, or 320x240 for height x width. Augmentation and the network see “Train at”.
      </p>
      <Row>
        <span className={styles.hint}>Presets</span>
        {presets.map(({ label, preprocessing }) => (
          <Button key={label} small onClick={() => onChange(add(preprocessings, preprocessing))}>
            {label}
          </Button>
        ))}
      </Row>
    </Stack>
  );
}

/** What the form began with and nobody has touched gives way. */
function add(preprocessings: readonly Preprocessing[], preset: Preprocessing): readonly Preprocessing[] {
  const untouched = JSON.stringify(preprocessings) === JSON.stringify(recipe.preprocessings);
  return untouched ? [preset] : [...preprocessings, preset];
}
