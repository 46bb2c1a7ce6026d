import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const DASHBOARD = join(ROOT, 'dashboard')
const CLIENT = join(ROOT, 'client')
const OUTPUT = join(DASHBOARD, 'dist')
/** All it is made from but not its output, as the start script looks at it too. */
const INPUTS = [
  ...['index.html', 'vite.config.ts', 'tsconfig.json', 'src', 'public'].map((name) => join(DASHBOARD, name)),
  ...['vite.config.ts', 'tsconfig.json', 'src'].map((name) => join(CLIENT, name)),
  join(ROOT, 'src/control/event-names.ts'),
]

/**
 * Builds the dashboard into `dashboard/dist`, and the browser client below it, unless they are newer than all they are
 * made from. Two processes may do so at once: each builds aside and moves the result into place.
 * @returns whether it had to be built
 */
export async function buildDashboardIfStale(): Promise<boolean> {
  const builtAtMs = await modifiedMs(join(OUTPUT, 'index.html'))
  const newest = Math.max(...(await Promise.all(INPUTS.map(newestMs))))
  if (builtAtMs > newest) return false
  await buildDashboard()
  return true
}

async function buildDashboard(): Promise<void> {
  const { build } = await import('vite') // only when needed: it takes longer to load than the check
  const cache = join(ROOT, 'node_modules', '.cache')
  const aside = join(cache, `dashboard-${randomUUID()}`)
  await mkdir(cache, { recursive: true })
  await build({
    configFile: join(DASHBOARD, 'vite.config.ts'),
    root: DASHBOARD,
    logLevel: 'warn',
    build: { outDir: aside },
  })
  // A file for <script src>, and one for <script type="module">; each knows where it came from by other means.
  for (const mode of ['script-tag', 'module']) {
    await build({
      configFile: join(CLIENT, 'vite.config.ts'),
      root: CLIENT,
      mode,
      logLevel: 'warn',
      build: { outDir: join(aside, 'client') },
    })
  }
  try {
    await rm(OUTPUT, { recursive: true, force: true })
    await rename(aside, OUTPUT)
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    // Another process was quicker between our two calls; it built from the same sources.
    if (!isTaken(error)) throw error
  }
}

/** The newest modification below a path; 0 when there is nothing. */
async function newestMs(path: string): Promise<number> {
  const own = await modifiedMs(path)
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => [])
  const times = await Promise.all(entries.map((entry) => modifiedMs(join(entry.parentPath, entry.name))))
  return Math.max(own, ...times)
}

async function modifiedMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}

function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOTEMPTY' || code === 'EEXIST'
}

if (import.meta.main) {
  const built = await buildDashboardIfStale()
  console.log(built ? 'dashboard built' : 'dashboard is up to date')
}
