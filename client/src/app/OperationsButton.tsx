import { useState, useSyncExternalStore } from 'react';
import { notedOperations } from '../api/operations.ts';
import { Button, ButtonAnchor } from '../ui/Button.tsx';
import { CopyButton } from '../ui/CopyButton.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Row } from '../ui/Page.tsx';
import styles from './App.module.css';
import { ToolLabel } from './ToolLabel.tsx';

/** Shows the GraphQL that the page was made of, each with a link that opens it in GraphiQL. */
export function OperationsButton() {
  const [open, setOpen] = useState(false);
  const operations = useSyncExternalStore(notedOperations.listen, notedOperations.get);
  return (
    <>
      <Button look="quiet" small onClick={() => setOpen(true)} title="The GraphQL that this page used">
        <ToolLabel icon="code">Query</ToolLabel>
      </Button>
      {open && (
        <Dialog title="The GraphQL of this page" onClose={() => setOpen(false)} wide>
          {operations.map(({ document, variables }) => {
            const query = document.trim();
            const text = JSON.stringify(variables, null, 2);
            const link = `/graphiql?query=${encodeURIComponent(query)}&variables=${encodeURIComponent(text)}`;
            return (
              <section key={document}>
                <pre className={styles.code}>{query}</pre>
                {text !== '{}' && <pre className={styles.code}>{text}</pre>}
                <Row>
                  <ButtonAnchor small href={link}>
                    Open in GraphiQL
                  </ButtonAnchor>
                  <CopyButton text={query} />
                </Row>
              </section>
            );
          })}
        </Dialog>
      )}
    </>
  );
}
