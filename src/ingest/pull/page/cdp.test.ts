import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Cdp, type CdpEvent } from './cdp.ts'
import { PageBrowserError } from './errors.ts'

function opened() {
  const [output, input] = [new PassThrough(), new PassThrough()]
  return { output, input, cdp: new Cdp(output, input) }
}

test('answers find their questions, however the pipe cuts them; events are told', async () => {
  const { input, output, cdp } = opened()
  const events: CdpEvent[] = []
  cdp.onEvent = (event) => events.push(event)
  const first = cdp.send('A.one')
  const second = cdp.send('A.two', { x: 'ü' }, 'tab')
  assert.equal(
    String(output.read()),
    '{"id":1,"method":"A.one","params":{}}\0{"id":2,"method":"A.two","params":{"x":"ü"},"sessionId":"tab"}\0',
  )
  const told = Buffer.from(
    '{"id":2,"result":{"y":"ö"}}\0{"method":"B.event","params":{"z":1},"sessionId":"tab"}\0{"id":9,"result":{}}\0{"id":1,"error":{"message":"no"}}\0',
  )
  for (const byte of told) input.write(Uint8Array.of(byte))
  assert.deepEqual(await second, { y: 'ö' })
  await assert.rejects(first, (error) => error instanceof PageBrowserError && error.reason === 'A.one: no')
  assert.deepEqual(events, [{ sessionId: 'tab', method: 'B.event', params: { z: 1 } }])
})

test('whoever waits is told when the browser is gone, or speaks nonsense', async () => {
  const { input, cdp } = opened()
  const waiting = assert.rejects(cdp.send('A.one'), PageBrowserError)
  input.write('nonsense\0')
  await turn()
  await waiting
  await assert.rejects(cdp.send('A.two'), PageBrowserError)
})
