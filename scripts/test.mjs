// npm test: installs what is missing, runs every check, then every test, so that the run ends with the test runner's
// own summary. Arguments are test files or globs; --long runs the long campaigns too.
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { runChecks } from './setup/checks.mjs'
import { ensureDashboard } from './setup/dashboard.mjs'
import { ensureInstalled } from './setup/install.mjs'
import { NODE_24, ROOT } from './setup/paths.mjs'
import { serverEnvironment } from './setup/run-node24.mjs'
import { ensureTestTools } from './setup/test-tools.mjs'

const TESTS = ['src/**/*.test.ts', 'dashboard/**/*.test.ts', 'client/**/*.test.ts', 'test/**/*.test.ts']

/** The runner leaves a processor free; but most tests wait for real time to pass, so that one more than there are pays. */
const CONCURRENCY = availableParallelism() + 1

/** Read by the campaigns that have a short and a long form. */
const LONG = { LONG_TESTS: '1' }

const args = process.argv.slice(2)
const isLong = args.includes('--long')
const files = args.filter((arg) => arg !== '--long')

ensureInstalled()
ensureTestTools()
ensureDashboard()
const failedChecks = await runChecks()
const runner = ['--test', '--test-timeout=600000', `--test-concurrency=${CONCURRENCY}`]
const tests = spawnSync(NODE_24, [...runner, ...(files.length > 0 ? files : TESTS)], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...serverEnvironment(), ...(isLong ? LONG : {}) },
})
if (failedChecks > 0) process.exitCode = 1
if (tests.status !== 0) process.exitCode = tests.status ?? 1
