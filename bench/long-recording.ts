/**
 * What one part more costs a recording that has many: `node bench/long-recording.ts [parts] [times]`, by default 10,000
 * parts, 20 times. Each time a part becomes final and the next begins, told to everybody as the recorder does: event,
 * manifest, catalog. Prints JSON: processor time and bytes for one part, and the longest time the event loop stood still.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { EventFeed } from '#control/event-feed.ts'
import { Hub } from '#hub/hub.ts'
import { SqliteCatalog } from '#storage/catalog/sqlite-catalog.ts'
import { ManifestStore } from '#storage/manifests.ts'
import type { PartDocument } from '#storage/recording-document.ts'
import { MemoryRecorder } from '#test/support/memory-recorder.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const count = Number(process.argv[2] ?? 10_000)
const times = Number(process.argv[3] ?? 20)

await using folder = await TempFolder.make()
const runtime = { nowMs: Date.now, monotonicMs: () => performance.now(), newId: () => 'epoch', log: SILENT_LOGGER }
await using catalog = await SqliteCatalog.open({ folder: folder.path, runtime, onReplaced: () => {} })
const manifests = new ManifestStore(folder.at('manifests'), 'process')
const recorder = new MemoryRecorder(folder.path)
using feed = new EventFeed(runtime)
feed.follow(new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1 }), recorder)
let eventBytes = 0
using _listening = feed.listen(({ json }) => {
  eventBytes += json.length
})

const parts: PartDocument[] = Array.from({ length: count }, (_, index) => partSample({ index: index + 1 }))
const tell = async (type: 'part.ready' | 'part.opened', part: PartDocument) => {
  const recording = recordingSample({ state: 'recording', parts: [...parts] })
  recorder.events.emit({ type, recording, part })
  await manifests.save(recording)
  await catalog.save(recording)
}
await tell('part.opened', partSample({ index: count + 1, state: 'open' }))
await sleep(100)
const delay = monitorEventLoopDelay({ resolution: 1 })
eventBytes = 0
delay.enable()
const startCpu = process.cpuUsage()
for (let n = 0; n < times; n++) {
  const index = parts.length + 1
  const ready = partSample({ index })
  parts.push(ready)
  await tell('part.ready', ready)
  const open = partSample({ index: index + 1, state: 'open' })
  parts.push(open)
  await tell('part.opened', open)
  parts.pop()
}
const { user, system } = process.cpuUsage(startCpu)
delay.disable()
console.log(
  JSON.stringify({
    parts: count,
    cpuMsPerPart: Number(((user + system) / 1000 / times).toFixed(1)),
    eventBytesPerPart: Math.round(eventBytes / times),
    longestStandstillMs: Number((delay.max / 1e6).toFixed(1)),
  }),
)
