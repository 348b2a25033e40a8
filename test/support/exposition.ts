/** The text format in which Prometheus scrapes (0.0.4), read strictly. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly help: string;
  readonly type: string;
  /** By full name: that of the family, for histograms with `_bucket`, `_sum` and `_count`. */
  readonly samples: Map<string, Sample[]>;
}

/** Throws on anything that a scrape would refuse. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line must end');
  const families = new Map<string, Family>();
  const helps = new Map<string, string>();
  let name = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const help = /^# HELP ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    if (help) {
      if (helps.has(help[1]!)) throw new Error(`two helps: ${line}`);
      helps.set(help[1]!, help[2]!);
    } else if (type) {
      name = type[1]!;
      if (families.has(name)) throw new Error(`two types: ${line}`);
      families.set(name, { help: helps.get(name) ?? '', type: type[2]!, samples: new Map() });
    } else {
      addSample(families.get(name), name, line);
    }
  }
  return families;
}

function addSample(family: Family | undefined, name: string, line: string): void {
  const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (!family || !parts) throw new Error(`no sample of a family: ${line}`);
  const [, full, labelText = '', number] = parts;
  const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!suffixes.some((suffix) => full === name + suffix)) throw new Error(`not of ${name}: ${line}`);
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : number === 'Nan' ? Number.NaN : Number(number);
  if (Number.isNaN(value) && number !== 'Nan') throw new Error(`no number: ${line}`);
  const samples = family.samples.get(full!) ?? [];
  const labels = parseLabels(labelText, line);
  const key = JSON.stringify(Object.entries(labels).sort());
  if (samples.some((other) => JSON.stringify(Object.entries(other.labels).sort()) === key)) {
    throw new Error(`two samples of one series: ${line}`);
  }
  family.samples.set(full!, [...samples, { labels, value }]);
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const pattern = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match || match[1]! in labels) throw new Error(`labels: ${line}`);
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter));
  }
  return labels;
}

/** Sum of the samples of a series whose labels include these; undefined when there is none. */
export function sampleOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = [...families].find(([family]) => name === family || name.startsWith(`${family}_`))?.[1];
  const wanted = Object.entries(labels);
  const found = (family?.samples.get(name) ?? []).filter((sample) =>
    wanted.every(([label, value]) => sample.labels[label] === value),
  );
  return found.length ? found.reduce((sum, { value }) => sum + value, 0) : undefined;
}
