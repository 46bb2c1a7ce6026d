import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NODE_24, ROOT } from './paths.mjs'

/** What the page is made of; scripts/build-dashboard.ts has the same list. */
const INPUTS = [
  ...['index.html', 'vite.config.ts', 'tsconfig.json', 'src', 'public'].map((name) => `dashboard/${name}`),
  ...['vite.config.ts', 'tsconfig.json', 'src'].map((name) => `client/${name}`),
  'src/control/event-names.ts',
]

/** Builds the page when there is no build, or one older than its sources. */
export function ensureDashboard() {
  const built = `${ROOT}dashboard/dist/index.html`
  const newestMs = Math.max(...INPUTS.map((input) => newestBelowMs(ROOT + input)))
  if (existsSync(built) && statSync(built).mtimeMs > newestMs) return
  console.error('tapedeck: building the page, once …')
  const build = spawnSync(NODE_24, [`${ROOT}scripts/build-dashboard.ts`], { cwd: ROOT, stdio: ['ignore', 'ignore', 2] })
  if (build.status !== 0) {
    console.error('tapedeck: building the page failed, see above; the server starts without a fresh one')
  }
}

function newestBelowMs(path) {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestBelowMs(join(path, name))))
}
