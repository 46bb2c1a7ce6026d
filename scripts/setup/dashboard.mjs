import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NODE_24, ROOT } from './paths.mjs'

/** Builds the page when there is no build, or one older than its sources. */
export function ensureDashboard() {
  const built = `${ROOT}dashboard/dist/index.html`
  if (existsSync(built) && statSync(built).mtimeMs >= newestSourceMs(`${ROOT}dashboard`)) return
  console.error('tapedeck: building the page, once …')
  const build = spawnSync(NODE_24, [`${ROOT}scripts/build-dashboard.ts`], { cwd: ROOT, stdio: ['ignore', 'ignore', 2] })
  if (build.status !== 0) {
    console.error('tapedeck: building the page failed, see above; the server starts without a fresh one')
  }
}

function newestSourceMs(folder) {
  let newest = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'dist' || entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    newest = Math.max(newest, entry.isDirectory() ? newestSourceMs(path) : statSync(path).mtimeMs)
  }
  return newest
}
