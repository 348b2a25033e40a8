/**
 * `npm run audit`: asks the registry for known vulnerabilities of the installed packages and compares them with those that
 * docs/security.md explains. Exit status 0: all are explained, and nothing is explained that is gone; 1: not so; 2: the registry
 * does not answer such questions (mirrors often do not), so nothing is known.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * What does not fit between a report of `npm audit --json` and the page, in words.
 * @param {{ vulnerabilities: Record<string, { via: (string | { url: string, title: string, severity: string, name: string })[] }> }} report
 * @param {string} page
 */
function differences(report, page) {
  const advisories = new Map(
    Object.values(report.vulnerabilities)
      .flatMap(({ via }) => via)
      .filter((via) => typeof via === 'object')
      .map((via) => [idIn(via.url), via]),
  );
  const explained = new Set([...page.matchAll(/^\| \[(GHSA-[\w-]+)\]/gm)].map(([, id]) => id));
  return [
    ...[...advisories]
      .filter(([id]) => !explained.has(id))
      .map(([id, { name, severity, title }]) => `${id} is not explained: ${name}, ${severity}, ${title}`),
    ...[...explained]
      .filter((id) => !advisories.has(id))
      .map((id) => `${id} is explained, but no longer found: remove it`),
  ];
}

/** @param {string} url */
function idIn(url) {
  return /GHSA-[\w-]+/.exec(url)?.[0] ?? url;
}

function main() {
  const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8' });
  const report = parse(stdout);
  if (!report?.vulnerabilities) {
    console.log(`The registry does not tell of vulnerabilities: ${report?.message ?? stdout.slice(0, 200)}`);
    return 2;
  }
  const problems = differences(report, readFileSync(new URL('../docs/security.md', import.meta.url), 'utf8'));
  for (const problem of problems) console.log(problem);
  console.log(
    problems.length ? 'docs/security.md, section Dependencies, explains each' : 'Nothing that is not explained',
  );
  return problems.length ? 1 : 0;
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

process.exit(main());
