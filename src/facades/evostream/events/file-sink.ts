import { appendFile, mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import { type FileFormat, fileEntry, fileHeader } from './formats.ts'
import { type EventSink, SinkQueue } from './sink-queue.ts'

/** Appends every event to a file. The file may be moved away at any time: the next event begins a new one. */
export function fileSink(
  runtime: Runtime,
  folder: string,
  sink: {
    readonly filename: string
    readonly format: FileFormat
    readonly enabledEvents?: readonly string[] | undefined
  },
  version: string,
): EventSink {
  const { filename, format, enabledEvents } = sink
  const path = resolve(folder, filename)
  return new SinkQueue(runtime, path, enabledEvents, async (event) => {
    await mkdir(dirname(path), { recursive: true })
    const header = (await isEmpty(path)) ? fileHeader(format, runtime.nowMs(), version) : ''
    await appendFile(path, header + fileEntry(event, format))
  })
}

async function isEmpty(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size === 0
  } catch {
    // Not there yet; if it is unreadable, appending says so.
    return true
  }
}
