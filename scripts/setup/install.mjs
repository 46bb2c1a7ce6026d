import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { NODE_24, ROOT } from './paths.mjs'

/**
 * Installs what package-lock.json lists, when something of it is missing or of another version. npm keeps its own
 * record of what it installed in node_modules/.package-lock.json; comparing versions there takes milliseconds and does
 * not depend on file times, which a clone or a branch switch changes.
 */
export function ensureInstalled() {
  if (isInstalled()) return
  console.error('tapedeck: installing what is missing (npm ci), once …')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: ROOT, stdio: ['ignore', 2, 2] })
  if (status !== 0) {
    console.error('tapedeck: npm ci failed; its last lines above say why (usually the network or a missing npm)')
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
