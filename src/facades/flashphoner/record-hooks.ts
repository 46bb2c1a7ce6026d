import { join } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import type { Scripts } from '#control/scripts.ts'
import type { RecorderApi, RecorderEvent } from '#recorder/recorder-api.ts'
import { LABELS } from './recordings.ts'

export interface RecordHookOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  readonly scripts: Scripts
  /** Absolute path of `on_record_hook_script`; empty: none. */
  readonly script: string
}

/**
 * Runs the operator's script for every file that has become final, with the stream's name and the file's absolute path
 * and nothing else; those of one stream after each other. spec section 5. Dispose to run no more of them.
 */
export function runRecordHooks({ recorder, scripts, script }: RecordHookOptions): Disposable {
  return recorder.events.listen((event: RecorderEvent) => {
    if (event.type !== 'part.ready' || script === '') return
    const { recording, part } = event
    const name = recording.metadata[LABELS.streamName]
    if (name === undefined) return
    void scripts.run({
      key: recording.stream,
      command: script,
      args: [name, join(part.root, part.path)],
      workingDirectory: part.root,
    })
  })
}
