import { memo, type ReactNode, useState } from 'react';
import { percent } from '../../format/numbers.ts';
import { splitWords } from '../../format/splits.ts';
import {
  EnsembleDisputedDocument,
  type EnsembleInput,
  type EnsembleRowFragment,
  EnsembleUncertainDocument,
  type Split,
} from '../../generated/operations.ts';
import { Button } from '../../ui/Button.tsx';
import { Gallery, type GalleryImage } from '../../ui/Gallery.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Skeleton } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import type { LabelCount } from './distribution.ts';
import styles from './ensembles.module.css';
import { ImageDialog } from './ImageDialog.tsx';
import { NotComputed } from './NotComputed.tsx';
import { useComputed } from './useComputed.ts';

/** The images on which members differ most, or of which the ensemble is least certain; which of the two, and of which split, stands in the link. */
export const ImagesPanel = memo(function ImagesPanel({
  input,
  splits,
}: {
  readonly input: EnsembleInput;
  readonly splits: readonly Split[];
}) {
  const [get, set] = useSearch();
  const split = splits.find((known) => known === get('images')) ?? splits[0]!;
  const uncertain = get('show') === 'uncertain';
  const of = { ...input, split };
  return (
    <Panel
      title="Images"
      actions={
        <>
          <Segments
            label="Which images"
            options={[
              { value: 'disputed', label: 'Disputed' },
              { value: 'uncertain', label: 'Least certain' },
            ]}
            value={uncertain ? 'uncertain' : 'disputed'}
            onChange={(value) => set({ show: value === 'uncertain' ? value : null })}
          />
          {splits.length > 1 && (
            <Segments
              label="Of which split"
              options={splits.map((value) => ({ value, label: splitWords[value] }))}
              value={split}
              onChange={(value) => set({ images: value === splits[0] ? null : value })}
            />
          )}
        </>
      }
    >
      {uncertain ? <Uncertain input={of} /> : <Disputed input={of} />}
    </Panel>
  );
});

function Disputed({ input }: { readonly input: EnsembleInput }) {
  const { data, error, outdated, retry } = useComputed(EnsembleDisputedDocument, { input });
  if (error && !data) return <NotComputed error={error} onRetry={retry} />;
  if (!data) return <Skeleton height="20rem" label="Computing" />;
  const { disagreement, rowCount } = data.ensemble;
  if (!disagreement.length) {
    return (
      <Empty title="Nothing is disputed">
        <p>All members predict the same label for each of the {rowCount} images.</p>
      </Empty>
    );
  }
  return (
    <Images
      label="Disputed images, most disputed first"
      outdated={outdated}
      problem={error && <NotComputed error={error} onRetry={retry} />}
      images={disagreement.map(({ row, memberVotes }) => ({ row, votes: memberVotes }))}
    />
  );
}

function Uncertain({ input }: { readonly input: EnsembleInput }) {
  const { data, error, outdated, retry } = useComputed(EnsembleUncertainDocument, { input });
  if (error && !data) return <NotComputed error={error} onRetry={retry} />;
  if (!data) return <Skeleton height="20rem" label="Computing" />;
  const { nodes } = data.ensemble.rows;
  if (!nodes.length) return <Empty title="There are no images" />;
  return (
    <Images
      label="Images, least certain first"
      outdated={outdated}
      problem={error && <NotComputed error={error} onRetry={retry} />}
      images={nodes.map((row) => ({ row, votes: null }))}
    />
  );
}

/** Shown at first. */
const fewImages = 16;

interface Shown {
  readonly row: EnsembleRowFragment;
  readonly votes: readonly LabelCount[] | null;
}

function Images({
  label,
  images,
  outdated,
  problem,
}: {
  readonly label: string;
  readonly images: readonly Shown[];
  readonly outdated: boolean;
  /** Why there are no newer ones. */
  readonly problem: ReactNode;
}) {
  const [open, setOpen] = useState<string | null>(null);
  const [all, setAll] = useState(false);
  const shown = all ? images : images.slice(0, fewImages);
  const opened = images.find(({ row }) => row.imageId === open);
  return (
    <Stack>
      {problem}
      <div className={outdated ? styles.outdated : undefined} aria-busy={outdated && !problem}>
        <Gallery label={label} images={shown.map(picture)} tile="10rem" onOpen={setOpen} />
        {shown.length < images.length && (
          <p className={styles.more}>
            <Button onClick={() => setAll(true)}>Show all {images.length}</Button>
          </p>
        )}
        {opened && <ImageDialog {...opened} onClose={() => setOpen(null)} />}
      </div>
    </Stack>
  );
}

/** Image, what is predicted, what is true where that is known, and who voted for what. */
function picture({ row: { imageId, label, predicted, confidence, thumbnailUrl }, votes }: Shown): GalleryImage {
  const wrong = label !== null && label !== predicted;
  return {
    key: imageId,
    src: thumbnailUrl,
    alt: `${imageId}: ${predicted}`,
    lines: [
      <span
        key="predicted"
        className={wrong ? styles.bad : undefined}
        title={wrong ? `Wrong: it is ${label}` : undefined}
      >
        {label !== null && <span aria-hidden="true">{wrong ? '✗ ' : '✓ '}</span>}
        {percent(confidence, 0)} <bdi>{predicted}</bdi>
      </span>,
      ...(label !== null ? [<span key="truth">{wrong ? <bdi title={label}>is {label}</bdi> : '\u00a0'}</span>] : []),
      ...(votes !== null ? [<span key="votes">{votesText(votes)}</span>] : []),
      <span key="id" className={styles.out}>
        <Name>{imageId}</Name>
      </span>,
    ],
  };
}

/** `brown_spot 3 · healthy 1`. */
function votesText(votes: readonly LabelCount[]): ReactNode {
  const text = votes.map(({ label, count }) => `${label} ${count}`).join(' · ');
  return <Name>{text}</Name>;
}
