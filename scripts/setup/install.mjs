import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { NODE_24, ROOT } from './paths.mjs'

/**
 * Versions and checksums are those of package-lock.json, as with `npm ci`; but that refuses to run when the lock file
 * lacks optional packages of other platforms, which depends on where it was last written.
 */
const INSTALL = ['install', '--no-save', '--no-audit', '--no-fund']

/**
 * Installs what package-lock.json lists, when something of it is missing or of another version. npm keeps its own
 * record of what it installed in node_modules/.package-lock.json; comparing versions there takes milliseconds and does
 * not depend on file times, which a clone or a branch switch changes.
 */
export function ensureInstalled() {
  if (isInstalled()) return
  console.error('tapedeck: installing what is missing, once …')
  const { status, stderr, error } = spawnSync('npm', INSTALL, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) {
    console.error(`${stderr ?? ''}${error?.message ?? ''}\ntapedeck: npm ${INSTALL.join(' ')} failed, see above`)
    process.exit(1)
  }
}

function isInstalled() {
  if (!existsSync(NODE_24)) return false
  try {
    const wanted = JSON.parse(readFileSync(`${ROOT}package-lock.json`, 'utf8')).packages
    const installed = JSON.parse(readFileSync(`${ROOT}node_modules/.package-lock.json`, 'utf8')).packages
    return Object.entries(wanted).every(
      // Optional packages are for one platform each: most are rightly absent.
      ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
    )
  } catch {
    return false
  }
}
