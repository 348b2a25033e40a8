import { useApiQuery } from '../../api/hooks.ts';
import { percent } from '../../format/numbers.ts';
import {
  EnsembleDisputedDocument,
  type EnsembleInput,
  type EnsembleRowFragment,
  EnsembleUncertainDocument,
  type Split,
} from '../../generated/operations.ts';
import { Gallery, type GalleryImage } from '../../ui/Gallery.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Notice, Skeleton } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './ensembles.module.css';
import { refusal } from './refusal.ts';

/** The images on which members differ most, or of which the ensemble is least certain; which of the two, and of which split, stands in the link. */
export function ImagesPanel({ input, splits }: { readonly input: EnsembleInput; readonly splits: readonly Split[] }) {
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
              options={splits.map((value) => ({ value, label: value }))}
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
}

function Disputed({ input }: { readonly input: EnsembleInput }) {
  const { data, error, isPlaceholderData } = useApiQuery(EnsembleDisputedDocument, { input });
  if (error) return <Notice tone="bad">{refusal(error)}</Notice>;
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
      images={disagreement.map(({ row, memberVotes }) => ({
        row,
        votes: memberVotes.map(({ label, count }) => `${label} ${count}`).join(' · '),
      }))}
    />
  );
}

function Uncertain({ input }: { readonly input: EnsembleInput }) {
  const { data, error, isPlaceholderData } = useApiQuery(EnsembleUncertainDocument, { input });
  if (error) return <Notice tone="bad">{refusal(error)}</Notice>;
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

function Images({
  label,
  images,
  outdated,
}: {
  readonly label: string;
  readonly images: readonly { readonly row: EnsembleRowFragment; readonly votes: string | null }[];
  readonly outdated: boolean;
}) {
  return (
    <div className={outdated ? styles.outdated : undefined} aria-busy={outdated}>
      <Gallery label={label} images={images.map(({ row, votes }) => picture(row, votes))} tile="9rem" />
    </div>
  );
}

/** Image, what is predicted, what is true where that is known, and who voted for what. */
function picture(
  { imageId, label, predicted, confidence, thumbnailUrl }: EnsembleRowFragment,
  votes: string | null,
): GalleryImage {
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
      ...(label !== null ? [<span key="truth">{wrong ? <bdi title={label}>is {label}</bdi> : ' '}</span>] : []),
      ...(votes !== null
        ? [
            <bdi key="votes" title={`Votes: ${votes}`}>
              {votes}
            </bdi>,
          ]
        : []),
      <span key="id" className={styles.out}>
        <Name>{imageId}</Name>
      </span>,
    ],
  };
}
