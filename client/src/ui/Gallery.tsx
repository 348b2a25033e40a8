import { type CSSProperties, type ReactNode, useState } from 'react';
import { classes } from './classes.ts';
import styles from './Gallery.module.css';

export interface GalleryImage {
  readonly key: string;
  /** Null: the image is gone. */
  readonly src: string | null;
  /** What is seen, for those who do not see it. */
  readonly alt: string;
  /** Short lines below the image. Each needs the same number in a gallery, so that the rows are even. */
  readonly lines: readonly ReactNode[];
}

/** Thumbnails of equal size with captions, in as many columns as have room. They are loaded when they come into sight; nothing moves then. */
export function Gallery({
  label,
  images,
  tile = '8rem',
  onOpen,
}: {
  readonly label: string;
  readonly images: readonly GalleryImage[];
  /** Least width of an image, a CSS length. */
  readonly tile?: string;
  readonly onOpen?: (key: string) => void;
}) {
  return (
    <ul className={styles.gallery} aria-label={label} style={{ '--tile': tile } as CSSProperties}>
      {images.map(({ key, src, alt, lines }) => (
        <li key={key} className={styles.item}>
          {onOpen ? (
            <button type="button" className={styles.frame} onClick={() => onOpen(key)}>
              <Thumbnail src={src} alt={alt} />
            </button>
          ) : (
            <span className={styles.frame}>
              <Thumbnail src={src} alt={alt} />
            </span>
          )}
          <div className={styles.caption}>
            {lines.map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the lines are told apart by their place
              <span key={index}>{line}</span>
            ))}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Fewer pixels than this across: enlarged, its pixels are shown as squares and not blurred. */
const smallImage = 96;

function Thumbnail({ src, alt }: { readonly src: string | null; readonly alt: string }) {
  const [state, setState] = useState<'loading' | 'small' | 'large' | 'missing'>('loading');
  if (src === null || state === 'missing') {
    return (
      <span className={styles.missing} role="img" aria-label={`${alt} (cannot be loaded)`}>
        No image
      </span>
    );
  }
  return (
    <img
      src={src}
      alt={alt}
      loading="lazy"
      decoding="async"
      className={classes(state === 'small' && styles.small)}
      onLoad={({ currentTarget }) => setState(currentTarget.naturalWidth < smallImage ? 'small' : 'large')}
      onError={() => setState('missing')}
    />
  );
}
