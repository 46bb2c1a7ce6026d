import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { recordingSample } from '#test/support/recording-sample.ts'
import { runCommandLine } from './run.ts'

const JOB = {
  id: 'job',
  state: 'composing',
  progress: 0.25,
  durationMs: 60_000,
  recording: null as string | null,
  error: null as { code: string; message: string } | null,
}

/** A server whose job is as `jobs` say, one after the other; the last stays. */
async function compose(args: readonly string[], jobs: readonly Partial<typeof JOB>[], isInterrupted = false) {
  const asked: string[] = []
  const states = jobs.map((job) => ({ ...JOB, ...job }))
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${body}`.trim())
      const isJob = request.url?.includes('compose') === true
      const job = states.length > 1 ? states.shift() : states[0]
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(isJob ? job : recordingSample({ id: 'made' })))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [out, notes, progress]: [string[], string[], string[]] = [[], [], []]
  const exitCode = await runCommandLine(['compose', ...args], {
    env: { TAPEDECK_SERVER: `http://127.0.0.1:${port}` },
    cwd: tmpdir(),
    facades: [],
    print: (line) => out.push(line),
    note: (line) => notes.push(line),
    progress: (line) => progress.push(line),
    startServer: () => assert.fail('this command starts no server'),
    containers: () => assert.fail('this command looks into no file'),
    onInterrupt: (interrupt) => {
      if (isInterrupted) interrupt()
      return { [Symbol.dispose]() {} }
    },
  })
  server.closeAllConnections()
  server.close()
  return { exitCode, out: out.join('\n'), notes: notes.join('\n'), progress, asked }
}

test('composes again, tells how far it is, and prints what was made', async () => {
  const options = ['--layout', 'picture-in-picture', '--size', '1920x1080', '--no-audio', '--name', 'again', '--json']
  const states = [{}, { progress: 0.5 }, { state: 'ready', progress: 1, recording: 'made' }]
  const { exitCode, out, progress, asked } = await compose(['one', 'two', ...options], states)
  assert.equal(exitCode, 0, out)
  const [begun = '', ...others] = asked
  const body = JSON.parse(begun.replace('POST /api/v1/recordings/one/compose ', ''))
  const size = { widthPixels: 1920, heightPixels: 1080 }
  assert.deepEqual(body, { with: ['two'], audio: false, layout: 'picture-in-picture', name: 'again', ...size })
  const look = 'GET /api/v1/compose-jobs/job'
  assert.deepEqual(others, [look, look, 'GET /api/v1/recordings/made'])
  assert.deepEqual(
    progress.map((line) => /(\d+) %/.exec(line)?.[1]),
    ['25', '50'],
  )
  assert.equal(JSON.parse(out).id, 'made')
})

test('Ctrl-C cancels it; what fails says why', async () => {
  const interrupted = await compose(['one'], [{}, { state: 'cancelled' }], true)
  assert.deepEqual(interrupted.asked.slice(1), ['DELETE /api/v1/compose-jobs/job', 'GET /api/v1/compose-jobs/job'])
  assert.notEqual(interrupted.exitCode, 0)
  assert.match(interrupted.notes, /cancelled/)
  const error = { code: 'recompose/track-gone', message: 'it is gone' }
  const failed = await compose(['one'], [{}, { state: 'failed', error }])
  assert.notEqual(failed.exitCode, 0)
  assert.match(failed.notes, /recompose\/track-gone.*it is gone/)
  assert.match((await compose(['one', '--size', 'large'], [{}])).notes, /--size/)
})
