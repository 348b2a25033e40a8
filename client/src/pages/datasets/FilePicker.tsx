import { useEffect, useId, useRef, useState } from 'react';
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
  const latest = useRef({ disabled, onPick, onRefuse });
  latest.current = { disabled, onPick, onRefuse };
  // The whole window takes what is dropped: beside a small target, a browser would leave the page and open the file.
  useEffect(() => {
    const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files');
    const hover = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(!latest.current.disabled);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      if (latest.current.disabled) return;
      const { items, files } = event.dataTransfer!;
      const folder = [...items].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
      const problem = dropProblem(folder, files.length);
      if (problem !== null) latest.current.onRefuse(problem);
      else latest.current.onPick(files[0]!);
    };
    const listening = new AbortController();
    const { signal } = listening;
    window.addEventListener('dragover', hover, { signal });
    window.addEventListener('dragleave', leave, { signal });
    window.addEventListener('drop', drop, { signal });
    return () => listening.abort();
  }, []);
  return (
    <div>
      <div className={classes(styles.zone, over && styles.over, problem !== undefined && styles.wrong)}>
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

function dropProblem(folder: boolean, files: number): string | null {
  if (folder) {
    return "That is a folder: pack it as zip, tar or tar.gz first, or give its path if it is on the server's machine.";
  }
  return files > 1 ? 'Those are several files: pack them into one archive.' : null;
}
