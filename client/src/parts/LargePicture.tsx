import { useState } from 'react';
import { MissingPicture } from './MissingPicture.tsx';

/** One picture, large; or why there is none. */
export function LargePicture({
  url,
  alt,
  className,
}: {
  readonly url: string;
  readonly alt: string;
  readonly className?: string | undefined;
}) {
  const [missing, setMissing] = useState<string | null>(null);
  if (missing === url) return <MissingPicture url={url} />;
  return <img className={className} src={url} alt={alt} onError={() => setMissing(url)} />;
}
