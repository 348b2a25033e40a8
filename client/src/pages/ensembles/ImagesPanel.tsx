import { memo, type ReactNode, useState } from 'react';
import { useApiQuery } from '../../api/hooks.ts';
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
import { Empty, Notice, Skeleton } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import type { LabelCount } from './distribution.ts';
import styles from './ensembles.module.css';
import { ImageDialog } from './ImageDialog.tsx';
import { refusal } from './refusal.ts';

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
  const { data, error, refetch, isPlaceholderData } = useApiQuery(EnsembleDisputedDocument, { input });
  if (error && !data) return <Refused error={error} onRetry={() => void refetch()} />;
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
      outdated={isPlaceholderData}
      images={disagreement.map(({ row, memberVotes }) => ({ row, votes: memberVotes }))}
    />
  );
}

function Uncertain({ input }: { readonly input: EnsembleInput }) {
  const { data, error, refetch, isPlaceholderData } = useApiQuery(EnsembleUncertainDocument, { input });
  if (error && !data) return <Refused error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton height="20rem" label="Computing" />;
  const { nodes } = data.ensemble.rows;
  if (!nodes.length) return <Empty title="There are no images" />;
  return (
    <Images
      label="Images, least certain first"
      outdated={isPlaceholderData}
      images={nodes.map((row) => ({ row, votes: null }))}
    />
  );
}

function Refused({ error, onRetry }: { readonly error: Error; readonly onRetry: () => void }) {
  return (
    <Notice tone="bad" actions={<Button onClick={onRetry}>Try again</Button>}>
      {refusal(error)}
    </Notice>
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
}: {
  readonly label: string;
  readonly images: readonly Shown[];
  readonly outdated: boolean;
}) {
  const [open, setOpen] = useState<string | null>(null);
  const [all, setAll] = useState(false);
  const shown = all ? images : images.slice(0, fewImages);
  const opened = images.find(({ row }) => row.imageId === open);
  return (
    <div className={outdated ? styles.outdated : undefined} aria-busy={outdated}>
      <Gallery label={label} images={shown.map(picture)} tile="10rem" onOpen={setOpen} />
      {shown.length < images.length && (
        <p className={styles.more}>
          <Button onClick={() => setAll(true)}>Show all {images.length}</Button>
        </p>
      )}
      {opened && <ImageDialog {...opened} onClose={() => setOpen(null)} />}
    </div>
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
