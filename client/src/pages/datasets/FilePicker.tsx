import { type DragEvent, useId, useRef, useState } from 'react';
import { bytes } from '../../format/numbers.ts';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Name } from '../../ui/Name.tsx';
import styles from './FilePicker.module.css';

/** An archive out of the browser's dialog, or dropped. */
export function FilePicker({
  file,
  disabled,
  problem,
  onPick,
  onRefuse,
}: {
  readonly file: File | null;
  readonly disabled: boolean;
  readonly problem: string | undefined;
  readonly onPick: (file: File) => void;
  /** What was dropped is no file that could be sent. */
  readonly onRefuse: (problem: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const id = useId();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (disabled) return;
    const { items, files } = event.dataTransfer;
    if ([...items].some((item) => item.webkitGetAsEntry?.()?.isDirectory)) {
      onRefuse(
        "That is a folder: pack it as zip, tar or tar.gz first, or give its path if it is on the server's machine.",
      );
    } else if (files.length > 1) onRefuse('Those are several files: pack them into one archive.');
    else if (files[0]) onPick(files[0]);
  };
  return (
    <div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a way besides the button */}
      <div
        className={classes(styles.zone, over && styles.over, problem !== undefined && styles.wrong)}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(!disabled);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <input
          ref={input}
          type="file"
          className="visually-hidden"
          accept=".zip,.tar,.tgz,.gz"
          aria-label="File to send"
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : id}
          disabled={disabled}
          tabIndex={-1}
          onChange={({ target }) => {
            if (target.files?.[0]) onPick(target.files[0]);
            target.value = '';
          }}
        />
        {file ? (
          <p className={styles.file}>
            <Name>{file.name}</Name>
            <span className={styles.about}>{bytes(file.size)}</span>
          </p>
        ) : (
          <p className={styles.about}>Drop a zip, tar or tar.gz here</p>
        )}
        <Button onClick={() => input.current?.click()} disabled={disabled}>
          {file ? 'Choose another file' : 'Choose a file'}
        </Button>
      </div>
      {problem !== undefined && (
        <p id={id} className={styles.problem} role="alert">
          <bdi>{problem}</bdi>
        </p>
      )}
    </div>
  );
}
