import { Link } from 'wouter';
import { count, percent } from '../../format/numbers.ts';
import type { DatasetPageQuery } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { CopyButton } from '../../ui/CopyButton.tsx';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Name } from '../../ui/Name.tsx';
import styles from './Facts.module.css';

type Dataset = NonNullable<DatasetPageQuery['dataset']>;

/** Where the images are and by what they are known. */
export function Facts({ dataset }: { readonly dataset: Dataset }) {
  const { path, archiveName, archiveHash, contentHash, status, trainCount, testCount } = dataset;
  const ready = status === 'READY';
  const isFolder = archiveName === null && archiveHash === null;
  return (
    <KeyValues
      entries={[
        ['Training images', ready && count(trainCount)],
        ['Test images', ready && (testCount ? `${count(testCount)}, without labels` : 'none')],
        ['Hold-out images', holdoutWords(dataset)],
        ['Folder', isFolder && <Copied key="path" text={path} />],
        ['Archive', archiveName !== null && <Name key="name">{archiveName}</Name>],
        // What an import leaves that ends otherwise is removed.
        ['Unpacked in', !isFolder && ready && <Copied key="path" text={path} />],
        ['Archive (SHA-256)', archiveHash !== null && <Copied key="archive" text={archiveHash} />],
        ['Used by', dataset.experimentCount > 0 && <Experiments dataset={dataset} />],
        ['Content hash', contentHash !== '' && <Copied key="hash" text={contentHash} />],
      ]}
    />
  );
}

function Experiments({ dataset: { experiments, experimentCount } }: { readonly dataset: Dataset }) {
  const more = experimentCount - experiments.nodes.length;
  return (
    <ul>
      {experiments.nodes.map(({ id, name }) => (
        <li key={id}>
          <Link href={routes.experiment(id)}>
            <Name>{name}</Name>
          </Link>
        </li>
      ))}
      {more > 0 && <li>and {count(more)} more</li>}
    </ul>
  );
}

function Copied({ text }: { readonly text: string }) {
  return (
    <span className={styles.copied}>
      <bdi>{text}</bdi>
      <CopyButton text={text} />
    </span>
  );
}

function holdoutWords({ status, holdoutCount, holdoutFraction, holdoutSeed }: Dataset): string {
  const drawn =
    holdoutFraction !== null && `${percent(holdoutFraction, 1)} of every class, drawn by seed ${holdoutSeed}`;
  if (status !== 'READY') return drawn || 'what the folder holds out';
  if (drawn) return `${count(holdoutCount)}: ${drawn}`;
  return holdoutCount ? `${count(holdoutCount)}: the folder's holdout_images` : 'none';
}
