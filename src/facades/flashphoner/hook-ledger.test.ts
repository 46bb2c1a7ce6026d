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
  await Promise.all([ledger.add('a', 1), ledger.add('a', 3), ledger.add('b', 1), ledger.addAll('b')])
  await appendFile(path, 'c/1')
  for (const each of [ledger, await HookLedger.open(path)]) {
    assert.deepEqual([each.has('a', 1), each.has('a', 2), each.has('a', 3)], [true, false, true])
    assert.ok(each.has('b', 7))
    assert.ok(!each.has('c', 1))
  }
})

test('what is older than a time is forgotten, what is noted meanwhile is not', async () => {
  await using folder = await TempFolder.make()
  const path = folder.at('hooks-run.txt')
  const ledger = await HookLedger.open(path)
  await ledger.addAll('1-old')
  await ledger.add('2-new', 1)
  const forgetting = ledger.forgetBefore('2026-11-20T10:00:00.000Z', (id) => id >= '2')
  await Promise.all([forgetting, ledger.add('3-newer', 1)])
  assert.equal(ledger.has('1-old', 1), false)
  const again = await HookLedger.open(path)
  assert.equal(again.since, '2026-11-20T10:00:00.000Z')
  assert.deepEqual(
    ['1-old', '2-new', '3-newer'].map((id) => again.has(id, 1)),
    [false, true, true],
  )
  await again.forgetBefore('2026-11-21T10:00:00.000Z', () => true)
  const lines = (await readFile(path, 'utf8')).split('\n')
  assert.equal(lines.filter((line) => line.startsWith('since ')).length, 1)
  assert.ok(!again.isLong)
})
