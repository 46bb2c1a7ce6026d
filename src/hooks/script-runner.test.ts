import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, SILENT_LOGGER } from '#base/runtime.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { ScriptRunner } from './script-runner.ts'

const ENVIRONMENT = { PATH: process.env['PATH'], HOME: '/nowhere', LANG: 'C', SECRET_TOKEN: 'hush' }

const runner = (options: { concurrency?: number; log?: Logger } = {}) =>
  new ScriptRunner({ concurrency: 4, log: SILENT_LOGGER, environment: ENVIRONMENT, ...options })

/** An executable of these shell lines. */
async function script(folder: TempFolder, name: string, lines: string): Promise<string> {
  const path = folder.at(name)
  await writeFile(path, `#!/bin/sh\n${lines}\n`)
  await chmod(path, 0o755)
  return path
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    // A zombie that nobody has reaped yet is dead.
    return !/^State:\s+Z/m.test(await readFile(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('arguments arrive one by one and uninterpreted, the document on standard input, the rest in the environment', async () => {
  await using folder = await TempFolder.make()
  await using scripts = runner()
  const command = await script(folder, 'hook', `printf '%s|' "$#" "$@"; cat; echo; pwd; env | sort`)
  const nasty = `$(touch ${folder.at('pwned')}) ; "'\`x\` *`
  const outcome = await scripts.run({
    key: 'a',
    command,
    args: ['-rf', nasty],
    input: { type: 'part.ready' },
    environment: { TAPEDECK_FILE: '/x' },
    workingDirectory: folder.path,
  })
  assert.equal(outcome.result, 'ok')
  const [first, cwd, ...environment] = outcome.output.split('\n')
  assert.equal(first, `2|-rf|${nasty}|{"type":"part.ready"}`)
  assert.equal(cwd, folder.path)
  assert.equal(outcome.output.includes('hush'), false)
  const names = environment.map((line) => line.split('=')[0])
  assert.deepEqual(
    names.filter((name) => !['_', 'OLDPWD', 'PWD', 'SHLVL'].includes(name ?? '')),
    ['HOME', 'LANG', 'PATH', 'TAPEDECK_FILE'],
  )
  await assert.rejects(readFile(folder.at('pwned')), { code: 'ENOENT' })
})

test('a script that reads nothing of a large document is fine', async () => {
  await using folder = await TempFolder.make()
  await using scripts = runner()
  const command = await script(folder, 'hook', 'exec <&-; exit 3')
  const outcome = await scripts.run({ key: 'a', command, args: [], input: { large: 'x'.repeat(4_000_000) } })
  assert.deepEqual([outcome.result, outcome.exitCode, outcome.signal], ['failed', 3, null])
})

test('what runs too long is ended with all it started, also when it ignores SIGTERM', async () => {
  await using folder = await TempFolder.make()
  await using scripts = runner()
  const lines = `trap '' TERM; sleep 300 & echo $! > ${folder.at('child')}; echo $$ > ${folder.at('self')}; echo began; wait; sleep 300`
  const command = await script(folder, 'hook', lines)
  const outcome = await scripts.run({ key: 'a', command, args: [], timeoutMs: 500 })
  assert.deepEqual([outcome.result, outcome.timedOut, outcome.output], ['timed-out', true, 'began'])
  for (const name of ['child', 'self']) {
    const pid = Number(await readFile(folder.at(name), 'utf8'))
    for (let i = 0; i < 100 && (await isAlive(pid)); i++) await sleep(20)
    assert.equal(await isAlive(pid), false, `${name} is gone`)
  }
})

test('a script that leaves something behind that keeps its output open does not hold up the next', async () => {
  await using folder = await TempFolder.make()
  await using scripts = runner()
  const command = await script(folder, 'hook', `sleep 30 & echo $! > ${folder.at('child')}; echo done`)
  const outcome = await scripts.run({ key: 'a', command, args: [], timeoutMs: 20_000 })
  assert.deepEqual([outcome.result, outcome.output], ['ok', 'done'])
  assert.ok(outcome.durationMs < 15_000)
  const child = Number(await readFile(folder.at('child'), 'utf8'))
  assert.equal(await isAlive(child), true, 'it may go on: only a timeout ends the group')
  process.kill(child, 'SIGKILL')
})

test('scripts of one key run in order, others beside them, and no more than allowed at once', async () => {
  await using folder = await TempFolder.make()
  await using scripts = runner({ concurrency: 2 })
  const log = folder.at('log')
  const command = await script(folder, 'hook', `echo "+$1" >> ${log}; sleep 0.05; echo "-$1" >> ${log}`)
  const jobs = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']
  const outcomes = await Promise.all(jobs.map((name) => scripts.run({ key: name.charAt(0), command, args: [name] })))
  assert.ok(outcomes.every(({ result }) => result === 'ok'))
  const lines = (await readFile(log, 'utf8')).trim().split('\n')
  for (const key of ['a', 'b', 'c']) {
    const own = lines.filter((line) => line.charAt(1) === key)
    assert.deepEqual(
      own,
      jobs.filter((name) => name.startsWith(key)).flatMap((name) => [`+${name}`, `-${name}`]),
    )
  }
  let running = 0
  for (const line of lines) {
    running += line.startsWith('+') ? 1 : -1
    assert.ok(running <= 2)
  }
})

test('what is missing or not executable is told once each, and is no exception', async () => {
  await using folder = await TempFolder.make()
  const events: unknown[] = []
  const note = (fields: object) => void events.push('event' in fields ? fields.event : fields)
  const log: Logger = { ...SILENT_LOGGER, error: note, warn: note, info: note }
  await using scripts = runner({ log })
  await writeFile(folder.at('plain'), 'x')
  for (const command of [folder.at('none'), folder.at('plain'), folder.path]) {
    for (let i = 0; i < 3; i++) {
      const outcome = await scripts.run({ key: 'a', command, args: [] })
      assert.deepEqual([outcome.result, outcome.missing, outcome.exitCode], ['missing', true, null], command)
    }
  }
  assert.deepEqual(events, ['script.missing', 'script.missing', 'script.missing'])
  const command = await script(folder, 'hook', 'exit 0')
  const nowhere = await scripts.run({ key: 'a', command, args: [], workingDirectory: folder.at('unmounted') })
  assert.deepEqual([nowhere.result, nowhere.missing], ['not-run', false])
  assert.match(nowhere.problem ?? '', /working directory/)
  assert.equal((await scripts.run({ key: 'a', command, args: ['\0'] })).result, 'not-run')
})

test('only the end of what a script prints is kept', async () => {
  await using folder = await TempFolder.make()
  await using scripts = runner()
  const command = await script(folder, 'hook', 'head -c 5000000 /dev/zero | tr "\\0" x; echo; echo the end >&2')
  const { result, output } = await scripts.run({ key: 'a', command, args: [] })
  assert.equal(result, 'ok')
  assert.ok(output.length <= 16_384 && output.endsWith('the end'), `${output.length}`)
})

test('closing ends the scripts that run and lets none begin', async () => {
  await using folder = await TempFolder.make()
  const scripts = runner()
  const command = await script(folder, 'hook', `echo $$ > ${folder.at('self')}; sleep 300`)
  const jobs = [1, 2].map(() => scripts.run({ key: 'a', command, args: [] }))
  let pid = Number.NaN
  for (let i = 0; i < 500 && Number.isNaN(pid); i++) {
    await sleep(10)
    pid = Number.parseInt(await readFile(folder.at('self'), 'utf8').catch(() => ''), 10)
  }
  await scripts[Symbol.asyncDispose]()
  const outcomes = await Promise.all(jobs)
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['not-run', 'not-run'],
  )
  assert.equal(await isAlive(pid), false)
})
