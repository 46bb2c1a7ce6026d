// npm test: installs what is missing, runs every check and every test, so that the run ends with the test runner's own
// summary. Arguments are test files or globs; --long runs the long campaigns too. Files that fail while all run at
// once are run again by themselves: what only starved passes then, what is broken fails twice.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChecks } from './setup/checks.mjs'
import { ensureDashboard } from './setup/dashboard.mjs'
import { ensureInstalled } from './setup/install.mjs'
import { NODE_24, ROOT } from './setup/paths.mjs'
import { serverEnvironment } from './setup/run-node24.mjs'
import { ensureTestTools } from './setup/test-tools.mjs'

/** Loads all that a server is made of; with nobody to tell it what to run, it ends. */
const SERVER = `${ROOT}test/support/server-host.process.ts`
const RUNNER = `${ROOT}scripts/setup/run-tests.mjs`
const TESTS = ['src/**/*.test.ts', 'dashboard/**/*.test.ts', 'client/**/*.test.ts', 'test/**/*.test.ts']

/** Most wait for real time to pass, so that more than there are processors pay. What computes has a lane of its own. */
const CONCURRENCY = availableParallelism() + 1

/** Where more fail than that, it is no matter of time. */
const MAX_STARVED_FILES = 8

/** Hundreds of processes run the same sources: what Node has made of them once is kept for all. */
const COMPILED = { NODE_COMPILE_CACHE: `${ROOT}node_modules/.cache/compiled` }

/** Read by the campaigns that have a short and a long form. */
const LONG = { LONG_TESTS: '1' }

const args = process.argv.slice(2)
const isLong = args.includes('--long')
const files = args.filter((arg) => arg !== '--long')

ensureInstalled()
ensureTestTools()
ensureDashboard()
keepCompiled()
const checks = runChecks()
if (files.length > 0) await checks // else they are long done when the tests are
const first = await runTests(files.length > 0 ? files : TESTS, CONCURRENCY)
const failedChecks = await checks
const isStarved = first.status !== 0 && first.failed.length > 0 && first.failed.length <= MAX_STARVED_FILES
if (isStarved)
  console.log(`\nFailed while others ran beside them; once more, one at a time:\n${first.failed.join('\n')}\n`)
const { status } = isStarved ? await runTests(first.failed, 1) : first
process.exitCode = status !== 0 ? status : failedChecks > 0 ? 1 : 0

/** Node keeps what it has compiled when a process ends: the first tests would all compile everything. */
function keepCompiled() {
  spawnSync(NODE_24, [SERVER], { cwd: ROOT, stdio: 'ignore', env: { ...serverEnvironment(), ...COMPILED } })
}

/** @returns {Promise<{ status: number, failed: string[] }>} exit code, and the files with tests that failed */
async function runTests(tests, concurrency) {
  const folder = mkdtempSync(join(tmpdir(), 'tapedeck-test-'))
  try {
    const failedPath = join(folder, 'failed')
    const runner = spawn(NODE_24, [RUNNER, String(concurrency), failedPath, ...tests], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...COMPILED, ...serverEnvironment(), ...(isLong ? LONG : {}) },
    })
    const [status] = await once(runner, 'close')
    const failed = existsSync(failedPath) ? readFileSync(failedPath, 'utf8').split('\n').filter(Boolean) : []
    return { status: status ?? 1, failed }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
