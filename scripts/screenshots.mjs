/**
 * The pictures of docs/screenshots: each page of the dashboard, light and dark, of a running server that has done the demo.
 *
 * node scripts/screenshots.mjs [URL, default http://127.0.0.1:4000] [page …]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const [url = 'http://127.0.0.1:4000', ...wanted] = process.argv.slice(2);
const folder = fileURLToPath(new URL('../docs/screenshots', import.meta.url));
const window = { width: 1280, height: 860 };

const ids = await findIds();
/** Name -> where it is. */
const pages = {
  experiments: '/',
  leaderboard: `/experiments/${ids.experiment}`,
  scatter: `/experiments/${ids.experiment}?tab=scatter`,
  run: `/runs/${ids.run}?smooth=0.6`,
  predictions: `/runs/${ids.run}?tab=predictions`,
  compare: `/compare?runs=${ids.runs.slice(0, 4).join(',')}`,
  start: `/experiments/${ids.experiment}/start`,
  sweep: ids.sweep && `/sweeps/${ids.sweep}`,
  probes: '/probes',
  probe: ids.probe && `/probes/${ids.probe}`,
  builder: `/experiments/${ids.experiment}/ensembles/new?runs=${ids.runs.slice(0, 3).join(',')}`,
  ensemble: ids.ensemble && `/ensembles/${ids.ensemble}`,
  datasets: '/datasets',
  dataset: `/datasets/${ids.dataset}`,
  images: `/datasets/${ids.dataset}?view=images`,
  machines: '/machines',
};

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const colorScheme of ['light', 'dark']) {
  const page = await browser.newPage({ viewport: window, colorScheme, reducedMotion: 'reduce' });
  for (const [name, link] of Object.entries(pages)) {
    if (!link || (wanted.length && !wanted.includes(name))) continue;
    await page.goto(url + link);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForLoadState('networkidle');
    await page.evaluate('document.fonts.ready');
    await page.waitForTimeout(500); // charts are drawn
    const file = path.join(folder, `${name}${colorScheme === 'dark' ? '-dark' : ''}.png`);
    // Not the empty space below a short page.
    const bottom = await page.evaluate(
      "Math.max(...[...document.querySelectorAll('main > *')].map((e) => e.getBoundingClientRect().bottom))",
    );
    const clip = { x: 0, y: 0, width: window.width, height: Math.min(window.height, Math.ceil(bottom) + 32) };
    const picture = await sharp(await page.screenshot({ clip }))
      .png({ palette: true, effort: 10, colours: 192 })
      .toBuffer();
    writeFileSync(file, picture);
    console.log(`${path.relative(process.cwd(), file)} ${(picture.length / 1024).toFixed(0)} KiB`);
  }
  await page.close();
}
await browser.close();

/** What the demo has left: the experiment with most runs, and one of each of its things. */
async function findIds() {
  const { experiments, memoryProbes } = await ask(`{
    experiments(first: 20) { nodes { id runCount dataset { id } } }
    memoryProbes(first: 1) { nodes { id } }
  }`);
  const experiment = experiments.nodes.filter(({ dataset }) => dataset).sort((a, b) => b.runCount - a.runCount)[0];
  if (!experiment) throw new Error(`${url} has no experiment with a data set; run the demo first`);
  const { experiment: found } = await ask(
    `query ($id: ID!) { experiment(id: $id) {
      leaderboard(first: 20, includeEnsembles: false) { edges { node { run { id sweep { id } } } } }
      ensembles(first: 1) { nodes { id } }
    } }`,
    { id: experiment.id },
  );
  const runs = found.leaderboard.edges.map(({ node }) => node.run);
  return {
    experiment: experiment.id,
    dataset: experiment.dataset.id,
    run: runs[0].id,
    runs: runs.map(({ id }) => id),
    sweep: runs.find(({ sweep }) => sweep)?.sweep.id,
    ensemble: found.ensembles.nodes[0]?.id,
    probe: memoryProbes.nodes[0]?.id,
  };
}

async function ask(query, variables = {}) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
