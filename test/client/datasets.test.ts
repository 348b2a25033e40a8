/** Data sets and machines as people see them, without a worker: what the test does in its place happens when the test says so. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../client/src/routes.ts';
import { beginImport, failImport, reportImport } from '../../src/commands/datasetImport.ts';
import { registerWorker } from '../../src/commands/worker.ts';
import { sampleDevices } from '../../src/store/deviceSample.ts';
import { touchWorker } from '../../src/store/worker.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { hasBrowser, launchBrowser, openTab } from '../support/browser.ts';
import { image, manifest, readyDataset } from '../support/catalogue.ts';
import { smallConfig, trainableExperiment } from '../support/runs.ts';
import { settled } from './settled.ts';
import { write } from './world.ts';

const patience = { timeout: 60_000, interval: 50 };

let server: ApiServer;
let browser: Browser;
beforeAll(async () => {
  if (hasBrowser) [server, browser] = await Promise.all([apiServer(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

describe.runIf(hasBrowser)('an import', () => {
  test('says what is wrong at the fields; an upload has a progress, can be canceled, and its form stays', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await readyDataset(server.context.db.prisma, 'taken', manifest([image('TRAIN', '1.jpg', 'blast')]));
    await page.goto(`${routes.importDataset}?source=path`);
    await settled(page);
    const path = page.getByLabel('Path of a folder or an archive');
    const name = page.getByLabel('Name');
    await path.fill('/nowhere/at/all');
    await expect.poll(() => name.inputValue()).toBe('all');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByText('There is no folder or archive /nowhere/at/all').waitFor();
    await expect.poll(() => path.getAttribute('aria-invalid')).toBe('true');
    await expect.poll(() => name.getAttribute('aria-invalid')).toBe('false');

    await page.getByText('An archive of mine').click();
    const drop = async (...names: string[]) => {
      const data = await page.evaluateHandle((given) => {
        const transfer = new DataTransfer();
        for (const one of given) transfer.items.add(new File(['some bytes'], one));
        return transfer;
      }, names);
      await page.dispatchEvent('h1', 'drop', { dataTransfer: data });
    };
    await drop('one.zip', 'two.zip');
    await page.getByText('Those are several files').waitFor();
    await drop('dropped.zip');
    await page.getByText('dropped.zip').waitFor();
    const file = { name: 'taken.tar.gz', mimeType: 'application/gzip', buffer: Buffer.alloc(3_000_000) };
    await page.getByLabel('File to send').setInputFiles(file);
    await name.fill('taken');
    const send = page.getByRole('button', { name: 'Send and import' });
    await send.click();
    await page.getByText('There is a data set of this name already').waitFor();
    await name.fill('sent');

    const network = await page.context().newCDPSession(page);
    const limits = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 50_000 };
    await network.send('Network.emulateNetworkConditions', limits);
    await send.click();
    const progress = page.getByRole('progressbar', { name: 'Sending taken.tar.gz' });
    await expect.poll(async () => Number(await progress.getAttribute('aria-valuenow')), patience).toBeGreaterThan(0);
    // It goes on while one looks at other views.
    await page.getByRole('link', { name: 'Data sets' }).first().click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await progress.waitFor({ state: 'detached' });
    expect((await server.ask('{ dataset(name: "sent") { id } }')).dataset).toBeNull();

    await network.send('Network.emulateNetworkConditions', { ...limits, uploadThroughput: -1 });
    await page.getByRole('link', { name: 'Import images' }).click();
    await expect.poll(() => name.inputValue()).toBe('sent');
    await send.click();
    await page.getByRole('heading', { level: 1, name: 'sent' }).waitFor();
    await page.getByText('Waits for a worker').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  test('is followed, canceled, begun again, and says why it failed, all without a reload', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    const { dataset } = await write(
      server,
      'importDataset',
      'ImportDatasetInput',
      { name: 'followed', path: import.meta.dirname },
      'dataset { id }',
    );
    const archive = { root: `datasets/${dataset.id}/files`, archiveName: 'leaves <i>1</i>.zip' };
    await server.context.db.prisma.dataset.update({ where: { id: dataset.id }, data: archive });
    await page.goto(routes.dataset(dataset.id));
    await settled(page);
    const begin = async () => ({
      datasetId: dataset.id,
      attempt: (await beginImport(server.context, dataset.id))!.importAttempt,
    });
    const progress = { phase: 'CHECKING', done: 30, total: 120, rejected: 2, bytes: 2048, bytesTotal: null } as const;
    await reportImport(server.context, await begin(), progress);
    await page.getByText('30 of 120 · 2.00 KiB · 2 refused so far').waitFor();
    await page.getByRole('button', { name: 'Cancel the import' }).click();
    await page.getByText('The import was canceled').waitFor();
    await page.getByRole('button', { name: 'Import again' }).click();
    await page.getByText('Waits for a worker').waitFor();
    await failImport(server.context, await begin(), 'there is <b>no</b> image');
    await page.getByText('there is <b>no</b> image').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Import again' }).isEnabled()).toBe(true);
    await page.getByText('leaves <i>1</i>.zip').waitFor();
    await expect.poll(() => page.getByText('Unpacked in').count()).toBe(0);

    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { level: 1, name: 'Data sets' }).waitFor();
    expect((await server.ask('{ dataset(name: "followed") { id } }')).dataset).toBeNull();
    expect(problems).toEqual([]);
    await close();
  });

  test('with thousands of problems shows them by file, searched and by severity', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    const found = Array.from({ length: 2500 }, (_, line) => ({
      path: `train.csv:${line + 2}`,
      reason: `lists "${line}.jpg", of which there is no usable image`,
      severity: 'WARNING' as const,
    }));
    const torn = { path: 'train_images/blast/torn.jpg', reason: 'is cut off', severity: 'REJECTED' as const };
    const id = await readyDataset(
      server.context.db.prisma,
      'problematic',
      manifest([image('TRAIN', '1.jpg', 'blast')], [...found, torn]),
    );
    await page.goto(`${routes.dataset(id)}?view=problems`);
    await settled(page);
    const list = page.getByRole('region', { name: 'Import problems' });
    await list.getByText(torn.path).waitFor();
    const table = list.getByRole('button', { name: 'train.csv' });
    await expect.poll(() => table.textContent(), patience).toContain('2,500');
    await expect.poll(() => list.getByText('no usable image').count()).toBe(0);
    await table.click();
    await list.getByText('lists "0.jpg"').waitFor();
    await expect.poll(() => list.getByRole('listitem').count()).toBeLessThan(100);
    await page.getByLabel('Search in paths and reasons').fill('"2499.jpg"');
    await list.getByText('train.csv:2501').waitFor();
    await expect.poll(() => list.getByRole('listitem').count()).toBe(1);
    await page.getByText('Rejected 1').click();
    await page.getByRole('button', { name: 'Show all' }).click();
    await list.getByText('lists "0.jpg"').waitFor();
    expect(problems).toEqual([]);
    await close();
  });
});

describe.runIf(hasBrowser)('a gallery of hundreds', () => {
  test('is gone through by keys alone; what cannot be read is said', async () => {
    // There are no such files.
    const { page, problems, close } = await openTab(browser, server.url, { tolerated: /404/ });
    const images = Array.from({ length: 250 }, (_, index) =>
      image('TRAIN', `${1000 + index}.jpg`, index < 245 ? 'blast' : 'rare'),
    );
    const id = await readyDataset(server.context.db.prisma, 'gallery', manifest(images));
    await page.goto(`${routes.dataset(id)}?view=images`);
    await settled(page);
    const cells = page.getByRole('list', { name: 'Images' }).getByRole('listitem');
    const at = (name: string) => page.getByRole('main').getByRole('button', { name });
    await at('1000.jpg').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => at('1001.jpg').evaluate((e) => e === document.activeElement), patience).toBe(true);
    await expect.poll(() => at('1001.jpg').textContent()).toContain('480 × 640');
    await page.getByText('Cannot be read').first().waitFor();
    await page.getByText('it is not there, or not on this machine (ENOENT)').waitFor();
    await expect.poll(() => cells.first().locator('img').isVisible()).toBe(false);
    await expect.poll(() => cells.count()).toBeLessThan(120);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('heading', { name: '1001.jpg' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await dialog.getByText('3 of 250').waitFor();
    await dialog.getByText(/1002\.jpg: it is not there, or not on this machine/).waitFor();
    expect(new URL(page.url()).searchParams.get('image')).toBe(`${id}.2`);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });

    // Of another class, whose pictures are there, nothing is said.
    const notice = page.getByText('Not all pictures can be shown');
    await notice.waitFor();
    const drawn = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    await page.route(/\/images\/.*\/24[5-9]\/thumbnail/, (route) =>
      route.fulfill({ contentType: 'image/svg+xml', body: drawn }),
    );
    await page.getByLabel('Class').selectOption('rare');
    await at('1245.jpg').waitFor();
    await expect.poll(() => cells.count()).toBe(5);
    const widths = () =>
      cells.locator('img').evaluateAll((all: HTMLImageElement[]) => all.map((one) => one.naturalWidth));
    await expect.poll(widths).toEqual([9, 9, 9, 9, 9]);
    await expect.poll(() => notice.count()).toBe(0);
    // A link to a picture that is not on the first page.
    await page.goto(`${routes.dataset(id)}?view=images&image=${id}.240`);
    await dialog.getByRole('heading', { name: '1240.jpg' }).waitFor();
    expect(problems).toEqual([]);
    await close();
  });
});

describe.runIf(hasBrowser)('machines', () => {
  test('without a worker say how to start one; what one tells appears by itself, and stays when one looks elsewhere', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto(routes.machines);
    await settled(page);
    await page.getByText('No worker has reported').waitFor();
    const device = {
      ...{ index: 0, name: 'Leaf GPU', kind: 'CUDA' as const, memoryTotal: 2 ** 34, memoryUsed: 2 ** 33 },
      ...{ utilization: 0.42, temperature: 61, processes: [{ pid: 77, memory: 2 ** 30 }] },
    };
    const about = { host: 'field', pid: 1, version: '9.9.9', engine: 'tensorflow' };
    const id = await registerWorker(server.context, { ...about, devices: [device] });
    await touchWorker(server.context.db.prisma, id, new Date(Date.now() + 3_600_000));
    await page.getByRole('heading', { name: 'field' }).waitFor();
    const meter = page.getByRole('meter', { name: 'Memory in use' });
    await expect.poll(() => meter.getAttribute('aria-valuetext')).toBe('8.00 GiB of 16.0 GiB');
    await page.getByText('42 %').waitFor();
    await page.getByText('61 °C').waitFor();
    await page.getByText('none of ours').waitFor();
    const chart = page.getByRole('slider', { name: 'Memory of Leaf GPU' });
    const since = async () => /since \S+/.exec((await chart.getAttribute('aria-label'))!)![0];
    const first = await since();
    await page.getByRole('link', { name: 'Data sets' }).first().click();
    await page.getByRole('link', { name: 'Machines' }).click();
    expect(await since()).toBe(first);
    await sampleDevices(server.context.db.prisma, id, new Date(Date.now() - 600_000));
    await page.reload();
    await page.getByRole('slider', { name: /^Memory of Leaf GPU .*All programs: 2 points/ }).waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  test('show the queue, of which runs are canceled and queued again', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    const experimentId = await trainableExperiment(server.context);
    for (const name of ['one', 'two', 'three']) {
      await write(server, 'startRun', 'StartRunInput', { experimentId, name, config: smallConfig }, 'run { id }');
    }
    const statuses = async () =>
      Object.fromEntries(
        (await server.ask('{ runs { nodes { name status } } }')).runs.nodes.map(
          ({ name, status }: { name: string; status: string }) => [name, status],
        ),
      );
    await page.goto(`${routes.machines}?view=queue`);
    await settled(page);
    await page.getByText('0 under way, 3 waiting').waitFor();
    const rows = page.getByRole('row');
    expect((await rows.allInnerTexts()).slice(1).map((text) => /one|two|three/.exec(text)?.[0])).toEqual([
      ...['one', 'two', 'three'],
    ]);
    await page.getByLabel('Select one').check();
    await page.getByLabel('Select three').check();
    await page.getByRole('button', { name: 'Cancel 2' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel 2 runs' }).click();
    await page.getByText('0 under way, 1 waiting').waitFor();
    await expect.poll(() => statuses()).toEqual({ one: 'CANCELED', two: 'QUEUED', three: 'CANCELED' });
    await page.getByRole('button', { name: 'Queue again' }).click();
    await page.getByText('0 under way, 3 waiting').waitFor();
    await expect.poll(() => statuses()).toEqual({ one: 'QUEUED', two: 'QUEUED', three: 'QUEUED' });
    expect(problems).toEqual([]);
    await close();
  });
});
