import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { finalNames } from '#recorder/final-name.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import { isFinal } from '#recorder/state.ts'
import { settleNames } from '#storage/part-rename.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { recoverRecording } from '#storage/recovery.ts'
import { diskInspector, verifyRecording } from '#storage/verify.ts'
import { CONTAINERS } from '#test/support/containers.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const containers = CONTAINERS
const signal = new AbortController().signal
const runtime = { nowMs: () => Date.now(), log: SILENT_LOGGER }

let folder: TempFolder
let source: ElementarySource
before(async () => {
  folder = await TempFolder.make()
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4 })
})
after(() => folder[Symbol.asyncDispose]())

/** The disk and everything the store knows, as a kill at that moment would leave them. */
interface Snapshot {
  readonly root: string
  readonly recordings: readonly RecordingDocument[]
}

/** Takes a snapshot before and after each time a recording is stored: what is renamed is renamed between two of them. */
function takeSnapshots(fixture: RecorderFixture): Snapshot[] {
  const snapshots: Snapshot[] = []
  const stored = new Map<string, RecordingDocument>()
  const take = () => {
    const root = fixture.folder.at(`snapshot-${snapshots.length}`)
    try {
      // Hard links stay hard links.
      execFileSync('cp', ['-a', fixture.root, root], { stdio: 'ignore' })
    } catch {
      // Something was renamed meanwhile: this is not what a kill would have left. There are more.
      return
    }
    snapshots.push({ root, recordings: [...stored.values()] })
  }
  const save = fixture.manifests.save.bind(fixture.manifests)
  fixture.manifests.save = async (recording) => {
    take()
    await save(recording)
    stored.set(recording.id, recording)
    take()
  }
  return snapshots
}

/** What the next start makes of a snapshot: every file with content belongs to one part, and all is as it says. */
async function assertRecovers({ root, recordings }: Snapshot): Promise<void> {
  const paths: string[] = []
  for (const stored of recordings) {
    const moved = { ...stored, parts: stored.parts.map((part) => ({ ...part, root })) }
    const note = () => Promise.resolve()
    const recovered = isFinal(stored.state)
      ? await settleNames(moved)
      : await recoverRecording(moved, { containers, retryMs: 5, runtime, signal, note, finalNames })
    // Copied while its first bytes were being written: there is nothing to name yet.
    if (recovered.parts.some(({ state, bytes }) => state === 'damaged' && bytes === 0)) return
    if (recovered.parts.length > 0)
      assert.deepEqual(await verifyRecording(recovered, diskInspector(containers, signal)), [])
    for (const part of recovered.parts) {
      assert.equal(part.rename, undefined)
      assert.doesNotMatch(part.path, /\{/, 'a name that was to be completed is')
      paths.push(part.path)
    }
  }
  const files: string[] = []
  for (const path of await readdir(root, { recursive: true })) {
    const facts = await stat(join(root, path))
    if (facts.isFile() && facts.size > 0) files.push(path)
  }
  assert.deepEqual(files.toSorted(), paths.toSorted(), JSON.stringify(recordings, undefined, 1))
}

const CASES: readonly { name: string; request: Partial<RecordingRequest>; times: number }[] = [
  {
    name: 'parts numbered when another follows',
    request: { numbering: 'lastPlain', rotate: { seconds: 1 } },
    times: 2,
  },
  { name: 'ends in names', request: { name: '{stream}-{duration}', rotate: { seconds: 1 } }, times: 2 },
  {
    name: 'both',
    request: { name: 'a/{stream}-{duration}', numbering: 'lastPlain', rotate: { seconds: 1 } },
    times: 1,
  },
  { name: 'what has the name makes room', request: { ifExists: 'rename', rotate: { seconds: 2 } }, times: 3 },
]
for (const format of ['mp4', 'flv'] as const) {
  for (const { name, request, times } of CASES) {
    test(`${format}, ${name}: a kill at any moment leaves no doubt whose file is whose`, async () => {
      await using fixture = await RecorderFixture.open()
      const snapshots = takeSnapshots(fixture)
      for (let i = 0; i < times; i++) {
        const { id } = await fixture.start({ waitForStream: true, format, ...request })
        const publisher = fixture.publish('live/cam1')
        for (let at = 0; at < source.units.length; at += 40) {
          publisher.send(source.units.slice(at, at + 40))
          await sleep(5)
        }
        publisher.end('unpublished')
        await fixture.assertProved(await fixture.recorder.stop(id))
      }
      assert.ok(snapshots.length > 10, `${snapshots.length} snapshots`)
      for (const snapshot of snapshots) await assertRecovers(snapshot)
    })
  }
}
