import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { ROOT } from './paths.mjs'

/** Static checks: name and command, each from node_modules/.bin. */
const CHECKS = [
  ['types', 'tsc', '-p', '.'],
  ['types of the page', 'tsc', '-p', 'dashboard'],
  ['types of the browser client', 'tsc', '-p', 'client'],
  ['format and lint', 'biome', 'ci', '--error-on-warnings', '--colors=off', '.'],
  ['promises', 'oxlint', '--type-aware', '--deny-warnings'],
  ['unused code', 'knip'],
]

/** Tests that run meanwhile may be waiting for time to pass, and would be late. */
const BEHIND_TESTS = 10

/** Runs every check, all at once, and prints the output of those that fail. Gives the number of failures. */
export async function runChecks() {
  const results = await Promise.all(CHECKS.map(([name, program, ...args]) => runCheck(name, program, args)))
  for (const { name, passed, output, seconds } of results) {
    console.log(`${passed ? '✔' : '✖'} ${name} (${seconds} s)`)
    if (!passed) console.log(output)
  }
  return results.filter(({ passed }) => !passed).length
}

function runCheck(name, program, args) {
  const startedMs = performance.now()
  const child = spawn(`${ROOT}node_modules/.bin/${program}`, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  if (child.pid !== undefined) setPriority(child.pid, BEHIND_TESTS)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  return new Promise((resolve) => {
    const finish = (passed) =>
      resolve({ name, passed, output, seconds: ((performance.now() - startedMs) / 1000).toFixed(1) })
    child.on('error', (error) => {
      output += error.message
      finish(false)
    })
    child.on('close', (code) => finish(code === 0))
  })
}
