import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Button, type ButtonProps } from './Button.tsx';
import { classes } from './classes.ts';
import { Icon, type IconName } from './Icon.tsx';
import styles from './Menu.module.css';

export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName;
  readonly onChoose?: () => void;
  /** In place of `onChoose`: a download, or a page out of the dashboard. */
  readonly href?: string;
  /** Takes something away. */
  readonly tone?: 'bad';
  /** Why it cannot be chosen now. */
  readonly disabled?: string | undefined;
}

/** A button that shows what else can be done. Arrow keys, Home and End go through it, Escape and a click elsewhere close it. */
export function Menu({
  label,
  icon = 'more',
  hideLabel = false,
  items,
  look,
  small,
}: Pick<ButtonProps, 'look' | 'small'> & {
  readonly label: string;
  readonly icon?: IconName;
  /** The icon says it; the label is for screen readers and on hover. */
  readonly hideLabel?: boolean;
  readonly items: readonly MenuItem[];
}) {
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const element = list.current!;
    const follow = (event: Event) => {
      const opened = (event as ToggleEvent).newState === 'open';
      setOpen(opened);
      if (opened) {
        place(element, button.current!.getBoundingClientRect());
        itemsOf(element)[0]?.focus();
      }
    };
    element.addEventListener('toggle', follow);
    return () => element.removeEventListener('toggle', follow);
  }, []);

  const close = () => {
    list.current!.hidePopover();
    button.current!.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const all = itemsOf(list.current!);
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = {
      ArrowDown: (at + 1) % all.length,
      ArrowUp: (at - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (event.key === 'Tab') close();
    if (next === undefined) return;
    event.preventDefault();
    all[next]?.focus();
  };

  return (
    <>
      <Button
        ref={button}
        look={look}
        small={small}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={hideLabel ? label : undefined}
        title={hideLabel ? label : undefined}
        {...{ popovertarget: id }}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown') return;
          event.preventDefault();
          list.current!.showPopover();
        }}
      >
        {!hideLabel && label}
        <Icon name={icon} />
      </Button>
      <div
        ref={list}
        id={id}
        className={styles.menu}
        role="menu"
        aria-label={label}
        tabIndex={-1}
        {...{ popover: 'auto' }}
        onKeyDown={onKeyDown}
      >
        {items.map((item) => (
          <Item key={item.label} item={item} onChosen={close} />
        ))}
      </div>
    </>
  );
}

function Item({ item, onChosen }: { readonly item: MenuItem; readonly onChosen: () => void }): ReactNode {
  const { label, icon, href, tone, disabled, onChoose } = item;
  const content = (
    <>
      {icon && <Icon name={icon} />}
      <span>
        <bdi>{label}</bdi>
        {disabled !== undefined && <span className={styles.why}>{disabled}</span>}
      </span>
    </>
  );
  const shared = { role: 'menuitem', tabIndex: -1, className: classes(styles.item, tone && styles[tone]) };
  if (href !== undefined && disabled === undefined) {
    return (
      <a href={href} onClick={onChosen} {...shared}>
        {content}
      </a>
    );
  }
  const choose = () => {
    if (disabled !== undefined) return;
    onChosen();
    onChoose?.();
  };
  return (
    <button type="button" aria-disabled={disabled !== undefined} onClick={choose} {...shared}>
      {content}
    </button>
  );
}

const itemsOf = (list: HTMLElement) => [...list.querySelectorAll<HTMLElement>('[role="menuitem"]')];

/** Below the button, or above it where there is more room; from its left or its right edge inwards. */
function place(list: HTMLElement, button: DOMRect): void {
  const { clientWidth, clientHeight } = document.documentElement;
  const below = clientHeight - button.bottom >= list.offsetHeight + 8 || button.top < clientHeight / 2;
  list.style.top = below ? `${button.bottom + 4}px` : 'auto';
  list.style.bottom = below ? 'auto' : `${clientHeight - button.top + 4}px`;
  const fromLeft = button.left + list.offsetWidth <= clientWidth - 8;
  list.style.left = fromLeft ? `${button.left}px` : 'auto';
  list.style.right = fromLeft ? 'auto' : `${Math.max(8, clientWidth - button.right)}px`;
}
