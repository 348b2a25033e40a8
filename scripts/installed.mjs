/** Whether node_modules is what package-lock.json says. No dependencies: this runs before there are any. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Why node_modules differs from the lock file, or null when it does not. npm writes what it installed to
 * node_modules/.package-lock.json as its last act, so an interrupted installation counts as none.
 */
export function installationDifference(root) {
  let wanted;
  let installed;
  wanted = readPackages(path.join(root, 'package-lock.json'));
  try {
    installed = readPackages(path.join(root, 'node_modules', '.package-lock.json'));
  } catch {
    return 'nothing is installed';
  }
  for (const [name, entry] of Object.entries(wanted)) {
    if (name === '') continue;
    const there = installed[name];
    if (there ? there.version === entry.version && there.integrity === entry.integrity : mayBeMissing(entry)) continue;
    return there ? `${name} is ${there.version}, not ${entry.version}` : `${name} is missing`;
  }
  const extra = Object.keys(installed).find((name) => !wanted[name]);
  return extra ? `${extra} is installed but not wanted` : null;
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** Optional packages of other platforms are never installed; one made for just this platform must be there. */
function mayBeMissing({ optional, os, cpu, libc }) {
  const forThisPlatform = os?.includes(process.platform) && cpu?.includes(process.arch) && !libc;
  return Boolean(optional) && !forThisPlatform;
}
