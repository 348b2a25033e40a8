/** The two shapes of folders that are understood, drawn. */

import styles from './FolderShapes.module.css';

interface Entry {
  readonly name: string;
  readonly kind: 'folder' | 'images' | 'table';
  readonly about?: string;
  readonly optional?: boolean;
  readonly inside?: readonly Entry[];
}

const classFolders: readonly Entry[] = [
  {
    name: 'leaf_blast',
    kind: 'folder',
    inside: [{ name: 'any names, any of JPEG, PNG, WebP, GIF, TIFF', kind: 'images' }],
  },
  { name: 'healthy', kind: 'folder', inside: [{ name: '…', kind: 'images' }] },
];

const competition: readonly Entry[] = [
  { name: 'train_images', kind: 'folder', about: 'one folder per class', inside: classFolders },
  { name: 'train.csv', kind: 'table', about: 'image_id, label: only compared', optional: true },
  { name: 'test_images', kind: 'folder', about: 'without labels: to be predicted', optional: true },
  { name: 'sample_submission.csv', kind: 'table', about: 'their order', optional: true },
  { name: 'holdout_images', kind: 'folder', about: 'by class: no run trains on them', optional: true },
];

const plain: readonly Entry[] = [
  ...classFolders,
  { name: 'test_images', kind: 'folder', optional: true },
  { name: 'holdout_images', kind: 'folder', optional: true },
];

export function FolderShapes() {
  return (
    <div className={styles.shapes}>
      <figure>
        <figcaption>As competitions have it</figcaption>
        <Tree entries={competition} />
      </figure>
      <figure>
        <figcaption>Or plainly the classes</figcaption>
        <Tree entries={plain} />
      </figure>
      <p className={styles.note}>
        <span className={styles.optional}>Dashed</span> may be missing. A single folder around all of it is looked
        through. What cannot be used is listed with its reason, and the rest goes on.
      </p>
    </div>
  );
}

function Tree({ entries }: { readonly entries: readonly Entry[] }) {
  return (
    <ul className={styles.tree}>
      {entries.map(({ name, kind, about, optional, inside }) => (
        <li key={name}>
          <span className={styles.entry}>
            <svg viewBox="0 0 16 16" className={styles.glyph} aria-hidden="true">
              <path d={outlines[kind]} strokeDasharray={optional ? '2 1.5' : undefined} />
              {insides[kind] && <path d={insides[kind]} />}
            </svg>
            {kind === 'images' ? <span className={styles.about}>{name}</span> : <code>{name}</code>}
            {optional && <span className="visually-hidden">(may be missing)</span>}
            {about && <span className={styles.about}>{about}</span>}
          </span>
          {inside && <Tree entries={inside} />}
        </li>
      ))}
    </ul>
  );
}

const outlines: Readonly<Record<Entry['kind'], string>> = {
  folder: 'M1.5 3.5h4.5l1.5 2h7v8h-13z',
  images: 'M1.5 2.5h13v11h-13z',
  table: 'M2.5 2.5h11v11h-11z',
};
const insides: Readonly<Partial<Record<Entry['kind'], string>>> = {
  images: 'M2 12l4-4.5 3 3 2-2 3 3M10.5 5.6a.9.9 0 1 0 .01 0z',
  table: 'M5 6h6M5 8h6M5 10h6',
};
