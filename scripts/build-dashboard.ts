import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const DASHBOARD = join(ROOT, 'dashboard')
const OUTPUT = join(DASHBOARD, 'dist')
/** All of the folder but its output, as the start script looks at it too. */
const INPUTS = ['index.html', 'vite.config.ts', 'tsconfig.json', 'src', 'public']

/**
 * Builds the dashboard into `dashboard/dist` unless it is newer than all it is made from. Two processes may do so at
 * once: each builds aside and moves the result into place.
 * @returns whether it had to be built
 */
export async function buildDashboardIfStale(): Promise<boolean> {
  const builtAtMs = await modifiedMs(join(OUTPUT, 'index.html'))
  const newest = Math.max(...(await Promise.all(INPUTS.map((input) => newestMs(join(DASHBOARD, input))))))
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
