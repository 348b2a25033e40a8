import { Icon, type IconName } from '../ui/Icon.tsx';
import styles from './App.module.css';

/** The word of a tool in the bar; on narrow screens an icon, with the word for screen readers. */
export function ToolLabel({ icon, children }: { readonly icon: IconName; readonly children: string }) {
  return (
    <>
      <span className={styles.toolIcon}>
        <Icon name={icon} />
      </span>
      <span className={styles.toolWord}>{children}</span>
    </>
  );
}
