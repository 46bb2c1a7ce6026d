import assert from 'node:assert/strict'
import { appendFile, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { TempFolder } from '#test/support/temp-folder.ts'
import { HookLedger } from './hook-ledger.ts'

test('what was noted is known after a restart; a line that a kill cut off is not', async () => {
  await using folder = await TempFolder.make()
  const path = folder.at('hooks-run.txt')
  const ledger = await HookLedger.open(path)
  assert.equal(ledger.since, '')
  await Promise.all([ledger.add('a/1'), ledger.add('a/2')])
  await appendFile(path, 'b/1')
  const again = await HookLedger.open(path)
  assert.deepEqual(
    ['a/1', 'a/2', 'b/1'].map((file) => again.has(file)),
    [true, true, false],
  )
})

test('what is older than a time is forgotten, what is noted meanwhile is not', async () => {
  await using folder = await TempFolder.make()
  const path = folder.at('hooks-run.txt')
  const ledger = await HookLedger.open(path)
  await ledger.add('old/1')
  await ledger.add('new/1')
  const forgetting = ledger.forgetBefore('2026-11-20T10:00:00.000Z', (file) => file.startsWith('new/'))
  await Promise.all([forgetting, ledger.add('newer/1')])
  assert.equal(ledger.has('old/1'), false)
  const again = await HookLedger.open(path)
  assert.equal(again.since, '2026-11-20T10:00:00.000Z')
  assert.deepEqual(
    ['old/1', 'new/1', 'newer/1'].map((file) => again.has(file)),
    [false, true, true],
  )
  await again.forgetBefore('2026-11-21T10:00:00.000Z', () => true)
  const lines = (await readFile(path, 'utf8')).split('\n')
  assert.equal(lines.filter((line) => line.startsWith('since ')).length, 1)
})
