import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { SqliteCatalog } from './catalog/sqlite-catalog.ts'
import { StorageError } from './errors.ts'
import { ManifestStore } from './manifests.ts'

const SAVER = join(import.meta.dirname, '../../test/support/endless-saver.process.ts')

/** Runs the saver in a folder, kills it after its first lines, and gives what it had said it stored. */
async function runAndKill(folder: string, afterMs: number): Promise<string[][]> {
  const child = spawn(process.execPath, [SAVER, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await once(child.stdout, 'data')
  await sleep(afterMs)
  child.kill('SIGKILL')
  await once(child, 'close')
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))
}

test('what was stored before a kill is there after it, whole, in catalog, manifests and part', async () => {
  await using folder = await TempFolder.make()
  const manifests = new ManifestStore(folder.at('manifests'), 'process')
  for (const afterMs of [3, 41, 87]) {
    const said = await runAndKill(folder.path, afterMs)
    assert.ok(said.length > 0)
    await using catalog = await SqliteCatalog.open({
      folder: folder.path,
      runtime: { nowMs: Date.now, log: SILENT_LOGGER },
      onReplaced: () => {},
    })
    assert.equal(catalog.isEmpty, false)
    for (const [id = '', state] of said) {
      const stored = await catalog.get(id)
      const manifest = await manifests.find(id)
      // Later states may have been stored without the time to say so.
      for (const recording of [stored, manifest])
        assert.ok(recording?.state === state || recording?.state === 'ready', id)
    }
    for await (const manifest of manifests.readAll()) assert.ok(!(manifest instanceof StorageError))
    const [, , bytes, path = ''] = said.at(-1) ?? []
    assert.ok((await stat(path)).size >= Number(bytes))
  }
})
