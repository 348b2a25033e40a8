import { type FormEvent, useState, useSyncExternalStore } from 'react';
import { useLocation } from 'wouter';
import { useApiMutation } from '../../api/hooks.ts';
import { useIdempotencyKey } from '../../api/idempotency.ts';
import { request } from '../../api/request.ts';
import { sentence } from '../../format/sentence.ts';
import { DatasetNamedDocument, ImportDatasetDocument } from '../../generated/operations.ts';
import { ForWriters, ReadOnlyNotice, useMayWrite } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Checkbox, TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Grid, PageHead, Panel, Row, Stack } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { FilePicker } from './FilePicker.tsx';
import { FolderShapes } from './FolderShapes.tsx';
import { type ImportForm, type ImportProblems, parseImportForm, placeProblems, suggestName } from './importForm.ts';
import { importing } from './importing.ts';
import { UploadPanel } from './UploadPanel.tsx';

const empty: Omit<ImportForm, 'source'> = { name: '', path: '', holdOut: false, share: '20', seed: '0' };

/** `?source=path`: of a folder on the server's machine; else an archive is sent. */
export function ImportPage() {
  const [get, set] = useSearch();
  const [, navigate] = useLocation();
  const upload = useSyncExternalStore(importing.listen, importing.get);
  const earlier = upload.kind === 'idle' ? null : upload;
  const source = get('source') === 'path' ? 'path' : 'upload';
  const [values, setValues] = useState<Omit<ImportForm, 'source'>>(earlier?.form ?? empty);
  const [named, setNamed] = useState(earlier !== null);
  const [file, setFile] = useState<File | null>(earlier?.file ?? null);
  const [found, setFound] = useState<ImportProblems>({});
  const importDataset = useApiMutation(ImportDatasetDocument);
  const { keyFor, done } = useIdempotencyKey();
  const [asking, setAsking] = useState(false);
  const mayWrite = useMayWrite();

  const form: ImportForm = { ...values, source };
  const busy = asking || importDataset.isPending || upload.kind === 'sending';
  const problems = source === 'upload' && upload.kind === 'refused' ? { ...found, ...upload.problems } : found;
  const change = (changes: Partial<ImportForm>) => {
    setValues({ ...values, ...changes });
    setFound({});
    importing.forget();
  };
  const suggest = (from: string) => (named ? {} : { name: suggestName(from) });

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!mayWrite) return;
    importing.forget();
    const parsed = parseImportForm(form, file);
    if ('problems' in parsed) return setFound(parsed.problems);
    const { facts } = parsed;
    setFound({});
    setAsking(true);
    try {
      if (source === 'upload') {
        // Sending takes long: what can be known before is said before.
        if ((await request(DatasetNamedDocument, { name: facts.name })).dataset) {
          return setFound({ name: 'There is a data set of this name already. Choose another one, or delete it.' });
        }
        return void importing.begin(form, facts, file!);
      }
      const input = { ...facts, path: form.path };
      const answer = await importDataset.mutateAsync({ input: { ...input, idempotencyKey: keyFor(input) } });
      const { dataset, userErrors } = answer.importDataset;
      if (!dataset) return setFound(placeProblems(userErrors));
      done();
      navigate(routes.dataset(dataset.id));
    } catch (error) {
      setFound({ form: sentence((error as Error).message) });
    } finally {
      setAsking(false);
    }
  };

  return (
    <>
      <PageHead title="Import images" trail={[{ to: routes.datasets, label: 'Data sets' }]} />
      <Grid least="24rem">
        <Stack>
          <ReadOnlyNotice what="import images" />
          <Panel>
            <form onSubmit={(event) => void submit(event)} noValidate>
              <Stack>
                <Row>
                  <Segments
                    label="Where the images are"
                    options={[
                      { value: 'upload', label: 'An archive of mine' },
                      { value: 'path', label: "On the server's machine" },
                    ]}
                    value={source}
                    onChange={(value) => {
                      set({ source: value === 'path' ? value : null });
                      setFound({});
                    }}
                  />
                </Row>
                {source === 'upload' ? (
                  <FilePicker
                    file={file}
                    disabled={busy}
                    problem={problems.file}
                    onPick={(picked) => {
                      setFile(picked);
                      change(suggest(picked.name));
                    }}
                    onRefuse={(problem) => setFound({ ...found, file: problem })}
                  />
                ) : (
                  <TextField
                    label="Path of a folder or an archive"
                    placeholder="/data/paddy"
                    value={values.path}
                    disabled={busy}
                    spellCheck={false}
                    onChange={({ target }) => change({ path: target.value, ...suggest(target.value) })}
                    hint="Absolute, or relative to where the server was started. A folder stays where it is: do not move it while runs train on it."
                    problem={problems.path}
                  />
                )}
                <TextField
                  label="Name"
                  value={values.name}
                  disabled={busy}
                  onChange={({ target }) => {
                    setNamed(target.value !== '');
                    change({ name: target.value });
                  }}
                  hint="No other data set may have it."
                  problem={problems.name}
                />
                <Checkbox
                  label="Hold out a share of every class"
                  checked={values.holdOut}
                  disabled={busy}
                  onChange={({ target }) => change({ holdOut: target.checked })}
                />
                {values.holdOut && (
                  <>
                    <Grid least="8rem">
                      <TextField
                        label="Share, in percent"
                        inputMode="decimal"
                        value={values.share}
                        disabled={busy}
                        onChange={({ target }) => change({ share: target.value })}
                        problem={problems.share}
                      />
                      <TextField
                        label="Seed"
                        inputMode="numeric"
                        value={values.seed}
                        disabled={busy}
                        onChange={({ target }) => change({ seed: target.value })}
                        problem={problems.seed}
                      />
                    </Grid>
                    <p>
                      No run trains or validates on these images, so that scores on them compare between runs. The
                      folder must have no holdout_images/ then.
                    </p>
                  </>
                )}
                {problems.form !== undefined && <Notice tone="bad">{problems.form}</Notice>}
                <Row>
                  <ForWriters>
                    <Button type="submit" look="primary" disabled={busy}>
                      {source === 'upload' ? 'Send and import' : 'Import'}
                    </Button>
                  </ForWriters>
                  <ButtonLink look="quiet" to={routes.datasets}>
                    Back
                  </ButtonLink>
                </Row>
              </Stack>
            </form>
          </Panel>
          <UploadPanel />
        </Stack>
        <Panel title="What the folder should look like">
          <FolderShapes />
        </Panel>
      </Grid>
    </>
  );
}
