import { CopyButton } from '../../ui/CopyButton.tsx';
import { Empty } from '../../ui/Notice.tsx';
import styles from './Machines.module.css';

const ways = [
  ['Server and a worker on this machine', 'npm start'],
  [
    'A worker of another machine, over the same database and blobs',
    'DATABASE_URL=postgres://… RUNGRAPH_BLOBS=s3://… node --import tsx src/bin/worker.ts',
  ],
] as const;

export function NoWorkers() {
  return (
    <Empty title="No worker has reported">
      <p>Workers train, measure memory and import. What is queued waits until one is there. Start one:</p>
      <dl className={styles.ways}>
        {ways.map(([where, command]) => (
          <div key={where}>
            <dt>{where}</dt>
            <dd>
              <code>{command}</code> <CopyButton text={command} />
            </dd>
          </div>
        ))}
      </dl>
      <p>A worker that was lost within the last day stands here, too.</p>
    </Empty>
  );
}
