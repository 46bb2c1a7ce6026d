import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { loadConfig } from '#config/load.ts'
import { FLASHPHONER } from './declaration.ts'

/** Changes nothing in the folder, which is everybody's. */
const load = (flags: Readonly<Record<string, string>>) =>
  loadConfig({
    file: undefined,
    env: {},
    flags,
    cwd: tmpdir(),
    nodeName: 'look',
    facades: [FLASHPHONER],
    like: 'flashphoner',
  })

test('a WebSocket beyond loopback needs streams that are keyed, as the doors for encoders do', async () => {
  for (const door of ['ws.listen', 'ws.tls.listen']) {
    const open = { [`facades.flashphoner.${door}`]: '0.0.0.0:9000' }
    await assert.rejects(load(open), (error) => {
      assert.match(String(error), new RegExp(`facades\\.flashphoner\\.${door}[^]*auth:[^]*publish: key[^]*play: key`))
      return true
    })
    const half = {
      ...open,
      'auth.tokens': '[{ name: me, role: admin, token: 0123456789abcdef }]',
      'auth.publish': 'key',
    }
    await assert.rejects(load(half), /play: key/)
    await load({ ...half, 'auth.play': 'key' })
  }
})
