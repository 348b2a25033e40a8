import { useEffect, useRef, useState } from 'react';
import styles from './Gallery.module.css';

/** A picture that is asked for while it is there: who scrolls past thousands waits only for those in sight. `alt`: left out where what it shows stands beside it. */
export function Thumbnail({
  url,
  alt = '',
  onMissing,
}: {
  readonly url: string;
  readonly alt?: string;
  readonly onMissing?: (url: string) => void;
}) {
  const image = useRef<HTMLImageElement>(null);
  const [missing, setMissing] = useState(false);
  useEffect(() => {
    const element = image.current!;
    element.src = url;
    // Ends the request, if it is still under way.
    return () => element.removeAttribute('src');
  }, [url]);
  const miss = () => {
    setMissing(true);
    onMissing?.(url);
  };
  return (
    <>
      {missing && <span className={styles.missing}>Cannot be read</span>}
      <img ref={image} alt={alt} decoding="async" hidden={missing} onError={miss} />
    </>
  );
}
