// Runs test files as `node --test` does, in two lanes side by side, the longest files first. Run by Node 24:
// run-tests.mjs <files that wait at once> <where the files with failures are written> <globs…>
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { ROOT } from './paths.mjs'

/**
 * Tests that only compute take what the others leave: those wait for real time to pass, and are late when they get no
 * processor.
 */
const COMPUTING = /^(?:src|dashboard|client|test\/checks|test\/fuzz)\//
const COMPUTING_AT_ONCE = 1
const YIELDING = ['--import', new URL('yield-processor.mjs', import.meta.url).href]

const TEST_TIMEOUT_MS = 600_000

/** How long each file took when it ran last on this machine, seconds. */
const TIMES = `${ROOT}node_modules/.cache/test-times.json`
/** The same of the long ones, roughly, for machines where nothing ran so far; copied from the above now and then. */
const LONG_FILES = `${ROOT}test/long-files.json`
const OTHERS_SECONDS = 5

/** What the runner counts at the end of a run. */
const TOTAL = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/

const [waitingAtOnce, failedPath, ...globs] = process.argv.slice(2)
const times = readTimes(TIMES)
const files = longestFirst(globSync(globs, { cwd: ROOT, exclude: (name) => name === 'node_modules' }))
if (files.length === 0) {
  console.error(`No file is called ${globs.join(' or ')}.`)
  process.exit(1)
}
const options = { cwd: ROOT, timeout: TEST_TIMEOUT_MS }
const lanes = [
  { files: files.filter((file) => !COMPUTING.test(file)), concurrency: Number(waitingAtOnce) },
  { files: files.filter((file) => COMPUTING.test(file)), concurrency: COMPUTING_AT_ONCE, execArgv: YIELDING },
].filter((lane) => lane.files.length > 0)
const failed = new Set()
await pipeline(asOneRun(lanes.map((lane) => run({ ...options, ...lane }))), new spec(), process.stdout, { end: false })
mkdirSync(dirname(TIMES), { recursive: true })
writeFileSync(TIMES, JSON.stringify(times, null, 1))
writeFileSync(failedPath, [...failed].join('\n'))
if (failed.size > 0) process.exitCode = 1

/** Nothing long is to be left alone at the end. */
function longestFirst(paths) {
  const roughly = readTimes(LONG_FILES)
  const secondsOf = (path) => times[path] ?? roughly[path] ?? OTHERS_SECONDS
  return paths.toSorted((a, b) => secondsOf(b) - secondsOf(a))
}

function readTimes(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}

/** The events of one run after those of the other (which are kept meanwhile), with the totals of both at the end. */
async function* asOneRun(runs) {
  const totals = new Map()
  let summary
  for (const events of runs) {
    for await (const event of events) {
      const { type, data } = event
      const total = type === 'test:diagnostic' && data.file === undefined ? TOTAL.exec(data.message) : null
      if (type === 'test:fail') failed.add(data.file === undefined ? data.name : relative(ROOT, data.file))
      if (type === 'test:summary' && data.file !== undefined) {
        times[relative(ROOT, data.file)] = Math.round(data.duration_ms) / 1000
      }
      if (type === 'test:summary' && data.file === undefined) summary = event
      else if (total !== null) addTotal(totals, total[1], Number(total[2]))
      else yield event
    }
  }
  for (const [name, value] of totals) {
    yield { type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${value}`, level: 'info' } }
  }
  if (summary !== undefined) yield summary
}

function addTotal(totals, name, value) {
  const before = totals.get(name) ?? 0
  totals.set(name, name === 'duration_ms' ? Math.max(before, value) : before + value)
}
